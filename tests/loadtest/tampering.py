"""Reaching into the store from outside, past every script: what no code of the product does."""

from __future__ import annotations

from collections.abc import Iterable

from inventory import keys
from lua.catalogue import FOLDER
from lua.store import Store

PUT_BACK = (
    (FOLDER / "include" / "offers.lua").read_text()
    + """
-- A sold unit of a pooled offer back on the shelf, as if it had never been sold: the next buyer of
-- the offer gets it. Counters, unit entry and the set of what came back agree with each other.
local ENTRY, CHUNK = 26, 32
local serial = tonumber(ARGV[1])
local field, at = math.floor(serial / CHUNK), (serial % CHUNK) * ENTRY
local chunk = redis.call('HGET', KEYS[3], field)
if not chunk or chunk:sub(at + 1, at + 1) ~= 's' then return 0 end
local all = redis.call('HGETALL', KEYS[1])
for i = 1, #all, 2 do
  local offer = offer_unpacked(all[i + 1])
  if offer[KIND] == 'p' and serial >= offer[BASE] and serial < offer[BASE] + offer[SIZE] then
    offer[AVAILABLE], offer[SOLD] = offer[AVAILABLE] + 1, offer[SOLD] - 1
    offer[BACKS] = offer[BACKS] + 1
    redis.call('HSET', KEYS[1], all[i], offer_packed(offer))
    redis.call('ZADD', KEYS[2], all[i], serial)
    redis.call('HSET', KEYS[3], field, chunk:sub(1, at) .. '-0' .. string.rep(' ', ENTRY - 2)
      .. chunk:sub(at + ENTRY + 1))
    return 1
  end
end
return 0
"""
)


async def put_back(store_url: str, sale: str, serials: Iterable[int], *, most: int) -> list[int]:
    """Put sold units of pooled offers back on the shelf; those that were, `most` at most."""
    store = await Store.connect(store_url)
    touched = (keys.offers(sale), keys.back(sale), keys.units(sale))
    done: list[int] = []
    try:
        for serial in serials:
            if len(done) == most:
                break
            if await store.write("EVAL", PUT_BACK, len(touched), *touched, serial):
                done.append(serial)
    finally:
        await store.close()
    return done
