"""What becomes of called turns: in time, late or over; who does not come; shares of lanes."""

import random
from collections import Counter, defaultdict
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings, strategies as st

from lua.store import Store
from queueing import Admitted, Gone, JoinRequest, Lane, Place, Pumped, Rooms, RoomSettings, Wait
from queueing.outflow import Ceiling, Supply
from tests.queueing.conftest import (
    OPENS_MS,
    RULES,
    SALE,
    another_gateway,
    buyer,
    join,
    open_room,
    pump_and_claim,
)

GRACE_MS = RULES.grace_ms
LATE_MS = 900_000
FAR_MS = 90_000_000
SWINGS = ((20, 0.2), (20, 0.7), (20, 0.05))
"""Seconds, and the share of the called that does not come in them."""


async def crowd(rooms: Rooms, count: int, **rules: object) -> list[Place]:
    """So many in an open room whose next drop is far away."""
    await open_room(rooms, **({"openings_ms": (OPENS_MS, FAR_MS)} | rules))
    return await join(rooms, *range(count))


async def pump_until(rooms: Rooms, begins_ms: int, ends_ms: int, every_ms: int = 1_000) -> None:
    """Pump for a while."""
    for now_ms in range(begins_ms, ends_ms + 1, every_ms):
        assert isinstance(await rooms.pump(SALE, None, now_ms=now_ms), Pumped)


async def test_a_turn_is_late_after_its_grace_and_over_after_that(rooms: Rooms) -> None:
    """missed: late turns are let in for a quarter of an hour, and then no more."""
    late, over = await crowd(rooms, 2, burst=2)
    end_ms = OPENS_MS + GRACE_MS + LATE_MS
    await pump_until(rooms, OPENS_MS, end_ms - 1)
    await rooms.pump(SALE, None, now_ms=end_ms - 1)
    assert isinstance(await rooms.claim(SALE, late, now_ms=end_ms - 1), Admitted)
    await rooms.pump(SALE, None, now_ms=end_ms)
    assert await rooms.claim(SALE, over, now_ms=end_ms) == Gone("missed")


async def test_the_frame_says_which_turns_have_outlived_their_grace(rooms: Rooms) -> None:
    """Whoever comes back to a page that slept learns that its turn is late, to the millisecond."""
    await crowd(rooms, 3, burst=2)
    await pump_until(rooms, OPENS_MS, OPENS_MS + GRACE_MS - 1)
    for now_ms, late in ((OPENS_MS + GRACE_MS - 1, 0), (OPENS_MS + GRACE_MS, 2)):
        await rooms.pump(SALE, None, now_ms=now_ms)
        assert (await rooms.frame(SALE, now_ms)).lanes[0].late == late


@pytest.mark.parametrize("why", ["paused", "stopped", "no stock", "full"])
async def test_grace_passes_only_while_the_called_can_go_in(rooms: Rooms, why: str) -> None:
    """Who is called, comes, and is kept at the door for whatever reason, is not late for it."""
    places = await crowd(rooms, 500, burst=20, rate_per_s=20)
    await pump_until(rooms, OPENS_MS, OPENS_MS + 1_000, 250)
    called = places[: (await rooms.frame(SALE, OPENS_MS + 1_000)).called]
    stock: int | None = None
    given: dict[str, Any] = {}
    match why:
        case "paused":
            await rooms.set_state(SALE, "paused", "test", now_ms=OPENS_MS + 1_000)
        case "stopped":
            given["ceiling"] = Ceiling(0.0, "errors")
        case "no stock":
            stock, given["may_return"] = 0, 5
        case _:
            given["supply"] = Supply(inside_max=0)
    ends_ms = OPENS_MS + 1_000 + GRACE_MS + LATE_MS
    for now_ms in range(OPENS_MS + 1_000, ends_ms, 1_000):
        await rooms.pump(SALE, stock, now_ms=now_ms, **given)
    await rooms.set_state(SALE, "open", "test", now_ms=ends_ms)
    await rooms.pump(SALE, None, now_ms=ends_ms)
    assert (await rooms.frame(SALE, ends_ms)).lanes[0].late == 0
    await pump_until(rooms, ends_ms, ends_ms + 1_000)
    assert isinstance(await rooms.claim(SALE, called[-1], now_ms=ends_ms + 1_000), Admitted)


