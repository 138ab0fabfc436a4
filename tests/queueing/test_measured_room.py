"""What is measured rules the room: ceilings, the stock's bound, speeds and the frame's band."""

import pytest

from queueing import Admitted, Pumped, Rooms, Wait
from queueing.outflow import Ceiling, Supply
from queueing.rules import Lane
from tests.queueing.conftest import OPENS_MS, SALE, join, open_room

STEP_MS = 200


async def run(
    rooms: Rooms, from_ms: int, seconds: float, stock_left: int | None = 1_000, **given: object
) -> int:
    """Pump for so long, five times a second; the time after it."""
    for _ in range(int(seconds * 1000 / STEP_MS)):
        from_ms += STEP_MS
        report = await rooms.pump(SALE, stock_left, now_ms=from_ms, **given)  # type: ignore[arg-type]
        assert isinstance(report, Pumped), report
    return from_ms


async def test_a_ceiling_rules_claims_and_is_told(rooms: Rooms) -> None:
    """Below the operator's rate it paces claims at once; above it, it says nothing."""
    await open_room(rooms, rate_per_s=10, burst=1)
    places = await join(rooms, *range(40), now_ms=OPENS_MS)
    now_ms = await run(rooms, OPENS_MS, 2, ceiling=Ceiling(20.0, "latency"))
    frame = await rooms.frame(SALE, now_ms=now_ms)
    assert (frame.reason, frame.rate_per_s, frame.operator_rate_per_s) == ("operator", 10, 10)
    assert isinstance(await rooms.claim(SALE, places[0], now_ms=now_ms), Admitted)
    now_ms = await run(rooms, now_ms, 0.2, ceiling=Ceiling(2.0, "latency"))
    frame = await rooms.frame(SALE, now_ms=now_ms)
    assert (frame.reason, frame.rate_per_s, frame.operator_rate_per_s) == ("latency", 2, 10)
    let_in = 0
    for tenth in range(50):
        at_ms = now_ms + tenth * 100
        outcome = await rooms.claim(SALE, places[1 + let_in], now_ms=at_ms)
        let_in += isinstance(outcome, Admitted)
    assert 9 <= let_in <= 11


async def test_a_stop_lets_nobody_in(rooms: Rooms) -> None:
    """With a ceiling of 0 no claim succeeds and nobody is called, until it is gone."""
    await open_room(rooms, rate_per_s=10, burst=1)
    places = await join(rooms, *range(40), now_ms=OPENS_MS)
    now_ms = await run(rooms, OPENS_MS, 1)
    await rooms.claim(SALE, places[0], now_ms=now_ms)
    now_ms = await run(rooms, now_ms, 5, ceiling=Ceiling(0.0, "errors"))
    before = await rooms.frame(SALE, now_ms=now_ms)
    now_ms = await run(rooms, now_ms, 5, ceiling=Ceiling(0.0, "errors"))
    after = await rooms.frame(SALE, now_ms=now_ms)
    assert (after.called, after.reason) == (before.called, "errors")
    await rooms.claim(SALE, places[1], now_ms=now_ms)  # a token that was there before
    assert isinstance(await rooms.claim(SALE, places[2], now_ms=now_ms + 60_000), Wait)
    now_ms = await run(rooms, now_ms, 1)
    assert isinstance(await rooms.claim(SALE, places[2], now_ms=now_ms), Admitted)


async def test_no_more_inside_than_the_stock_can_serve(rooms: Rooms) -> None:
    """With a bound of three the fourth waits, the frame names the stock, and a slot lets it in."""
    await open_room(rooms, rate_per_s=10, burst=10)
    places = await join(rooms, *range(6), now_ms=OPENS_MS)
    now_ms = await run(rooms, OPENS_MS, 1)
    supply = Supply(inside_max=3)
    now_ms = await run(rooms, now_ms, 1, supply=supply)
    outcomes = [await rooms.claim(SALE, place, now_ms=now_ms) for place in places[:4]]
    assert [isinstance(one, Admitted) for one in outcomes] == [True, True, True, False]
    frame = await rooms.frame(SALE, now_ms=now_ms)
    assert (frame.reason, frame.active) == ("stock", 3)
    now_ms = await run(rooms, now_ms, 31, supply=supply)
    assert isinstance(await rooms.claim(SALE, places[3], now_ms=now_ms), Admitted)


async def test_who_has_bought_nothing_for_long_leaves_room_for_the_stock(rooms: Rooms) -> None:
    """An old pass holds a slot of the operator's, and none of the stock's; it still works."""
    await open_room(rooms, rate_per_s=10, burst=10, active_max=5)
    places = await join(rooms, *range(7), now_ms=OPENS_MS)
    supply = Supply(inside_max=2, deciding_ms=10_000)
    now_ms = await run(rooms, OPENS_MS, 1, supply=supply)
    first = [await rooms.claim(SALE, place, now_ms=now_ms) for place in places[:3]]
    assert [isinstance(one, Admitted) for one in first] == [True, True, False]
    now_ms = await run(rooms, now_ms, 8.8, supply=supply)  # passes end on whole seconds
    assert isinstance(await rooms.claim(SALE, places[2], now_ms=now_ms), Wait)
    now_ms = await run(rooms, now_ms, 1.4, supply=supply)
    frame = await rooms.frame(SALE, now_ms=now_ms)
    assert (frame.reason, frame.active, frame.deciding) == ("operator", 2, 0)
    later = [await rooms.claim(SALE, place, now_ms=now_ms) for place in places[2:5]]
    assert [isinstance(one, Admitted) for one in later] == [True, True, False]
    frame = await rooms.frame(SALE, now_ms=now_ms)
    assert (frame.reason, frame.active, frame.deciding) == ("stock", 4, 2)
    outcome = await rooms.claim(SALE, places[0], now_ms=now_ms)
    assert isinstance(outcome, Admitted)
    assert outcome.replayed
    now_ms = await run(rooms, now_ms, 10.2, supply=supply)
    last = [await rooms.claim(SALE, place, now_ms=now_ms) for place in places[4:6]]
    assert [isinstance(one, Admitted) for one in last] == [True, False]
    frame = await rooms.frame(SALE, now_ms=now_ms)
    assert (frame.reason, frame.active, frame.deciding) == ("active", 5, 1)


