"""queueing.turns, room_claim.lua and room_leave.lua, one test per word of their replies."""

import asyncio
from dataclasses import replace
from typing import Any

import pytest
from msgspec import structs

from lua.faults import Fenced
from lua.store import Store
from queueing import (
    Admitted,
    Gone,
    Inside,
    Joined,
    JoinRequest,
    Left,
    Place,
    Pumped,
    RoomRules,
    Rooms,
    RoomSettings,
    Wait,
)
from tests.queueing.conftest import (
    DRAW_KEY,
    LOBBY_MS,
    OPENS_MS,
    PASS_KEYS,
    PLACE_KEYS,
    RULES,
    SALE,
    SECOND_LOBBY_MS,
    SECOND_OPENS_MS,
    Unchanged,
    admit,
    another_gateway,
    buyer,
    join,
    open_room,
)


async def called(rooms: Rooms, count: int, **rules: Any) -> list[Place]:
    """An open room in which so many have been called, by a burst as large as needed."""
    await open_room(rooms, **({"burst": max(1, count)} | rules))
    places = await join(rooms, *range(count))
    report = await rooms.pump(SALE, None, now_ms=OPENS_MS)
    assert isinstance(report, Pumped)
    assert report.called == count
    return places


async def test_a_called_place_is_let_in(rooms: Rooms) -> None:
    """admitted: the pass names sale, drop, place and buyer and ends on a whole second."""
    [place] = await called(rooms, 1)
    admitted = await admit(rooms, place, OPENS_MS + 999)
    got = admitted.pass_claims
    assert (got.sale, got.drop, got.number, got.buyer) == (SALE, 1, 1, buyer(0))
    assert got.expires_at_ms == OPENS_MS + 30_000
    assert not admitted.replayed
    assert rooms.read_pass(admitted.pass_token, SALE, got.expires_at_ms - 1) == got


async def test_a_repeated_claim_gives_the_same_pass(
    rooms: Rooms, store: Store, unchanged: Unchanged
) -> None:
    """again: the same token from any gateway, until its last millisecond, and nothing changes."""
    [place] = await called(rooms, 1)
    first = await admit(rooms, place)
    async with unchanged():
        for now_ms in (OPENS_MS, OPENS_MS + 29_999):
            again = await admit(another_gateway(store), place, now_ms)
            assert again.replayed
            assert again.pass_token == first.pass_token


async def test_a_repeat_comes_before_every_refusal(rooms: Rooms, unchanged: Unchanged) -> None:
    """again: who was let in hears so in a paused, drained, closed or sold-out room and after it."""
    [place] = await called(rooms, 1, pass_ms=3_600_000)
    first = await admit(rooms, place)
    await rooms.pump(SALE, 0, now_ms=OPENS_MS)
    await rooms.set_room(SALE, RoomSettings(rate_per_s=0), "test", now_ms=OPENS_MS)
    for state in ("open", "paused", "draining", "closed"):
        await rooms.set_state(SALE, state, now_ms=OPENS_MS)
        async with unchanged():
            assert (await admit(rooms, place)).pass_token == first.pass_token
            assert (await admit(rooms, place, SECOND_OPENS_MS)).replayed


async def test_a_place_is_let_in_once(rooms: Rooms, unchanged: Unchanged) -> None:
    """spent: when its pass has run out, the turn is over, while others are still let in."""
    place, other = await called(rooms, 2)
    first = await admit(rooms, place)
    async with unchanged():
        outcome = await rooms.claim(SALE, place, now_ms=first.pass_claims.expires_at_ms)
    assert outcome == Gone("spent")
    await admit(rooms, other, first.pass_claims.expires_at_ms)


async def test_a_pass_whose_key_is_retired_is_the_same_pass(rooms: Rooms, store: Store) -> None:
    """again: a repeat is under the newer key, with the id that the till knows."""
    [place] = await called(rooms, 1)
    first = await admit(rooms, place)
    rotated = replace(PASS_KEYS, mac=((9, b"nine" * 8),))
    again = await admit(Rooms(store, PLACE_KEYS, rotated, DRAW_KEY), place)
    assert again.replayed
    assert again.pass_token != first.pass_token
    assert again.pass_claims == first.pass_claims


