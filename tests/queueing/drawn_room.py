"""The draw of the tests' room: looked at, with its lists and its document."""

from queueing import Beacon, Draw, DrawnLine, Fairness, Rooms, verify
from queueing.keys import Line
from tests.queueing.conftest import OPENS_MS, SALE

LINE = DrawnLine(SALE, 1, 1)
ON = Line(1, 1)
IN_LOBBY = OPENS_MS - 1
BEACON = Beacon(
    url="http://beacon.example", chain="ab" * 32, genesis_ms=0, period_ms=3_000, wait_ms=9_000
)


async def look(rooms: Rooms, now_ms: int = OPENS_MS, line: DrawnLine = LINE) -> Draw:
    """The draw as the store has it."""
    seen = await rooms.drawing.look(line, now_ms)
    assert seen is not None
    return seen


async def lists(rooms: Rooms, seen: Draw) -> dict[int, bytes]:
    """The lists of a draw as anybody may have them."""
    return {
        lane: b"".join([piece async for piece in rooms.drawing.pieces(seen, lane)])
        for lane in range(len(seen.registered))
    }


async def document(rooms: Rooms, now_ms: int = OPENS_MS) -> Fairness:
    """The fairness document, which must hold by itself with its lists."""
    seen = await look(rooms, now_ms)
    told = rooms.drawing.document(seen)
    found = list(verify(told, await lists(rooms, seen)))
    assert [one for one in found if one.grade == "broken"] == []
    return told
