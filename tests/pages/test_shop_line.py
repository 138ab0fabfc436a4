"""The waiting room in a real browser: countdown, place, pause, second tab, no line, leaving."""

import asyncio
import re
from contextlib import suppress
from typing import Any

from playwright.async_api import Page, expect

from tests.gateway.world import HOUR
from tests.pages.conftest import PHONE, Opened, Site
from tests.pages.films import SALE, Shopper, films, join, operate, picture, stage

PATIENCE_S = 90.0
LOOK_MS = 3_000
"""A page that hears of the network looks within a second."""
SLOW = {"rate_per_s": 0.02, "burst": 1}


async def in_line(site: Site, open_page: Opened, *, before: int, **options: Any) -> Shopper:
    """A shopper with people ahead in a line that hardly moves."""
    url = await stage(site, films(site, **SLOW))
    await take_the_door(site, before)
    shopper = Shopper(await open_page(url, **options))
    await shopper.page.locator("#stage .button.primary").click()
    await shopper.page.locator("#user").fill("ada")
    await shopper.page.locator("form button").click()
    await shopper.page.locator("#stage .button.primary").click()
    await expect(shopper.page.locator(".badge.accent")).to_be_visible()
    return shopper


async def take_the_door(site: Site, people: int) -> None:
    """So many others are in line; the first of them may have been called."""
    for number in range(people):
        await join(site, f"other-{number}")


def offset(opens_in_ms: int, body: dict[str, Any]) -> dict[str, Any]:
    """The sale with its first opening to come."""
    now = body["drops"][0]["opens_at_ms"] + 60_000
    body["drops"][0]["opens_at_ms"] = now + opens_in_ms
    body["drops"][1]["opens_at_ms"] = now + opens_in_ms + 8 * HOUR
    return body


async def test_the_line_is_told_without_reload(site: Site, open_page: Opened) -> None:
    """A reload, a second tab and a lost connection keep the place; the turn comes by itself."""
    shopper = await in_line(site, open_page, before=5)
    page = shopper.page
    await expect(page.locator(".badge.accent")).to_have_text("Number 6")
    await expect(page.locator("#stage .big").last).to_contain_text("ahead of you")
    assert re.match(r"\d ahead · ", await page.title())
    await expect(page.locator(".eta")).to_have_text(re.compile(r"min|hours"))
    await picture(page, "shop-desktop-line")
    await page.reload()
    await expect(page.locator(".badge.accent")).to_have_text("Number 6")
    tab = await page.context.new_page()
    await tab.goto(page.url)
    await expect(tab.locator(".badge.accent")).to_have_text("Number 6")
    await page.context.set_offline(True)
    warned = page.locator(".notice.warn:visible")
    await expect(warned.first).to_contain_text("Your place is safe")
    await page.context.set_offline(False)
    await expect(warned).to_have_count(0)
    await operate(site, "pause")
    await looks_until(site, page, "The sale is paused for a moment")
    await expect(page.locator("#stage")).to_contain_text("cannot be said right now")
    await operate(site, "resume")
    await looks_until(site, page, "People are let in steadily")
    await operate(site, "rate", {"rate_per_s": 100})
    for one in (page, tab):
        await looks_until(site, one, "Choose")
        await expect(one.locator("#stage h2")).to_have_text("Choose")
    passes = [await kept(one, "pass") for one in (page, tab)]
    assert passes[0] == passes[1]


async def looks_until(site: Site, page: Page, words: str, *, within: str = "#stage") -> None:
    """Let the page look at the newest frame until it shows these words.

    Far from its turn it looks seldom, by itself up to a minute later: what it sees first may be
    from before the pump has called anybody.
    """
    async with asyncio.timeout(PATIENCE_S):
        while True:
            await site.world.services.frames.refresh(SALE)
            await page.evaluate("dispatchEvent(new Event('online'))")
            with suppress(AssertionError):
                part = page.locator(within)
                return await expect(part).to_contain_text(words, timeout=LOOK_MS)


async def kept(page: Page, part: str) -> Any:
    """What the browser keeps of the sale."""
    return await page.evaluate(
        "part => JSON.parse(localStorage['dropgate.shop.films'] ?? '{}')[part]", part
    )


