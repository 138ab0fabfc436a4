"""The door: who asks again before the time it was told hears the rest of its wait, unasked."""

import asyncio
from dataclasses import replace
from typing import Any, cast

from gateway.door import TOLD_MAX, Door
from gateway.meters import Meters
from gateway.metrics import Metrics
from queueing import Place, Rooms, Wait

PLACE = Place("spring", 1, 1, 0, 7, "ann", 1)


class Asked:
    """Rooms that tell everybody to wait, and count how often they are asked."""

    def __init__(self, told: Wait) -> None:
        self.told, self.times = told, 0

    async def claim_all(self, _sale: str, places: list[Place]) -> list[Wait]:
        """One answer for each."""
        self.times += len(places)
        return [self.told] * len(places)

    async def join(self, *_asked: Any) -> list[Any]:
        """Not asked here."""
        return []


def door_to(rooms: Asked) -> Door:
    """A door of its own."""
    return Door(cast("Rooms", rooms), Meters(), Metrics())


async def test_a_place_that_hammers_is_one_question() -> None:
    """Whatever token it shows: the store counts it once, and it hears what is left of its wait."""
    rooms = Asked(Wait(0, 60_000, "full"))
    door = door_to(rooms)
    told = [await door.claim("spring", replace(PLACE, issued_ms=n)) for n in range(50)]
    assert rooms.times == 1
    assert {one.reason for one in told if isinstance(one, Wait)} == {"full"}
    waits = [one.retry_ms for one in told if isinstance(one, Wait)]
    assert waits[0] == 60_000
    assert all(59_000 < wait < 60_000 for wait in waits[1:])
    await door.claim("spring", replace(PLACE, number=8))
    assert rooms.times == 2


async def test_a_wait_that_is_over_is_asked_anew() -> None:
    """The door keeps nobody longer than the room has said."""
    rooms = Asked(Wait(0, 50, "pace"))
    door = door_to(rooms)
    await door.claim("spring", PLACE)
    await asyncio.sleep(0.06)
    await door.claim("spring", PLACE)
    assert rooms.times == 2


async def test_a_turn_that_was_not_called_is_not_kept() -> None:
    """Only who stands at the door: others are told by the frame when their turn has come."""
    rooms = Asked(Wait(3, 60_000, "turn"))
    door = door_to(rooms)
    for _ in range(2):
        await door.claim("spring", PLACE)
    assert rooms.times == 2


async def test_waits_that_are_remembered_are_bounded() -> None:
    """Of more than so many the oldest are forgotten."""
    door = door_to(Asked(Wait(0, 60_000, "full")))
    for number in range(1, TOLD_MAX + 1):
        door._told["spring", 1, 1, 0, number] = (1e12, Wait(0, 1, "full"))
    await door.claim("spring", replace(PLACE, number=TOLD_MAX + 9))
    assert len(door._told) == TOLD_MAX
    assert ("spring", 1, 1, 0, 1) not in door._told