async def test_a_line_that_slows_down_makes_nobody_late(rooms: Rooms) -> None:
    """Those at the door go in as fast as the brake lets them, though that takes long."""
    places = await crowd(rooms, 500, burst=20, rate_per_s=20)
    now_ms = OPENS_MS + 1_000
    await pump_until(rooms, OPENS_MS, now_ms, 250)
    outside = places[: (await rooms.frame(SALE, now_ms)).called]
    rate_per_s = len(outside) / (4 * GRACE_MS / 1000)
    ends_ms = now_ms + 2 * GRACE_MS + 5_000
    for at_ms in range(now_ms, ends_ms, 500):
        await rooms.pump(SALE, None, now_ms=at_ms, ceiling=Ceiling(rate_per_s, "latency"))
        if outside:
            told = await rooms.claim_all(SALE, outside, at_ms)
            outside = [
                place for place, one in zip(outside, told, strict=True) if isinstance(one, Wait)
            ]
    assert outside == []


async def test_late_turns_get_a_fifth_and_never_hold_up_the_others(rooms: Rooms) -> None:
    """However many come late, four of five tokens stay for those who come in time."""
    places = await crowd(rooms, 2_000, rate_per_s=20, burst=20)
    late = places[:100]
    first_ms = OPENS_MS + 20_000 + GRACE_MS + 1_000
    await pump_until(rooms, OPENS_MS, first_ms)
    waiting = places[(await rooms.frame(SALE, first_ms)).called :]
    words: Counter[str] = Counter()
    for now_ms in range(first_ms, first_ms + 10_000, 250):
        await rooms.pump(SALE, None, now_ms=now_ms)
        # The late ones always try first.
        for who, group in (("late", late), ("in time", waiting[:150])):
            outcomes = await rooms.claim_all(SALE, group, now_ms)
            words[who] += sum(
                isinstance(outcome, Admitted) and not outcome.replayed for outcome in outcomes
            )
    assert 0.9 * 40 <= words["late"] <= 20 / 5 * 10 + 4
    assert words["in time"] >= 20 * 0.8 * 10 - 20


async def test_late_turns_come_back_when_there_are_tokens_for_them(rooms: Rooms) -> None:
    """Their bucket gets a fifth of the rate: the tenth of them waits for ten of its tokens."""
    places = await crowd(rooms, 1_000, rate_per_s=10, burst=10)
    now_ms = OPENS_MS + 20_000 + GRACE_MS + 1_000
    await pump_until(rooms, OPENS_MS, now_ms)
    outcomes = await rooms.claim_all(SALE, places[:20], now_ms)
    waits = [one.retry_ms for one in outcomes if isinstance(one, Wait)]
    assert len(waits) == 18  # two tokens were there: a fifth of the burst
    assert all(wait >= 400 * position for position, wait in enumerate(waits[:10], 1))


async def test_a_batch_is_served_in_its_order(rooms: Rooms) -> None:
    """Tokens go to the claims of one call in the order in which they came, each place once."""
    places = await crowd(rooms, 6, burst=6)
    await rooms.pump(SALE, None, now_ms=OPENS_MS)
    await rooms.set_room(SALE, RoomSettings(rate_per_s=1, burst=3), "test", now_ms=OPENS_MS)
    batch = [places[4], places[4], places[2], places[0], places[1]]
    outcomes = await rooms.claim_all(SALE, batch, OPENS_MS)
    told = [o.replayed if isinstance(o, Admitted) else "wait" for o in outcomes]
    assert told == [False, True, False, False, "wait"]
    assert isinstance(outcomes[-1], Wait)
    assert outcomes[-1].retry_ms >= 1_000


async def test_lines_of_two_drops_share_a_batch(rooms: Rooms) -> None:
    """Places of another drop are answered by their own line."""
    places = await crowd(rooms, 1)
    await rooms.pump(SALE, None, now_ms=OPENS_MS)
    other = Place(SALE, 2, 1, 0, 1, buyer(9), OPENS_MS)
    outcomes = await rooms.claim_all(SALE, [other, *places], OPENS_MS)
    assert [type(outcome) for outcome in outcomes] == [Wait, Admitted]


