"""queueing.drawing and room_draw_*: each step is written once, by whoever comes, in its time."""

import asyncio
from collections import Counter
from dataclasses import replace
from typing import Any

import pytest

from lua.store import Store
from queueing import (
    Admitted,
    Draw,
    DrawnLine,
    JoinRequest,
    Lane,
    Place,
    Rooms,
    Wait,
    against,
    keys,
    standing_still,
    turn_of,
    verify,
)
from queueing.draw import CHUNK_LEAVES, leaf
from tests.queueing.conftest import (
    LOBBY_MS,
    OPENS_MS,
    PASS_KEYS,
    PLACE_KEYS,
    SALE,
    SECOND_LOBBY_MS,
    SECOND_OPENS_MS,
    Unchanged,
    another_gateway,
    buyer,
    draw,
    join,
    open_room,
)
from tests.queueing.drawn_room import BEACON, IN_LOBBY, LINE, ON, document, lists, look


async def turns(rooms: Rooms, places: list[Place], now_ms: int = OPENS_MS) -> list[int]:
    """Which of the places may claim after one turn more is called each time, in that order."""
    served: list[int] = []
    while len(served) < len(places):
        await rooms.pump(SALE, 1_000, now_ms=now_ms)
        await rooms.frame(SALE, now_ms=now_ms)
        for place in places:
            if place.number not in served and isinstance(
                await rooms.claim(SALE, place, now_ms=now_ms), Admitted
            ):
                served.append(place.number)
        now_ms += 1_000
    return served


async def test_the_lobby_is_served_in_the_order_of_the_draw(rooms: Rooms) -> None:
    """Turns of the lobby are the seed's; who came after the opening follows by number."""
    await open_room(rooms, rate_per_s=1, burst=1)
    early = await join(rooms, *range(9), now_ms=IN_LOBBY)
    late = await join(rooms, 9, 10, now_ms=OPENS_MS + 1)
    await draw(rooms, now_ms=OPENS_MS + 2)
    told = await document(rooms, OPENS_MS + 2)
    assert told.lanes[0].registered == 9
    by_turn = {one.turn: one.number for one in told.vectors}
    order = [by_turn[turn] for turn in range(1, 10)]
    assert sorted(order) == list(range(1, 10)) != order
    assert await turns(rooms, early + late, OPENS_MS + 2) == [*order, 10, 11]


async def test_nobody_is_called_before_the_draw(rooms: Rooms) -> None:
    """lobby, draw: at the opening the room waits for the seed, which starts the turns."""
    await open_room(rooms)
    (place,) = await join(rooms, 1, now_ms=IN_LOBBY)
    await rooms.pump(SALE, 9, now_ms=OPENS_MS)
    frame = await rooms.frame(SALE, now_ms=OPENS_MS)
    assert (frame.state, frame.reason, frame.seed, frame.called) == ("lobby", "draw", "", 0)
    waits = await rooms.claim(SALE, place, now_ms=OPENS_MS)
    assert isinstance(waits, Wait)
    assert waits.reason == "lobby"
    drawn = await draw(rooms)
    await rooms.pump(SALE, 9, now_ms=OPENS_MS)
    frame = await rooms.frame(SALE, now_ms=OPENS_MS)
    assert (frame.state, frame.seed, frame.called) == ("open", drawn.seed, 1)


async def test_a_lobby_that_stands_still_tells_no_turns(rooms: Rooms) -> None:
    """Before the opening a turn is not known, drained and without the store; later ones have it."""
    await open_room(rooms)
    (early,) = await join(rooms, 1, now_ms=IN_LOBBY)
    lobby = await rooms.frame(SALE, now_ms=IN_LOBBY)
    await rooms.set_state(SALE, "draining", "test", now_ms=IN_LOBBY)
    drains = await rooms.frame(SALE, now_ms=IN_LOBBY)
    away = standing_still(lobby, IN_LOBBY)
    assert (drains.state, away.state) == ("draining", "paused")
    assert [turn_of(frame, early) for frame in (lobby, drains, away)] == [0, 0, 0]
    longer = [standing_still(frame, OPENS_MS + 9_000) for frame in (lobby, drains, away)]
    assert [(turn_of(one, early), one.at_ms) for one in longer] == [(0, OPENS_MS - 1)] * 3
    late = replace(early, number=2)
    assert turn_of(await rooms.frame(SALE, now_ms=OPENS_MS), late) == 2


