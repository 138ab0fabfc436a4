"""A store that loses answers, freezes, is slow or full: each buyer hears the truth, and soon."""

import asyncio
import os
import signal
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from loadtest.installation import Installation
from lua.store import Store
from tests.faults.between import Between
from tests.faults.power import Mains
from tests.faults.rounds import ROUNDS
from tests.faults.witness import PATIENCE_S, Witness, witnessed

pytestmark = [pytest.mark.fault, pytest.mark.timeout(240 * ROUNDS)]

POOLED, WORKERS = 400 * ROUNDS, 24
BEFORE = 60
"""Successes before each trouble."""
TROUBLE_S = 3.0
LOST_SHARE = 0.1
DELAY_S = 0.5
"""Longer than the door waits for an answer."""
ANSWER_S = 1.0
"""By then whoever asks a store that stands still hears that it is not known yet."""
SALE = "trouble"


@dataclass(slots=True)
class Scene:
    """A sale being bought while its store is in trouble."""

    mains: Mains
    between: Between
    witness: Witness

    async def play(self, trouble: Callable[["Scene"], Awaitable[None]]) -> None:
        """Buyers buy before, during and after; what they were told must be the truth."""

        async def course() -> None:
            for _ in range(ROUNDS):
                await self.witness.reach(self.witness.successes + BEFORE)
                await trouble(self)
            await self.witness.reach(self.witness.successes + BEFORE)

        async with asyncio.timeout(200 * ROUNDS):
            playing = asyncio.create_task(course())
            await self.witness.buy(WORKERS, playing.done)
            await playing
            await self.witness.check()


@asynccontextmanager
async def _scene() -> AsyncIterator[Scene]:
    with tempfile.TemporaryDirectory(prefix="dgt-", dir="/tmp") as directory:
        home = Path(directory)
        mains = Mains(home)
        await mains.on()
        try:
            socket = Path(mains.url.removeprefix("unix://"))
            async with (
                Between(home / "between.sock", socket) as between,
                Installation(home) as running,
            ):
                await running.up(gateways=2, store_url=between.url)
                witness = await witnessed(running, home, SALE, pooled=POOLED)
                yield Scene(mains, between, witness)
        finally:
            mains.off()


@pytest.fixture(scope="module")
async def scene() -> AsyncIterator[Scene]:
    """One installation for all troubles of this module."""
    async with _scene() as made:
        yield made


async def test_answers_that_get_lost_change_nothing(scene: Scene) -> None:
    """A tenth of all answers is lost after the script ran: everyone has one order, and hears so."""

    async def lose(scene: Scene) -> None:
        scene.between.answers_lost = scene.between.questions_lost = LOST_SHARE
        await scene.witness.reach(scene.witness.successes + BEFORE)
        scene.between.answers_lost = scene.between.questions_lost = 0.0

    await scene.play(lose)
    assert scene.between.lost > 0


async def test_a_slow_store_gives_honest_answers(scene: Scene) -> None:
    """Every answer comes later than the door waits: nobody hears a no that was a yes."""

    async def slow(scene: Scene) -> None:
        scene.between.delay_s = DELAY_S
        await asyncio.sleep(TROUBLE_S)
        scene.between.delay_s = 0.0

    await scene.play(slow)


async def test_a_frozen_store_gives_honest_answers(scene: Scene) -> None:
    """The process stands still: buyers hear within a second that it is not known yet."""
    asked = scene.witness.told.copy()

    async def freeze(scene: Scene) -> None:
        scene.witness.slowest_s = 0.0
        scene.witness.unknown_s.clear()
        os.kill(scene.mains.pid, signal.SIGSTOP)
        await asyncio.sleep(TROUBLE_S)
        os.kill(scene.mains.pid, signal.SIGCONT)

    await scene.play(freeze)
    assert scene.witness.slowest_s < PATIENCE_S, "somebody was left without any answer"
    assert min(scene.witness.unknown_s) <= ANSWER_S, (
        "the machine's share is what others wait longer"
    )
    assert scene.witness.told["unknown"] > asked["unknown"], "nobody asked while it was frozen"


async def test_a_full_store_refuses_whole(scene: Scene) -> None:
    """No memory left: nothing is begun that cannot be finished."""
    asked = scene.witness.told.copy()

    async def fill(scene: Scene) -> None:
        store = await Store.connect(scene.mains.url, check_durability=False)
        await store.write("CONFIG", "SET", "maxmemory", "1")
        await asyncio.sleep(TROUBLE_S)
        await store.write("CONFIG", "SET", "maxmemory", "0")
        await store.close()

    await scene.play(fill)
    assert scene.witness.told["nothing"] > asked["nothing"], "nobody asked while it was full"
