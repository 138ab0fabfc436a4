"""A beacon on this machine, in drand's form: a round can be had from its time on, never before."""

import asyncio
import json
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
    """Its address, which rounds were told, and whether and how it answers.

    `in_pieces`: the second half comes 50 ms later; `padding`: so many bytes more than needed.
    """

    url: str = ""
    is_up: bool = True
    forges: bool = False
    in_pieces: bool = False
    padding: int = 0
    told: list[int] = field(default_factory=list)

    async def answer(self, request: web.Request) -> web.StreamResponse:
        """A round that has come; 404 before, 503 while it is down."""
        number = int(request.match_info["number"])
        if not self.is_up:
            return web.Response(status=503)
        if time.time() < (number - 1) * PERIOD_S:
            return web.Response(status=404)
        self.told.append(number)
        one = round_of(number)
        randomness = "00" * 32 if self.forges else one.randomness
        told = {"round": number, "randomness": randomness, "signature": one.signature}
        body = json.dumps(told).encode() + b" " * self.padding
        return await _halves(request, body) if self.in_pieces else web.Response(body=body)


async def _halves(request: web.Request, body: bytes) -> web.StreamResponse:
    """An answer whose second half takes longer on its way."""
    response = web.StreamResponse()
    await response.prepare(request)
    await response.write(body[: len(body) // 2])
    await asyncio.sleep(0.05)
    await response.write(body[len(body) // 2 :])
    return response


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
