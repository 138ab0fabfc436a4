"""A very small bench, whole: every key is there, and ratios that a change must not turn around.

Bounds are wide and of ratios alone: how fast this machine is just now proves nothing.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from loadtest.bench import telling
from loadtest.bench.__main__ import Run
from loadtest.bench.plan import Plan

pytestmark = [pytest.mark.story, pytest.mark.timeout(1200)]

SMALL = Plan(
    quick=True, rounds=1, seconds=1, passes=400, store_rounds=3, store_orders=512,
    floor_commands=1_000, memory_orders=2_000, latency_rounds=1, latency_seconds=0.5,
    probe_seconds=0.2, shard_orders=256, postgres_units=20_000, rehearsed=400, line_rate_per_s=3,
)  # fmt: skip
KEYS = {
    "http_single_vs_bare", "http_single_vs_plain", "batch_orders_per_s", "batch_vs_single",
    "store_units_per_cpu_s_64", "store_64_vs_1", "bytes_per_order", "bytes_per_unsold_unit",
    "p99_ms_at_50pct", "p99_ms_at_70pct", "p99_ms_at_90pct",
    "vs_postgres_skip_locked", "polls_vs_bare", "store_commands_per_poll",
    "joins_per_cpu_s_64", "bytes_per_waiting_shopper", "overshoot_10s", "utilisation",
    "turn_noticed_mean_s", "polls_per_waited_hour", "eta_p90_error",
}  # fmt: skip


@pytest.fixture(scope="module")
async def told() -> AsyncIterator[dict[str, Any]]:
    """What a small bench writes."""
    with tempfile.TemporaryDirectory(prefix="dgt-", dir="/tmp") as name:
        run, out = Run(Path(name), SMALL), Path(name) / "out" / "bench.json"
        await run.measure()
        telling.show(run.figures, SMALL)
        telling.write(out, run.figures, SMALL, machine={}, how=run.generator)
        yield json.loads(out.read_bytes())


async def test_every_key_is_there(told: dict[str, Any]) -> None:
    """The keys that runs are compared by are numbers, and a small run says that it is one."""
    assert {key for key in KEYS if not isinstance(told.get(key), int | float)} == set()
    assert told["quick"] is True
    assert all("reached" in floor for floor in told["floors"].values())


async def test_a_batch_shares_the_cost_of_a_call(told: dict[str, Any]) -> None:
    """In batches of 64 an order costs the store at most half the CPU of an order alone."""
    assert told["store_64_vs_1"] >= 2


async def test_a_poll_costs_the_store_nothing(told: dict[str, Any]) -> None:
    """Thousands of polls of the frame are no command at the store."""
    assert told["store_commands_per_poll"] < 0.1


async def test_a_unit_that_nobody_bought_costs_nothing(told: dict[str, Any]) -> None:
    """A million units more are not a byte a thousand units more."""
    assert abs(told["bytes_per_unsold_unit"]) < 0.001


async def test_an_order_of_a_batch_is_cheaper_than_one_alone(told: dict[str, Any]) -> None:
    """By the CPU of the gateway's process."""
    assert told["server_cpu_batch_vs_single"] > 1


async def test_shards_share_the_work(told: dict[str, Any]) -> None:
    """No shard does most of it, and smaller batches on each do not cost many times as much."""
    assert told["shards_3_vs_1"] > 0.25
    assert told["figures"]["shards_3_largest_share"]["median"] < 0.6
