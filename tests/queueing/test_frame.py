"""queueing.frame and room_frame.lua, one test per word of its reply and more."""

import pytest

from lua.store import Store
from queueing import Frame, LaneFrame, Rooms
from queueing.frame import POLL_FAR_MS, POLL_NEAR_MS, fraction
from tests.queueing.conftest import (
    LOBBY_MS,
    OPENS_MS,
    RULES,
    SALE,
    SECOND_LOBBY_MS,
    SECOND_OPENS_MS,
    Unchanged,
    admit,
    another_gateway,
    join,
    open_room,
)


def lane(serving: int = 100, tail: int = 1_000_000, rate_per_s: float = 100.0) -> LaneFrame:
    """The only lane of a line."""
    return LaneFrame(
        name="everyone",
        serving=serving,
        tail=tail,
        rate_per_s=rate_per_s,
        low_per_s=rate_per_s,
        high_per_s=rate_per_s,
    )


def frame(**changes: object) -> Frame:
    """An open room's frame at its opening."""
    fields: dict[str, object] = {
        "sale": SALE,
        "drop": 1,
        "epoch": 1,
        "state": "open",
        "lanes": (lane(),),
        "rate_per_s": 100.0,
        "operator_rate_per_s": 10.0,
        "stock": "plenty",
        "reason": "operator",
        "opens_at_ms": OPENS_MS,
        "lobby_at_ms": OPENS_MS - LOBBY_MS,
        "next_opens_at_ms": 0,
        "at_ms": OPENS_MS,
        "grace_ms": 45_000,
        "poll_ms": 1_000,
        "burst": RULES.burst,
        "revision": 2,
    }
    return Frame(**(fields | changes))  # type: ignore[arg-type]


async def test_a_frame_says_all_that_a_client_needs(rooms: Rooms, unchanged: Unchanged) -> None:
    """frame: state, line, rate, stock, poll rule and times, and reading it changes nothing."""
    await open_room(rooms)
    await join(rooms, *range(200))
    await rooms.pump(SALE, 500, now_ms=OPENS_MS)
    async with unchanged():
        seen = await rooms.frame(SALE, now_ms=OPENS_MS + 7)
    assert seen == frame(
        lanes=(lane(3, 200, 10.0),),
        rate_per_s=10,
        at_ms=OPENS_MS + 7,
        next_opens_at_ms=SECOND_OPENS_MS,
    )


async def test_a_frame_tells_operators_who_is_inside(rooms: Rooms) -> None:
    """How many passes are in force and were given, and the bounds that the operator set."""
    await open_room(rooms, active_max=9, burst=5)
    places = await join(rooms, *range(4))
    await rooms.pump(SALE, 500, now_ms=OPENS_MS)
    for place in places[:2]:
        await admit(rooms, place)
    seen = await rooms.frame(SALE, now_ms=OPENS_MS)
    assert (seen.active, seen.admitted, seen.active_max, seen.burst) == (2, 2, 9, 5)
    later = await rooms.frame(SALE, now_ms=OPENS_MS + RULES.pass_ms + 1)
    assert (later.active, later.admitted) == (0, 2)


async def test_a_frame_is_one_store_call(rooms: Rooms, store: Store) -> None:
    """A refresh costs one command; only the first one of a new drop costs two."""
    await open_room(rooms)
    await rooms.frame(SALE, now_ms=OPENS_MS)
    for now_ms, cost in ((OPENS_MS, 1), (SECOND_LOBBY_MS, 2), (SECOND_LOBBY_MS, 1)):
        await store.write("CONFIG", "RESETSTAT")
        await rooms.frame(SALE, now_ms=now_ms)
        stats = (await store.read("INFO", "commandstats")).decode()
        [line] = [line for line in stats.splitlines() if line.startswith("cmdstat_evalsha_ro:")]
        assert line.startswith(f"cmdstat_evalsha_ro:calls={cost},")


