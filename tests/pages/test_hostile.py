"""The pages in a hostile place: a network that answers itself, a wrong clock, no storage."""

import re
from typing import Any

from playwright.async_api import Page, Route, expect

from tests.pages.conftest import Opened, Site
from tests.pages.films import SALE, Shopper, counts, stage

NO_STORAGE = """for (const one of ["localStorage", "sessionStorage"]) Object.defineProperty(
  window, one, { get() { throw new DOMException("denied", "SecurityError"); } });"""
HTML = "<!doctype html><title>Sign in to this network</title>"


async def portal(route: Route) -> None:
    """A network's own page in the place of every answer."""
    await route.fulfill(status=200, content_type="text/html", body=HTML)


async def set_up(site: Site, page: Page) -> None:
    """Give the kiosk's page its key."""
    await page.locator("#key").fill(site.world.keys["kiosk"].removeprefix("Bearer "))
    await page.locator("form button").click()
    await expect(page.locator("#code")).to_be_focused()


async def held(site: Site, open_page: Opened) -> Shopper:
    """A shopper who has two units kept."""
    await stage(site)
    shopper = Shopper(await open_page(f"{site.url}/sales/{SALE}"))
    await shopper.enter("ada")
    await shopper.choose("pool")
    await shopper.button("Keep 2 for me").click()
    await shopper.sees("Kept for you")
    return shopper


async def test_a_networks_own_page_is_no_answer(site: Site, open_page: Opened) -> None:
    """What a captive portal says in the place of the gateway is repeated, and buys once."""
    shopper = await held(site, open_page)
    await shopper.page.route("**/v1/**", portal)
    await shopper.pay()
    await expect(shopper.page.locator("#stage h2")).not_to_have_text("Paid. Here are your codes")
    await shopper.page.wait_for_timeout(1500)
    await shopper.page.unroute("**/v1/**")
    await shopper.sees("Paid. Here are your codes")
    assert (await counts(site))["sold"] == 2


async def test_a_networks_own_page_lets_nobody_in(site: Site, open_page: Opened) -> None:
    """A kiosk shows no verdict for it: it asks with the same key until the gateway answers."""
    [unit] = (await site.world.buy("ann", {"offer": "pool", "quantity": 1}))["units"]
    page = await open_page(site.url + "/kiosk")
    await set_up(site, page)
    keys: list[str] = []

    async def between(route: Route) -> None:
        keys.append(route.request.headers["idempotency-key"])
        await (portal(route) if len(keys) < 3 else route.continue_())

    await page.route("**/redemptions", between)
    await page.locator("#code").fill(unit["code"])
    await page.keyboard.press("Enter")
    await expect(page.locator(".stage")).to_have_attribute("data-code", "let_in")
    assert len(set(keys)) == 1
    await expect(page.locator(".recent li")).to_have_count(1)


async def test_a_payment_comes_back_in_another_tab(site: Site, open_page: Opened) -> None:
    """A bank's app opens a new tab: the proof counts there too, for the order to be paid."""
    shopper = await held(site, open_page)
    await shopper.page.get_by_role("button", name="Pay").click()
    await shopper.page.wait_for_url("**/pay?**")
    other: Page = await shopper.page.context.new_page()
    await other.goto(shopper.page.url)
    await other.locator('button[value="yes"]').click()
    await other.wait_for_url("**/sales/**")
    await Shopper(other).sees("Paid. Here are your codes")
    assert (await counts(site))["sold"] == 2
    await other.goto("about:blank")
    order = "0" * 24
    await other.goto(f"{site.url}/sales/{SALE}#order={order}&payment=a.b.c&state=guessed")
    await expect(other.locator(".notice.warn")).to_contain_text("had not asked for")