async def test_a_turn_is_not_spent_behind_ones_back(site: Site, open_page: Opened) -> None:
    """A tab that nobody looks at shows the turn in its title and claims it when it is seen."""
    url = await stage(site, films(site, rate_per_s=1, burst=1))
    await take_the_door(site, 3)
    shopper = Shopper(await open_page("about:blank"))
    page = shopper.page
    await page.add_init_script(
        "Object.defineProperty(document, 'hidden', {get: () => window.unseen === true})"
    )
    await page.goto(url)
    await shopper.sign_in("ada")
    await shopper.sees("Join the line")
    await page.evaluate("window.unseen = true")
    await shopper.button("Join the line").click()
    await expect(page).to_have_title(re.compile("^Your turn!"))
    await expect(page.locator("#stage .big").last).to_have_text("Your turn has come")
    assert await kept(page, "pass") is None
    await page.evaluate(
        "window.unseen = false; document.dispatchEvent(new Event('visibilitychange'))"
    )
    await shopper.sees("Choose")


async def test_leaving_is_asked_back_and_ends_the_place(site: Site, open_page: Opened) -> None:
    """Who leaves is told, stays out after a reload, and joins again at the end."""
    shopper = await in_line(site, open_page, before=2, size=PHONE)
    await picture(shopper.page, "shop-phone-line")
    await shopper.button("Leave the line").click()
    await shopper.button("Cancel").click()
    await shopper.sees("You are in line")
    await shopper.button("Leave the line").click()
    await shopper.page.locator("dialog .danger").click()
    await shopper.sees("You left the line")
    await shopper.page.reload()
    await shopper.sees("You left the line")
    await join(site, "late")
    await shopper.button("Join the line again").click()
    await expect(shopper.page.locator(".badge.accent")).to_have_text("Number 5")


async def test_a_lost_answer_of_the_join_is_the_same_place(site: Site, open_page: Opened) -> None:
    """A join whose answer never came is repeated with its key; a reload meanwhile too."""
    url = await stage(site, films(site, **SLOW))
    await take_the_door(site, 3)
    shopper = Shopper(await open_page(url))
    lost: list[int] = []

    async def lose(route: Any) -> None:
        lost.append((await route.fetch()).status)
        await route.abort()

    await shopper.sign_in("ada")
    await shopper.page.route("**/places", lose)
    await shopper.button("Join the line").click()
    await expect(shopper.page.locator(".notice.warn").first).to_contain_text("same key")
    await shopper.page.unroute("**/places")
    await shopper.page.reload()
    await expect(shopper.page.locator(".badge.accent")).to_have_text("Number 4")
    assert lost[0] == 201


async def test_the_countdown_follows_the_servers_clock(site: Site, open_page: Opened) -> None:
    """Before the lobby the page counts down to both openings, on a phone that is days off too."""
    url = await stage(site, offset(HOUR, films(site, lobby_s=1800)))
    shopper = Shopper(await open_page("about:blank", size=PHONE))
    await shopper.page.clock.install(time=1_500_000_000)
    await shopper.page.goto(url)
    await shopper.sees("The waiting room is not open yet")
    clocks = shopper.page.locator(".clock")
    await expect(clocks.nth(0)).to_have_text(re.compile(r"^(29:\d\d|30:00)$"))
    await expect(clocks.nth(1)).to_have_text(re.compile(r"^(59:\d\d|1:00:00)$"))
    await expect(shopper.page.locator(".head .badge")).to_have_text("Announced")
    await picture(shopper.page, "shop-phone-countdown")
    first = await clocks.nth(1).text_content()
    await shopper.page.clock.run_for(3_000)
    assert await clocks.nth(1).text_content() != first
    await shopper.page.goto(site.url)
    card = shopper.page.locator(".sale", has_text="Spring films")
    await expect(card).to_contain_text("Not open yet. Its page counts down.")
    await expect(card.locator(".badge")).to_have_text("Announced")
    await expect(card.locator(".next")).to_have_text(re.compile(r"^Opens in (59:\d\d|1:00:00)$"))


async def test_who_waits_in_the_lobby_goes_in_when_the_doors_open(
    site: Site, open_page: Opened
) -> None:
    """The number is taken before the opening; the turn comes at the opening without a press."""
    body = offset(0, films(site, lobby_s=3600))
    body["drops"][0]["opens_at_ms"] += 9_000
    url = await stage(site, body)
    shopper = Shopper(await open_page(url, lang="zh"))
    await shopper.sign_in("ada", go="前往商城登录")
    await shopper.button("加入排队").click()
    await shopper.sees("您已参加抽签")
    await expect(shopper.page.locator("#stage")).to_contain_text("没有人排在您前面")
    await expect(shopper.page.locator("#stage")).to_contain_text("距开售")
    await expect(shopper.page.locator("#stage h2")).to_have_text("选择")
    assert await shopper.page.title() == "轮到您了！ · 3.8 元看电影 · Spring films"
