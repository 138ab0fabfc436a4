"""How a turn reaches its person: aloud, by sound, after a sleep, and without motion."""

import re
from typing import Any

from playwright.async_api import Page, Route, expect

from tests.pages.conftest import PHONE, Opened, Site
from tests.pages.films import SALE, Shopper, films, join, operate, stage
from tests.pages.standing import FIVE_MIN, NINE_MIN, PLACE, Standing
from tests.pages.test_shop_line import looks_until

SLOW = {"rate_per_s": 0.06, "burst": 1}
"""The fourth waits for a minute, and its page looks each ten seconds."""
HIDE = "Object.defineProperty(document, 'hidden', {get: () => window.unseen === true})"
HEARD = """addEventListener("DOMContentLoaded", () => {
  window.heard = [];
  new MutationObserver((changes) => changes.forEach(({ target }) => {
    const region = target.closest?.("[aria-live=polite], [aria-live=assertive]");
    if (region?.textContent) heard.push([region.getAttribute("aria-live"), region.textContent]);
  })).observe(document.body, { childList: true, subtree: true });
});"""
BELLS = """window.rung = [];
window.AudioContext = class {
  state = "suspended"; currentTime = 0; destination = {};
  async resume() { if (navigator.userActivation.isActive) this.state = "running"; }
  createOscillator() {
    return { frequency: {}, connect: (to) => to, start: () => rung.push("tone"), stop() {} };
  }
  createGain() { return { gain: {}, connect: (to) => to }; }
};
window.Notification = class {
  static permission = "default";
  static async requestPermission() { Notification.permission = "granted"; rung.push("asked"); }
  constructor(said) { rung.push(said); }
};
navigator.vibrate = () => rung.push("vibrates");"""


async def heard(page: Page, how: str) -> list[str]:
    """What a screen reader was given to say since the page was loaded."""
    told: list[list[str]] = await page.evaluate("heard")
    return [text.strip() for urgency, text in told if urgency == how]


async def until(page: Page, true: str) -> None:
    """Wait until an expression is true on the page."""
    while not await page.evaluate(true):
        await page.wait_for_timeout(50)


async def in_line(site: Site, open_page: Opened, *scripts: str, **options: Any) -> Shopper:
    """A shopper near the front of a line that hardly moves, in a browser with these scripts."""
    url = await stage(site, films(site, **SLOW))
    for number in range(3):
        await join(site, f"other-{number}")
    page = await open_page("about:blank", **options)
    for script in (HIDE, *scripts):
        await page.add_init_script(script)
    await page.goto(url)
    shopper = Shopper(page)
    await shopper.sign_in("ada")
    await shopper.button("Join the line").click()
    await shopper.sees("You are in line")
    return shopper


async def unseen(page: Page, is_unseen: str) -> None:
    """Turn away from the page, or back to it."""
    await page.evaluate(
        f"window.unseen = {is_unseen}; document.dispatchEvent(new Event('visibilitychange'))"
    )


async def test_the_line_is_said_politely_and_not_each_second(site: Site, open_page: Opened) -> None:
    """A minute without news is silent, though the clock runs; what changes its kind is said."""
    url = await stage(site)
    page = await open_page("about:blank")
    await page.clock.install()
    await page.add_init_script(HEARD)
    line = Standing(page, site)
    await line.begin(url, kept={"place": {**PLACE, "calledMs": None}}, **FIVE_MIN)
    await expect(page.locator(".eta")).to_have_text(re.compile("5 min"))
    await page.evaluate("heard.length = 0")
    await page.clock.run_for(25_000)
    assert await heard(page, "polite") == []
    await page.clock.run_for(35_000)
    assert len(await heard(page, "polite")) <= 2, "minutes, not seconds"
    line.tell(state="paused", **FIVE_MIN)
    await line.look()
    await until(page, "heard.some(([, text]) => text.includes('cannot be said'))")
    line.tell(**NINE_MIN)
    await line.look()
    await until(page, "heard.some(([, text]) => text.includes('longer than was said'))")
    assert await heard(page, "assertive") == []


async def test_the_turn_is_said_at_once_and_once(site: Site, open_page: Opened) -> None:
    """It interrupts, once: no reload and no second look says it again."""
    shopper = await in_line(site, open_page, HEARD)
    page = shopper.page
    assert await heard(page, "assertive") == []
    await operate(site, "rate", {"rate_per_s": 100})
    await looks_until(site, page, "Choose")
    await until(page, "heard.some(([how]) => how === 'assertive')")
    assert await heard(page, "assertive") == ["It is your turn!"]
    assert "Choose" in await heard(page, "polite")
    await page.reload()
    await shopper.sees("Choose")
    await page.evaluate("dispatchEvent(new Event('online'))")
    await expect(page.locator(".offer")).to_have_count(5)
    assert await heard(page, "assertive") == []


