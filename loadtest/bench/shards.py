"""Over 1, 2 and 3 shards: what a unit costs all stores together, and how evenly they share it.

The wall clock says little where all shards live on two cores. If a unit costs the same CPU however
many shards there are, and each does its share, then shards on machines of their own add up.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from loadtest.bench import sale
from loadtest.bench.asks import OFFERS
from loadtest.bench.buying import buy
from loadtest.bench.figures import Figures
from loadtest.bench.machine import Meter
from loadtest.bench.plan import SHARDS, Plan
from loadtest.bench.servers import Server, cluster
from loadtest.bench.stage import Stage, begin
from loadtest.installation import Installation

BATCH_A_STRIPE = 64


async def measure(
    directory: Path, plan: Plan, figures: Figures, tell: Callable[[str], None]
) -> None:
    """One cluster of as many masters as the most; sales of 1, 2 and 3 stripes, which lie apart."""
    most = max(SHARDS)
    async with Installation(directory) as installation:
        servers = await cluster(installation, most)
        stage = await begin(installation, _url(servers), servers[0].pid)
        for shards in SHARDS:
            await stage.open_sale(_name(shards), units=sale.UNITS, offers=OFFERS, stripes=shards)
        with stage.settlement_frozen():
            for shards in SHARDS:
                tell(f"a sale on {shards} of {most} shards")
                await _busy(stage, servers, shards, plan, figures)


async def _busy(
    stage: Stage, servers: list[Server], shards: int, plan: Plan, figures: Figures
) -> None:
    ask = sale.batch(BATCH_A_STRIPE * shards, stage.credential, _name(shards))
    meter = Meter({str(number): server.pid for number, server in enumerate(servers)})
    sold = await buy(stage.ours.url, [ask], plan.shard_orders)
    spent_s = meter.spent_s().values()
    figures.add(f"shards_{shards}_store_cpu", "us/unit", sum(spent_s) / sold * 1e6)
    figures.add(f"shards_{shards}_largest_share", "share", max(spent_s) / sum(spent_s))


def _name(stripes: int) -> str:
    return f"striped-{stripes}"


def _url(servers: list[Server]) -> str:
    places = ",".join(server.url.removeprefix("redis://") for server in servers)
    return f"redis-cluster://{places}"