async def test_the_operators_bound_is_told_where_it_is_the_smaller(rooms: Rooms) -> None:
    """Of two bounds on who is inside the smaller rules, and the reason is its own."""
    await open_room(rooms, rate_per_s=10, burst=10, active_max=2)
    places = await join(rooms, *range(6), now_ms=OPENS_MS)
    now_ms = await run(rooms, OPENS_MS, 1, supply=Supply(inside_max=3))
    for place in places[:3]:
        await rooms.claim(SALE, place, now_ms=now_ms)
    frame = await rooms.frame(SALE, now_ms=now_ms)
    assert (frame.reason, frame.active) == ("active", 2)


async def test_the_last_unit_sold_is_told_at_once(rooms: Rooms) -> None:
    """With the pumping that hears of it the frame says sold out, and that stock reaches nobody."""
    await open_room(rooms)
    await join(rooms, *range(30), now_ms=OPENS_MS)
    now_ms = await run(
        rooms, OPENS_MS, 1, stock_left=5, supply=Supply(inside_max=5, likely=4, possible=6)
    )
    frame = await rooms.frame(SALE, now_ms=now_ms)
    assert (frame.state, frame.lanes[0].likely, frame.lanes[0].possible) == ("open", 4, 6)
    now_ms = await run(
        rooms, now_ms, 0.2, stock_left=0, supply=Supply(inside_max=0, likely=0, possible=0)
    )
    frame = await rooms.frame(SALE, now_ms=now_ms)
    assert (frame.state, frame.reason, frame.stock) == ("sold_out", "stock", "none")
    assert (frame.lanes[0].likely, frame.lanes[0].possible) == (0, 0)


async def test_before_it_was_measured_a_lane_has_its_share(rooms: Rooms) -> None:
    """Three quarters of the rate for a weight of three, and no band while stock is not known."""
    await open_room(rooms, rate_per_s=10, lanes=(Lane("everyone", 1), Lane("members", 3)))
    frame = await rooms.frame(SALE, now_ms=OPENS_MS)
    assert [lane.rate_per_s for lane in frame.lanes] == [2.5, 7.5]
    assert [(lane.likely, lane.possible) for lane in frame.lanes] == [(-1, -1)] * 2


@pytest.mark.parametrize("slow", [2.0])
async def test_a_lane_tells_the_speed_it_moves_at(rooms: Rooms, slow: float) -> None:
    """After a change the ten seconds' mean is there soon, the minute's follows; both are told."""
    await open_room(rooms, rate_per_s=10, burst=1)
    places = await join(rooms, *range(300), now_ms=OPENS_MS)
    now_ms, called = OPENS_MS, list[int]()
    for _ in range(200):
        now_ms = await run(rooms, now_ms, 0.2, ceiling=Ceiling(slow, "store"))
        called.append((await rooms.frame(SALE, now_ms=now_ms)).called)
        for place in places[max(0, called[-1] - 8) : called[-1]]:
            await rooms.claim(SALE, place, now_ms=now_ms)
    real = (called[-1] - called[100]) / (99 * STEP_MS / 1000)
    lane = (await rooms.frame(SALE, now_ms=now_ms)).lanes[0]
    assert lane.low_per_s <= lane.rate_per_s <= lane.high_per_s
    assert lane.rate_per_s == pytest.approx(real, rel=0.25)
    assert real == pytest.approx(slow, rel=0.25)


async def test_a_pause_leaves_the_speed_as_it_was(rooms: Rooms) -> None:
    """Ten minutes of the operator's pause do not make the line look slow afterwards."""
    await open_room(rooms, rate_per_s=10, burst=1)
    await join(rooms, *range(200), now_ms=OPENS_MS)
    now_ms = await run(rooms, OPENS_MS, 5)
    before = (await rooms.frame(SALE, now_ms=now_ms)).lanes[0]
    await rooms.set_state(SALE, "paused", "test", now_ms=now_ms)
    now_ms = await run(rooms, now_ms, 20)
    await rooms.set_state(SALE, "open", "test", now_ms=now_ms + 600_000)
    after = (await rooms.frame(SALE, now_ms=now_ms + 600_000)).lanes[0]
    assert after.rate_per_s == before.rate_per_s
    assert before.rate_per_s > 5


async def test_an_empty_line_says_nothing_of_its_speed(rooms: Rooms) -> None:
    """Who comes one by one is called at once: that is not as fast as the line can move."""
    await open_room(rooms, rate_per_s=10, burst=5)
    now_ms = OPENS_MS
    for number in range(20):
        await join(rooms, number, now_ms=now_ms)
        now_ms = await run(rooms, now_ms, 1)
    assert (await rooms.frame(SALE, now_ms=now_ms)).lanes[0].rate_per_s == 10
