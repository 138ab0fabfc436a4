"""Two plain ways to PostgreSQL, each at its best: one statement, one round trip, one commit.

`/skip-locked` takes a row for each unit with FOR UPDATE SKIP LOCKED; `/update` decrements a counter
where enough is left. Both remember the order by its key. `synchronous_commit` is on.
"""

from __future__ import annotations

import sys
from typing import Final

import asyncpg
import orjson
from aiohttp import web

from loadtest.bench.asks import OFFERS
from loadtest.bench.references.serving import RESULT, run

CONNECTIONS, DATABASE = 48, "bench"
SCHEMA = """
CREATE TABLE orders (key text PRIMARY KEY, buyer text NOT NULL, offer text NOT NULL, n int);
CREATE TABLE stock (offer text PRIMARY KEY, left_over bigint NOT NULL) WITH (fillfactor = 50);
CREATE TABLE units (id bigint PRIMARY KEY, offer text NOT NULL, key text);
INSERT INTO stock SELECT 'offer-' || to_char(n, 'FM00'), 1000000000 FROM generate_series(0, $1) n;
INSERT INTO units SELECT n, 'offer-' || to_char(n % $2, 'FM00'), NULL FROM generate_series(1, $3) n;
CREATE INDEX units_free ON units (offer) WHERE key IS NULL;
ANALYZE;
"""
SKIP_LOCKED = """
WITH free AS (
  SELECT id FROM units WHERE offer = $3 AND key IS NULL LIMIT $4 FOR UPDATE SKIP LOCKED
), taken AS (
  UPDATE units SET key = $1 FROM free WHERE units.id = free.id RETURNING units.id
)
INSERT INTO orders (key, buyer, offer, n)
SELECT $1, $2, $3, $4 WHERE (SELECT count(*) FROM taken) = $4
ON CONFLICT DO NOTHING RETURNING n
"""
UPDATE = """
WITH taken AS (
  UPDATE stock SET left_over = left_over - $4 WHERE offer = $3 AND left_over >= $4 RETURNING offer
)
INSERT INTO orders (key, buyer, offer, n) SELECT $1, $2, $3, $4 FROM taken
ON CONFLICT DO NOTHING RETURNING n
"""
WAYS: Final = {"/skip-locked": SKIP_LOCKED, "/update": UPDATE}


async def _as_it_is(_: object) -> None:
    """Nothing is set on a connection, and the pool's own reset is a round trip more."""


def application(url: str, units: int) -> web.Application:
    """Both handlers, in front of a fresh database of this server."""
    app, pools = web.Application(), []

    async def prepare(_: web.Application) -> None:
        server = await asyncpg.connect(url)
        await server.execute(f"CREATE DATABASE {DATABASE}")
        await server.close()
        pool = await asyncpg.create_pool(
            url,
            database=DATABASE,
            min_size=CONNECTIONS,
            max_size=CONNECTIONS,
            reset=_as_it_is,
        )
        values = (str(OFFERS - 1), str(OFFERS), str(units))
        schema = SCHEMA
        for number, value in enumerate(values, start=1):
            schema = schema.replace(f"${number}", value)
        await pool.execute(schema)
        pools.append(pool)

    async def order(request: web.Request) -> web.Response:
        asked, key = orjson.loads(await request.read()), request.headers["Idempotency-Key"]
        line = asked["lines"][0]
        way = WAYS[request.path]
        said = await pools[0].fetchval(way, key, asked["buyer"], line["offer"], line["quantity"])
        body = orjson.dumps({"sale": asked["sale"], **RESULT})
        status = 201 if said else 409
        return web.Response(body=body, status=status, content_type="application/json")

    app.on_startup.append(prepare)
    app.add_routes([web.post(path, order) for path in WAYS])
    return app


if __name__ == "__main__":
    run(application(sys.argv[1], int(sys.argv[2])))
