"""Two gateways cut off from each other: one with the old primary, one with all replicas.

Both go on giving places, pumping and letting in as long as they can; of what either told nothing
may contradict what the other did.
"""

import asyncio
import time
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from itertools import count

import pytest

from loadtest.room_history import Claim, Join, RoomHistory
from lua import Store
from lua.faults import Fault
from lua.node import hash_slot
from queueing import Admitted, Joined, JoinRequest, Place, RoomRules, Rooms, Wait
from tests.cluster import Cluster
from tests.faults.long_line import spot_of
from tests.faults.sides import Sides, sides
from tests.faults.split import is_promoted, opened, split_cluster
from tests.queueing.conftest import another_gateway
from tests.servers import until

pytestmark = [pytest.mark.fault, pytest.mark.timeout(240)]

RATE, BURST = 20, 10
BEFORE, AFTER = 30, 30
PAUSE_S = 0.05
SLOTS_A_MASTER = -(-16_384 // 3)


def test_two_gateways_that_are_cut_off_admit_as_one() -> None:
    """No place and no number twice, never more than the rate, whichever side was asked."""
    with sides() as pair:
        pair.there.begin(_play(pair)).result(200)


@dataclass(slots=True)
class Door:
    """One gateway, and what it told."""

    name: str
    sale: str
    store: Store
    rooms: Rooms
    history: RoomHistory
    refused: int = 0
    inside: int = 0
    waiting: list[Place] = field(default_factory=list)
    _numbers: "count[int]" = field(default_factory=lambda: count(1))

    async def work(self) -> None:
        """Look, pump, join two, and claim for whoever waits here, until it is cancelled."""
        while True:
            for step in (self._keep, self._join, self._claim):
                with suppress(Fault):
                    await step()
            await asyncio.sleep(PAUSE_S)

    async def _keep(self) -> None:
        await self.rooms.recovery.look(self.sale)
        await self.rooms.frame(self.sale)
        await self.rooms.pump(self.sale, 100_000)

    async def _join(self) -> None:
        began, number = time.time(), next(self._numbers)
        key = f"{self.name}-{number}"
        buyer = f"{key:0>24}"
        try:
            [told] = await self.rooms.join(self.sale, [JoinRequest(key, buyer)])
        except Fault:
            self.refused += 1
            raise
        assert isinstance(told, Joined), told
        spot = spot_of(told.place)
        self.history.joins.append(
            Join(key=key, buyer=buyer, began=began, ended=time.time(), spot=spot)
        )
        self.waiting.append(told.place)

    async def _claim(self) -> None:
        for place in self.waiting[:4]:
            began = time.time()
            told = await self.rooms.claim(self.sale, place)
            if isinstance(told, Wait):
                return
            assert isinstance(told, Admitted), told
            self.history.claims.append(
                Claim(
                    buyer=place.buyer,
                    began=began,
                    ended=time.time(),
                    spot=spot_of(place),
                    told="admitted",
                    pass_id=told.pass_claims.id,
                )
            )
            self.waiting.remove(place)
            self.inside += 1

    async def reach(self, inside: int) -> None:
        """Return when so many have been let in here."""
        while self.inside < inside:
            await asyncio.sleep(PAUSE_S)


async def _play(pair: Sides) -> None:
    async with split_cluster(pair) as made:
        await _cut(pair, made)


async def _cut(pair: Sides, nodes: Cluster) -> None:
    sale = next(
        name
        for name in (f"cut-{n}" for n in range(1_000))
        if hash_slot(f"{{{name}:room}}") < SLOTS_A_MASTER
    )
    history = RoomHistory(RATE, BURST)
    there = await _door("there", sale, nodes, history)
    here = await pair.here.do(_door("here", sale, nodes, history))
    rules = RoomRules(rate_per_s=RATE, burst=BURST, openings_ms=(1,), pass_ms=60_000)
    await there.rooms.configure(sale, rules, "test")
    await there.rooms.set_state(sale, "open", "test")
    working = [asyncio.create_task(there.work()), await pair.here.do(_begin(here))]
    await there.reach(BEFORE)
    await pair.here.do(here.reach(BEFORE))
    pair.cut()
    refused = here.refused
    await until(partial(is_promoted, nodes), "nobody was promoted")
    await there.reach(there.inside + AFTER)
    pair.mend()
    await pair.here.do(here.reach(here.inside + AFTER))
    working[0].cancel()
    pair.here.loop.call_soon_threadsafe(working[1].cancel)
    assert here.refused > refused, "the cut was not felt"
    wrong = history.wrong()
    assert not wrong, "\n".join(f"{one.rule}: {one.said}" for one in wrong[:20])
    await there.store.close()
    await pair.here.do(here.store.close())


async def _begin(door: Door) -> "asyncio.Task[None]":
    return asyncio.create_task(door.work())


async def _door(name: str, sale: str, nodes: Cluster, history: RoomHistory) -> Door:
    store = await opened(nodes)
    return Door(name, sale, store, another_gateway(store), history)
