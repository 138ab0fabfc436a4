"""The operators' console: signing in, running a sale, seeing it live; mouse, keyboard, axe."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, Literal

import pytest
from playwright.async_api import Page, Route, expect

from tests.gateway.world import SALE, sale_body
from tests.pages.conftest import DESKTOP, PHONE, Opened, Site, axe

WAIT_S = 20.0
ASLEEP_S = 7
PAST = 7
"""Moments of a sale before a console is opened again."""


def bare(auth: str) -> str:
    """The key of an `Authorization`."""
    return auth.removeprefix("Bearer ")


async def until(true: Callable[[], Awaitable[bool]]) -> None:
    """Return when it holds."""
    async with asyncio.timeout(WAIT_S):
        while not await true():
            await asyncio.sleep(0.1)


async def sign_in(page: Page, site: Site, role: str = "operator") -> Page:
    """Type the key of a role and go on."""
    await page.get_by_label("Key", exact=True).fill(bare(site.world.keys[role]))
    await page.get_by_role("button", name="Sign in").click()
    await expect(page.get_by_role("heading", name="Sales")).to_be_visible()
    return page


async def console(
    open_page: Opened, site: Site, *, role: str = "operator", tab: str = "live", **options: Any
) -> Page:
    """The page of the small sale, signed in."""
    page = await sign_in(await open_page(f"{site.url}/console", **options), site, role)
    await page.goto(f"{site.url}/console#/{SALE}/{tab}")
    await expect(page.get_by_role("heading", name="Spring")).to_be_visible()
    return page


async def state_of(site: Site) -> str:
    """The sale's state, as the API tells it."""
    path = f"/v1/operator/sales/{SALE}"
    return str((await site.world.call("GET", path, auth=site.world.keys["auditor"])).data["state"])


async def press(page: Page, act: str) -> None:
    """Press an act's button."""
    await page.locator(f"[data-act={act}]").click()


async def test_a_wrong_key_is_said_in_words(site: Site, open_page: Opened) -> None:
    """No key, an unknown one and a kiosk's are each told apart; nothing is kept."""
    page = await open_page(f"{site.url}/console")
    told = page.get_by_role("alert")
    for typed, words in (
        ("hello", "This is no key"),
        ("dgk_operator_00000000_" + "0" * 32, "not valid here"),
        (bare(site.world.keys["kiosk"]), "a partner's or a kiosk's"),
    ):
        await page.get_by_label("Key", exact=True).fill(typed)
        await page.get_by_role("button", name="Sign in").click()
        await expect(told).to_contain_text(words)
    assert await page.evaluate("sessionStorage.length") == 0


async def test_a_key_lasts_as_long_as_its_tab(site: Site, open_page: Opened) -> None:
    """It outlives a reload, is in no other storage, and goes when one signs out."""
    page = await sign_in(await open_page(f"{site.url}/console"), site)
    await page.reload()
    await expect(page.get_by_role("heading", name="Sales")).to_be_visible()
    assert bare(site.world.keys["operator"]) not in await page.evaluate(
        "JSON.stringify(localStorage) + document.cookie + location.href"
    )
    await page.get_by_role("button", name="Sign out").click()
    await expect(page.get_by_label("Key", exact=True)).to_be_visible()
    assert await page.evaluate("sessionStorage.length") == 0


async def test_a_revoked_key_ends_the_session(site: Site, open_page: Opened) -> None:
    """Within seconds the console asks for a key again and says why."""
    page = await console(open_page, site)
    catalogue = await site.world.services.catalogue.get()
    await catalogue.revoke_credential(bare(site.world.keys["operator"]).split("_")[2])
    await expect(page.get_by_role("alert")).to_contain_text("not valid here")


async def test_a_sale_is_run_from_the_console(site: Site, open_page: Opened) -> None:
    """Pause, resume, drain, resume, close: each shows its effect, and the API tells the same."""
    page = await console(open_page, site)
    state, result = page.locator("[data-state]"), page.locator(".acts .result")
    for act, word, sure in (
        ("pause", "paused", None),
        ("resume", "open", None),
        ("drain", "draining", "Drain"),
        ("resume", "open", None),
    ):
        await press(page, act)
        if sure:
            await page.get_by_role("dialog").get_by_role("button", name=sure).click()
        await expect(result).to_contain_text(f"the sale is {word}")
        await expect(state).to_have_text(word)
        assert await state_of(site) == word
    await press(page, "close")
    go = page.get_by_role("dialog").get_by_role("button", name="Close")
    await expect(go).to_be_disabled()
    await page.get_by_label(f"Type {SALE} to go on").fill(SALE)
    await go.click()
    await expect(state).to_have_text("closed")
    assert await state_of(site) == "closed"


