"""A store that forgets in the middle of a drop: it sells nothing until it is whole, then goes on.

Two gateways, a settlement worker and the database are real processes; so is the store, whose files
the test changes behind their backs. What buyers were told must be the truth.
"""

import asyncio
import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

import lua.embedded
from loadtest.installation import Installation
from lua.process import start, wait_ready
from lua.store import Store
from tests.faults.rounds import ROUNDS, TRIES_MAX, again, is_kept
from tests.faults.witness import Witness, witnessed

pytestmark = [pytest.mark.fault, pytest.mark.timeout(300 * ROUNDS + 250)]

POOLED, WORKERS = 600 * (ROUNDS + TRIES_MAX), 12
BEFORE = 50
"""Successes before each trouble, and after it."""
SALE = "fenced"
SLOT = f"{{{SALE}:0}}:sale"
FILES = "appendonlydir"


class Forgetful:
    """A store whose files can be put back to what they were."""

    def __init__(self, home: Path) -> None:
        self.home = home / "valkey"
        self._copy = home / "copy"
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """Where it is."""
        return lua.embedded.url(self.home)

    async def on(self) -> None:
        """Start it and wait until it answers."""
        program = lua.embedded.prepare(self.home)
        self._process = start(program)
        await wait_ready(program, self._process)

    def off(self) -> None:
        """Kill -9."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def copy(self) -> None:
        """Keep its files as they are now."""
        shutil.rmtree(self._copy, ignore_errors=True)
        shutil.copytree(self.home / FILES, self._copy)

    def put_back(self) -> None:
        """Bring back the files that were kept; it must not run."""
        shutil.rmtree(self.home / FILES)
        shutil.copytree(self._copy, self.home / FILES)

    async def ask(self, *command: str) -> object:
        """One command past the door of the gateways."""
        store = await Store.connect(self.url, check_durability=False)
        try:
            return await store.write(*command)
        finally:
            await store.close()

    async def read(self, *command: str) -> Any:
        """The same for one that only reads."""
        store = await Store.connect(self.url, check_durability=False)
        try:
            return await store.read(*command)
        finally:
            await store.close()


@dataclass(slots=True)
class Scene:
    """A sale that is being bought."""

    store: Forgetful
    running: Installation
    witness: Witness

    async def play(self, trouble: Callable[[], Awaitable[None]]) -> list[float]:
        """Buyers buy before, during and after; seconds from each trouble's end to a success.

        What they were told must be the truth, and every invariant hold.
        """
        took: list[float] = []

        async def course() -> None:
            while again(took):
                await self.witness.reach(self.witness.successes + BEFORE)
                await trouble()
                begun = time.monotonic()
                await self.witness.reach(self.witness.successes + 1)
                took.append(time.monotonic() - begun)
                await self.witness.reach(self.witness.successes + BEFORE)

        async with asyncio.timeout(250 * ROUNDS + 200):
            playing = asyncio.create_task(course())
            await self.witness.buy(WORKERS, playing.done)
            await playing
            await self.witness.check()
        return took


@asynccontextmanager
async def _scene() -> AsyncIterator[Scene]:
    with tempfile.TemporaryDirectory(prefix="dgt-", dir="/tmp") as directory:
        home = Path(directory)
        store = Forgetful(home)
        await store.on()
        try:
            async with Installation(home) as running:
                await running.up(gateways=2, store_url=store.url)
                witness = await witnessed(running, home, SALE, pooled=POOLED)
                yield Scene(store, running, witness)
        finally:
            store.off()


@pytest.fixture(scope="module")
async def scene() -> AsyncIterator[Scene]:
    """One installation for all troubles of this module."""
    async with _scene() as made:
        yield made


async def epoch(scene: Scene) -> int:
    """The slot's epoch: it rises when it was built anew."""
    return await number(scene, "epoch")


async def number(scene: Scene, field: str) -> int:
    """A number of the slot's record."""
    return int(await scene.store.read("HGET", SLOT, field))


async def test_a_store_that_is_killed_goes_on_where_it_was(scene: Scene) -> None:
    """Nothing is missing, so the slot is opened again, in the same epoch."""

    async def kill() -> None:
        scene.store.off()
        await scene.store.on()

    before = await epoch(scene)
    took = await scene.play(kill)
    print(f"the store was killed: selling again {took} s after it was back")  # noqa: T201
    assert is_kept(took)
    assert await epoch(scene) == before


async def test_a_gateway_that_dies_with_the_store_is_not_waited_for(scene: Scene) -> None:
    """The others decide without it; its last mark is known and the store has it."""

    async def kill() -> None:
        # In a later round: the one that was killed is started again after a pause that grows.
        while not (scene.running.state / "run" / "gateway-1.json").exists():
            await asyncio.sleep(0.05)
        os.kill(scene.running.note("gateway-1")["pid"], signal.SIGKILL)
        scene.store.off()
        await scene.store.on()

    before = await epoch(scene)
    took = await scene.play(kill)
    print(f"with a gateway: selling again {took} s after it was back")  # noqa: T201
    assert is_kept(took)
    assert await epoch(scene) == before


async def test_an_old_copy_put_back_is_built_anew(scene: Scene) -> None:
    """Its server is another one and its facts are too few: nothing is sold before it is whole.

    As after a failover to a replica that lagged: the books have what the store has not.
    """

    async def old_copy() -> None:
        copied = await number(scene, "fact")
        scene.store.copy()
        await scene.witness.reach(scene.witness.successes + BEFORE)
        while await number(scene, "settled") < copied + BEFORE:
            await asyncio.sleep(0.05)
        scene.store.off()
        scene.store.put_back()
        await scene.store.on()

    before = await epoch(scene)
    took = await scene.play(old_copy)
    print(f"an old copy: selling again {took} s after it was back")  # noqa: T201
    assert is_kept(took)
    assert await epoch(scene) == before + len(took)


async def test_a_store_that_is_wiped_is_built_anew(scene: Scene) -> None:
    """FLUSHALL under the feet of all: the sale is back with every order that was told."""

    async def wipe() -> None:
        await scene.store.ask("FLUSHALL")

    before = await epoch(scene)
    took = await scene.play(wipe)
    print(f"wiped: selling again {took} s later")  # noqa: T201
    assert is_kept(took)
    assert await epoch(scene) == before + len(took)
