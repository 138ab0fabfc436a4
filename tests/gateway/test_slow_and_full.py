"""A store that answers after three seconds, or has no memory left: what callers hear, and when."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from lua.store import Store
from tests.faults.between import Between
from tests.gateway.conftest import a_world
from tests.gateway.world import PATIENCE_S, SALE, Answer, World

pytestmark = [pytest.mark.hurried, pytest.mark.fault]
SLOW_S = 3.0
ANSWER_S = 1.0
"""By then each caller has been told something."""
TRIES = 3
"""What others wait longer is the machine's share."""
LINES = {"lines": [{"offer": "pool", "quantity": 1}]}
UNKNOWN = frozenset({"nothing_happened", "may_have_happened"})


@dataclass(frozen=True, slots=True)
class Ask:
    """One call that would succeed, and succeeds again with the same key."""

    path: str
    body: dict[str, Any]
    auth: str

    async def told(self, world: World) -> Answer:
        """What it hears."""
        return await world.call("POST", self.path, self.body, auth=self.auth, key=self.path)


@dataclass(slots=True)
class Scene:
    """A gateway, and the line between it and its store."""

    world: World
    between: Between
    store: Store


@pytest.fixture
async def scene(
    state_directory: Path, valkey_url: str, store: Store, database_url: str, tmp_path: Path
) -> AsyncIterator[Scene]:
    """A gateway whose store lies behind something that can hold answers back."""
    there = Path(valkey_url.removeprefix("unix://"))
    async with (
        Between(there.parent / "slow.sock", there) as between,
        a_world(state_directory, between.url, database_url) as world,
    ):
        yield Scene(world, between, store)


@asynccontextmanager
async def slow(scene: Scene) -> AsyncIterator[None]:
    """Everything runs, and is told when nobody waits any more."""
    scene.between.delay_s = SLOW_S
    yield
    scene.between.delay_s = 0.0


@asynccontextmanager
async def full(scene: Scene) -> AsyncIterator[None]:
    """`noeviction`: what would need memory is refused."""
    await scene.store.write("CONFIG", "SET", "maxmemory", "1")
    try:
        yield
    finally:
        await scene.store.write("CONFIG", "SET", "maxmemory", "0")


async def asks_of(world: World) -> dict[str, Ask]:
    """Each verb, asked by somebody who has done all that comes before it."""
    held, bought = (await world.hold("bob")).data, await world.buy("cyd")
    called = await world.place("eve")
    await world.services.rooms.pump(SALE, 100)
    sale, code = f"/v1/sales/{SALE}", {"code": bought["units"][0]["code"]}
    paid = {"payment": world.proof(held)}
    return {
        "hold": Ask(f"{sale}/orders", LINES, await world.pass_("ann")),
        "confirm": Ask(f"/v1/orders/{held['id']}/confirm", paid, world.login("bob")),
        "redeem": Ask("/v1/kiosk/redemptions", code, world.keys["kiosk"]),
        "join": Ask(f"{sale}/places", {}, world.login("dan")),
        "claim": Ask(f"{sale}/passes", {}, called),
    }


async def soon(world: World, ask: Ask) -> Answer:
    """What it hears within a second, at the first try that the machine does not hold up."""
    for _ in range(TRIES):
        begun = time.monotonic()
        told = await ask.told(world)
        if time.monotonic() - begun <= ANSWER_S:
            return told
    raise AssertionError(f"{ask.path}: no answer within {ANSWER_S} s")


async def in_the_end(world: World, ask: Ask) -> Answer:
    """What the repeat hears once the trouble is over."""
    async with asyncio.timeout(PATIENCE_S):
        while (told := await ask.told(world)).status == 503:
            await asyncio.sleep(0.05)
    return told


async def counted(world: World) -> dict[str, int]:
    """Units of the pool by their state."""
    counts = await world.call(
        "GET", f"/v1/operator/sales/{SALE}/counts", auth=world.keys["operator"]
    )
    (pool,) = (one for one in counts.data["offers"] if one["offer"] == "pool")
    return {name: pool[name] for name in ("held", "sold", "redeemed")}


@pytest.mark.parametrize("trouble", [slow, full])
async def test_each_verb_is_answered_within_a_second(
    scene: Scene, trouble: Callable[[Scene], Any]
) -> None:
    """Yes, no, or 'repeat with the same key'; and the repeat tells what is true, once."""
    world = scene.world
    asks = await asks_of(world)
    before = await counted(world)
    async with trouble(scene):
        for name, ask in asks.items():
            told = await soon(world, ask)
            assert told.status == 503, (name, told.data)
            assert told.code in UNKNOWN, (name, told.data)
            assert told.headers["Retry-After"] == "1"
    first = {name: await in_the_end(world, ask) for name, ask in asks.items()}
    assert {
        name: told.status for name, told in first.items() if told.status not in (200, 201)
    } == {}
    again = {name: await ask.told(world) for name, ask in asks.items()}
    for name, told in again.items():
        assert told.status in (200, 201), (name, told.data)  # a join tells its place each time
        first[name].data.pop("place", None)  # written anew for each answer, with its time
        told.data.pop("place", None)
        assert told.data == first[name].data, name
    # One hold of one unit, the two that were held are paid, and one code of them all was used.
    after = await counted(world)
    moved = {name: after[name] - before[name] for name in after}
    assert moved == {"held": 1 - 2, "sold": 2 - 1, "redeemed": 1}
