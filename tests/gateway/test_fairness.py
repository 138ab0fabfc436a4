"""gateway.fairness: what anybody may ask of a draw costs little, however often it is asked."""

from dataclasses import replace

import pytest

from gateway.fairness import FairnessDesk
from gateway.problems import Refused
from queueing import Draw, DrawnLine, Frame, draw, fairness
from tests.gateway.world import SALE, World

REGISTERED = 10_000


@pytest.fixture
async def drawn(world: World) -> Draw:
    """A draw as the store may have it, once there is a seed."""
    seen = await world.services.rooms.drawing.look(DrawnLine(SALE, 2, 1))
    assert seen is not None
    return replace(seen, registered=(REGISTERED,), seed="ab" * 32, lists=(("cd" * 32, 0),))


def frame_of(world: World) -> Frame:
    """The frame of a room that was reset some times."""
    return replace(world.services.frames.of(SALE).frame, epoch=9)


async def test_a_document_of_a_draw_that_is_made_is_made_once(
    world: World, drawn: Draw, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its test vectors are computed for the first who asks, and all get the same."""
    desk, drawing, computed = FairnessDesk(world.services.rooms), world.services.rooms.drawing, []

    def permutation(seed: bytes, lane: int, n: int) -> object:
        computed.append(n)
        return draw.permutation(seed, lane, n)

    async def look(_: DrawnLine) -> Draw:
        return drawn

    monkeypatch.setattr(fairness, "permutation", permutation)
    monkeypatch.setattr(drawing, "look", look)
    told = [await desk.document(frame_of(world), 2, 1) for _ in range(3)]
    assert len(told[0].vectors) == fairness.VECTORS == len(computed)
    assert told[0] == told[1] == told[2]


async def test_a_drop_that_is_not_there_is_asked_for_once(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What the store does not know in one epoch, it does not know in any other."""
    desk, drawing, asked = FairnessDesk(world.services.rooms), world.services.rooms.drawing, []
    real = drawing.look

    async def look(line: DrawnLine) -> Draw | None:
        asked.append(line)
        return await real(line)

    monkeypatch.setattr(drawing, "look", look)
    with pytest.raises(Refused):
        await desk.find(frame_of(world), 9, None)
    assert asked == [DrawnLine(SALE, 9, 9)]
