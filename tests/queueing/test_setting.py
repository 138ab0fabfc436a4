"""queueing.setting, room_set.lua and room_reset.lua, one test per word of their replies."""

from dataclasses import replace
from typing import Any

import pytest

from queueing import (
    Admitted,
    BadRules,
    Gone,
    LineReset,
    NoRoom,
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
    Unchanged,
    admit,
    draw,
    join,
    open_room,
)

ALL = RoomSettings(
    rate_per_s=4.5, burst=7, active_max=99, grace_ms=30_000, message="Back in ten minutes 十分"
)


async def test_what_is_named_changes_and_nothing_else(rooms: Rooms, unchanged: Unchanged) -> None:
    """changed: each setting alone, then all; same: a repeat changes nothing at all."""
    await open_room(rooms)
    before = await rooms.frame(SALE, OPENS_MS)
    wanted: list[tuple[dict[str, Any], dict[str, Any]]] = [
        ({"message": "hello"}, {"message": "hello"}),
        ({"grace_ms": 5_000}, {"grace_ms": 5_000}),
        ({"active_max": 12}, {"active_max": 12}),
        ({"message": ""}, {"message": ""}),
    ]
    for asked, shown in wanted:
        outcome = await rooms.set_room(SALE, RoomSettings(**asked), "ada", now_ms=OPENS_MS)
        assert outcome == RoomSet(before.revision + 1, True)
        async with unchanged():
            outcome = await rooms.set_room(SALE, RoomSettings(**asked), "ada", now_ms=OPENS_MS)
        assert outcome == RoomSet(before.revision + 1, False)
        before = replace(before, revision=before.revision + 1, **shown)
        assert await rooms.frame(SALE, OPENS_MS) == before
    await rooms.set_room(SALE, ALL, "ada", now_ms=OPENS_MS)
    after = await rooms.frame(SALE, OPENS_MS)
    told = (after.operator_rate_per_s, after.burst, after.active_max, after.grace_ms, after.message)
    assert told == (4.5, 7, 99, 30_000, ALL.message)
    newest, *_ = await rooms.changes(SALE)
    assert (newest.what, newest.actor) == ("set", "ada")
    assert newest.detail.startswith("rate_milli=4500 burst=7 active_max=99 grace_ms=30000 message=")


async def test_a_change_made_from_an_old_revision_is_refused(
    rooms: Rooms, unchanged: Unchanged
) -> None:
    """stale: who looked at an older state hears the revision that is in force."""
    await open_room(rooms)
    seen = (await rooms.frame(SALE, OPENS_MS)).revision
    await rooms.set_room(SALE, RoomSettings(burst=9), "bob", seen, now_ms=OPENS_MS)
    async with unchanged():
        told = await rooms.set_room(SALE, ALL, "ada", seen, now_ms=OPENS_MS)
    assert told == StaleRevision(seen + 1)


async def test_a_state_set_from_an_old_revision_is_refused(
    rooms: Rooms, unchanged: Unchanged
) -> None:
    """stale, as for the settings; same: the state that is on is found, whatever was named."""
    await open_room(rooms)
    seen = (await rooms.frame(SALE, OPENS_MS)).revision
    made = await rooms.set_state(SALE, "paused", "bob", seen, now_ms=OPENS_MS)
    assert made == RoomSet(seen + 1, changed=True)
    async with unchanged():
        told = await rooms.set_state(SALE, "open", "ada", seen, now_ms=OPENS_MS)
        again = await rooms.set_state(SALE, "paused", "bob", seen, now_ms=OPENS_MS)
    assert told == StaleRevision(seen + 1)
    assert again == RoomSet(seen + 1, changed=False)


async def test_a_draw_is_no_change_of_an_operator(rooms: Rooms) -> None:
    """Its steps stand in the journal; a change that was begun before the opening is still made."""
    await open_room(rooms)
    seen, noted = (await rooms.frame(SALE, OPENS_MS)).revision, len(await rooms.changes(SALE))
    await join(rooms, 1, now_ms=OPENS_MS - 1)
    await draw(rooms)
    assert len(await rooms.changes(SALE)) > noted
    outcome = await rooms.set_room(SALE, ALL, "ada", seen, now_ms=OPENS_MS)
    assert outcome == RoomSet(seen + 1, changed=True)


async def test_a_cap_holds_from_the_next_claim_on(rooms: Rooms) -> None:
    """Called or not: below what is inside already, nobody more goes in."""
    await open_room(rooms)
    places = await join(rooms, *range(3))
    await rooms.pump(SALE, None, now_ms=OPENS_MS)
    await admit(rooms, places[0])
    await rooms.set_room(SALE, RoomSettings(active_max=1), "sre", now_ms=OPENS_MS)
    outcome = await rooms.claim(SALE, places[1], now_ms=OPENS_MS)
    assert isinstance(outcome, Wait)
    assert outcome.reason == "full"


