"""A room that was given back: who is inside, and whose place is known."""

from dataclasses import replace

import pytest

from lua.faults import Fenced
from lua.store import Store
from queueing import (
    Joined,
    JoinRequest,
    Place,
    Rooms,
    RoomSet,
    RoomSettings,
    StaleRevision,
    Wait,
)
from tests.queueing.conftest import (
    OPENS_MS,
    RULES,
    SALE,
    admit,
    another_gateway,
    buyer,
    join,
)
from tests.queueing.test_recovery import (
    AGAIN_MS,
    HOLD_MS,
    LEASES,
    LOST_MS,
    MARGIN,
    PLACE,
    begun,
    given_back,
    look,
)


async def test_the_cap_counts_who_is_inside_though_nobody_remembers(
    rooms: Rooms, store: Store
) -> None:
    """Passes of a gateway that died with the store are strangers until the longest has ended."""
    places = await begun(rooms, active_max=5)
    await rooms.pump(SALE, 100, now_ms=OPENS_MS + 1)
    dead = another_gateway(store)
    for place in places[:2]:
        await admit(rooms, place)
    for place in places[2:5]:
        await admit(dead, place)
    await look(rooms, OPENS_MS + 100)
    await store.write("FLUSHALL")
    await given_back(rooms)
    await rooms.pump(SALE, 100, now_ms=AGAIN_MS)
    outcome = await rooms.claim(SALE, places[5], now_ms=AGAIN_MS + 1_000)
    assert isinstance(outcome, Wait)
    assert outcome.reason in ("full", "turn")
    await admit(rooms, places[4], LOST_MS + RULES.pass_ms + 1_000)


async def test_who_has_bought_takes_no_slot_again(rooms: Rooms, store: Store) -> None:
    """Of the passes that are handed in as many count as were seen in force."""
    places = await begun(rooms, active_max=5)
    passes = [(await admit(rooms, place)).pass_claims for place in places[:5]]
    await rooms.finish(SALE, passes[:3])
    await look(rooms, OPENS_MS + 1_000)
    await store.write("FLUSHALL")
    await given_back(rooms)
    assert await store.read("ZCARD", LEASES) == 2
    assert (await admit(rooms, places[0], AGAIN_MS)).replayed


async def test_passes_that_were_given_since_the_copy_are_inside_too(
    rooms: Rooms, store: Store
) -> None:
    """The copy says how many were inside; those that this gateway let in later come on top."""
    places = await begun(rooms, active_max=5)
    for place in places[:5]:
        await admit(rooms, place, OPENS_MS + 100)
    await store.write("FLUSHALL")
    await given_back(rooms)
    assert await store.read("ZCARD", LEASES) == 5


async def test_a_join_is_found_again_by_the_place_that_is_shown(rooms: Rooms, store: Store) -> None:
    """The same number after a wipe, whoever joined meanwhile; without it a later one."""
    places = await begun(rooms)
    await store.write("FLUSHALL")
    await given_back(rooms)
    await join(rooms, 70, 71, now_ms=AGAIN_MS)
    shown = JoinRequest("key 3", buyer(3), shown=places[3])
    [again] = await rooms.join(SALE, [shown], now_ms=AGAIN_MS)
    assert isinstance(again, Joined)
    assert again.replayed
    assert again.place.number == places[3].number
    [repeated] = await join(rooms, 3, now_ms=AGAIN_MS)
    assert repeated.number == places[3].number
    [forgotten] = await join(rooms, 4, now_ms=AGAIN_MS)
    assert forgotten.number > places[-1].number


@pytest.mark.parametrize(
    "shown",
    [
        replace(PLACE, number=7),
        replace(PLACE, buyer=buyer(3), drop=2, number=7),
        replace(PLACE, buyer=buyer(3), epoch=2, number=7),
    ],
)
async def test_a_place_of_another_buyer_or_line_finds_nothing(
    rooms: Rooms, store: Store, shown: Place
) -> None:
    """Such a one is no reason for a number."""
    await begun(rooms)
    [joined] = await rooms.join(SALE, [JoinRequest("k", buyer(33), shown=shown)], now_ms=OPENS_MS)
    assert isinstance(joined, Joined)
    assert joined.place.number == 13


async def test_a_place_above_the_tail_raises_it(rooms: Rooms) -> None:
    """A number that no gateway remembers is never given to somebody else once it was presented."""
    await begun(rooms)
    far = replace(PLACE, number=500)
    outcome = await rooms.claim(SALE, far, now_ms=OPENS_MS)
    assert isinstance(outcome, Wait)
    assert outcome.reason == "turn"
    assert [place.number for place in await join(rooms, 80)] == [501]


async def test_a_room_that_nobody_saw_rests_when_it_is_made_anew(store: Store) -> None:
    """Somebody may yet hand in what it was: until then it gives nobody a number."""
    fresh = another_gateway(store)
    await fresh.configure(SALE, RULES, "test", now_ms=LOST_MS, rest_ms=HOLD_MS)
    with pytest.raises(Fenced):
        await fresh.join(SALE, [JoinRequest("k", buyer(1))], now_ms=LOST_MS + HOLD_MS - 1)
    await fresh.set_state(SALE, "open", "test", now_ms=LOST_MS)
    assert isinstance(
        (await fresh.join(SALE, [JoinRequest("k", buyer(1))], now_ms=AGAIN_MS))[0], Joined
    )


@pytest.mark.parametrize("first", [0, 1])
@pytest.mark.parametrize("is_wiped", [True, False])
async def test_a_change_that_was_lost_has_its_revision_never_again(
    rooms: Rooms, store: Store, first: int, is_wiped: bool
) -> None:
    """The higher of what gateways saw counts, and beyond it those of the last moments."""
    await begun(rooms)
    other = another_gateway(store)
    await rooms.set_room(SALE, RoomSettings(burst=11), "ada", now_ms=OPENS_MS)
    await look(other)
    lost = await rooms.set_room(SALE, RoomSettings(burst=12), "ada", now_ms=OPENS_MS)
    assert isinstance(lost, RoomSet)
    if is_wiped:
        await store.write("FLUSHALL")
    else:
        await store.write("HSET", f"{{{SALE}:room}}:room", "server", "0" * 40)
    gateways = (rooms, other)
    await given_back(gateways[first], gateways[1 - first])
    again = (await rooms.frame(SALE, AGAIN_MS)).revision
    seen = lost.revision if not is_wiped else lost.revision - 1
    assert again == seen + MARGIN
    told = await rooms.set_room(SALE, RoomSettings(burst=13), "ada", lost.revision, now_ms=AGAIN_MS)
    assert told == StaleRevision(again)
    assert await look(other, AGAIN_MS + 1_000) == await look(rooms, AGAIN_MS + 1_000)
    assert (await rooms.frame(SALE, AGAIN_MS)).revision == again, "and it rises no further"