async def test_a_clock_that_is_put_right_moves_nothing(site: Site, open_page: Opened) -> None:
    """The time that is left is the gateway's, also when the device's clock jumps by hours."""
    shopper = await held(site, open_page)
    await shopper.page.evaluate(
        """() => { const before = Date.now; Date.now = () => before() + 3 * 3600_000; }"""
    )
    await shopper.page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
    await shopper.page.wait_for_timeout(2000)
    await shopper.sees("Kept for you")
    await expect(shopper.page.locator(".clock")).to_have_text(re.compile(r"^1:\d\d$"))


async def test_a_code_that_gets_no_answer_holds_up_nobody(site: Site, open_page: Opened) -> None:
    """It is put aside, the next one is let in, and scanned again it is asked with its first key."""
    order = await site.world.buy("ann", {"offer": "pool", "quantity": 2})
    first, second = (unit["code"] for unit in order["units"])
    page = await open_page(site.url + "/kiosk")
    await set_up(site, page)
    keys: list[str] = []

    async def lose(route: Route) -> None:
        if first in (route.request.post_data or ""):
            keys.append(route.request.headers["idempotency-key"])
            await route.fetch()
            await route.fulfill(status=503, headers={"Retry-After": "1"}, body="")
        else:
            await route.continue_()

    await page.route("**/redemptions", lose)
    await page.locator("#code").fill(first)
    await page.keyboard.press("Enter")
    await page.get_by_role("button", name="Put this code aside").click()
    await expect(page.locator(".stage")).to_have_attribute("data-code", "aside")
    await page.keyboard.press("Escape")
    await page.locator("#code").fill(second)
    await page.keyboard.press("Enter")
    await expect(page.locator(".stage")).to_have_attribute("data-code", "let_in")
    await page.unroute("**/redemptions")
    await page.reload()
    await expect(page.locator("#code")).to_be_focused()
    async with page.expect_request("**/redemptions") as asked:
        await page.locator("#code").fill(first)
        await page.keyboard.press("Enter")
    await expect(page.locator(".stage")).to_have_attribute("data-code", "let_in")
    assert {(await asked.value).headers["idempotency-key"]} == set(keys)
    assert await page.evaluate("localStorage.getItem('dropgate.kiosk.aside')") == "[]"


async def test_without_storage_every_page_still_says_what_it_is(
    site: Site, open_page: Opened
) -> None:
    """Keys last as long as the page; nobody is sent to sign in where the way back is lost."""
    await stage(site)

    async def opened(path: str, **options: Any) -> Page:
        page = await open_page("about:blank", **options)
        await page.context.add_init_script(NO_STORAGE)
        await page.goto(site.url + path)
        return page

    page = await opened(f"/sales/{SALE}")
    await page.get_by_role("button", name="Sign in at the shop").click()
    await expect(page.locator(".notice.warn")).to_contain_text("keep nothing")
    for path, role, first in (
        ("/kiosk", "kiosk", "#code"),
        ("/console", "operator", "[data-sale]"),
        ("/partner", "partner", "[data-key]"),
    ):
        page = await opened(path)
        await page.locator("#key").fill(site.world.keys[role].removeprefix("Bearer "))
        await page.locator("form button").click()
        await expect(page.locator(first).first).to_be_visible()


async def test_a_rotation_goes_on_with_its_own_key_alone(site: Site, open_page: Opened) -> None:
    """Asked for and never answered, it is not made for the next key that signs in at this tab."""
    page = await open_page(site.url + "/partner")
    mine = site.world.keys["partner"].removeprefix("Bearer ")
    await page.evaluate(
        """() => sessionStorage.setItem("dropgate.partner.rotation", JSON.stringify(
            { of: "dgk_partner_00000000_another", key: "k", overlapS: 3600 }))"""
    )
    await page.locator("#key").fill(mine)
    await page.locator("form button").click()
    await expect(page.locator("[data-key]")).to_have_count(1)
    await page.wait_for_timeout(500)
    await expect(page.locator(".fresh")).to_have_count(0)
    kept = await site.world.call("GET", "/v1/partner/keys", auth=f"Bearer {mine}")
    assert len(kept.data["keys"]) == 1
