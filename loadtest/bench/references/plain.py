"""The plain way to Redis: one EVALSHA for each request, through redis-py.

The script is what such a script usually is: the repeat is looked for, the stock is decremented if
there is enough, the order is remembered, and an event is appended.
"""

from __future__ import annotations

import sys

import orjson
from aiohttp import web
from redis.asyncio import Redis

from loadtest.bench.asks import OFFERS
from loadtest.bench.references.serving import RESULT, run

STOCK, ORDERS, EVENTS = "{plain}:stock", "{plain}:orders", "{plain}:events"
UNITS = 100_000_000
SCRIPT = """
local known = redis.call('HGET', KEYS[2], ARGV[1])
if known then return { 'replayed', known } end
local left = tonumber(redis.call('HGET', KEYS[1], ARGV[2]) or '0')
if left < tonumber(ARGV[3]) then return { 'sold_out', '' } end
redis.call('HINCRBY', KEYS[1], ARGV[2], -tonumber(ARGV[3]))
redis.call('HSET', KEYS[2], ARGV[1], ARGV[4])
redis.call('XADD', KEYS[3], '*', 'order', ARGV[4])
return { 'sold', ARGV[4] }
"""


def application(url: str) -> web.Application:
    """The one handler, in front of this store."""
    app = web.Application()
    store = Redis.from_url(url)
    script = store.register_script(SCRIPT)

    async def prepare(_: web.Application) -> None:
        await store.hset(STOCK, mapping={f"offer-{n:02}": UNITS for n in range(OFFERS)})
        await store.script_load(SCRIPT)

    async def order(request: web.Request) -> web.Response:
        asked, key = orjson.loads(await request.read()), request.headers["Idempotency-Key"]
        line = asked["lines"][0]
        record = orjson.dumps([key, asked["buyer"], line["offer"], line["quantity"]])
        words = (key, line["offer"], line["quantity"], record)
        said, _ = await store.evalsha(script.sha, 3, STOCK, ORDERS, EVENTS, *words)
        status = {b"sold": 201, b"replayed": 200}.get(said, 409)
        body = orjson.dumps({"sale": asked["sale"], **RESULT})
        return web.Response(body=body, status=status, content_type="application/json")

    app.on_startup.append(prepare)
    app.add_routes([web.post("/orders", order)])
    return app


if __name__ == "__main__":
    run(application(sys.argv[1]))
