"""The browser's side of the work for a join, in the browser and under the page's own policy."""

import time

import pytest
from playwright.async_api import expect

from gateway import joining
from gateway.clients import Clients
from gateway.joining import Joining
from gateway.work import Errand, Work
from tests.gateway.world import SALE
from tests.pages.conftest import Opened, Site
from tests.pages.test_shop_line import in_line

WORK = Work(b"w" * 32)
ERRAND = Errand(SALE, "9.9.9.0/24", "buyer", "key")
SHOP = "document.querySelector('script[src$=\"/shop.js\"]').src"
LOAD = f"const m = await import({SHOP}.replace('shop.js', 'work.js'));"


async def test_the_browser_solves_what_the_gateway_asks(site: Site, open_page: Opened) -> None:
    """On the page itself, in workers, the solution is found and is one that the gateway takes."""
    page = await open_page(f"{site.url}/sales/{SALE}")
    challenge = WORK.challenge(ERRAND, 64, time.time())
    payload = await page.evaluate(f"async (c) => {{ {LOAD} return m.solve(c) }}", challenge)
    assert WORK.check(payload, ERRAND, 64) is None


async def test_the_work_ends_when_it_is_not_wanted_any_more(site: Site, open_page: Opened) -> None:
    """Who leaves the line stops the workers at once."""
    page = await open_page(f"{site.url}/sales/{SALE}")
    challenge = WORK.challenge(ERRAND, 1_000_000, time.time())
    told = await page.evaluate(
        f"""async (c) => {{ {LOAD}
        const stop = new AbortController();
        const done = m.solve(c, {{ signal: stop.signal }}).then(() => "solved", (why) => why.name);
        setTimeout(() => stop.abort(), 50);
        return done; }}""",
        challenge,
    )
    assert told == "AbortError"


async def test_a_busy_network_is_not_seen_by_its_people(
    site: Site, open_page: Opened, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The browser is asked for work, does it, and stands in line; nobody had to do anything.

    The browser keeps the place's cookie, out of the page's reach.
    """
    monkeypatch.setattr(joining, "NETWORK_PER_MINUTE", 0.01)  # nothing runs off meanwhile
    bounds = Joining(Clients(("127.0.0.1",)), WORK, quiet_max=1)
    bounds._networks.count("9.9.9.0/24", time.time())
    site.world.services.joining = bounds
    forwarded = {"X-Forwarded-For": "9.9.9.9"}
    shopper = await in_line(site, open_page, before=2, extra_http_headers=forwarded)
    await expect(shopper.page.locator(".badge.accent")).to_have_text("Number 3")
    assert asked_for_work(site) == 1
    kept = {one["name"]: one for one in await shopper.page.context.cookies()}
    place = kept["__Host-dropgate-films"]
    assert place["httpOnly"] is place["secure"] is True
    assert place["value"] not in await shopper.page.evaluate("document.cookie")


def asked_for_work(site: Site) -> float:
    """How many joins were answered with a challenge."""
    (refused,) = site.world.services.metrics.refusals.collect()
    wanted = {"code": "work_required"}
    return sum(
        one.value
        for one in refused.samples
        if one.name.endswith("_total") and wanted.items() <= one.labels.items()
    )
