"""The sale that the guides sell in: the names of the example sale, two offers, its drop open."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from gateway.services import Services
from tests.gateway.world import World, furnish, sale_body, serve, settings_for
from tests.patience import patiently

SALE, PARTNER = "cinema-3-8", "marketplace"
SOLD_HERE, ALLOTTED = "beijing-binjiang.h1.0920", "guiyang-xihu.h1.1200"
ALLOTMENT = f"{PARTNER}.{ALLOTTED}"


def example() -> dict[str, Any]:
    """The body of the sale: two screenings in halls of a hundred seats, one of them allotted."""
    body = sale_body(SALE)
    hall = {**body["offers"][1], "title": "十二封电报"}
    body["sale"] |= {"title": "3.8 元看电影", "limit_per_buyer": 2}
    lot = {"allotment": ALLOTMENT, "partner": PARTNER, "offer": ALLOTTED, "quantity": 100}
    return body | {
        "offers": [{**hall, "offer": SOLD_HERE}, {**hall, "offer": ALLOTTED}],
        "venues": body["venues"][:1],
        "seats": [{"layout": "small", "row": row, "first": 1, "last": 20} for row in "ABCDE"],
        "codes": [],
        "partners": [{"partner": PARTNER, "title": "网上集市"}],
        "allotments": [lot],
    }


@pytest.fixture
async def site(
    state_directory: Path, valkey_url: str, store: object, database_url: str
) -> AsyncIterator[World]:
    """A gateway with that sale, spoken to over HTTP."""
    async with AsyncExitStack() as ends:
        settings = settings_for(state_directory, valkey_url, database_url)
        services = await patiently(lambda: Services.open(settings))
        ends.push_async_callback(services.close)
        keys = await furnish(services, sale=SALE, body=example())
        shared, url, own, own_url = await serve(services)
        ends.push_async_callback(own.cleanup)
        ends.push_async_callback(shared.cleanup)
        http = await ends.enter_async_context(aiohttp.ClientSession())
        yield World(services, http, url, own_url, keys)
