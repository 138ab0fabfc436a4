"""A room of a cinema sale with two drops, and a look at every key of the store."""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import replace
from hashlib import sha256
from typing import Any

import pytest

from lua.store import Store
from queueing import (
    Admitted,
    Draw,
    DrawnLine,
    Joined,
    JoinRequest,
    NoRoom,
    Pass,
    PassKeys,
    Place,
    Pumped,
    Resting,
    RoomRules,
    Rooms,
)

SALE = "cinema"
OPENS_MS = 1_000_000
LOBBY_MS = 60_000
SECOND_OPENS_MS = 2_000_000
SECOND_LOBBY_MS = SECOND_OPENS_MS - LOBBY_MS
RULES = RoomRules(
    rate_per_s=10,
    burst=3,
    pass_ms=30_000,
    lobby_ms=LOBBY_MS,
    openings_ms=(OPENS_MS, SECOND_OPENS_MS),
)
PLACE_KEYS = ((2, b"place two" * 4), (1, b"place one" * 4))
PASS_KEYS = PassKeys(
    names=b"names" * 7,
    mac=((4, b"mac four" * 4), (3, b"mac three" * 4)),
    signing=((6, sha256(b"six").digest()), (5, sha256(b"five").digest())),
)
DRAW_KEY = b"draw" * 8

Unchanged = Callable[[], AbstractAsyncContextManager[None]]


def another_gateway(store: Store) -> Rooms:
    """The rooms as a process of its own sees them."""
    return Rooms(store, PLACE_KEYS, PASS_KEYS, DRAW_KEY)


def buyer(number: int) -> str:
    """A buyer key of the usual length."""
    return f"buyer{number:019d}"


async def open_room(rooms: Rooms, **changes: Any) -> None:
    """Configure and open the room, with other rules where asked."""
    await rooms.configure(SALE, replace(RULES, **changes), "test", now_ms=1)
    await rooms.set_state(SALE, "open", "test", now_ms=1)


async def join(rooms: Rooms, *buyers: int, now_ms: int = OPENS_MS) -> list[Place]:
    """The places of these buyers, each joining with a key of its own."""
    requests = [JoinRequest(f"key {number}", buyer(number)) for number in buyers]
    outcomes = await rooms.join(SALE, requests, now_ms=now_ms)
    assert all(isinstance(outcome, Joined) for outcome in outcomes), outcomes
    return [outcome.place for outcome in outcomes if isinstance(outcome, Joined)]


async def draw(rooms: Rooms, drop: int = 1, now_ms: int = OPENS_MS) -> Draw:
    """Make the draw of a drop that has just opened, as a gateway's loop does."""
    drawn = await rooms.drawing.go_on(DrawnLine(SALE, drop, 1), None, now_ms)
    assert drawn is not None
    assert drawn.state == "drawn"
    return drawn


async def admit(rooms: Rooms, place: Place, now_ms: int = OPENS_MS) -> Admitted:
    """The place's claim, which must succeed."""
    outcome = await rooms.claim(SALE, place, now_ms=now_ms)
    assert isinstance(outcome, Admitted), outcome
    return outcome


def inside(place: Place) -> Pass:
    """The pass of a place, as far as it names the place's lease."""
    return Pass("", SALE, place.drop, place.epoch, place.lane, place.number, place.buyer, 0, 0)


async def pump_and_claim(rooms: Rooms, places: list[Place], now_ms: int) -> Pumped | Resting:
    """One pumping, after which whoever was called by it claims, and the last twenty before it."""
    before = await served(rooms, now_ms)
    report = await rooms.pump(SALE, None, now_ms=now_ms)
    assert not isinstance(report, NoRoom)
    await rooms.claim_all(SALE, places[max(0, before - 20) : await served(rooms, now_ms)], now_ms)
    return report


async def served(rooms: Rooms, now_ms: int) -> int:
    """How many turns were called."""
    return (await rooms.frame(SALE, now_ms=now_ms)).called


async def contents(store: Store) -> dict[bytes, bytes]:
    """Every key and what it holds, but for who stands at the door: a refusal counts that."""
    names = await store.read("KEYS", "*")
    held = {name: await store.read("DUMP", name) for name in names}
    for name in names:
        if b":line:" in name:
            flat = await store.read("HGETALL", name)
            pairs = zip(flat[::2], flat[1::2], strict=True)
            held[name] = b" ".join(
                b"=".join(pair) for pair in sorted(pairs) if not pair[0].startswith(b"door")
            )
    return held


@pytest.fixture
def rooms(store: Store) -> Rooms:
    """The rooms of one gateway."""
    return another_gateway(store)


@pytest.fixture
def unchanged(store: Store) -> Unchanged:
    """A block in which no key of the store may change."""

    @asynccontextmanager
    async def check() -> AsyncIterator[None]:
        before = await contents(store)
        yield
        assert await contents(store) == before

    return check
