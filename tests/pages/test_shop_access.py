"""The shop for everybody: by keyboard alone, and without a serious finding of axe in any state."""

from collections.abc import Awaitable, Callable

from playwright.async_api import Page, expect

from tests.pages.conftest import DESKTOP, PHONE, Opened, Site, axe
from tests.pages.films import SALE, Shopper, buy, films, operate, stage

Shown = Callable[[str], Awaitable[None]]


async def test_by_keyboard_alone_from_the_line_to_the_hold(site: Site, open_page: Opened) -> None:
    """Tab, Enter, Space and arrows are enough; the focus is never lost when the view changes."""
    await stage(site)
    await buy(site, "bob", offer="moon", seats=["A1"])
    shopper = Shopper(await open_page(f"{site.url}/sales/{SALE}"))
    await shopper.sign_in("ada")
    page, keys = shopper.page, shopper.page.keyboard
    await shopper.sees("Join the line")
    await tab_to(page, "Join the line")
    await keys.press("Enter")
    await shopper.sees("Choose")
    await tab_to(page, "Choose A Letter from the Moon")
    await keys.press("Enter")
    await expect(page.locator("#stage h2")).to_be_focused()
    await tab_to(page, "Pick on the plan")
    await keys.press("Space")
    await expect(page.locator(".hall")).to_be_visible()
    await tab_to(page, "Row A seat 2, free")
    await keys.press("Space")
    for key in ("ArrowDown", "End", "ArrowLeft"):
        await keys.press(key)
    await keys.press("Enter")
    assert await focused(page) == "Row B seat 9, chosen"
    for key in ("Home", "ArrowUp"):
        await keys.press(key)
    assert await focused(page) == "Row A seat 1, taken"
    await keys.press("Space")
    await expect(page.locator(".picked")).to_have_text("Picked: A2, B9")
    await tab_to(page, "Keep 2 for me")
    await keys.press("Enter")
    await shopper.sees("Kept for you")
    await tab_to(page, "Pay ¥7.60")


async def focused(page: Page) -> str:
    """The name of what has the focus."""
    name = await page.evaluate(
        "document.activeElement.getAttribute('aria-label') ?? document.activeElement.textContent"
    )
    return str(name).strip()


async def tab_to(page: Page, name: str) -> None:
    """Press Tab until the thing whose name begins so has the focus."""
    for _ in range(60):
        await page.keyboard.press("Tab")
        if (await focused(page)).startswith(name):
            return
    raise AssertionError(f"Tab never comes to {name!r}")


async def test_axe_finds_nothing_serious_in_any_state(site: Site, open_page: Opened) -> None:
    """Signing in, joining, waiting, choosing, the plan, holding, codes, gone: all are clean."""
    found: dict[str, list[str]] = {}
    url = await stage(site, films(site, rate_per_s=0.02, burst=1))
    shopper = Shopper(await open_page(url, size=PHONE))
    page = shopper.page

    async def look(state: str) -> None:
        for (width, height), theme in ((PHONE, "light"), (DESKTOP, "dark")):
            await page.set_viewport_size({"width": width, "height": height})
            await page.evaluate("theme => document.documentElement.dataset.theme = theme", theme)
            if told := await axe(page):
                found[f"{state}, {theme}, {width}"] = told

    await shopper.sees("Sign in to join the line")
    await look("sign in")
    await buy(site, "first", offer="moon", seats=["E4", "E5"])
    await shopper.sign_in("ada")
    await shopper.button("Join the line").click()
    await shopper.sees("You are in line")
    await look("in line")
    await operate(site, "rate", {"rate_per_s": 100})
    await page.evaluate("dispatchEvent(new Event('online'))")
    await shopper.sees("Choose")
    await expect(page.locator(".offer")).to_have_count(5)
    await look("choose")
    await shopper.choose("moon")
    await shopper.button("Pick on the plan").click()
    await page.locator('[data-seat="E6"]').click()
    await look("plan")
    await buy(site, "second", offer="moon", seats=["E6"])
    await expect(page.get_by_role("alert")).to_contain_text("E6 just went")
    await look("refused")
    await page.locator('[data-seat="E7"]').click()
    await shopper.button("Keep it for me").click()
    await shopper.sees("Kept for you")
    await look("held")
    await shopper.pay()
    await shopper.codes()
    await page.locator("summary").click()
    await look("codes")
    await shopper.button("Back to the sale").click()
    await look("gone")
    assert found == {}
