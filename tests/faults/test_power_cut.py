"""A power cut of the store: whatever was told is on the disk, not only in the kernel's memory.

kill -9 proves nothing of that: the kernel writes what a killed process had written.
"""

import asyncio
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from loadtest.installation import Installation
from lua.store import Store
from tests.faults.power import Mains
from tests.faults.rounds import ROUNDS
from tests.faults.witness import witnessed

pytestmark = [pytest.mark.fault, pytest.mark.timeout(240 * ROUNDS)]

POOLED = 400 * ROUNDS
WORKERS = 24
BEFORE = 120
"""Successes that were told before each cut."""
CUTS = 2 * ROUNDS
SLOW_FSYNC_US = 3_000
"""As a disk in a network; more calls are between writing and fsync when the power goes."""


@pytest.fixture
async def home() -> AsyncIterator[Path]:
    """A short directory."""
    with tempfile.TemporaryDirectory(prefix="dgt-", dir="/tmp") as directory:
        yield Path(directory)


async def _written(mains: Mains) -> int:
    """Write until the power goes; how many writes were acknowledged and are gone."""
    store = await Store.connect(mains.url, check_durability=False)
    acknowledged = 0
    async with asyncio.timeout(30):
        for number in range(400):
            await store.write("SET", f"k{number}", number)
            acknowledged = number + 1
    mains.cut()
    await store.close()
    await mains.on()
    store = await Store.connect(mains.url, check_durability=False)
    there = [await store.read("EXISTS", f"k{number}") for number in range(acknowledged)]
    await store.close()
    mains.off()
    return there.count(0)


async def test_the_cut_takes_what_was_not_fsynced(home: Path) -> None:
    """Without an fsync for each answer a cut takes acknowledged writes: the tool can see a loss."""
    careless = Mains(home, settings={"--appendfsync": "no"})
    await careless.on()
    assert await _written(careless) > 0


async def test_the_cut_takes_nothing_that_was_fsynced(home: Path) -> None:
    """With one it takes none."""
    careful = Mains(home)
    await careful.on()
    assert await _written(careful) == 0


async def test_a_power_cut_in_a_drop_loses_nothing_that_was_told(home: Path) -> None:
    """Cut twice while two gateways sell: the history of all that was told can be."""
    mains = Mains(home)
    await mains.on(fsync_us=SLOW_FSYNC_US)
    try:
        async with Installation(home) as running:
            await running.up(gateways=2, store_url=mains.url)
            witness = await witnessed(running, home, "cut", pooled=POOLED)

            async def cut() -> None:
                for _ in range(CUTS):
                    await witness.reach(witness.successes + BEFORE)
                    mains.cut()
                    await mains.on(fsync_us=SLOW_FSYNC_US)
                await witness.reach(witness.successes + BEFORE)

            async with asyncio.timeout(200 * ROUNDS):
                cutting = asyncio.create_task(cut())
                await witness.buy(WORKERS, cutting.done)
                await cutting
                await witness.check()
    finally:
        mains.off()