async def test_what_the_state_forbids_is_barred_with_a_reason(
    site: Site, open_page: Opened
) -> None:
    """A barred act keeps its place and the focus, says why, and does nothing."""
    page = await console(open_page, site)
    button = page.locator("[data-act=resume]")
    await expect(button).to_have_attribute("aria-disabled", "true")
    await expect(page.locator("#act-resume-note")).to_contain_text("already")
    await expect(page.locator("#act-open-note")).to_contain_text("already")
    await button.focus()
    await page.keyboard.press("Enter")
    assert await state_of(site) == "open"


async def test_a_sale_is_opened_by_keyboard_alone(site: Site, open_page: Opened) -> None:
    """From the list to the open sale without a mouse, through the dialog and back."""
    world = site.world
    body = sale_body("winter")
    await world.call("PUT", "/v1/operator/sales/winter", body, auth=world.keys["operator"])
    page = await sign_in(await open_page(f"{site.url}/console"), site)
    await page.locator("[data-sale=winter] a").focus()
    await page.keyboard.press("Enter")
    await page.locator("[data-act=open]").focus()
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("dialog")).to_be_visible()
    await page.keyboard.press("Escape")
    await expect(page.get_by_role("dialog")).not_to_be_visible()
    await page.locator("[data-act=open]").focus()
    await page.keyboard.press("Enter")
    await page.get_by_role("dialog").get_by_role("button", name="Open").focus()
    await page.keyboard.press("Enter")
    await expect(page.locator("[data-state]")).to_have_text("open")
    await page.get_by_role("link", name="Stock").focus()
    await page.keyboard.press("Enter")
    await expect(page.locator("[data-offer]").first).to_be_visible()
    await expect(page.get_by_role("link", name="Stock")).to_be_focused()


async def test_the_rate_is_set_and_shown_as_it_is_in_force(site: Site, open_page: Opened) -> None:
    """A number or a preset; the room's own rate is shown afterwards, and by the API."""
    page = await console(open_page, site)
    await page.get_by_label("Turns per second").fill("2.5")
    await page.get_by_label("Burst").fill("7")
    await page.get_by_role("button", name="Set the rate").click()
    await expect(page.locator("[data-rate]")).to_contain_text("2.5 per s, burst 7")
    await page.locator(".presets .button").first.click()
    await page.get_by_role("button", name="Set the rate").click()
    path = f"/v1/operator/sales/{SALE}"
    await expect(page.locator("[data-rate]")).to_contain_text("1 per s, burst 7")
    room = (await site.world.call("GET", path, auth=site.world.keys["auditor"])).data["room"]
    assert (room["rate_per_s"], room["burst"]) == (1, 7)
    await expect(page.locator(".log li").first).to_contain_text("rate 1 per s, burst 7")
    await expect(page.locator(".log li").first).to_contain_text("you")


async def test_two_operators_see_each_other(site: Site, open_page: Opened) -> None:
    """What one does stands at the other's a moment later, with who did it."""
    one, other = await console(open_page, site), await console(open_page, site, role="auditor")
    await press(one, "pause")
    await expect(other.locator("[data-state]")).to_have_text("paused")
    await expect(other.locator(".log li").first).to_contain_text("operator:")


async def test_a_lost_answer_is_asked_for_again(site: Site, open_page: Opened) -> None:
    """The same key is sent until an answer comes; the pause has happened once."""
    page = await console(open_page, site)
    keys: list[str] = []

    async def lose(route: Route) -> None:
        keys.append(route.request.headers["idempotency-key"])
        if len(keys) == 1:
            await route.fetch()  # it happens, and nobody hears of it
            await route.abort()
        else:
            await route.continue_()

    await page.route(f"**/{SALE}/pause", lose)
    await press(page, "pause")
    await expect(page.locator(".acts .result")).to_contain_text("asked again with the same key")
    await expect(page.locator(".acts .result")).to_contain_text("nothing changed")
    assert len(keys) == 2
    assert len(set(keys)) == 1
    assert await state_of(site) == "paused"


