"""What an order costs the store's process in batches of several sizes, beside the machine's floors.

The floors are commands that do nearly nothing, sent as redis-benchmark sends them.
"""

from __future__ import annotations

from loadtest.bench import sale
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


class StoreCost:
    """The store of ours, and the one that the floors are measured on."""

    def __init__(self, stage: Stage, floors: Server, plan: Plan, figures: Figures) -> None:
        self._stage, self._floors, self._plan, self._figures = stage, floors, plan, figures

    async def round(self) -> None:
        """Each size of batch, then the floors at the same number of commands in a sending."""
        with Resp(self._stage.store_url) as store:
            for size in BATCHES:
                await self._batch(store, f"store_cpu_batch_{size}", size)
            await self._batch(store, f"store_cpu_batch_{OF_TWO}_two_units", OF_TWO, quantity=2)
        for size in BATCHES:
            _measure_floors(self._floors, self._plan.floor_commands, size, self._figures)

    async def _batch(self, store: Resp, name: str, size: int, *, quantity: int = 1) -> None:
        orders = self._plan.store_orders // (SMALL_SHARE if size == 1 else 1)
        ask = sale.batch(size, self._stage.credential, quantity=quantity)
        calls, meter = _calls(store), Meter({"store": self._stage.ours.store_pid})
        sold = await buy(self._stage.ours.url, [ask], max(orders, LEAST_BATCHES * size))
        self._figures.add(name, "us/order", meter.spent_s()["store"] / sold * 1e6)
        self._figures.add(f"{name}_calls", "calls/batch", (_calls(store) - calls) / (sold / size))


def _calls(store: Resp) -> int:
    """The scripts that the store has run; those of the gateway's loops are among them."""
    stats = store.info("commandstats")
    names = ("cmdstat_evalsha", "cmdstat_eval")
    return sum(int(stats[name].split("calls=")[1].split(",")[0]) for name in names if name in stats)


def _measure_floors(server: Server, commands: int, size: int, figures: Figures) -> None:
    """PING, SET and an empty script, `size` of them in one sending."""
    with Resp(server.url) as store:
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
