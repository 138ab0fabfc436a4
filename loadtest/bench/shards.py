"""Over 1, 2 and 3 shards: what a unit costs all stores together, and how evenly they share it.

The wall clock says little where all shards live on two cores. If a unit costs the same CPU however
many shards there are, and each does its share, then shards on machines of their own add up.
"""

from __future__ import annotations

from binascii import crc_hqx
from collections.abc import Callable
from itertools import count
from pathlib import Path

from loadtest.bench import sale
from loadtest.bench.asks import OFFERS
from loadtest.bench.buying import buy
from loadtest.bench.figures import Figures
from loadtest.bench.machine import Meter
from loadtest.bench.plan import SHARDS, Plan
from loadtest.bench.servers import SLOTS, Server, cluster
from loadtest.bench.stage import Stage, begin
from loadtest.installation import Installation

BATCH = 64


async def measure(
    directory: Path, plan: Plan, figures: Figures, tell: Callable[[str], None]
) -> None:
    """One cluster of as many masters as the most; a sale on each; the first, two or all busy."""
    most = max(SHARDS)
    async with Installation(directory) as installation:
        servers = await cluster(installation, most)
        stage = await begin(installation, _url(servers), servers[0].pid)
        names = [_on_shard(shard, most) for shard in range(most)]
        for name in names:
            await stage.open_sale(name, units=sale.UNITS, offers=OFFERS)
        with stage.settlement_frozen():
            for shards in SHARDS:
                tell(f"orders on {shards} of {most} shards")
                await _busy(stage, servers, names[:shards], plan, figures)


async def _busy(
    stage: Stage, servers: list[Server], names: list[str], plan: Plan, figures: Figures
) -> None:
    asks = [sale.batch(BATCH, stage.credential, name) for name in names]
    meter = Meter({str(number): server.pid for number, server in enumerate(servers)})
    sold = await buy(stage.ours.url, asks, plan.shard_orders)
    spent_s = list(meter.spent_s().values())
    busy_s = spent_s[: len(names)]
    figures.add(f"shards_{len(names)}_store_cpu", "us/unit", sum(spent_s) / sold * 1e6)
    figures.add(f"shards_{len(names)}_largest_share", "share", max(busy_s) / sum(spent_s))


def _on_shard(shard: int, shards: int) -> str:
    """A sale's id whose slot lies on this shard."""
    for number in count():
        name = f"on-{shard}-{number}"
        slot = crc_hqx(f"{name}:0".encode(), 0) % SLOTS  # Redis Cluster's hash of a tag
        if slot * shards // SLOTS == shard:
            return name
    raise AssertionError("an id is found")


def _url(servers: list[Server]) -> str:
    places = ",".join(server.url.removeprefix("redis://") for server in servers)
    return f"redis-cluster://{places}"