async def test_an_auditor_sees_and_cannot_act(site: Site, open_page: Opened) -> None:
    """All numbers, no act: every button says why, and the gateway would refuse."""
    page = await console(open_page, site, role="auditor")
    for act in ("open", "pause", "resume", "drain", "close"):
        await expect(page.locator(f"[data-act={act}]")).to_have_attribute("aria-disabled", "true")
    await page.locator("[data-act=pause]").click(force=True)
    await expect(page.get_by_role("button", name="Set the rate")).to_be_disabled()
    await page.goto(f"{site.url}/console#/{SALE}/allotments")
    await expect(page.get_by_role("button", name="Recall box")).to_be_disabled()
    assert await state_of(site) == "open"


async def test_the_curves_get_their_points(site: Site, open_page: Opened) -> None:
    """Numbers and curves follow what is sold; a late console is told the minutes before it."""
    world = site.world
    page = await console(open_page, site)
    order = await world.buy("ann")
    await world.redeem(order["units"][0]["code"])
    sold, redeemed = (
        page.locator("[data-tile=sold] .big"),
        page.locator("[data-tile=redeemed] .big"),
    )
    await expect(sold).to_have_text("1")
    await expect(redeemed).to_have_text("1")
    figures = page.locator("figure.curve")
    await expect(figures).to_have_count(6)

    async def drawn() -> bool:
        points = await figures.evaluate_all("all => all.map((one) => Number(one.dataset.points))")
        return min(points, default=0) >= PAST

    await until(drawn)
    units = figures.filter(has_text="redeemed").first.get_by_role("table")
    await expect(units.get_by_role("row", name="redeemed 1 1")).to_be_visible()
    assert await page.locator(".plot canvas").count() == 6
    await page.reload()

    await until(lambda: ahead(page, PAST - 3))  # the sale's past is the gateway's to tell


async def test_a_tab_that_slept_is_told_what_it_missed(site: Site, open_page: Opened) -> None:
    """The gateway tells the sale's moments in between; the fleet's metrics have a gap there."""
    page = await console(open_page, site)
    await until(lambda: ahead(page, 0))
    await page.clock.install()
    sale, fleet = await points(page)
    await page.clock.pause_at(await page.evaluate("Date.now() + 1000"))
    await asyncio.sleep(ASLEEP_S)
    await page.clock.resume()
    await until(lambda: ahead(page, sale - fleet + ASLEEP_S - 3))


async def points(page: Page) -> tuple[int, int]:
    """How many moments the curves of the sale, and those of the fleet, have."""
    figures = [page.locator("figure.curve", has_text=text).first for text in ("Units", "Refusals")]
    sale, fleet = [int(await one.get_attribute("data-points") or 0) for one in figures]
    return sale, fleet


async def ahead(page: Page, by: int) -> bool:
    """Whether the sale's curves have so many moments more than the fleet's."""
    sale, fleet = await points(page)
    return fleet > 0 and sale - fleet >= by


async def test_a_sale_that_is_not_there_is_said_in_words(site: Site, open_page: Opened) -> None:
    """A wrong address is no alarm."""
    page = await sign_in(await open_page(f"{site.url}/console"), site)
    await page.goto(f"{site.url}/console#/nothing/live")
    await expect(page.get_by_text("no such sale")).to_be_visible()
    await page.goto(f"{site.url}/console#/%E0%A4%A")
    await expect(page.get_by_role("heading", name="Sales")).to_be_visible()


MAIN = ("live", "stock", "allotments", "audit")
SHADES: tuple[Literal["light", "dark"], ...] = ("light", "dark")


@pytest.mark.parametrize(("size", "theme"), [(DESKTOP, "light"), (PHONE, "dark")])
async def test_axe_finds_nothing_serious(
    site: Site, open_page: Opened, size: tuple[int, int], theme: str
) -> None:
    """Signing in, the list, every panel and a dialog, in both themes on both sizes."""
    await site.world.buy("ann")
    page = await open_page(f"{site.url}/console", size=size, theme=theme)
    assert await axe(page) == []
    await sign_in(page, site)
    await expect(page.locator("[data-sale]")).to_be_visible()
    for shade in SHADES:
        await page.emulate_media(color_scheme=shade)
        assert await axe(page) == [], shade
        for tab in MAIN:
            await page.goto(f"{site.url}/console#/{SALE}/{tab}")
            await expect(page.locator(f'[href="#/{SALE}/{tab}"]')).to_have_attribute(
                "aria-current", "page"
            )
            await expect(page.locator("main .card").first).to_be_visible()
            assert await axe(page) == [], (shade, tab)
    await page.goto(f"{site.url}/console#/{SALE}/live")
    await press(page, "close")
    assert await axe(page) == []
