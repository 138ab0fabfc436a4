"""What is said of the wait never rises unsaid: over a reload, in a second tab, after a pause."""

import re
from typing import Any

from playwright.async_api import Page, expect

from tests.pages.conftest import Opened, Site
from tests.pages.films import SALE, stage
from tests.pages.standing import FIVE_MIN, NINE_MIN, Standing

FIVE = re.compile("^([34]–|About )5 min$")
NINE = re.compile("^[78]–9 min$")
UNKNOWN = "How long it takes cannot be said right now."
LONGER = "It takes longer than was said."
SLOWER = f"{LONGER} The line has moved more slowly than expected."
BRAKED = f"{LONGER} The shop is slow just now, so fewer go in until it has caught up."


async def in_line(site: Site, open_page: Opened, **lane: Any) -> tuple[Page, Standing]:
    """A page at a place whose line, and whose time, are told by the test."""
    url = await stage(site)
    page = await open_page("about:blank")
    await page.clock.install()
    line = Standing(page, site)
    await line.begin(url, **lane)
    return page, line


async def test_a_reload_does_not_hide_that_it_takes_longer(site: Site, open_page: Opened) -> None:
    """5 minutes were said, now it is 9: the page says so and why, as without the reload."""
    page, line = await in_line(site, open_page, **FIVE_MIN)
    await expect(page.locator(".eta")).to_have_text(FIVE)
    line.tell(reason="latency", **NINE_MIN)
    await page.reload()
    await expect(page.locator(".eta")).to_have_text(FIVE)
    line.pass_time(40)
    await line.look()
    await expect(page.locator(".rose")).to_have_text(BRAKED)
    await expect(page.locator(".eta")).to_have_text(NINE)
    await page.reload()
    await expect(page.locator(".rose")).to_have_text(BRAKED)
    line.pass_time(130)
    line.tell(**FIVE_MIN)  # the line has moved on
    await line.look()
    await expect(page.locator(".rose")).to_be_hidden()


async def test_who_comes_back_late_is_told_at_once(site: Site, open_page: Opened) -> None:
    """A page closed for minutes measures by what was said, a second tab by what the first said."""
    page, line = await in_line(site, open_page, **FIVE_MIN)
    await expect(page.locator(".eta")).to_have_text(FIVE)
    await page.goto("about:blank")
    line.pass_time(120)
    line.tell(**NINE_MIN)
    tab = await page.context.new_page()
    await tab.goto(f"{site.url}/sales/{SALE}")
    await expect(tab.locator(".rose")).to_have_text(SLOWER)
    await expect(tab.locator(".eta")).to_have_text(NINE)


async def test_a_pause_does_not_hide_it_either(site: Site, open_page: Opened) -> None:
    """While the line stands nothing is said; then the last word before it is what counts."""
    page, line = await in_line(site, open_page, **FIVE_MIN)
    await expect(page.locator(".eta")).to_have_text(FIVE)
    line.tell(state="paused", **FIVE_MIN)
    await line.look()
    await expect(page.locator(".eta")).to_have_text(UNKNOWN)
    await expect(page.locator(".rose")).to_be_hidden()
    line.tell(**NINE_MIN)
    await line.look()
    await expect(page.locator(".rose")).to_have_text(SLOWER)
    await expect(page.locator(".eta")).to_have_text(NINE)


async def test_a_shorter_wait_needs_no_word(site: Site, open_page: Opened) -> None:
    """What gets better is shown at once, and nothing is explained."""
    page, line = await in_line(site, open_page, **NINE_MIN)
    await expect(page.locator(".eta")).to_have_text(NINE)
    line.tell(**FIVE_MIN)
    await page.reload()
    await expect(page.locator(".eta")).to_have_text(FIVE)
    await expect(page.locator(".rose")).to_be_hidden()


async def test_only_a_frame_that_came_old_is_called_old(site: Site, open_page: Opened) -> None:
    """Who looks once a minute is not told that the service is slow; who gets old figures is."""
    page, line = await in_line(site, open_page, **FIVE_MIN)
    await expect(page.locator(".eta")).to_have_text(FIVE)
    old = page.get_by_text("The figures are a little old")
    await page.clock.run_for(20_000)
    await expect(old).to_have_count(0)
    line.tell(old_s=20, **FIVE_MIN)
    await line.look()
    await expect(old).to_be_visible()
