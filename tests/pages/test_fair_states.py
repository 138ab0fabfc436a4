"""How the order is made, in every state of a draw and every language, with scripts and without."""

import re

import aiohttp
import pytest
from playwright.async_api import expect

from queueing import Fairness
from queueing.draw import commitment, secret_of
from tests.pages.conftest import DESKTOP, PHONE, Opened, Site, axe
from tests.pages.films import SALE, picture, stage
from tests.pages.test_fair import LINE, PAGE, made, show
from tests.pages.test_shop_languages import STICKS_OUT
from tests.queueing.drawn import BEACON, KEY, OPENS_MS, a_list, document

LANES = document({0: a_list(0, 9, LINE), 1: b"", 2: a_list(2, 4, LINE)}, None, LINE)
STATES: dict[str, Fairness] = {
    "announced": made(state="announced", lobby_at_ms=OPENS_MS - 1, commitment="", digest="",
                      committed_at_ms=0, fixed_at_ms=0, seed="", secret="", at_ms=0, vectors=[]),
    "waits": made(BEACON, state="fixed", seed="", secret="", randomness="", signature="",
                  beacon_outcome="awaited", vectors=[]),
    "drawn": made(),
    "lanes": LANES,
    "used": made(BEACON),
    "unanswered": made(beacon=BEACON.terms, beacon_outcome="unanswered", lost=2, round=7,
                       committed_at_ms=OPENS_MS,
                       commitment=commitment(secret_of(KEY, LINE), LINE, BEACON.terms).hex()),
    "empty": made(state="undrawn", digest="", seed="", secret="", lanes=[], vectors=[]),
    "none": made(state="undrawn", digest="", seed="", secret="", lanes=[], vectors=[],
                 lobby_at_ms=OPENS_MS),
}  # fmt: skip
SAID = {
    "announced": "Before the waiting room opens", "waits": "is waited for",
    "drawn": "this opening uses none", "used": "came", "lanes": "List of lane 2 (4)",
    "unanswered": "was not had in time",
    "empty": "Nobody waited before the doors opened", "none": "no waiting room before its doors",
}  # fmt: skip


@pytest.mark.timeout(300)
@pytest.mark.parametrize("lang", ["en", "zh", "fi", "ar"])
async def test_every_state_of_a_draw_reads_well(
    site: Site, open_page: Opened, monkeypatch: pytest.MonkeyPatch, lang: str
) -> None:
    """On a phone and a desk, light and dark: nothing sticks out, and axe finds nothing."""
    await stage(site)
    page = await open_page(site.url, size=PHONE, lang=lang)
    for state, told in STATES.items():
        show(site, told, monkeypatch)
        await page.evaluate("localStorage.clear()")  # each is another draw of that opening
        await page.goto(site.url + PAGE)
        await expect(page.locator(".language")).to_be_visible()
        if told.seed:
            await expect(page.locator("#found .notice.good")).to_be_visible()
        text = await page.locator("main").inner_text()
        assert not re.search(r"[{}]|NaN|undefined|fair\.", text), (state, text)
        assert lang != "en" or SAID[state] in text, state
        for (width, height), theme in (((320, 640), "light"), (DESKTOP, "dark")):
            await page.set_viewport_size({"width": width, "height": height})
            await page.evaluate("theme => document.documentElement.dataset.theme = theme", theme)
            assert await page.evaluate(STICKS_OUT) == [], (state, width)
            assert await axe(page) == [], (state, theme)
            remarks = 2 if state == "unanswered" else 0  # committed late, and leaves were lost
            assert await page.locator("#who .notice").count() == remarks, state
            await picture(page, f"line-fair-{state}-{lang}-{width}")
    direction = await page.evaluate("getComputedStyle(document.body).direction")
    assert direction == ("rtl" if lang == "ar" else "ltr")


async def test_each_lane_has_turns_of_its_own(
    site: Site, open_page: Opened, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A number is asked for in a line; one in which nobody was drawn is not offered."""
    await stage(site)
    show(site, LANES, monkeypatch)
    page = await open_page(site.url + PAGE)
    await page.get_by_label("Number").fill("3")
    for lane in (2, 0):
        await page.get_by_label("Line", exact=True).select_option(f"lane {lane}")
        (turn,) = [one.turn for one in LANES.vectors if (one.lane, one.number) == (lane, 3)]
        await expect(page.locator("output")).to_have_text(f"Number 3: turn {turn}")
    await expect(page.locator("#lane option")).to_have_count(2)


async def test_the_page_needs_no_scripts(
    site: Site, open_page: Opened, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Steps, values and files are there; in the device's colours, in each language by a link."""
    await stage(site)
    show(site, made(), monkeypatch)
    page = await open_page(
        f"{site.url}{PAGE}", size=(320, 640), theme="dark", java_script_enabled=False
    )
    await expect(page.locator("#steps li.done")).to_have_count(3)
    assert "your turn here needs JavaScript" in await page.locator("#own").inner_text()
    await expect(page.locator(".files a")).to_have_count(2)
    dark = "rgb(16, 18, 22)"
    await expect(page.locator("body")).to_have_css("background-color", dark)
    await picture(page, "line-fair-plain")
    await page.get_by_role("link", name="Suomi").click()
    await expect(page.locator("h1")).to_have_text("Miten järjestys syntyy")
    await page.get_by_role("link", name="Takaisin myyntiin").click()
    await page.wait_for_url(f"**/sales/{SALE}?lang=fi")


async def test_the_language_of_the_browser_is_kept(site: Site, open_page: Opened) -> None:
    """Who has chosen one elsewhere reads it here, and who chooses one here reads on in it."""
    url = await stage(site)
    page = await open_page(url)
    await page.locator(".language").select_option("zh")
    async with page.expect_popup() as opened:
        await page.get_by_role("link", name="顺序如何产生、如何核对").click()
    fair = await opened.value
    await expect(fair.locator("h1")).to_have_text("顺序如何产生")
    await fair.locator(".language").select_option("ar")
    await expect(fair.locator("html")).to_have_attribute("dir", "rtl")
    await fair.goto(site.url + PAGE)
    await expect(fair.locator("h1")).to_have_text("كيف يُحدَّد الترتيب")


async def test_what_is_not_there_is_said(site: Site, http: aiohttp.ClientSession) -> None:
    """An opening that no sale has is 404, in words; odd numbers show the one that is on."""
    await stage(site)
    for query, status in (
        ("drop=9", 404), ("drop=1&epoch=7", 404), ("drop=2", 200), ("", 200),
        ("drop=0", 200), ("drop=99999", 200), ("drop=x&epoch=-1&lang=%3Cb%3E", 200),
    ):  # fmt: skip
        async with http.get(f"{site.url}{PAGE}?{query}") as answer:
            assert answer.status == status, query
            assert "default-src 'none'" in answer.headers["Content-Security-Policy"]
            text = await answer.text()
        assert ("No order was drawn for this opening yet" in text) == (status == 404), query
    async with http.get(f"{site.url}/sales/nothing/fairness") as answer:
        assert answer.status == 404