async def test_an_unknown_room_stands_still(rooms: Rooms) -> None:
    """missing: nobody moves and nobody is sent away, as after the loss of a store."""
    seen = await rooms.frame(SALE)
    assert (seen.state, seen.drop, seen.joined, seen.stock) == ("paused", 0, 0, "unknown")


async def test_the_state_follows_clock_operator_and_stock(rooms: Rooms) -> None:
    """Closed and draining rule over the lobby, the lobby over a pause, a pause over sold out."""

    async def state(now_ms: int) -> str:
        return (await rooms.frame(SALE, now_ms=now_ms)).state

    await rooms.configure(SALE, RULES, "test", now_ms=1)
    assert await state(OPENS_MS - 1) == "lobby"
    assert await state(OPENS_MS) == "paused"
    await rooms.set_state(SALE, "open", now_ms=1)
    assert await state(1) == "lobby"
    assert await state(OPENS_MS - 1) == "lobby"
    assert await state(OPENS_MS) == "open"
    await rooms.pump(SALE, 0, now_ms=OPENS_MS)
    assert await state(OPENS_MS) == "sold_out"
    await rooms.set_state(SALE, "paused", now_ms=OPENS_MS)
    assert await state(OPENS_MS) == "paused"
    assert await state(OPENS_MS - 1) == "lobby"
    await rooms.set_state(SALE, "draining", now_ms=OPENS_MS)
    assert await state(OPENS_MS - 1) == "draining"
    await rooms.set_state(SALE, "closed", now_ms=OPENS_MS)
    assert await state(OPENS_MS - 1) == "closed"
    assert await state(OPENS_MS) == "closed"


async def test_the_reason_names_what_rules_the_rate(rooms: Rooms) -> None:
    """Opening before it, the operator's rate, the cap of those inside, or the stock."""

    async def reason(now_ms: int = OPENS_MS) -> str:
        return (await rooms.frame(SALE, now_ms=now_ms)).reason

    await open_room(rooms, active_max=1)
    [place] = await join(rooms, 1)
    assert await reason(OPENS_MS - 1) == "opening"
    assert await reason() == "operator"
    await rooms.pump(SALE, 5, now_ms=OPENS_MS)
    await admit(rooms, place)
    assert await reason() == "active"
    await rooms.pump(SALE, 0, now_ms=OPENS_MS)
    assert await reason() == "stock"
    await rooms.set_state(SALE, "paused", now_ms=OPENS_MS)
    assert await reason() == "operator"


@pytest.mark.parametrize(
    ("waiting", "left", "band"),
    [
        (0, None, "unknown"),
        (0, 0, "none"),
        (0, 1, "low"),
        (0, 19, "low"),
        (0, 20, "plenty"),
        (100, 99, "low"),
        (100, 100, "plenty"),
    ],
)
async def test_the_band_compares_stock_with_the_line(
    rooms: Rooms, waiting: int, left: int | None, band: str
) -> None:
    """Stock is low when fewer units are left than shoppers wait, or fewer than 20."""
    await open_room(rooms)
    if waiting:
        await join(rooms, *range(waiting))
    await rooms.pump(SALE, left, now_ms=OPENS_MS - 1)
    assert (await rooms.frame(SALE, now_ms=OPENS_MS - 1)).stock == band


async def test_who_is_inside_counts_against_the_stock(rooms: Rooms) -> None:
    """The band counts who holds a pass as well as who waits."""
    await open_room(rooms, burst=30)
    places = await join(rooms, *range(30))
    await rooms.pump(SALE, 30, now_ms=OPENS_MS)
    assert (await rooms.frame(SALE, now_ms=OPENS_MS)).stock == "plenty"
    for place in places[:22]:
        await admit(rooms, place)
    await rooms.pump(SALE, 21, now_ms=OPENS_MS)
    assert (await rooms.frame(SALE, now_ms=OPENS_MS)).stock == "low"