async def test_a_burst_that_was_lowered_gives_nothing_back(rooms: Rooms) -> None:
    """What the smaller bucket could not hold is gone when it is larger again."""
    await open_room(rooms)
    places = await join(rooms, *range(3))
    await rooms.pump(SALE, None, now_ms=OPENS_MS)
    for burst in (1, 3):
        await rooms.set_room(SALE, RoomSettings(burst=burst), "sre", now_ms=OPENS_MS)
    await admit(rooms, places[0])
    outcome = await rooms.claim(SALE, places[1], now_ms=OPENS_MS)
    assert isinstance(outcome, Wait)
    assert outcome.reason == "pace"


async def test_what_was_set_by_hand_outlives_rules_that_do_not_speak_of_it(rooms: Rooms) -> None:
    """Rate, burst, cap and grace stay until the rules ask for another value of them."""
    await open_room(rooms)
    await rooms.set_room(SALE, ALL, "sre", now_ms=OPENS_MS)
    await rooms.configure(SALE, replace(RULES, pass_ms=20_000), "ada", now_ms=OPENS_MS)
    seen = await rooms.frame(SALE, OPENS_MS)
    assert (seen.operator_rate_per_s, seen.burst) == (4.5, 7)
    assert (seen.active_max, seen.grace_ms) == (99, 30_000)
    await rooms.configure(SALE, replace(RULES, active_max=3), "ada", now_ms=OPENS_MS)
    assert (await rooms.frame(SALE, OPENS_MS)).active_max == 3


async def test_a_reset_begins_the_line_anew(rooms: Rooms) -> None:
    """reset: places are gone, numbers begin at 1, and who was let in stays let in."""
    await open_room(rooms)
    inside, waiting = await join(rooms, 1, 2)
    await rooms.pump(SALE, None, now_ms=OPENS_MS)
    first = await admit(rooms, inside)
    assert await rooms.reset(SALE, 1, "sre", now_ms=OPENS_MS) == LineReset(2, True)
    assert await rooms.claim(SALE, waiting, now_ms=OPENS_MS) == Gone("reset")
    again = await rooms.claim(SALE, inside, now_ms=OPENS_MS)
    assert isinstance(again, Admitted)
    assert again.pass_token == first.pass_token
    [new] = await join(rooms, 2)
    assert (new.epoch, new.number) == (2, 1)
    frame = await rooms.frame(SALE, OPENS_MS)
    assert (frame.epoch, frame.joined, frame.called, frame.active) == (2, 1, 0, 1)
    newest, *_ = await rooms.changes(SALE)
    assert (newest.what, newest.actor, newest.detail) == ("reset", "sre", "2")


async def test_a_reset_that_is_repeated_ends_one_line(rooms: Rooms, unchanged: Unchanged) -> None:
    """same: it names the epoch that it ends, and that one has ended."""
    await open_room(rooms)
    await rooms.reset(SALE, 1, "sre", now_ms=OPENS_MS)
    async with unchanged():
        assert await rooms.reset(SALE, 1, "sre", now_ms=OPENS_MS) == LineReset(2, False)


async def test_a_reset_line_admits_no_faster(rooms: Rooms) -> None:
    """The bucket is the room's: what the old line used, the new one lacks."""
    await open_room(rooms)
    for place in (await join(rooms, *range(3)), await rooms.pump(SALE, None, now_ms=OPENS_MS))[0]:
        await admit(rooms, place)
    await rooms.reset(SALE, 1, "sre", now_ms=OPENS_MS)
    [new] = await join(rooms, 9)
    await rooms.pump(SALE, None, now_ms=OPENS_MS)
    assert isinstance(await rooms.claim(SALE, new, now_ms=OPENS_MS + 99), Wait)
    await admit(rooms, new, OPENS_MS + 100)


async def test_without_a_room_there_is_nothing_to_set(rooms: Rooms) -> None:
    """missing: all hear that this store knows no such room."""
    assert await rooms.set_room(SALE, ALL, "test") == NoRoom()
    assert await rooms.reset(SALE, 1, "test") == NoRoom()
    assert await rooms.set_state(SALE, "open", "test", 1) == NoRoom()


@pytest.mark.parametrize(
    "wrong", [{"rate_per_s": -1}, {"burst": 0}, {"active_max": -1}, {"grace_ms": 999}]
)
def test_settings_keep_the_limits_of_rules(wrong: dict[str, Any]) -> None:
    """What no rules may say, no operator may set."""
    with pytest.raises(BadRules):
        RoomSettings(**wrong)
