"""The browser's side of the work for a join, in the browser and under the page's own policy."""

import time

from gateway.work import Errand, Work
from tests.gateway.world import SALE
from tests.pages.conftest import Opened, Site

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
