"""The floor: the least that an aiohttp server does for a JSON POST and a small GET. No store."""

from __future__ import annotations

import orjson
from aiohttp import web

from loadtest.bench.references.serving import RESULT, run

FRAME = orjson.dumps(
    {"sale": "x", "drop": 1, "state": "open", "serving": 1, "tail": 2, "pad": "x" * 420}
)  # as long as a frame


async def post(request: web.Request) -> web.Response:
    """Parse a JSON body, answer another."""
    asked = orjson.loads(await request.read())
    answer = {"sale": asked["sale"], **RESULT}
    return web.Response(body=orjson.dumps(answer), status=201, content_type="application/json")


async def get(_: web.Request) -> web.Response:
    """Answer ready bytes."""
    return web.Response(body=FRAME, content_type="application/json")


if __name__ == "__main__":
    application = web.Application()
    application.add_routes([web.post("/orders", post), web.get("/frame", get)])
    run(application)
