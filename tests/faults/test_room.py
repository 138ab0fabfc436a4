"""A store that forgets a waiting room with 50,000 in line: it lets nobody in until it is whole.

Two gateways and the database are real processes; so is the store, whose files the test changes
behind their backs. What shoppers were told must be the truth: nobody twice, nobody out of turn,
never more than the rate.
"""

import asyncio
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from loadtest.installation import Installation
from loadtest.room_history import RoomHistory
from tests.faults.long_line import LongLine
from tests.faults.rounds import ROUNDS, again, is_kept
from tests.faults.test_fence import Forgetful
from tests.stories.small import write_sale

pytestmark = [pytest.mark.fault, pytest.mark.timeout(300 * ROUNDS + 200)]

SALE = "long"
LINE = 50_000
RATE = 40
BEFORE = 60
"""Let in before each trouble, and after it."""
REST_MS = 2_000
"""So long nobody is let in after the first gateway has handed in what it saw."""
NEWCOMERS = 20


@dataclass(slots=True)
class Scene:
    """A long line at a store that will forget."""

    store: Forgetful
    line: LongLine

    async def play(self, trouble: Callable[[], Awaitable[None]], *, loses: bool) -> list[float]:
        """People are let in before, during and after; seconds until somebody is again."""
        line, took = self.line, list[float]()

        async def course() -> None:
            while again(took):
                await line.reach(line.inside + BEFORE)
                begun = time.time()
                await trouble()
                if loses:
                    line.history.losses.append(begun)
                took.append(await line.until_moving())
                await self.has_rested()
                await line.fill(NEWCOMERS, f"n{begun}-")
                await line.reach(line.inside + BEFORE)

        async with asyncio.timeout(120 * ROUNDS + 150):
            playing = asyncio.create_task(course())
            await line.serve(playing.done)
            await playing
        line.check()
        return took

    async def has_rested(self) -> None:
        """By the store's own clock the room rested as long as it must, and no longer."""
        life, opens_again_ms = await self.store.read(
            "HMGET", f"{{{SALE}:room}}:room", "life", "opens_again_ms"
        )
        begun_ms = int(life.rpartition(b":")[2])
        assert int(opens_again_ms) - begun_ms == REST_MS


@pytest.fixture(scope="module")
async def scene() -> AsyncIterator[Scene]:
    """One line for all troubles of this module."""
    with tempfile.TemporaryDirectory(prefix="dgt-", dir="/tmp") as directory:
        home = Path(directory)
        store = Forgetful(home)
        await store.on()
        try:
            async with Installation(home) as running:
                await running.up(gateways=2, store_url=store.url)
                write_sale(home / "sale", SALE, pooled=LINE, rate_per_s=RATE)
                await running.command("sale", "apply", home / "sale" / "sale.toml")
                await running.command("sale", "open", SALE)
                line = LongLine(running, SALE, RoomHistory(RATE, RATE), store.url)
                await line.fill(LINE)
                yield Scene(store, line)
        finally:
            store.off()


async def test_a_store_that_is_killed_goes_on_with_the_line(scene: Scene) -> None:
    """Nothing is forgotten, nobody is let in twice, and no faster than the rate allows."""

    async def kill() -> None:
        scene.store.off()
        await scene.store.on()

    took = await scene.play(kill, loses=False)
    print(f"killed: letting in again {took} s after it was back")  # noqa: T201
    assert is_kept(took)


async def test_a_store_that_is_wiped_is_given_the_line_back(scene: Scene) -> None:
    """FLUSHALL under the feet of 50,000: their places are what they were, in their order."""

    async def wipe() -> None:
        await scene.store.ask("FLUSHALL")

    took = await scene.play(wipe, loses=True)
    print(f"wiped: letting in again {took} s later")  # noqa: T201
    assert is_kept(took)


async def test_an_old_copy_put_back_calls_nobody_again(scene: Scene) -> None:
    """A line that stands where it stood a while ago is brought to where it was seen."""

    async def old_copy() -> None:
        scene.store.copy()
        await scene.line.fill(NEWCOMERS, f"o{time.time()}-")
        await scene.line.reach(scene.line.inside + BEFORE)
        scene.store.off()
        scene.store.put_back()
        await scene.store.on()

    took = await scene.play(old_copy, loses=True)
    print(f"an old copy: letting in again {took} s after it was back")  # noqa: T201
    assert is_kept(took)
