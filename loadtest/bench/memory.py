"""What the store keeps for an order whose facts are settled and trimmed, and for an unsold unit."""

from __future__ import annotations

import asyncio
import time
from contextlib import closing

from loadtest.bench import sale
from loadtest.bench.buying import buy
from loadtest.bench.figures import Figures
from loadtest.bench.machine import Meter
from loadtest.bench.plan import Plan
from loadtest.bench.resp import Resp
from loadtest.bench.stage import Stage
from loadtest.installation import Failed

SETTLE_WAIT_S = 300.0
CALM_S, CALM_BYTES = 0.5, 4096
FEW_UNITS, MANY_UNITS = 10, 1_000_000
BATCH = 256


async def measure(stage: Stage, plan: Plan, figures: Figures) -> None:
    """Units: a sale of a million beside a sale of few. Then orders, from buying to trimmed."""
    with closing(Resp(stage.store_url)) as store:
        await stage.open_sale("few", units=FEW_UNITS, offers=1)
        await stage.open_sale("many", units=MANY_UNITS, offers=1)
        more = _bytes_of_keys(store, "many") - _bytes_of_keys(store, "few")
        figures.add("bytes_per_unsold_unit", "bytes", more / (MANY_UNITS - FEW_UNITS))
        await _orders(stage, plan, figures, store)


async def _orders(stage: Stage, plan: Plan, figures: Figures, store: Resp) -> None:
    before = await _settled(store, sale.SALE)
    meter, began_s = Meter({"store": stage.ours.store_pid}), time.perf_counter()
    ask = sale.batch(BATCH, stage.credential)
    sold = await buy(stage.ours.url, [ask], plan.memory_orders)
    unsettled = _used(store)
    after = await _settled(store, sale.SALE)
    figures.add("bytes_per_order", "bytes", (after - before) / sold)
    figures.add("bytes_per_order_and_fact", "bytes", (unsettled - before) / sold)
    figures.add("store_cpu_order_to_settled", "us/order", meter.spent_s()["store"] / sold * 1e6)
    figures.add("orders_to_settled", "1/s", sold / (time.perf_counter() - began_s))


async def _settled(store: Resp, name: str) -> int:
    """The bytes in use once no fact waits and nothing is being freed any more."""
    deadline_s = time.monotonic() + SETTLE_WAIT_S
    used, calm = _used(store), False
    while not calm:
        if time.monotonic() > deadline_s:
            raise Failed(f"the facts of {name} were not settled in {SETTLE_WAIT_S} s")
        await asyncio.sleep(CALM_S)
        before, used = used, _used(store)
        calm = not store.call("XLEN", f"{{{name}:0}}:facts") and abs(used - before) < CALM_BYTES
    return used


def _bytes_of_keys(store: Resp, name: str) -> int:
    """What all keys of a sale hold, whatever else goes on in the store."""
    used, cursor = 0, b"0"
    while True:
        cursor, found = store.call("SCAN", cursor, "MATCH", f"{{{name}:*", "COUNT", 1000)
        used += sum(store.call("MEMORY", "USAGE", key, "SAMPLES", 0) or 0 for key in found)
        if cursor == b"0":
            return used


def _used(store: Resp) -> int:
    """Bytes in use, without what connections and the file's buffer hold for a moment."""
    memory = store.info("memory")
    passing = int(memory.get("mem_clients_normal", 0)) + int(memory.get("mem_aof_buffer", 0))
    return int(memory["used_memory"]) - passing
