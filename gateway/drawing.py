"""The loop of the draws: each step when it is due, by whichever gateway comes first.

Here belongs when: commit before a lobby, digests while it fills, the list fixed at the opening, the
seed as soon as there is what it is made of. The steps themselves are queueing's, and are written
once; so a gateway that dies between two of them is replaced by the next turn of another.
"""

import asyncio

from gateway import beacons
from gateway.frames import Frames
from gateway.shelves import Shelf
from inventory.salefile import RoomLine
from queueing import Beacon, Draw, DrawnLine, Rooms, Round

COMMITTED_TURNS = 25
"""How seldom a line that was seen committed is looked at again: a store may have forgotten it."""


class Drawer:
    """Makes the draws of all sales, a step at a time."""

    def __init__(self, rooms: Rooms, frames: Frames) -> None:
        self._rooms = rooms
        self._frames = frames
        self._settled: set[DrawnLine] = set()
        self._rest: dict[DrawnLine, int] = {}
        self._asked: dict[DrawnLine, asyncio.Task[Round | None]] = {}

    async def turn_one(self, shelf: Shelf) -> None:
        """What is due for one sale's draws."""
        frame = self._frames.latest(shelf.view.id)
        if frame is None or frame.epoch == 0 or shelf.view.state == "closed":
            return
        beacon = beacon_of(shelf.catalogue.room)
        if frame.drop and not frame.seed:
            await self._go_on(DrawnLine(frame.sale, frame.drop, frame.epoch), beacon)
        if frame.next_opens_at_ms:
            await self._announce(DrawnLine(frame.sale, frame.drop + 1, frame.epoch), beacon)

    async def _announce(self, line: DrawnLine, beacon: Beacon | None) -> None:
        """Commit to the draw of a drop whose lobby is to come."""
        if self._rest.get(line, 0) > 0:
            self._rest[line] -= 1
            return
        await self._rooms.drawing.commit(line, beacon)
        self._rest = {one: turns for one, turns in self._rest.items() if one.sale != line.sale}
        self._rest[line] = COMMITTED_TURNS

    async def _go_on(self, line: DrawnLine, beacon: Beacon | None) -> None:
        """The next steps of the draw of the line that is on."""
        if line in self._settled:
            return
        draw = await self._rooms.drawing.go_on(line, beacon)
        if draw is None or not draw.is_on:
            return
        if draw.state == "undrawn":
            self._settled = {one for one in self._settled if one.sale != line.sale} | {line}
        elif draw.state == "fixed" and draw.waits_for:
            await self._reveal(draw, draw.waits_for)

    async def _reveal(self, draw: Draw, beacon: Beacon) -> None:
        """The seed with the beacon's round, or without it when it was waited for long enough."""
        number = beacon.round_for(draw.fixed_ms)
        if draw.now_ms < beacon.at_ms(number):
            return
        told = self._told(draw.line, beacon, number)
        if told is not None:
            await self._rooms.drawing.reveal(draw, "used", told)
        elif draw.now_ms >= beacon.given_up_ms(draw.fixed_ms):
            await self._rooms.drawing.reveal(draw, "unanswered", None)

    def _told(self, line: DrawnLine, beacon: Beacon, number: int) -> Round | None:
        """What the beacon has answered by now; asks it, beside the loop, where it has not."""
        asked = self._asked.pop(line, None)
        if asked is not None and asked.done() and asked.result() is not None:
            return asked.result()
        if asked is None or asked.done():
            asked = asyncio.create_task(beacons.ask(beacon, number), name="ask the beacon")
        self._asked[line] = asked
        return None

    async def close(self) -> None:
        """Ask no beacon any more."""
        for asked in self._asked.values():
            asked.cancel()
        await asyncio.gather(*self._asked.values(), return_exceptions=True)


def beacon_of(room: RoomLine) -> Beacon | None:
    """The beacon that a sale's file names. Raises BadBeacon."""
    if not room.beacon:
        return None
    return Beacon(
        url=room.beacon,
        chain=room.beacon_chain,
        genesis_ms=room.beacon_genesis_s * 1000,
        period_ms=room.beacon_period_s * 1000,
        delay_ms=room.beacon_delay_s * 1000,
        wait_ms=room.beacon_wait_s * 1000,
    )