async def test_before_the_first_lobby_the_frame_tells_when(rooms: Rooms) -> None:
    """moved: drop 0 is the time before all drops; its times are the first one's."""
    await open_room(rooms)
    seen = await rooms.frame(SALE, now_ms=1)
    assert (seen.drop, seen.state, seen.reason) == (0, "lobby", "opening")
    assert (seen.opens_at_ms, seen.lobby_at_ms) == (OPENS_MS, OPENS_MS - LOBBY_MS)
    assert seen.next_opens_at_ms == OPENS_MS


async def test_every_gateway_sees_a_new_drop_by_itself(rooms: Rooms, store: Store) -> None:
    """moved: at the next lobby the line is empty and the stock unknown, without anyone's reset."""
    await open_room(rooms)
    await join(rooms, *range(5))
    await rooms.pump(SALE, 0, now_ms=OPENS_MS)
    for gateway in (rooms, another_gateway(store)):
        before = await gateway.frame(SALE, now_ms=SECOND_LOBBY_MS - 1)
        after = await gateway.frame(SALE, now_ms=SECOND_LOBBY_MS)
        assert (before.drop, before.state, before.joined) == (1, "sold_out", 5)
        assert (after.drop, after.state, after.joined) == (2, "lobby", 0)
        assert (after.stock, after.next_opens_at_ms) == ("unknown", 0)


def test_ahead_is_what_has_to_be_called() -> None:
    """The next in line has one turn to go, a called place none."""
    assert [frame().ahead(0, number) for number in (1, 100, 101, 150)] == [0, 0, 1, 50]


@pytest.mark.parametrize(
    ("number", "low_ms", "high_ms"),
    [
        (100, POLL_NEAR_MS, 1_250),
        (101, POLL_NEAR_MS, 1_250),
        (6_100, 10_000, 12_500),
        (1_000_000, POLL_FAR_MS, 75_000),
    ],
)
def test_polls_are_spread_by_distance(number: int, low_ms: int, high_ms: int) -> None:
    """Near the turn a client asks each second, far away once a minute, between by a sixth."""
    assert low_ms <= frame().poll_after_ms(0, number) <= high_ms


def test_in_the_lobby_the_time_to_the_opening_counts_too() -> None:
    """Before the opening a place waits for it and for those before it."""
    lobby = frame(state="lobby", lanes=(lane(0),), at_ms=OPENS_MS - 60_000)
    assert 10_000 <= lobby.poll_after_ms(0, 1) <= 12_505
    assert 12_000 <= lobby.poll_after_ms(0, 1_200) <= 15_000


def test_a_stopped_room_is_polled_slowly_even_at_a_rate_of_zero() -> None:
    """Where nothing can happen soon nobody asks each second; the far end stays slower."""
    for state in ("paused", "draining", "sold_out"):
        stopped = frame(state=state, lanes=(lane(rate_per_s=0.0),))
        assert 5_000 <= stopped.poll_after_ms(0, 1) <= 6_250
        assert stopped.poll_after_ms(0, 900_000) >= POLL_FAR_MS
    assert frame(state="closed").poll_after_ms(0, 1) >= POLL_FAR_MS


def test_neighbours_in_line_are_spread_evenly() -> None:
    """Of any hundred neighbours each tenth of the spread gets seven to thirteen."""
    for first in (1, 1_000, 987_654):
        tenths = [int(fraction(number) * 10) for number in range(first, first + 100)]
        assert all(7 <= tenths.count(tenth) <= 13 for tenth in range(10))


def test_an_hour_in_line_is_less_than_a_hundred_polls() -> None:
    """The poll rule asks some 75 times in an hour's wait, and notices the turn within 1.25 s."""
    at_ms, polls, number = 0, 0, 360_000
    while True:
        serving = at_ms // 10
        seen = frame(lanes=(lane(serving),), opens_at_ms=0, at_ms=at_ms)
        polls += 1
        if seen.ahead(0, number) == 0:
            break
        at_ms += seen.poll_after_ms(0, number)
    assert polls < 100
    assert at_ms - number * 10 <= 1_250
