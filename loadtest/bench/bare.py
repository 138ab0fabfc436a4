"""The reference: the least that an aiohttp server does for a JSON POST and a small GET.

uvloop and orjson, as ours; no validation, no credential, no store.
"""

from __future__ import annotations

import asyncio
import socket

import click
import orjson
import uvloop
from aiohttp import web

FRAME = orjson.dumps(
    {"sale": "x", "drop": 1, "state": "open", "serving": 1, "tail": 2, "pad": "x" * 150}
)
RESULT = {"id": "0" * 24, "state": "confirmed", "amount_minor": 760, "units": [{"unit": 1}] * 2}


async def post(request: web.Request) -> web.Response:
    """Parse a JSON body, answer another."""
    asked = orjson.loads(await request.read())
    answer = {"sale": asked["sale"], **RESULT}
    return web.Response(body=orjson.dumps(answer), status=201, content_type="application/json")


async def get(_: web.Request) -> web.Response:
    """Answer ready bytes."""
    return web.Response(body=FRAME, content_type="application/json")


async def serve() -> None:
    """Say where, and serve until killed."""
    app = web.Application()
    app.add_routes([web.post("/post", post), web.get("/frame", get)])
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    listening = socket.create_server(("127.0.0.1", 0), backlog=1024)
    site = web.SockSite(runner, listening)
    await site.start()
    click.echo(f"bare http://127.0.0.1:{listening.getsockname()[1]}")
    await asyncio.Event().wait()


if __name__ == "__main__":
    uvloop.run(serve())