async def test_a_thousand_parallel_claims_are_one_pass(rooms: Rooms, store: Store) -> None:
    """However often and wherever one place is claimed at once, it is admitted once."""
    [place] = await called(rooms, 1)
    gateways = [rooms, another_gateway(store)]
    outcomes: list[Admitted] = []
    for _ in range(10):
        outcomes += await asyncio.gather(*(admit(gateways[i % 2], place) for i in range(100)))
    assert len({outcome.pass_token for outcome in outcomes}) == 1
    assert sum(not outcome.replayed for outcome in outcomes) == 1
    assert await store.read("ZCARD", f"{{{SALE}:room}}:leases") == 1


async def test_who_left_is_not_let_in(rooms: Rooms, unchanged: Unchanged) -> None:
    """left: a place that was left stays left, waiting or spent, and leaving again is nothing."""
    waiting, spent = await called(rooms, 2)
    end_ms = (await admit(rooms, spent)).pass_claims.expires_at_ms
    for place in (waiting, spent):
        await rooms.leave(SALE, place, now_ms=end_ms)
        async with unchanged():
            assert await rooms.claim(SALE, place, now_ms=end_ms) == Gone("left")
            await rooms.leave(SALE, place, now_ms=end_ms)


async def test_who_is_inside_cannot_leave_a_pass_behind(
    rooms: Rooms, store: Store, unchanged: Unchanged
) -> None:
    """While the pass works, leaving frees no slot, and joining again finds the very same turn."""
    first, second = await called(rooms, 2, active_max=2)
    await rooms.configure(SALE, _capped(1), "test", now_ms=OPENS_MS)
    admitted = await admit(rooms, first)
    end_ms = admitted.pass_claims.expires_at_ms
    async with unchanged():
        told = await rooms.leave(SALE, first, now_ms=end_ms - 1)
        assert told == Inside(admitted.pass_claims)
        outcome = await rooms.claim(SALE, second, now_ms=end_ms - 1)
        assert isinstance(outcome, Wait)
        assert outcome.reason == "full"
        again = [JoinRequest("another", first.buyer)]
        [joined] = await rooms.join(SALE, again, now_ms=end_ms - 1)
        assert isinstance(joined, Joined)
        assert joined.place.number == first.number
        repeated = await admit(rooms, joined.place, end_ms - 1)
    assert (repeated.pass_token, repeated.replayed) == (admitted.pass_token, True)
    assert await store.read("ZCARD", f"{{{SALE}:room}}:leases") == 1
    await admit(rooms, second, end_ms)


async def test_who_leaves_a_spent_pass_makes_room(
    rooms: Rooms, store: Store, unchanged: Unchanged
) -> None:
    """left: a pass that surely buys nothing more holds no slot; who joins again stands behind."""
    first, second = await called(rooms, 2, active_max=2)
    await rooms.configure(SALE, _capped(1), "test", now_ms=OPENS_MS)
    await admit(rooms, first)
    assert await rooms.leave(SALE, first, now_ms=OPENS_MS, is_spent=True) == Left()
    assert await store.read("ZCARD", f"{{{SALE}:room}}:leases") == 0
    async with unchanged():
        assert await rooms.claim(SALE, first, now_ms=OPENS_MS) == Gone("left")
        for is_spent in (False, True):
            assert await rooms.leave(SALE, first, OPENS_MS, is_spent=is_spent) == Left()
    await admit(rooms, second)
    [joined] = await rooms.join(SALE, [JoinRequest("another", first.buyer)], now_ms=OPENS_MS)
    assert isinstance(joined, Joined)
    assert joined.place.number == 3


async def test_a_store_that_lost_the_room_keeps_places_waiting(
    rooms: Rooms, unchanged: Unchanged
) -> None:
    """missing: nobody is let in and nobody is sent away."""
    place = Place(SALE, 1, 1, 0, 1, buyer(1), OPENS_MS)
    async with unchanged():
        with pytest.raises(Fenced):
            await rooms.claim(SALE, place, now_ms=OPENS_MS)
        with pytest.raises(Fenced):
            await rooms.leave(SALE, place, now_ms=OPENS_MS)


