"""How much is measured: the full run, and QUICK=1, which only shows that everything works."""

from __future__ import annotations

from dataclasses import dataclass

BATCHES = (1, 8, 64, 256)
CONNECTIONS, BATCH_CONNECTIONS = 64, 4
SHARES = (50, 70, 90)
SHARDS = (1, 2, 3)


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """The size of each part. Rounds repeat a part; every round has each pair once, in turn."""

    quick: bool
    rounds: int
    seconds: float
    """Of one generator against one server."""

    passes: int
    """Shoppers' holds in a round: each needs a pass, and a pass is dear to get."""

    store_rounds: int
    store_orders: int
    """Orders in a round for each size of batch; a size of 1 has a quarter of them."""

    floor_commands: int
    memory_orders: int
    latency_rounds: int
    latency_seconds: float
    probe_seconds: float
    """Of the open crowd at one rate, when it is asked whether that is within capacity."""

    shard_orders: int
    postgres_units: int
    rehearsed: int
    """Shoppers in the line of a rehearsal."""

    line_rate_per_s: int
    """Of it, and its burst: a line must be minutes long for a promised wait to mean anything."""


FULL = Plan(
    quick=False, rounds=5, seconds=3, passes=6_000, store_rounds=3, store_orders=16_384,
    floor_commands=50_000, memory_orders=100_000, latency_rounds=3, latency_seconds=5,
    probe_seconds=1.5, shard_orders=30_000, postgres_units=300_000, rehearsed=200_000,
    line_rate_per_s=100,
)  # fmt: skip
QUICK = Plan(
    quick=True, rounds=1, seconds=1, passes=1_000, store_rounds=1, store_orders=1_024,
    floor_commands=5_000, memory_orders=5_000, latency_rounds=1, latency_seconds=1,
    probe_seconds=0.5, shard_orders=1_500, postgres_units=50_000, rehearsed=2_000,
    line_rate_per_s=20,
)  # fmt: skip
