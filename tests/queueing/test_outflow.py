"""queueing.outflow and room_pump.lua, one test per word of each reply."""

from dataclasses import replace

import pytest

from lua.store import Store
from queueing import (
    NoRoom,
    Pumped,
    Resting,
    Rooms,
    RoomSettings,
    SetState,
    Wait,
)
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
    draw,
    inside,
    join,
    open_room,
    pump_and_claim,
    served,
)


async def pump(rooms: Rooms, now_ms: int, stock_left: int | None = None) -> Pumped:
    """One pumping, which must not be refused."""
    report = await rooms.pump(SALE, stock_left, now_ms=now_ms)
    assert isinstance(report, Pumped), report
    return report


async def test_the_pump_calls_at_the_operators_rate(rooms: Rooms) -> None:
    """pumped: a burst at the opening, then ten a second, in whole turns and none lost between."""
    await open_room(rooms)
    await join(rooms, *range(200), now_ms=OPENS_MS - 1)
    assert (await pump(rooms, OPENS_MS - 1)).called == 0
    assert (await pump(rooms, OPENS_MS)).called == 0, "not before the draw"
    await draw(rooms)
    assert (await pump(rooms, OPENS_MS)).called == 3
    for step in range(1, 40):
        await pump(rooms, OPENS_MS + 250 * step)
    report = await pump(rooms, OPENS_MS + 10_000)
    assert (report.waiting, report.drop, report.state) == (97, 1, "open")
    assert await served(rooms, OPENS_MS + 10_000) == 103


async def test_the_pump_never_calls_beyond_the_tail(rooms: Rooms) -> None:
    """An empty line saves up no more than a burst for who comes next."""
    await open_room(rooms)
    await join(rooms, 1)
    for step in range(40):
        await pump(rooms, OPENS_MS + 250 * step)
        assert await served(rooms, OPENS_MS + 250 * step) == 1
    await join(rooms, *range(2, 50))
    report = await pump(rooms, OPENS_MS + 10_000)
    assert report.called <= RULES.burst + 10 * 0.25


async def test_a_late_pump_makes_up_for_two_seconds_only(rooms: Rooms) -> None:
    """A pump that stood still for a minute does not call a minute's turns at once."""
    await open_room(rooms)
    await join(rooms, *range(500))
    await pump(rooms, OPENS_MS)
    assert (await pump(rooms, OPENS_MS + 60_000)).called == 20


async def test_pumping_twice_at_once_calls_once(rooms: Rooms, unchanged: Unchanged) -> None:
    """A repeat in the same millisecond changes nothing and calls nobody."""
    await open_room(rooms)
    await join(rooms, *range(50))
    await pump(rooms, OPENS_MS, 100)
    async with unchanged():
        report = await pump(rooms, OPENS_MS, 100)
    assert (report.called, report.waiting) == (0, 47)


async def test_one_gateway_pumps_at_a_time(
    rooms: Rooms, store: Store, unchanged: Unchanged
) -> None:
    """resting: others change nothing, until the one that pumps has been silent for a second."""
    other = another_gateway(store)
    await open_room(rooms)
    await join(rooms, *range(50))
    await pump(rooms, OPENS_MS, 7)
    for now_ms in (OPENS_MS, OPENS_MS + 999):
        async with unchanged():
            outcome = await other.pump(SALE, 0, now_ms=now_ms)
        assert outcome == Resting(OPENS_MS + 1_000)
    assert (await pump(other, OPENS_MS + 1_000, 5)).called == 10
    async with unchanged():
        assert isinstance(await rooms.pump(SALE, 0, now_ms=OPENS_MS + 1_250), Resting)


