"""A sale that wants the login with the claim, in a real browser."""

from playwright.async_api import expect

from tests.pages.conftest import Opened, Site
from tests.pages.films import Shopper, films, operate, stage
from tests.pages.test_shop_line import looks_until, take_the_door

BOUND = {"rate_per_s": 0.02, "burst": 1, "claim_needs_login": True}


async def test_a_turn_waits_for_the_login_of_its_account(site: Site, open_page: Opened) -> None:
    """Signed out, one is asked to sign in when the turn comes; then the same turn goes in."""
    url = await stage(site, films(site, **BOUND))
    await take_the_door(site, 2)
    shopper = Shopper(await open_page(url))
    page = shopper.page
    await shopper.sign_in("ada")
    await page.locator("#stage .button.primary").click()
    await expect(page.locator(".badge.accent")).to_have_text("Number 3")
    await page.evaluate("sessionStorage.clear()")  # as in a tab that is opened anew
    await operate(site, "rate", {"rate_per_s": 100, "burst": 100})
    await looks_until(site, page, "This place is bound to an account", within="body")
    await expect(page.locator(".badge.accent")).to_have_text("Number 3")

    await shopper.sign_in("ada")
    await shopper.button("Go in now").click()
    await expect(page.locator(".badge.accent")).to_have_count(0)
    assert "pass" in await page.evaluate("JSON.parse(localStorage['dropgate.shop.films'])")
