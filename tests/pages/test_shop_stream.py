"""The line as it changes: by the stream where there is one, by looking where there is none."""

from playwright.async_api import Page, expect

from tests.pages.conftest import Opened, Site
from tests.pages.films import SALE, Shopper, films, join, operate, stage

NEAR = {"rate_per_s": 0.2, "burst": 1}
"""So slow that nobody is called in a test, so near that a look each few seconds would be due."""
HIDE = "Object.defineProperty(document, 'hidden', {get: () => window.unseen === true})"
PAUSED = "The sale is paused for a moment"


async def near_the_turn(site: Site, open_page: Opened) -> tuple[Page, list[str]]:
    """A shopper with a few people ahead, and the paths that the page asks for from now on."""
    url = await stage(site, films(site, **NEAR))
    for number in range(6):
        await join(site, f"other-{number}")
    shopper = Shopper(await open_page("about:blank"))
    page, asked = shopper.page, list[str]()
    await page.add_init_script(HIDE)
    await page.goto(url)
    await shopper.sign_in("ada")
    await shopper.button("Join the line").click()
    await shopper.sees("You are in line")
    page.on("request", lambda request: asked.append(request.url.rsplit("/", 1)[1]))
    return page, asked


async def unseen(page: Page, is_unseen: str) -> None:
    """Turn away from the page, or back to it."""
    await page.evaluate(
        f"window.unseen = {is_unseen}; document.dispatchEvent(new Event('visibilitychange'))"
    )


async def test_changes_come_by_the_stream(site: Site, open_page: Opened) -> None:
    """Near the turn the page looks no more; unseen it holds no stream; seen again it looks once."""
    page, asked = await near_the_turn(site, open_page)
    streams = site.world.services.streams
    while len(streams) == 0:
        await page.wait_for_timeout(50)
    asked.clear()
    await operate(site, "pause")
    await expect(page.locator("#stage")).to_contain_text(PAUSED)
    assert "frame" not in asked
    await unseen(page, "true")
    while len(streams) > 0:
        await page.wait_for_timeout(50)
    asked.clear()
    await operate(site, "resume")
    await site.world.services.frames.refresh(SALE)
    await unseen(page, "false")
    await expect(page.locator("#stage")).to_contain_text("People are let in steadily")
    while len(streams) == 0:
        await page.wait_for_timeout(50)
    assert asked.count("frame") == 1


async def test_without_a_stream_it_looks(site: Site, open_page: Opened) -> None:
    """Where a process has no room for one more stream, the page looks by the frame's rule."""
    site.world.services.streams.limit = 0
    page, asked = await near_the_turn(site, open_page)
    await operate(site, "pause")
    await expect(page.locator("#stage")).to_contain_text(PAUSED)
    assert "frame" in asked
    assert len(site.world.services.streams) == 0


async def test_whoever_needs_time_is_not_taken_in_at_once(site: Site, open_page: Opened) -> None:
    """A turn that was asked to wait waits for a press, and says how long it is kept."""
    page, _ = await near_the_turn(site, open_page)
    await page.get_by_role("button", name="I need more time at my turn").click()
    await operate(site, "rate", {"rate_per_s": 100})
    await expect(page.locator("#stage .big").last).to_have_text("Your turn has come")
    await expect(page.locator("#stage")).to_contain_text("It is kept for you for 0:")
    assert (await page.title()).startswith("Your turn!")
    await page.get_by_role("button", name="Go in now").click()
    await expect(page.locator("#stage h2")).to_have_text("Choose")


async def test_a_page_that_slept_over_its_grace_hears_so(site: Site, open_page: Opened) -> None:
    """The store counts from the call, not from when the page looked: the frame says who is late."""
    page, _ = await near_the_turn(site, open_page)
    await page.get_by_role("button", name="I need more time at my turn").click()
    await operate(site, "rate", {"rate_per_s": 100})
    await expect(page.locator("#stage")).to_contain_text("It is kept for you for 0:")
    world = site.world
    joined = world.services.frames.of(SALE).frame.joined
    await world.services.store.write("HSET", f"{{{SALE}:room}}:line:1.1", "late:0", joined)
    await expect(page.locator("#stage")).not_to_contain_text("It is kept for you for 0:")
    await expect(page.locator("#stage")).to_contain_text("Its first time is over")
