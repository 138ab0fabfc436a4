"""What an order costs the store's process in batches of several sizes, beside the machine's floors.

The floors are commands that do nearly nothing, sent as redis-benchmark sends them.
"""

from __future__ import annotations

import asyncio
import time
from contextlib import closing
from itertools import count
from typing import Any

from loadtest.bench import sale
from loadtest.bench.asks import OFFERS
from loadtest.bench.buying import buy
from loadtest.bench.figures import Figures
from loadtest.bench.machine import Meter
from loadtest.bench.plan import BATCHES, Plan
from loadtest.bench.resp import Resp, pack
from loadtest.bench.servers import Server
from loadtest.bench.stage import Stage

EMPTY = "return 1"
OF_TWO = 64
SMALL_SHARE = 4
LEAST_BATCHES = 8
IDLE_S = 2.0
FIRST = "00"
HALL, HALL_UNITS = "hall", 25_000
"""A sale as large as the one that Dropgate grew from: 16 offers, 400,000 units in all."""


class StoreCost:
    """The store of ours, and the one that the floors are measured on."""

    def __init__(self, stage: Stage, floors: Server, plan: Plan, figures: Figures) -> None:
        self._stage, self._floors, self._plan, self._figures = stage, floors, plan, figures
        self._numbers = count(1)

    async def round(self) -> None:
        """Each size of batch, then the floors at the same number of commands in a sending."""
        hall = f"{HALL}-{next(self._numbers)}"
        await self._stage.open_sale(hall, units=HALL_UNITS, offers=OFFERS)
        idle = await self._idle()
        with closing(Resp(self._stage.store_url)) as store:
            for size in BATCHES:
                await self._batch(store, f"store_cpu_batch_{size}", size, idle, hall)
            name = f"store_cpu_batch_{OF_TWO}_two_units"
            await self._batch(store, name, OF_TWO, idle, hall, quantity=2)
            name = f"store_cpu_batch_{OF_TWO}_one_offer"
            await self._batch(store, name, OF_TWO, idle, hall, offer=FIRST)
            name = f"store_cpu_batch_{OF_TWO}_large_sale"
            await self._batch(store, name, OF_TWO, idle, sale.SALE)
        for size in BATCHES:
            _measure_floors(self._floors, self._plan.floor_commands, size, self._figures)

    async def _batch(
        self, store: Resp, name: str, size: int, idle: float, sold_in: str, **asked: Any
    ) -> None:
        orders = self._plan.store_orders // (SMALL_SHARE if size == 1 else 1)
        ask = sale.batch(size, self._stage.credential, sold_in, **asked)
        calls, meter, began_s = _calls(store), self._meter(), time.perf_counter()
        sold = await buy(self._stage.ours.url, [ask], max(orders, LEAST_BATCHES * size))
        spent_s = meter.spent_s()["store"] - idle * (time.perf_counter() - began_s)
        self._figures.add(name, "us/order", spent_s / sold * 1e6)
        self._figures.add(f"{name}_calls", "calls/batch", (_calls(store) - calls) / (sold / size))

    async def _idle(self) -> float:
        """The share of a core that the gateway's loops cost the store while nobody buys.

        It is taken off: on a slow machine it would be told as the cost of the few who buy.
        """
        meter, began_s = self._meter(), time.perf_counter()
        await asyncio.sleep(IDLE_S)
        share = meter.spent_s()["store"] / (time.perf_counter() - began_s)
        self._figures.add("store_cpu_idle", "ms/s", share * 1000)
        return share

    def _meter(self) -> Meter:
        return Meter({"store": self._stage.ours.store_pid})


def _calls(store: Resp) -> int:
    """The scripts that the store has run; those of the gateway's loops are among them."""
    stats = store.info("commandstats")
    names = ("cmdstat_evalsha", "cmdstat_eval")
    return sum(int(stats[name].split("calls=")[1].split(",")[0]) for name in names if name in stats)


def _measure_floors(server: Server, commands: int, size: int, figures: Figures) -> None:
    """PING, SET and an empty script, `size` of them in one sending."""
    with closing(Resp(server.url)) as store:
        sha = store.call("SCRIPT", "LOAD", EMPTY)
        for name, words in (
            ("ping", ("PING",)),
            ("set", ("SET", "{floor}:key", "x" * 100)),
            ("evalsha", ("EVALSHA", sha, 1, "{floor}:key")),
        ):
            packed = pack(words) * size
            sendings = max(LEAST_BATCHES, commands // (SMALL_SHARE if size == 1 else 1) // size)
            meter = Meter({"store": server.pid})
            for _ in range(sendings):
                store.pipeline(packed, size)
            cost_us = meter.spent_s()["store"] / (sendings * size) * 1e6
            figures.add(f"floor_{name}_{size}", "us/command", cost_us)