async def test_gateways_that_take_turns_pump_no_faster(rooms: Rooms, store: Store) -> None:
    """Whoever pumps and however often it changes, the rate is called and not a turn more."""
    gateways = [rooms, another_gateway(store), another_gateway(store)]
    await open_room(rooms, burst=1)
    places = await join(rooms, *range(500))
    for step in range(300):
        now_ms = OPENS_MS + 100 * step
        # In each three seconds another one falls silent and the next takes over.
        for gateway in gateways[step // 30 % 3 :]:
            await pump_and_claim(gateway, places, now_ms)
    frame = await rooms.frame(SALE, now_ms=OPENS_MS + 30_000)
    assert 240 <= frame.called <= 1 + 330


async def test_a_clock_set_back_neither_stops_the_pump_nor_speeds_it(
    rooms: Rooms, store: Store
) -> None:
    """After a step of an hour another gateway takes over at once and the bucket starts empty."""
    await open_room(rooms, rate_per_s=1, lobby_ms=0, openings_ms=(1_000, 90_000_000))
    places = await join(rooms, *range(50), now_ms=80_000_000)
    await pump(rooms, 80_000_000)
    back_ms = 80_000_000 - 3_600_000
    other = another_gateway(store)
    assert (await pump(other, back_ms)).called == 0
    assert isinstance(await rooms.claim(SALE, places[0], now_ms=back_ms + 999), Wait)
    await admit(rooms, places[0], back_ms + 1_000)


async def test_the_pump_stops_when_the_stock_is_gone_and_goes_on_when_it_is_back(
    rooms: Rooms,
) -> None:
    """sold_out is a state of the stock: units that come back open the line again."""
    await open_room(rooms)
    await join(rooms, *range(100))
    await pump(rooms, OPENS_MS, 1)
    sold_out = await pump(rooms, OPENS_MS + 250, 0)
    assert (sold_out.state, sold_out.called) == ("sold_out", 0)
    assert (await pump(rooms, OPENS_MS + 60_000, 0)).called == 0
    again = await pump(rooms, OPENS_MS + 60_250, 2)
    assert (again.state, again.called) == ("open", 2)


async def test_what_is_held_keeps_the_room_open_and_still(rooms: Rooms) -> None:
    """All held is not sold out: nobody is called or let in, and nobody is told that it is over."""
    await open_room(rooms)
    places = await join(rooms, *range(100))
    await pump(rooms, OPENS_MS, 1)
    report = await rooms.pump(SALE, 0, now_ms=OPENS_MS + 250, may_return=1)
    assert isinstance(report, Pumped)
    assert (report.state, report.called) == ("open", 0)
    frame = await rooms.frame(SALE, now_ms=OPENS_MS + 250)
    assert (frame.state, frame.stock, frame.reason) == ("open", "none", "stock")
    outcome = await rooms.claim(SALE, places[0], now_ms=OPENS_MS + 250)
    assert isinstance(outcome, Wait)
    assert outcome.reason == "all_held"
    assert (await pump(rooms, OPENS_MS + 500, 1)).called > 0
    await admit(rooms, places[0], OPENS_MS + 500)


async def test_a_pump_that_does_not_know_the_stock_says_so(rooms: Rooms) -> None:
    """None is neither plenty nor sold out: the line goes on and the band is unknown."""
    await open_room(rooms)
    await join(rooms, 1)
    await pump(rooms, OPENS_MS, 0)
    assert (await pump(rooms, OPENS_MS + 250, None)).state == "open"
    assert (await rooms.frame(SALE, now_ms=OPENS_MS + 250)).stock == "unknown"


@pytest.mark.parametrize("state", ["paused", "draining", "closed"])
async def test_a_stopped_room_calls_nobody_and_banks_nothing(rooms: Rooms, state: SetState) -> None:
    """However long the stop, the pump and the claims go on where they were."""
    await open_room(rooms)
    places = await join(rooms, *range(200))
    await pump(rooms, OPENS_MS)
    for place in places[:3]:
        await admit(rooms, place)
    await rooms.set_state(SALE, state, now_ms=OPENS_MS)
    for step in range(8):
        assert (await pump(rooms, OPENS_MS + 1_000 * step)).called == 0
    resumed_ms = OPENS_MS + 60_000
    await rooms.set_state(SALE, "open", now_ms=resumed_ms)
    await pump(rooms, resumed_ms + 1)
    assert await served(rooms, resumed_ms + 1) <= 3 + 20
    assert isinstance(await rooms.claim(SALE, places[3], now_ms=resumed_ms + 99), Wait)
    await admit(rooms, places[3], resumed_ms + 100)


async def test_the_pump_calls_no_more_than_may_be_inside(rooms: Rooms) -> None:
    """At the cap nobody is called; a free slot calls the next."""
    await open_room(rooms, active_max=2)
    places = await join(rooms, *range(20))
    assert (await pump(rooms, OPENS_MS)).called == 2
    for place in places[:2]:
        await admit(rooms, place)
    full = await pump(rooms, OPENS_MS + 1_000)
    assert (full.called, full.active) == (0, 2)
    await rooms.finish(SALE, [inside(places[0])])
    assert (await pump(rooms, OPENS_MS + 1_250)).called == 1


async def test_the_pump_follows_the_drops(rooms: Rooms) -> None:
    """moved: before all lobbies it does nothing; each drop is called from its own beginning."""
    await open_room(rooms)
    early = await pump(rooms, 1, 5)
    assert (early.drop, early.state, early.called, early.waiting) == (0, "lobby", 0, 0)
    await join(rooms, *range(9))
    await pump(rooms, OPENS_MS)
    await join(rooms, *range(9), now_ms=SECOND_LOBBY_MS)
    lobby = await pump(rooms, SECOND_LOBBY_MS)
    assert (lobby.drop, lobby.state, lobby.called) == (2, "lobby", 0)
    await draw(rooms, 2, SECOND_OPENS_MS)
    opened = await pump(rooms, SECOND_OPENS_MS)
    assert (opened.drop, opened.called, opened.waiting) == (2, 3, 6)


async def test_without_a_room_there_is_nothing_to_do(rooms: Rooms, unchanged: Unchanged) -> None:
    """missing: pump, rate and state hear that this store knows no such room."""
    async with unchanged():
        assert await rooms.pump(SALE, 5) == NoRoom()
        assert await rooms.set_room(SALE, RoomSettings(rate_per_s=5), "test") == NoRoom()
        assert await rooms.set_state(SALE, "open") == NoRoom()
        assert await rooms.changes(SALE) == []


async def test_the_stores_clock_is_used_when_no_time_is_given(rooms: Rooms, store: Store) -> None:
    """0 is the server's own clock, for frames, joins and claims alike."""
    seconds, _ = await store.read("TIME")
    opened_ms = int(seconds) * 1000 - 5_000
    await rooms.configure(SALE, replace(RULES, openings_ms=(opened_ms,)), "test")
    await rooms.set_state(SALE, "open")
    [place] = await join(rooms, 1, now_ms=0)
    await rooms.pump(SALE, None)
    admitted = await admit(rooms, place, now_ms=0)
    assert 0 <= (await rooms.frame(SALE)).at_ms - int(seconds) * 1000 < 60_000
    assert admitted.pass_claims.expires_at_ms > place.issued_ms


async def test_a_lobby_that_grows_begins_the_next_drop(rooms: Rooms) -> None:
    """Lobby times are read when asked: a longer one calls the next drop's line into being."""
    await open_room(rooms)
    now_ms = SECOND_LOBBY_MS - LOBBY_MS
    assert (await rooms.frame(SALE, now_ms=now_ms)).drop == 1
    await open_room(rooms, lobby_ms=2 * LOBBY_MS)
    assert (await rooms.frame(SALE, now_ms=now_ms)).drop == 2