async def test_who_looks_away_hears_the_turn(site: Site, open_page: Opened) -> None:
    """Asked for by a press; a reload is mute until a touch, and the page says so."""
    shopper = await in_line(site, open_page, BELLS, HEARD)
    page = shopper.page
    mute = page.locator(".mute")
    await expect(mute).to_be_hidden()
    await shopper.button("Tell me when it is my turn").click()
    await expect(shopper.button("You will hear it")).to_be_visible()
    await until(page, "rung.length === 2")
    assert await page.evaluate("rung") == ["tone", "asked"]
    await expect(mute).to_be_hidden()
    await page.reload()
    await expect(mute).to_contain_text("tap anywhere on it once")
    await page.locator("#stage h2").click()
    await expect(mute).to_be_hidden()
    await page.evaluate("Notification.permission = 'granted'")
    await unseen(page, "true")
    await operate(site, "rate", {"rate_per_s": 100})
    await until(page, "rung.length > 0")
    bells = ["tone", "tone", "tone", "vibrates", "It is your turn!"]
    assert await page.evaluate("rung") == bells
    assert await heard(page, "assertive") == [], "nobody reads a page that is not seen"
    await unseen(page, "false")
    await shopper.sees("Choose")
    assert await page.evaluate("rung") == bells
    assert await heard(page, "assertive") == ["It is your turn!"]


async def asleep(site: Site, open_page: Opened) -> tuple[Shopper, list[str]]:
    """A shopper whose phone sleeps in the line, and the paths it asks for from now on."""
    shopper = await in_line(site, open_page, size=PHONE)
    page, asked = shopper.page, list[str]()
    await page.clock.install()
    await unseen(page, "true")
    page.on("request", lambda request: asked.append(request.url.rsplit("/", 1)[1]))
    return shopper, asked


async def awake(page: Page) -> None:
    """An hour later: the page is seen, and its timers come late, all at once."""
    now_ms = await page.evaluate("Date.now()")
    await page.clock.set_system_time(now_ms + 3_600_000)
    await unseen(page, "false")


async def test_a_phone_that_slept_looks_once_and_keeps_its_place(
    site: Site, open_page: Opened
) -> None:
    """However many timers are due, it is one look; the place is the same."""
    shopper, asked = await asleep(site, open_page)
    await operate(site, "pause")
    await site.world.services.frames.refresh(SALE)
    asked.clear()
    await awake(shopper.page)
    await expect(shopper.page.locator("#stage")).to_contain_text("The sale is paused")
    await expect(shopper.page.locator(".badge.accent")).to_have_text("Number 4")
    await shopper.page.clock.run_for(1_500)
    await shopper.page.evaluate("fetch('/last')")  # whatever was asked for before it is known now
    while "last" not in asked:
        await shopper.page.wait_for_timeout(50)
    assert asked.count("frame") == 1, asked


async def test_a_turn_that_came_in_a_sleep_is_claimed(site: Site, open_page: Opened) -> None:
    """Nothing was spent meanwhile; within the grace, and late as there is room, it goes in."""
    shopper, asked = await asleep(site, open_page)
    await operate(site, "rate", {"rate_per_s": 100})
    while site.world.services.frames.of(SALE).frame.lanes[0].serving < 4:
        await shopper.page.wait_for_timeout(50)
    assert "passes" not in asked
    world = site.world
    await world.services.store.write("HSET", f"{{{SALE}:room}}:line:1.1", "late:0", 4)
    await awake(shopper.page)
    await shopper.sees("Choose")


async def test_a_turn_that_was_slept_through_is_explained(site: Site, open_page: Opened) -> None:
    """It says what happened, and one press leads to the end of the line, with another number."""
    shopper, _ = await asleep(site, open_page)
    page = shopper.page
    missed = {"type": "about:blank", "title": "Gone", "status": 410, "code": "place_gone",
              "reason": "missed"}  # fmt: skip

    async def too_late(route: Route) -> None:
        await route.fulfill(status=410, json=missed, content_type="application/problem+json")

    await page.route("**/passes", too_late)
    await operate(site, "rate", {"rate_per_s": 100})
    while site.world.services.frames.of(SALE).frame.lanes[0].serving < 4:
        await page.wait_for_timeout(50)
    await awake(page)
    await shopper.sees("Your turn has passed")
    await expect(page.locator("#stage")).to_contain_text("did not come in time")
    await page.unroute("**/passes")
    await shopper.button("Join the line again").click()
    await shopper.sees("Choose")
    number = await page.evaluate(f"JSON.parse(localStorage['dropgate.shop.{SALE}']).place.number")
    assert number == 5


async def test_nothing_moves_for_who_asked_for_no_motion(site: Site, open_page: Opened) -> None:
    """With prefers-reduced-motion neither working, waiting nor called animates anything."""
    url = await stage(site)
    page = await open_page("about:blank", reduced_motion="reduce")
    still = "document.getAnimations().filter((one) => one.playState === 'running').length"
    spinner = """() => {
      const one = document.createElement('p');
      one.className = 'working';
      document.querySelector('#stage').append(one);
      return getComputedStyle(one, '::before').animationName;
    }"""
    line = Standing(page, site)
    await line.begin(url, **FIVE_MIN)
    await expect(page.locator(".meter > div")).to_be_visible()
    assert await page.evaluate(spinner) == "none"
    line.tell(**{**FIVE_MIN, "serving": 4_300})
    await line.look()
    await expect(page.locator("#stage .big").last).to_have_text("20 ahead of you")
    assert await page.evaluate(still) == 0
    await page.emulate_media(reduced_motion="no-preference")
    assert await page.evaluate(spinner) == "turning", "the test can see what moves"