async def test_a_gateway_that_does_not_know_the_seed_sends_nobody_in(rooms: Rooms) -> None:
    """A gateway with an old frame says: not yet, and never lets in by number."""
    await open_room(rooms, burst=100)
    places = await join(rooms, *range(9), now_ms=IN_LOBBY)
    behind = another_gateway(rooms_store(rooms))
    await behind.frame(SALE, now_ms=IN_LOBBY)
    await draw(rooms)
    await rooms.pump(SALE, 9, now_ms=OPENS_MS)
    for place in places:
        answer = await behind.claim(SALE, place, now_ms=OPENS_MS)
        assert isinstance(answer, Wait), place
    await behind.frame(SALE, now_ms=OPENS_MS)
    assert isinstance(await behind.claim(SALE, places[0], now_ms=OPENS_MS), Admitted)


def rooms_store(rooms: Rooms) -> Store:
    """The store of these rooms."""
    return rooms.drawing._store


async def test_without_a_lobby_nothing_is_drawn(rooms: Rooms) -> None:
    """A room that nobody came to before the opening opens at once, and its draw is undrawn."""
    await open_room(rooms)
    await rooms.drawing.go_on(LINE, None, OPENS_MS)
    (place,) = await join(rooms, 1, now_ms=OPENS_MS)
    await join(rooms, 2, now_ms=OPENS_MS + 1)
    await join(rooms, 3, now_ms=IN_LOBBY)  # the clock was set back a little
    assert (await rooms.frame(SALE, now_ms=OPENS_MS)).state == "open"
    seen = await look(rooms, OPENS_MS + 5)
    assert (seen.state, seen.registered, place.number) == ("undrawn", (0,), 1)
    assert not (await rooms.drawing.go_on(LINE, None, OPENS_MS + 9) or seen).seed


async def test_the_list_has_everybodys_leaf_at_its_number(rooms: Rooms) -> None:
    """Each lane's list holds at a number what its shopper can compute; late ones are not there."""
    await open_room(rooms, lanes=lanes("everyone", "members"))
    requests = [JoinRequest(f"key {one}", buyer(one), one % 2) for one in range(300)]
    await rooms.join(SALE, requests, now_ms=IN_LOBBY)
    await rooms.join(SALE, requests[:9], now_ms=IN_LOBBY)
    await join(rooms, 1_000, now_ms=OPENS_MS)
    seen = await look(rooms)
    assert seen.registered == (150, 150)
    for lane, leaves in (await lists(rooms, seen)).items():
        assert leaves == b"".join(leaf(LINE, f"key {one}") for one in range(lane, 300, 2))


def lanes(*names: str) -> tuple[Any, ...]:
    """Lanes of these names."""
    return tuple(Lane(name, 1) for name in names)


async def test_steps_come_in_their_time_only(rooms: Rooms, unchanged: Unchanged) -> None:
    """missing, early, past, unfixed: a step that is not due writes nothing."""
    assert await rooms.drawing.look(LINE, 1) is None
    await open_room(rooms)
    await join(rooms, 1, 2, now_ms=IN_LOBBY)
    early, strange = await look(rooms, IN_LOBBY), DrawnLine(SALE, 1, 7)
    async with unchanged():
        assert not await rooms.drawing.fix(early, IN_LOBBY)
        assert not await rooms.drawing.reveal(early_with(early, "11" * 32), "none", None, OPENS_MS)
        assert not await rooms.drawing.commit(strange, None, OPENS_MS)
        assert not await rooms.drawing.fix(await look(rooms, OPENS_MS, strange), OPENS_MS)
        assert await rooms.drawing.look(DrawnLine(SALE, 9, 1), 1) is None
        assert not await rooms.drawing.fix(early, SECOND_LOBBY_MS)


def early_with(seen: Draw, digest: str) -> Draw:
    """The draw as a gateway would have it that believes in another digest."""
    return replace(seen, digest=digest, lists=(("22" * 32, 0),))


async def test_a_digest_covers_exactly_those_who_are_registered(rooms: Rooms) -> None:
    """other: a gateway that saw fewer, or more, cannot fix its list; it looks again."""
    await open_room(rooms)
    await join(rooms, 1, 2, now_ms=IN_LOBBY - 1)
    fewer = await look(rooms, IN_LOBBY - 1)
    await join(rooms, 3, now_ms=IN_LOBBY)
    assert not await rooms.drawing.fix(fewer, OPENS_MS)
    assert await rooms.drawing.fix(await look(rooms), OPENS_MS)
    assert (await look(rooms)).registered == (3,)


