"""The list of sales in a real browser."""

from playwright.async_api import expect

from tests.pages.conftest import DESKTOP, PHONE, Opened, Site, axe
from tests.pages.films import picture, stage

NOTHING = {"sales": [], "server_time_ms": 1}


async def test_what_is_on_leads_to_each_sale(site: Site, open_page: Opened) -> None:
    """Each sale is a card with state and next opening; an empty list teaches, in every language."""
    await stage(site)
    page = await open_page(site.url, size=PHONE)
    await expect(page.locator("article")).to_have_count(2)
    card = page.locator("article", has_text="Spring films")
    await expect(card).to_contain_text("People are being let in now")
    await expect(card).to_contain_text("Next opening in 1:")
    await expect(card.locator(".badge")).to_have_text("Open")
    await expect(card).to_contain_text("2 places · 2 cities")
    await picture(page, "home-phone")
    for (width, height), theme in ((PHONE, "light"), (DESKTOP, "dark")):
        await page.set_viewport_size({"width": width, "height": height})
        await page.evaluate("theme => document.documentElement.dataset.theme = theme", theme)
        assert await axe(page) == []
    await page.get_by_role("link", name="Spring films").click()
    await page.wait_for_url("**/sales/films")
    await page.goto(f"{site.url}/sales/nothing")
    await expect(page.locator("#stage")).to_contain_text("There is no such sale")
    await page.get_by_role("link", name="See what is on").click()
    await page.get_by_role("link", name="Spring films").click()
    await page.route("**/v1/sales", lambda route: route.fulfill(json=NOTHING))
    await page.go_back()
    await expect(page.locator("main")).to_contain_text("Nothing is on yet")
    for lang, said in (
        ("fi", "Mitään ei ole vielä myynnissä"),
        ("ar", "لا شيء معروض بعد"),
        ("zh", "还没有活动"),
    ):
        await page.get_by_role("combobox").select_option(lang)
        await expect(page.locator("main")).to_contain_text(said)
        await expect(page.locator("html")).to_have_attribute(
            "dir", "rtl" if lang == "ar" else "ltr"
        )
    await expect(page.locator("code")).to_contain_text("dropgate sale apply")
    assert await axe(page) == []
