"""What operators set: rules, rate and state of a room, one test per word of each reply."""

from dataclasses import replace

import pytest

from queueing import (
    BadRules,
    Changed,
    DropBegun,
    Pumped,
    Rooms,
    RoomSet,
    RoomSettings,
    Wait,
)
from tests.queueing.conftest import (
    OPENS_MS,
    RULES,
    SALE,
    SECOND_LOBBY_MS,
    SECOND_OPENS_MS,
    Unchanged,
    admit,
    join,
    open_room,
)


async def pump(rooms: Rooms, now_ms: int, stock_left: int | None = None) -> Pumped:
    """One pumping, which must not be refused."""
    report = await rooms.pump(SALE, stock_left, now_ms=now_ms)
    assert isinstance(report, Pumped), report
    return report


async def test_rules_are_put_once(rooms: Rooms, unchanged: Unchanged) -> None:
    """configured, same: the same rules again change nothing; a new room is paused."""
    assert await rooms.configure(SALE, RULES, "ada", now_ms=1) == Changed(True)
    async with unchanged():
        assert await rooms.configure(SALE, RULES, "ada", now_ms=OPENS_MS) == Changed(False)
    assert (await rooms.frame(SALE, now_ms=OPENS_MS)).state == "paused"


@pytest.mark.parametrize(
    ("openings", "now_ms", "drop"),
    [
        ((OPENS_MS + 1, SECOND_OPENS_MS), OPENS_MS, 1),
        ((OPENS_MS - 1, OPENS_MS, SECOND_OPENS_MS), OPENS_MS, 1),
        ((OPENS_MS,), SECOND_LOBBY_MS, 2),
        ((OPENS_MS, SECOND_OPENS_MS + 1), SECOND_OPENS_MS, 2),
    ],
)
async def test_a_drop_that_has_begun_keeps_its_number(
    rooms: Rooms, unchanged: Unchanged, openings: tuple[int, ...], now_ms: int, drop: int
) -> None:
    """begun: an opening that has passed does not move, nor does a drop with a lobby vanish."""
    await open_room(rooms)
    async with unchanged():
        rules = replace(RULES, openings_ms=openings)
        assert await rooms.configure(SALE, rules, "ada", now_ms=now_ms) == DropBegun(drop)


@pytest.mark.parametrize(
    ("openings", "now_ms"),
    [
        ((OPENS_MS + 1, SECOND_OPENS_MS), OPENS_MS - 1),
        ((OPENS_MS,), SECOND_LOBBY_MS - 1),
        ((OPENS_MS, SECOND_OPENS_MS, SECOND_OPENS_MS + 1), SECOND_OPENS_MS),
    ],
)
async def test_what_is_still_to_come_may_change(
    rooms: Rooms, openings: tuple[int, ...], now_ms: int
) -> None:
    """configured: openings to come may move or vanish, others may be added."""
    await open_room(rooms)
    rules = replace(RULES, openings_ms=openings)
    assert await rooms.configure(SALE, rules, "ada", now_ms=now_ms) == Changed(True)


async def test_a_hand_set_rate_outlives_rules_that_do_not_speak_of_it(rooms: Rooms) -> None:
    """configured: only rules with another rate or burst than they last had undo a throttle."""
    await open_room(rooms)
    await rooms.set_room(SALE, RoomSettings(rate_per_s=2, burst=1), "sre", now_ms=OPENS_MS)
    await rooms.configure(SALE, replace(RULES, pass_ms=20_000), "ada", now_ms=OPENS_MS)
    assert (await rooms.frame(SALE, now_ms=OPENS_MS)).rate_per_s == 2
    await rooms.configure(SALE, replace(RULES, rate_per_s=20), "ada", now_ms=OPENS_MS)
    assert (await rooms.frame(SALE, now_ms=OPENS_MS)).rate_per_s == 20


async def test_a_rate_change_is_in_the_next_frame_and_claim(
    rooms: Rooms, unchanged: Unchanged
) -> None:
    """changed, same: in force at once; what was earned at the old rate stays, nothing is added."""
    await open_room(rooms, rate_per_s=1, burst=2)
    places = await join(rooms, *range(6))
    await pump(rooms, OPENS_MS)
    for place in places[:2]:
        await admit(rooms, place)
    faster = RoomSettings(rate_per_s=100)
    outcome = await rooms.set_room(SALE, faster, "sre", now_ms=OPENS_MS + 500)
    assert isinstance(outcome, RoomSet)
    async with unchanged():
        same = RoomSettings(rate_per_s=100, burst=2)
        again = await rooms.set_room(SALE, same, "sre", now_ms=OPENS_MS + 999)
    assert again == RoomSet(outcome.revision, changed=False)
    assert (await rooms.frame(SALE, now_ms=OPENS_MS + 500)).rate_per_s == 100
    await pump(rooms, OPENS_MS + 504)
    # Half a token from the old rate, the other half takes five milliseconds of the new one.
    assert isinstance(await rooms.claim(SALE, places[2], now_ms=OPENS_MS + 504), Wait)
    await admit(rooms, places[2], OPENS_MS + 505)


async def test_a_smaller_burst_takes_what_is_above_it(rooms: Rooms) -> None:
    """changed: a full bucket shrinks with its burst, and does not grow with it."""
    await open_room(rooms, burst=10)
    places = await join(rooms, *range(10))
    await pump(rooms, OPENS_MS)
    await rooms.set_room(SALE, RoomSettings(rate_per_s=1, burst=1), "sre", now_ms=OPENS_MS)
    await rooms.set_room(SALE, RoomSettings(rate_per_s=1, burst=10), "sre", now_ms=OPENS_MS)
    await admit(rooms, places[0])
    assert isinstance(await rooms.claim(SALE, places[1], now_ms=OPENS_MS), Wait)


@pytest.mark.parametrize(("rate", "burst"), [(-1, 1), (100_001, 1), (1, 0), (1, 1_000_001)])
async def test_a_rate_outside_its_limits_is_refused(
    rooms: Rooms, unchanged: Unchanged, rate: float, burst: int
) -> None:
    """BadRules is raised before the store is asked."""
    await open_room(rooms)
    async with unchanged():
        with pytest.raises(BadRules):
            await rooms.set_room(SALE, RoomSettings(rate_per_s=rate, burst=burst), "sre")


async def test_a_state_is_set_once(rooms: Rooms, unchanged: Unchanged) -> None:
    """changed, same: the same state again changes nothing."""
    await rooms.configure(SALE, RULES, "ada", now_ms=1)
    assert await rooms.set_state(SALE, "open", now_ms=1) == RoomSet(2, changed=True)
    async with unchanged():
        assert await rooms.set_state(SALE, "open", now_ms=2) == RoomSet(2, changed=False)


async def test_the_journal_says_who_did_what(rooms: Rooms) -> None:
    """Every change is kept with its actor, newest first; what changed nothing is not."""
    await rooms.configure(SALE, RULES, "ada", now_ms=1)
    for _ in range(2):
        await rooms.set_state(SALE, "open", "bob", now_ms=2)
        await rooms.set_room(SALE, RoomSettings(rate_per_s=5, burst=4), "sre", now_ms=3)
    journal = await rooms.changes(SALE)
    assert [(entry.what, entry.actor, entry.at_ms) for entry in journal] == [
        ("rate", "sre", 3),
        ("state", "bob", 2),
        ("configure", "ada", 1),
    ]
    assert journal[0].detail == "5000 4"
    assert len(await rooms.changes(SALE, limit=1)) == 1