async def test_the_rate_is_used_whoever_does_not_come(rooms: Rooms) -> None:
    """With no-shows of 20, 70 and 5 %, 95 % of the rate goes in, and never more than is allowed."""
    rate, dice = 20, random.Random(5)
    length_ms = 1000 * sum(seconds for seconds, _ in SWINGS)
    await open_room(rooms, rate_per_s=rate, burst=rate, openings_ms=(OPENS_MS, FAR_MS))
    places = await join(rooms, *range(5_000))
    comes: defaultdict[int, list[Place]] = defaultdict(list)
    called, admitted = 0, []
    for now_ms in range(OPENS_MS, OPENS_MS + length_ms, 250):
        await rooms.pump(SALE, None, now_ms=now_ms)
        now_called = (await rooms.frame(SALE, now_ms)).called
        absent = [share for seconds, share in SWINGS for _ in range(seconds)]
        for place in places[called:now_called]:
            if dice.random() >= absent[(now_ms - OPENS_MS) // 1000]:
                comes[(now_ms + int(dice.expovariate(1 / 2_000))) // 250].append(place)
        called = now_called
        some = comes.pop(now_ms // 250, [])
        for place, outcome in zip(some, await rooms.claim_all(SALE, some, now_ms), strict=True):
            if isinstance(outcome, Admitted):
                admitted.append(now_ms)
            elif isinstance(outcome, Wait):
                comes[(now_ms + outcome.retry_ms) // 250 + 1].append(place)
    assert len(admitted) >= 0.95 * rate * (length_ms / 1000 - 10), "the first ten seconds learn"
    for at, begins_ms in enumerate(admitted):
        for count, ends_ms in enumerate(admitted[at:], start=1):
            assert count <= rate * (ends_ms - begins_ms) / 1000 + rate


async def test_with_a_cap_nobody_is_called_for_a_slot_twice(rooms: Rooms) -> None:
    """Pumping goes on while the called are on their way: the free slots are called once."""
    await crowd(rooms, 500, active_max=30, burst=20, rate_per_s=20)
    await pump_until(rooms, OPENS_MS, OPENS_MS + 5_000, 250)
    assert (await rooms.frame(SALE, OPENS_MS + 5_000)).called <= 30


@settings(
    max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    st.lists(st.integers(1, 9), min_size=2, max_size=5),
    st.integers(1, 40),
    st.integers(50, 500),
    st.integers(0, 2**32),
)
async def test_lanes_share_by_weight(
    store: Store, weights: list[int], rate: int, elapsed_ms: int, seed: int
) -> None:
    """While all lanes have people, each has its weight's share at any time, to within a weight."""
    await store.write("FLUSHALL")
    rooms = another_gateway(store)
    lanes = tuple(Lane(f"lane{index}", weight) for index, weight in enumerate(weights))
    await open_room(rooms, lanes=lanes, rate_per_s=rate, burst=1, openings_ms=(OPENS_MS, FAR_MS))
    await _fill_lanes(rooms, [200] * len(lanes), random.Random(seed))
    round_ = sum(weights)
    for step in range(40):
        await rooms.pump(SALE, None, now_ms=OPENS_MS + step * elapsed_ms)
        served = [lane.serving for lane in (await rooms.frame(SALE, OPENS_MS)).lanes]
        if max(served) > 190:
            break
        for count, weight in zip(served, weights, strict=True):
            assert abs(count - sum(served) * weight / round_) <= max(weights), (served, weights)


async def test_an_empty_lane_leaves_its_share_and_saves_none(rooms: Rooms) -> None:
    """The others get it; who comes later into that lane has its weight's share from then on."""
    lanes = (Lane("everyone"), Lane("members", 3))
    await open_room(rooms, lanes=lanes, burst=40, rate_per_s=40, openings_ms=(OPENS_MS, FAR_MS))
    dice = random.Random(1)
    await _fill_lanes(rooms, [400, 0], dice)
    await rooms.pump(SALE, None, now_ms=OPENS_MS)
    assert [lane.serving for lane in (await rooms.frame(SALE, OPENS_MS)).lanes] == [40, 0]
    await _fill_lanes(rooms, [0, 100], dice)
    await rooms.pump(SALE, None, now_ms=OPENS_MS + 1_000)
    assert [lane.serving for lane in (await rooms.frame(SALE, OPENS_MS)).lanes] == [50, 30]


async def test_turns_are_called_in_their_order(rooms: Rooms) -> None:
    """The serving number never falls and never skips: who stands before is called before."""
    places = await crowd(rooms, 300, rate_per_s=20)
    seen = []
    for step in range(60):
        await pump_and_claim(rooms, places, OPENS_MS + 250 * step)
        seen.append((await rooms.frame(SALE, OPENS_MS + 250 * step)).called)
    assert all(before <= after for before, after in pairwise(seen))
    outcomes = await rooms.claim_all(SALE, places[seen[-1] :], OPENS_MS + 15_000)
    assert {o.reason for o in outcomes if isinstance(o, Wait)} == {"turn"}
    assert len(outcomes) == 300 - seen[-1]


async def _fill_lanes(rooms: Rooms, counts: list[int], dice: random.Random) -> None:
    lanes = [lane for lane, count in enumerate(counts) for _ in range(count)]
    dice.shuffle(lanes)
    requests = [JoinRequest("k", buyer(dice.getrandbits(60)), lane) for lane in lanes]
    await rooms.join(SALE, requests, now_ms=OPENS_MS)