async def test_a_missed_turn_can_be_claimed_until_the_next_lobby(
    rooms: Rooms, unchanged: Unchanged
) -> None:
    """over: a called place is let in late, until the next drop's lobby has come."""
    late, missed = await called(rooms, 2)
    await admit(rooms, late, SECOND_LOBBY_MS - 1)
    async with unchanged():
        assert await rooms.claim(SALE, missed, now_ms=SECOND_LOBBY_MS) == Gone("over")


async def test_a_closed_room_sends_places_away(rooms: Rooms, unchanged: Unchanged) -> None:
    """closed: no place is let in any more."""
    [place] = await called(rooms, 1)
    await rooms.set_state(SALE, "closed", now_ms=OPENS_MS)
    async with unchanged():
        assert await rooms.claim(SALE, place, now_ms=OPENS_MS) == Gone("closed")


@pytest.mark.parametrize("state", ["paused", "draining"])
async def test_a_stopped_room_keeps_places_waiting(
    rooms: Rooms, unchanged: Unchanged, state: str
) -> None:
    """wait: paused or drained, a called place hears so at once and is let in when it goes on."""
    [place] = await called(rooms, 1)
    await rooms.set_state(SALE, state, now_ms=OPENS_MS)  # type: ignore[arg-type]
    async with unchanged():
        outcome = await rooms.claim(SALE, place, now_ms=OPENS_MS)
    assert isinstance(outcome, Wait)
    assert (outcome.reason, outcome.ahead) == (state, 0)
    await rooms.set_state(SALE, "open", now_ms=OPENS_MS)
    await admit(rooms, place)


