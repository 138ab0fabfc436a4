"""The shop in a real browser: from the line to codes that a kiosk takes."""

import pytest
from playwright.async_api import expect

from tests.pages.conftest import DESKTOP, PHONE, Opened, Site
from tests.pages.films import Shopper, buy, picture, stage

USED = "already_redeemed"


@pytest.mark.parametrize("size", [DESKTOP, PHONE], ids=["desktop", "phone"])
async def test_from_the_line_to_the_codes_that_open_the_door(
    site: Site, open_page: Opened, size: tuple[int, int]
) -> None:
    """A person signs in, joins, chooses seats, pays, and a kiosk's page takes each code once."""
    shopper = Shopper(await open_page(await stage(site), size=size))
    name = f"shop-{'phone' if size == PHONE else 'desktop'}"
    await shopper.enter("ada")
    await buy(site, "bob", offer="moon", seats=["E5", "E6", "E7"])
    await expect(shopper.page.locator(".offer")).to_have_count(5)
    await picture(shopper.page, f"{name}-choose")
    await expect(shopper.page.locator(".turn")).to_contain_text("Your turn")
    await shopper.choose("moon")
    await shopper.button("Pick on the plan").click()
    for seat in ("F5", "F6"):
        await shopper.page.locator(f'[data-seat="{seat}"]').click()
    await expect(shopper.page.locator(".total")).to_have_text("¥7.60")
    await picture(shopper.page, f"{name}-seats")
    await shopper.button("Keep 2 for me").click()
    await shopper.sees("Kept for you")
    await expect(shopper.page.locator("#stage")).to_contain_text("Seats F5, F6")
    await picture(shopper.page, f"{name}-held")
    await shopper.pay()
    await shopper.sees("Paid. Here are your codes")
    codes = await shopper.codes()
    assert len(codes) == 2
    image = shopper.page.locator(".qr img").first
    await expect(image).to_be_visible()
    assert await image.evaluate("image => image.decode().then(() => image.naturalWidth)") > 100
    await picture(shopper.page, f"{name}-codes")
    kiosk = await open_page(f"{site.url}/kiosk", size=size)
    await kiosk.locator("#key").fill(site.world.keys["kiosk"].removeprefix("Bearer "))
    await kiosk.keyboard.press("Enter")
    for code, verdict in ((codes[0], "let_in"), (codes[1], "let_in"), (codes[0], USED)):
        await kiosk.locator("#code").fill(code)
        await kiosk.keyboard.press("Enter")
        await expect(kiosk.locator(".stage")).to_have_attribute("data-code", verdict)
        await kiosk.get_by_role("button", name="Next").click()
    await shopper.page.reload()
    await expect(shopper.page.locator(".ticket.used")).to_have_count(2)
