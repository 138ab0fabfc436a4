"""A line of tens of thousands on real processes, and shoppers in it who write down every answer.

The line is filled by the verb, in batches: who waits costs nothing, so there is nothing to see in
fifty thousand calls. Who is called claims over HTTP, as a browser does; some ask before their turn,
some ask again for the pass that they have, and newcomers join behind. All times are of the wall
clock, which is the store's too.
"""

import asyncio
import random
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any, TypeVar

import aiohttp
import jwt
import orjson

from gateway.cli.tools import rooms_of
from gateway.keyring import Keyring
from loadtest.installation import Installation
from loadtest.room_history import Answer, Claim, Join, RoomHistory, Seen, Spot
from lua.faults import Fault
from lua.store import Store
from queueing import Joined, JoinRequest, Place, Rooms

AT_ONCE = 256
LOOK_S = 0.05
PATIENCE_S = 5.0
CLAIMING = 24
"""Shoppers who claim at the same time: more than the rate lets in, few enough for the machine."""
TOO_EARLY, AGAIN = 0.05, 0.1
T = TypeVar("T")


@dataclass(slots=True)
class Waiting:
    """One shopper in line."""

    key: str
    buyer: str
    token: str
    spot: Spot
    is_inside: bool = False


@dataclass(slots=True)
class LongLine:
    """A sale's line, the shoppers in it by number, and what all of them were told."""

    installation: Installation
    sale: str
    history: RoomHistory
    store_url: str
    waiting: dict[int, Waiting] = field(default_factory=dict)
    dice: random.Random = field(default_factory=lambda: random.Random(5))
    first_after: float = 0.0
    """When the first one was let in whose claim began after the mark."""
    marked: float = float("inf")
    slowest_s: float = 0.0

    async def fill(self, shoppers: int, prefix: str = "w") -> None:
        """So many join, AT_ONCE in a call; a call that finds a fence is repeated."""
        store = await Store.connect(self.store_url, check_durability=False)
        try:
            rooms = self._rooms(store)
            for first in range(0, shoppers, AT_ONCE):
                names = [f"{prefix}{n}" for n in range(first, min(first + AT_ONCE, shoppers))]
                await self.join(rooms, [(name, _buyer(name), None) for name in names])
        finally:
            await store.close()

    async def join(self, rooms: Rooms, who: list[tuple[str, str, Place | None]]) -> list[Waiting]:
        """Join by key, buyer and the place that is shown, if any; each ends in the history."""
        began = time.time()
        requests = [JoinRequest(key, buyer, shown=shown) for key, buyer, shown in who]
        told = await _in_the_end(lambda: rooms.join(self.sale, requests))
        ended, joined = time.time(), []
        for (key, buyer, shown), one in zip(who, told, strict=True):
            assert isinstance(one, Joined), one
            spot = spot_of(one.place)
            self.history.joins.append(
                Join(key=key, buyer=buyer, began=began, ended=ended, spot=spot, shown=bool(shown))
            )
            joined.append(self.waiting.setdefault(spot[2], Waiting(key, buyer, "", spot)))
            joined[-1].token = one.place_token
        return joined

    async def serve(self, until: Callable[[], bool]) -> None:
        """Shoppers watch the frame and claim as they are called, until it is enough."""
        connector = aiohttp.TCPConnector(limit=0)
        async with aiohttp.ClientSession(connector=connector) as http:
            called = 0
            gate = asyncio.Semaphore(CLAIMING)
            async with asyncio.TaskGroup() as group:
                while not until():
                    serving = await self._look(http)
                    for number in range(called + 1, serving + 1):
                        if number in self.waiting:
                            group.create_task(self._claim_until_in(http, number, gate, until))
                    called = max(called, serving)
                    early = self.waiting.get(called + self.dice.randint(50, 500))
                    if early is not None and self.dice.random() < TOO_EARLY:
                        await self.claim(http, early)
                    await asyncio.sleep(LOOK_S)

    async def claim(self, http: aiohttp.ClientSession, one: Waiting) -> tuple[Answer, float]:
        """One claim; what it was told, and when to ask again."""
        began = time.time()
        status, said = await self._ask(http, "POST", "passes", one.token)
        ended = time.time()
        self.slowest_s = max(self.slowest_s, ended - began)
        told: Answer = "fault"
        if status == 201:
            told = "admitted"
        elif status == 202:
            told = "not_called" if said["reason"] == "turn" else "wait"
        elif status == 410:
            told = "gone"
        pass_id = _id_of(said["pass"]) if told == "admitted" else ""
        self.history.claims.append(
            Claim(
                buyer=one.buyer,
                began=began,
                ended=ended if told != "fault" else float("inf"),
                spot=one.spot,
                told=told,
                pass_id=pass_id,
            )
        )
        if told == "admitted" and began > self.marked and not self.first_after:
            self.first_after = ended
        return told, said.get("retry_ms", 100) / 1000

    async def until_moving(self) -> float:
        """Mark the moment, and wait for somebody who is let in after it; seconds that it took."""
        self.marked, self.first_after = time.time(), 0.0
        while not self.first_after:
            await asyncio.sleep(0.01)
        return self.first_after - self.marked

    @property
    def inside(self) -> int:
        """How many were let in so far."""
        return sum(one.is_inside for one in self.waiting.values())

    async def reach(self, inside: int) -> None:
        """Return when so many have been let in."""
        while self.inside < inside:
            await asyncio.sleep(0.02)

    def check(self) -> None:
        """Nothing that was told contradicts anything else."""
        wrong = self.history.wrong()
        assert not wrong, "\n".join(f"{one.rule}: {one.said}" for one in wrong[:20])

    def _rooms(self, store: Store) -> Rooms:
        return rooms_of(Keyring.open(self.installation.state / "keys"), store)

    async def _claim_until_in(
        self,
        http: aiohttp.ClientSession,
        number: int,
        gate: asyncio.Semaphore,
        until: Callable[[], bool],
    ) -> None:
        one = self.waiting[number]
        while not until():
            async with gate:
                told, again_s = await self.claim(http, one)
            if told == "admitted":
                one.is_inside = True
                if self.dice.random() < AGAIN:
                    await self.claim(http, one)
                return
            if told == "gone":
                assert one.is_inside, f"{one.spot} is gone"
                return  # its pass has ended since an earlier trouble
            await asyncio.sleep(min(again_s, 1.0))

    async def _look(self, http: aiohttp.ClientSession) -> int:
        status, frame = await self._ask(http, "GET", "frame", "")
        if status != 200 or frame["reason"] == "store":
            return 0
        lane, line = frame["lanes"][0], f"{frame['drop']}.{frame['epoch']}"
        made = frame["at_ms"] / 1000  # each gateway has its own copy, a fifth of a second old
        self.history.frames.append(
            Seen(line=line, lane=0, serving=lane["serving"], began=made, ended=made)
        )
        return int(lane["serving"])

    async def _ask(
        self, http: aiohttp.ClientSession, method: str, path: str, token: str
    ) -> tuple[int, dict[str, Any]]:
        headers = {"Authorization": f"Place {token}"} if token else {}
        url = f"{self.installation.gateway}/v1/sales/{self.sale}/{path}"
        body: dict[str, Any] | None = {} if method == "POST" else None
        try:
            async with (
                asyncio.timeout(PATIENCE_S),
                http.request(method, url, json=body, headers=headers) as answer,
            ):
                return answer.status, orjson.loads(await answer.read())
        except (aiohttp.ClientError, TimeoutError, OSError):
            return 0, {}


def spot_of(place: Place) -> Spot:
    """A place as the history names it."""
    return f"{place.drop}.{place.epoch}", place.lane, place.number


async def _in_the_end(verb: Callable[[], Awaitable[T]]) -> T:
    """What a verb says once no fault keeps it from it."""
    while True:
        try:
            return await verb()
        except Fault:
            await asyncio.sleep(LOOK_S)


def _buyer(name: str) -> str:
    return f"{name:0>24}"


def _id_of(token: str) -> str:
    claims: dict[str, str] = jwt.decode(token, options={"verify_signature": False})
    return claims["jti"]
