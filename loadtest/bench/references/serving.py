"""One reference as a process: says where it is, and serves until it is killed.

Each has what the gateway has: uvloop, no access log, a garbage collector that looks rarely (it is a
quarter of a request's CPU otherwise), and answers of the same size.
"""

from __future__ import annotations

import asyncio
import gc
import os
import socket

import click
import uvloop
from aiohttp import web

BACKLOG = 1024
YOUNG_OBJECTS = 50_000
"""As many as the gateway's."""

_ID = "0" * 24
RESULT = {
    "id": _ID, "state": "confirmed", "amount_minor": 380, "refunded_minor": 0, "currency": "CNY",
    "held_at_ms": 1_700_000_000_000, "expires_at_ms": 0,
    "units": [{
        "offer": "offer-00", "unit": 1, "price_minor": 380, "state": "sold",
        "code": "0000-0000-0000-0000", "qr": f"/v1/orders/{_ID}/codes/1.svg",
    }],
    "reference": "R0000000000",
}  # fmt: skip
"""The rest of an answer, as long as the gateway's own of a one-step sale."""


def run(app: web.Application) -> None:
    """Serve the application on a free port."""
    uvloop.run(_serve(app))


async def _serve(app: web.Application) -> None:
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    listening = socket.create_server(("127.0.0.1", 0), backlog=BACKLOG)
    await web.SockSite(runner, listening).start()
    gc.collect()
    gc.freeze()
    gc.set_threshold(YOUNG_OBJECTS)
    click.echo(f"serving http://127.0.0.1:{listening.getsockname()[1]} by {os.getpid()}")
    await asyncio.Event().wait()
