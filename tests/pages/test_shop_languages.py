"""The line in every language and state, on a phone: nothing is cut off, and axe finds nothing."""

import json
import re
from typing import Any

import pytest
from playwright.async_api import Page, expect

from tests.pages.conftest import PATIENCE_MS, PHONE, Opened, Site, axe
from tests.pages.films import SALE, picture, stage
from tests.pages.standing import HOUR, PLACE, frame_of

LANGUAGES = ("en", "zh", "fi", "ar")
STICKS_OUT = """[...document.querySelectorAll("body *")].filter((one) => {
  const { left, right, width } = one.getBoundingClientRect();
  if (width < 2 || one.closest(".hall-scroll")) return false;
  const card = one.parentElement.closest(".card, .notice")?.getBoundingClientRect();
  return left < -1 || right > innerWidth + 1 || (card && (left < card.left || right > card.right))
    || (one.matches(".badge") && right > one.parentElement.getBoundingClientRect().right + 1)
    || (one.matches(".badge") && left < one.parentElement.getBoundingClientRect().left - 1);
}).map((one) => one.outerHTML.slice(0, 120))"""
"""What is wider than the page, than its card, or, a badge, than its column."""
IN_SIGHT = """() => {
  const seat = document.querySelector('[data-seat="B5"]');
  const { left, top, width, height } = seat.getBoundingClientRect();
  return document.elementFromPoint(left + width / 2, top + height / 2) === seat;
}"""
"""Whether a seat of the second row is seen, neither below the page nor behind a bar."""
MESSAGE = "We have opened a second hall."
STATES: dict[str, tuple[dict[str, Any], dict[str, Any], dict[str, Any]]] = {
    "doors": ({"state": "lobby", "reason": "opening", "opens_in": HOUR}, {"serving": 0}, {}),
    "draw": (
        {"state": "lobby", "reason": "opening", "opens_in": 90_000}, {"serving": 0},
        {"place": PLACE},
    ),
    "waiting": ({"message": MESSAGE}, {}, {"place": PLACE}),
    "slow": ({"reason": "latency"}, {"rate_per_s": 0.5, "low_per_s": 0.2}, {"place": PLACE}),
    "called": ({}, {"serving": 5_000}, {"place": PLACE, "later": True}),
    "paused": ({"state": "paused", "reason": "store"}, {}, {"place": PLACE, "alert": True}),
    "sold_out": ({"state": "sold_out", "stock": "none"}, {"possible": 0}, {"place": PLACE}),
    "gone": ({}, {}, {"place": PLACE, "gone": {"reason": "reset"}}),
}  # fmt: skip


async def shown(page: Page, site: Site, state: str, now_ms: int) -> None:
    """The sale's page in a state of the line that the server would take long to come to."""
    changes, lane, kept = STATES[state]
    frame = frame_of(site, now_ms, **changes, **lane)
    await page.goto(site.url)  # no page of the sale may act on what the last one knew
    await page.unroute_all()
    await page.route(f"**/v1/sales/{SALE}/frame", lambda route: route.fulfill(json=frame))
    await page.route(f"**/v1/sales/{SALE}/frames", lambda route: route.abort())
    name, text = f"dropgate.shop.{SALE}", json.dumps(kept)
    await page.evaluate("([name, text]) => localStorage.setItem(name, text)", [name, text])
    await page.goto(f"{site.url}/sales/{SALE}")
    await expect(page.locator("#stage h2")).to_be_visible()
    await expect(page.locator("#stage .figures")).to_be_visible()


@pytest.mark.timeout(300)
@pytest.mark.parametrize("lang", LANGUAGES)
async def test_every_state_reads_well(site: Site, open_page: Opened, lang: str) -> None:
    """No state is wider than the phone, none has a hole or a serious finding."""
    await stage(site)
    page = await open_page(site.url, size=PHONE, lang=lang)
    now_ms = await page.evaluate("Date.now()")
    for state in STATES:
        await shown(page, site, state, now_ms)
        text = await page.locator("main").inner_text()
        assert "{" not in text, (state, text)
        assert "NaN" not in text, (state, text)
        assert "undefined" not in text, (state, text)
        assert await axe(page) == [], state
        for width in (PHONE[0], 320):
            await page.set_viewport_size({"width": width, "height": PHONE[1]})
            assert await page.evaluate(STICKS_OUT) == [], (state, width)
        await picture(page, f"line-{state}-{lang}")
        await page.set_viewport_size({"width": PHONE[0], "height": PHONE[1]})
    direction = await page.evaluate("getComputedStyle(document.body).direction")
    assert direction == ("rtl" if lang == "ar" else "ltr")


@pytest.mark.timeout(300)
@pytest.mark.parametrize("lang", LANGUAGES)
async def test_the_till_fits_the_smallest_phone(site: Site, open_page: Opened, lang: str) -> None:
    """From the list to the codes nothing sticks out at 320 pixels, in any language."""
    page = await open_page(await stage(site), size=(320, 640), lang=lang)
    primary = page.locator("#stage .button.primary")

    async def fits(what: str) -> None:
        assert await page.evaluate(STICKS_OUT) == [], what

    await primary.click()
    await page.locator("#user").fill("ada")
    await page.locator("form button").click()
    await primary.click()
    await expect(page.locator(".offer")).to_have_count(5)
    await fits("the list")
    await page.locator('[data-offer="moon"] button').click()
    await page.locator('[data-mode="plan"]').click()
    await expect(page.locator('[data-seat="B5"]')).to_be_visible()
    for _ in range(PATIENCE_MS // 50):
        if await page.evaluate(IN_SIGHT):  # it begins below the fold
            break
        await page.wait_for_timeout(50)
    else:
        raise AssertionError("whoever asked for the plan does not see it")
    for seat in ("F5", "F6"):
        await page.locator(f'[data-seat="{seat}"]').click()
    await fits("the plan")
    bar = await page.locator(".buybar").inner_text()
    assert not (lang == "ar" and re.search("[0-9]", bar)), "digits as the language writes them"
    await page.locator(".buybar .primary").click()
    await expect(page.locator("#stage .clock")).to_be_visible()
    await fits("the hold")
    await primary.click()
    await page.locator('button[value="yes"]').click()
    await expect(page.locator(".code")).to_have_count(2)
    await fits("the codes")
    await picture(page, f"line-codes-{lang}")