async def test_what_is_written_once_stays(rooms: Rooms, unchanged: Unchanged) -> None:
    """again: neither list nor seed of a line is ever written a second time."""
    await open_room(rooms)
    await join(rooms, *range(20), now_ms=IN_LOBBY)
    drawn = await draw(rooms)
    async with unchanged():
        assert not await rooms.drawing.commit(LINE, BEACON, OPENS_MS + 5)
        assert await rooms.drawing.fix(drawn, OPENS_MS + 5)
        assert await rooms.drawing.reveal(drawn, "unanswered", None, OPENS_MS + 5)


async def test_two_gateways_at_once_make_one_draw(rooms: Rooms, store: Store) -> None:
    """Whoever comes first, all see one digest and one seed."""
    await open_room(rooms)
    await join(rooms, *range(200), now_ms=IN_LOBBY)
    gateways = [another_gateway(store) for _ in range(8)]
    drawn = await asyncio.gather(
        *(one.drawing.go_on(LINE, None, OPENS_MS + number) for number, one in enumerate(gateways))
    )
    assert len({(one.digest, one.seed, one.fixed_ms) for one in drawn if one}) == 1
    assert all(one and one.state == "drawn" for one in drawn)
    told = Counter([change.what for change in await rooms.changes(SALE)])
    assert (told["commitment"], told["list"], told["seed"]) == (1, 1, 1)


async def test_a_gateway_that_dies_between_list_and_seed_is_replaced(
    rooms: Rooms, store: Store
) -> None:
    """Another gateway goes on from the digest that was fixed, and comes to the same seed."""
    await open_room(rooms)
    await join(rooms, *range(50), now_ms=IN_LOBBY)
    await rooms.drawing.commit(LINE, None, IN_LOBBY)
    assert await rooms.drawing.fix(await look(rooms), OPENS_MS)
    fixed = (await look(rooms)).digest
    drawn = await another_gateway(store).drawing.go_on(LINE, None, OPENS_MS + 3_000)
    assert drawn is not None
    assert (drawn.state, drawn.digest) == ("drawn", fixed)
    await document(rooms)


async def test_the_commitment_is_public_before_the_lobby_and_stays(rooms: Rooms) -> None:
    """Until the lobby another beacon may be named, which the journal tells; then nothing else."""
    await open_room(rooms)
    lobby_ms = OPENS_MS - LOBBY_MS
    assert await rooms.drawing.commit(LINE, None, lobby_ms - 9)
    assert await rooms.drawing.commit(LINE, BEACON, lobby_ms - 5)
    assert not await rooms.drawing.commit(LINE, BEACON, lobby_ms - 4)
    assert not await rooms.drawing.commit(LINE, None, lobby_ms)
    seen = await look(rooms, lobby_ms)
    assert (seen.state, seen.beacon, seen.committed_ms) == (
        "committed", BEACON.terms, lobby_ms - 5,
    )  # fmt: skip
    named = [one.detail for one in await rooms.changes(SALE) if one.what == "commitment"]
    assert sorted(BEACON.terms in one for one in named) == [False, True]


async def test_the_digest_is_published_while_the_list_grows(rooms: Rooms) -> None:
    """The document of the lobby binds all whole pieces; the final list begins with them."""
    await open_room(rooms)
    await join(rooms, *range(CHUNK_LEAVES - 1), now_ms=IN_LOBBY)
    await rooms.drawing.go_on(LINE, None, IN_LOBBY)
    assert (await document(rooms, IN_LOBBY)).lanes[0].chunks == 0
    await join(rooms, *range(CHUNK_LEAVES, CHUNK_LEAVES + 9), now_ms=IN_LOBBY)
    await rooms.drawing.go_on(LINE, None, IN_LOBBY)
    growing = await document(rooms, IN_LOBBY)
    assert (growing.lanes[0].chunks, growing.digest) == (1, "")
    await draw(rooms)
    final = await document(rooms)
    assert final.lanes[0].chunks == 2
    seen = await look(rooms)
    assert list(against(final, await lists(rooms, seen), growing)) == []


async def test_an_operator_who_changes_the_list_is_caught(rooms: Rooms, store: Store) -> None:
    """The cheater writes a friend's leaf into the store after the digest: the checker finds it."""
    await open_room(rooms)
    await join(rooms, *range(40), now_ms=IN_LOBBY)
    await draw(rooms)
    await store.write("SETRANGE", keys.leaves(SALE, ON, 0), 16 * 7, b"f" * 16)
    seen = await look(rooms)
    found = list(verify(rooms.drawing.document(seen), await lists(rooms, seen)))
    assert "the list is not the one that was published" in found[-1].what


