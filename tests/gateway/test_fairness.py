"""gateway.fairness: what anybody may ask of a draw costs little, however often it is asked."""

from contextlib import ExitStack
from dataclasses import replace
from typing import Any

import pytest

from gateway import gate
from gateway.fairness import LISTS_AT_ONCE, FairnessDesk
from gateway.problems import Refused
from lua.store import Store
from queueing import Draw, DrawnLine, Frame, draw, fairness
from queueing.draw import LEAF_BYTES
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


async def test_only_so_many_lists_are_told_at_once(world: World) -> None:
    """Who reads slowly holds one of a few; the next is told to come back, and may when one ends."""
    path, desk = f"/v1/sales/{SALE}/fairness/list?drop=2", world.services.fairness
    with ExitStack() as readers:
        for _ in range(LISTS_AT_ONCE - 1):
            readers.enter_context(desk.telling())
        assert (await world.call("GET", path)).status == 200
        readers.enter_context(desk.telling())
        full = await world.call("GET", path)
        assert (full.status, full.code) == (503, "overloaded")
        assert int(full.headers["Retry-After"]) > 0
        assert (await world.call("GET", f"/v1/sales/{SALE}/fairness?drop=2")).status == 200
    assert (await world.call("GET", path)).status == 200


async def test_a_list_is_held_a_piece_at_a_time(
    world: World, drawn: Draw, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No more is read from the store than one piece of 64 KiB, and all of the list is told."""
    held, real = [], Store.read

    async def read(self: Store, *command: Any, **more: Any) -> Any:
        if command[0] == "GETRANGE":
            held.append(command[3] - command[2] + 1)
        return await real(self, *command, **more)

    monkeypatch.setattr(Store, "read", read)
    pieces, registered = world.services.fairness.leaves(drawn, 0)
    told = b"".join([piece async for piece in pieces])
    assert len(told) == sum(held) == registered * LEAF_BYTES
    assert (len(held), max(held)) == (3, 64 * 1024)


async def test_a_draw_and_the_forms_wait_in_a_rush(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The room that is kept for who has units is not filled by those who look or have none yet."""
    monkeypatch.setattr(gate, "NEW_MAX", 0)
    calls = [("GET", f"/v1/sales/{SALE}/fairness{rest}?drop=2") for rest in ("", "/list")]
    calls += [("POST", f"/sales/{SALE}/line/{form}") for form in ("claim", "leave")]
    for method, path in calls:
        answer = await world.call(method, path)
        assert (answer.status, answer.code) == (503, "overloaded"), path
