"""A beacon on this machine, in drand's form: a round can be had from its time on, never before."""

import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from aiohttp import web

from tests.queueing.drawn import round_of

CHAIN = "cd" * 32
PERIOD_S = 1


@dataclass(slots=True)
class LocalBeacon:
    """Its address, who asked for which round when it was there, and whether it answers at all."""

    url: str = ""
    is_up: bool = True
    forges: bool = False
    told: list[int] = field(default_factory=list)

    async def answer(self, request: web.Request) -> web.Response:
        """A round that has come; 404 before, 503 while it is down."""
        number = int(request.match_info["number"])
        if not self.is_up:
            return web.Response(status=503)
        if time.time() < (number - 1) * PERIOD_S:
            return web.Response(status=404)
        self.told.append(number)
        one = round_of(number)
        randomness = "00" * 32 if self.forges else one.randomness
        return web.json_response(
            {"round": number, "randomness": randomness, "signature": one.signature}
        )


@asynccontextmanager
async def local_beacon() -> AsyncIterator[LocalBeacon]:
    """The beacon, answering for as long as the block lasts."""
    beacon = LocalBeacon()
    app = web.Application()
    app.router.add_get(f"/{CHAIN}/public/{{number}}", beacon.answer)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    beacon.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    try:
        yield beacon
    finally:
        await runner.cleanup()