async def test_each_drop_has_its_own_draw(rooms: Rooms) -> None:
    """Another drop, another secret, list and seed."""
    await open_room(rooms)
    await join(rooms, *range(5), now_ms=IN_LOBBY)
    first = await draw(rooms)
    await join(rooms, *range(5), now_ms=SECOND_LOBBY_MS)
    second = await draw(rooms, 2, SECOND_OPENS_MS)
    for name in ("commitment", "secret", "digest", "seed"):
        assert getattr(first, name) != getattr(second, name)
    again = await look(rooms, SECOND_OPENS_MS)
    assert (again.state, again.seed, again.is_on) == ("drawn", first.seed, False)


async def test_a_store_that_lost_the_list_says_so(rooms: Rooms, store: Store) -> None:
    """Leaves that are gone are zeros: everybody is still drawn, and the document tells of them."""
    await open_room(rooms)
    await join(rooms, *range(30), now_ms=IN_LOBBY)
    await rooms.drawing.go_on(LINE, None, IN_LOBBY)
    await store.write("DEL", keys.leaves(SALE, ON, 0))
    await join(rooms, 50, 51, now_ms=IN_LOBBY)
    lost = await look(rooms, IN_LOBBY)
    await store.write("DEL", keys.leaves(SALE, ON, 0))
    assert await lists(rooms, lost) == {0: bytes(16 * 32)}
    await store.write("SETRANGE", keys.leaves(SALE, ON, 0), 16 * 30, b"l" * 32)
    await draw(rooms)
    told = await document(rooms)
    assert (told.lanes[0].registered, told.lanes[0].unknown) == (32, 30)
    assert any("incomplete" in one and "30 numbers" in one for one in told.remarks)


async def test_a_list_that_is_lost_after_it_was_fixed_is_told(rooms: Rooms, store: Store) -> None:
    """The draw stands, and the document says that its list cannot be shown any more."""
    await open_room(rooms)
    await join(rooms, *range(30), now_ms=IN_LOBBY)
    assert (await draw(rooms)).lost == 0
    await store.write("DEL", keys.leaves(SALE, ON, 0))
    told = rooms.drawing.document(await look(rooms))
    assert told.lost == 30
    assert any("lost 30 leaves since" in one for one in told.remarks)


async def test_a_reset_begins_another_draw(rooms: Rooms) -> None:
    """The new line has a secret, a list and a seed of its own; the old one is undrawn for good."""
    await open_room(rooms)
    await join(rooms, *range(9), now_ms=IN_LOBBY)
    await rooms.drawing.go_on(LINE, None, IN_LOBBY)
    before = await look(rooms, IN_LOBBY)
    await rooms.reset(SALE, 1, "ada", now_ms=IN_LOBBY)
    await join(rooms, *range(4), now_ms=IN_LOBBY)
    drawn = await rooms.drawing.go_on(DrawnLine(SALE, 1, 2), None, OPENS_MS)
    assert drawn is not None
    assert (drawn.state, drawn.registered) == ("drawn", (4,))
    assert drawn.commitment != before.commitment
    old = await rooms.drawing.go_on(LINE, None, OPENS_MS)
    assert old is not None
    assert (old.state, old.commitment, old.seed) == ("undrawn", before.commitment, "")


@pytest.mark.parametrize("key", [b"another key" * 3, b"k" * 32])
async def test_the_secret_is_the_keys_and_needs_no_storage(store: Store, key: bytes) -> None:
    """A gateway commits to the same secret after a wipe; another installation to another."""
    rooms = Rooms(store, PLACE_KEYS, PASS_KEYS, key)
    told = []
    for _ in range(2):
        await store.write("DEL", keys.room(SALE), keys.line(SALE, ON))
        await open_room(rooms)
        await rooms.drawing.commit(LINE, None, 1)
        told.append((await look(rooms)).commitment)
    assert told[0] == told[1]
    assert told[0] != (await commitment_of_the_tests(store))


async def commitment_of_the_tests(store: Store) -> str:
    """The commitment that the tests' own key makes."""
    await store.write("DEL", keys.room(SALE), keys.line(SALE, ON))
    rooms = another_gateway(store)
    await open_room(rooms)
    await rooms.drawing.commit(LINE, None, 1)
    return (await look(rooms)).commitment