async def test_nobody_is_let_in_before_the_opening(rooms: Rooms, unchanged: Unchanged) -> None:
    """wait: in the lobby a claim hears to come back, and not before a share of the time is over."""
    await open_room(rooms)
    [place] = await join(rooms, 1, now_ms=OPENS_MS - LOBBY_MS)
    for left_ms in (LOBBY_MS, 1):
        async with unchanged():
            outcome = await rooms.claim(SALE, place, now_ms=OPENS_MS - left_ms)
        assert isinstance(outcome, Wait)
        assert outcome.reason == "lobby"
        assert 1_000 <= outcome.retry_ms <= max(1_250, left_ms // 4)


async def test_a_place_of_a_drop_that_was_put_off_waits(rooms: Rooms) -> None:
    """wait: when the opening moves back beyond its lobby, places of it are kept."""
    await open_room(rooms)
    [place] = await join(rooms, 1, now_ms=OPENS_MS - 1)
    await open_room(rooms, openings_ms=(OPENS_MS + 2 * LOBBY_MS, SECOND_OPENS_MS))
    outcome = await rooms.claim(SALE, place, now_ms=OPENS_MS)
    assert isinstance(outcome, Wait)
    assert outcome.reason == "lobby"


async def test_a_sold_out_room_lets_nobody_in_until_units_come_back(
    rooms: Rooms, unchanged: Unchanged
) -> None:
    """wait: sold out, a place is kept; when the pump hears of units it is let in."""
    [place] = await called(rooms, 1)
    await rooms.pump(SALE, 0, now_ms=OPENS_MS)
    async with unchanged():
        outcome = await rooms.claim(SALE, place, now_ms=OPENS_MS)
    assert isinstance(outcome, Wait)
    assert outcome.reason == "sold_out"
    await rooms.pump(SALE, 1, now_ms=OPENS_MS)
    await admit(rooms, place)


async def test_who_has_not_been_called_waits(rooms: Rooms, unchanged: Unchanged) -> None:
    """turn: a place hears how many turns are to be called up to its own."""
    await open_room(rooms)
    places = await join(rooms, *range(10))
    await rooms.pump(SALE, None, now_ms=OPENS_MS)
    async with unchanged():
        outcomes = [await rooms.claim(SALE, place, now_ms=OPENS_MS) for place in places[3:]]
    assert [outcome.ahead for outcome in outcomes if isinstance(outcome, Wait)] == [*range(1, 8)]
    assert {outcome.reason for outcome in outcomes if isinstance(outcome, Wait)} == {"turn"}
    await admit(rooms, places[2])


async def test_no_more_are_inside_than_may_be(rooms: Rooms, unchanged: Unchanged) -> None:
    """full: at the cap a called place waits, however many tokens there are."""
    places = await called(rooms, 3, active_max=3)
    await rooms.configure(SALE, _capped(2), "test", now_ms=OPENS_MS)
    first, second, third = places
    await admit(rooms, first)
    await admit(rooms, second)
    async with unchanged():
        outcome = await rooms.claim(SALE, third, now_ms=OPENS_MS)
    assert isinstance(outcome, Wait)
    assert outcome.reason == "full"


async def test_a_slot_is_free_after_finish_and_expiry(rooms: Rooms, store: Store) -> None:
    """Each of the two ends of a lease lets the next one in; a lost or repeated one harms none."""
    places = await called(rooms, 3, active_max=3)
    await rooms.configure(SALE, _capped(1), "test", now_ms=OPENS_MS)
    first = (await admit(rooms, places[0])).pass_claims
    await rooms.finish(SALE, [first])
    await rooms.finish(SALE, [first])
    await rooms.finish(SALE, [structs.replace(first, drop=2, number=77)])
    second = await admit(rooms, places[1])
    end_ms = second.pass_claims.expires_at_ms
    assert isinstance(await rooms.claim(SALE, places[2], now_ms=end_ms - 1), Wait)
    await admit(rooms, places[2], end_ms)
    assert await store.read("ZRANGE", f"{{{SALE}:room}}:leases", 0, -1) == [b"1.1.0:3"]


async def test_a_finished_place_gets_no_second_lease(rooms: Rooms, store: Store) -> None:
    """A repeat after the finish gives the old pass and takes no slot."""
    [place] = await called(rooms, 1)
    first = await admit(rooms, place)
    await rooms.finish(SALE, [first.pass_claims])
    again = await admit(rooms, place)
    assert again.pass_token == first.pass_token
    assert await store.read("ZCARD", f"{{{SALE}:room}}:leases") == 0


async def test_called_places_are_let_in_at_the_rate(rooms: Rooms, unchanged: Unchanged) -> None:
    """pace: after the burst the next is let in when a token is there, to the millisecond."""
    places = await called(rooms, 5)
    await rooms.set_room(SALE, RoomSettings(rate_per_s=10, burst=3), "test", now_ms=OPENS_MS)
    for place in places[:3]:
        await admit(rooms, place)
    async with unchanged():
        for now_ms in (OPENS_MS, OPENS_MS + 99):
            outcome = await rooms.claim(SALE, places[3], now_ms=now_ms)
            assert isinstance(outcome, Wait)
            assert (outcome.reason, outcome.ahead) == ("pace", 0)
            assert 100 <= outcome.retry_ms <= 100 + 400
    await admit(rooms, places[3], OPENS_MS + 100)
    assert isinstance(await rooms.claim(SALE, places[4], now_ms=OPENS_MS + 199), Wait)
    await admit(rooms, places[4], OPENS_MS + 200)


async def test_at_a_rate_of_zero_nobody_is_let_in(rooms: Rooms) -> None:
    """pace: a rate of 0 stops claims once the burst is used, and asks them to come back."""
    places = await called(rooms, 2)
    await rooms.set_room(SALE, RoomSettings(rate_per_s=0, burst=1), "test", now_ms=OPENS_MS)
    await admit(rooms, places[0])
    outcome = await rooms.claim(SALE, places[1], now_ms=OPENS_MS + 900_000)
    assert isinstance(outcome, Wait)
    assert 100 <= outcome.retry_ms <= 7_000


def _capped(active_max: int) -> RoomRules:
    return replace(RULES, burst=10, active_max=active_max)
