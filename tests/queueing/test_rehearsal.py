"""Rehearsals: a crowd on the real scripts, and figures that would tell of a room that is wrong."""

import random
from dataclasses import replace

import pytest

from lua.store import Store
from queueing.rehearsal import Plan, Play, measure_joins
from queueing.rehearsal.crowd import Crowd
from queueing.rehearsal.findings import Notes, excess, found, most_within
from queueing.rehearsal.plan import OPENS_MS
from tests.queueing.conftest import another_gateway

SMALL = Plan(shoppers=1_200, rate_per_s=20, burst=20, lobby_s=30, arriving_s=30, visit_s=5)


async def test_a_whole_line_is_played_on_the_scripts(store: Store) -> None:
    """Everybody is let in or gone; no window of any length had more than rate and burst allow."""
    findings = await Play([another_gateway(store), another_gateway(store)], SMALL).run()
    assert 0 < findings.admitted < SMALL.shoppers
    assert findings.bucket_excess == 0
    assert findings.overshoot_10s <= 1
    assert findings.twice == 0
    assert findings.polls > SMALL.shoppers
    assert 0 < (findings.turn_noticed_mean_s or 0) < 5


async def test_the_same_plan_gives_the_same_figures(store: Store) -> None:
    """Dice and clock are the rehearsal's own."""
    first = await Play([another_gateway(store)], replace(SMALL, shoppers=200)).run()
    await store.write("FLUSHALL")
    assert await Play([another_gateway(store)], replace(SMALL, shoppers=200)).run() == first


async def test_nobody_is_inside_beyond_the_cap(store: Store) -> None:
    """With a cap the line is slower, and the most that were inside at once is the cap."""
    plan = replace(SMALL, shoppers=400, active_max=30)
    findings = await Play([another_gateway(store)], plan).run()
    assert findings.inside_max == 30


async def test_what_a_join_costs_is_measured(store: Store) -> None:
    """Of joins in batches: CPU of the store, and what it keeps for each who waits."""
    cost = await measure_joins(another_gateway(store), store, 6_400)
    assert cost.joins_per_cpu_s > 0
    assert 10 < cost.bytes_per_shopper < 400


def test_the_crowd_is_the_one_of_the_plan() -> None:
    """The early come before the opening, and each part has its own share of no-shows."""
    crowd = Crowd(replace(SMALL, shoppers=9_000, no_shows=(0.2, 0.7, 0.05)))
    assert sum(at_ms < OPENS_MS for at_ms in crowd.comes_at_ms) == 5_400
    for first, share in ((1, 0.2), (3_001, 0.7), (6_001, 0.05)):
        there = sum(crowd.is_there(turn) for turn in range(first, first + 3_000))
        assert abs(there / 3_000 - (1 - share)) < 0.04


def test_the_most_within_a_window_is_found() -> None:
    """By counting all windows: the same as the one pass finds."""
    dice = random.Random(4)
    for _ in range(50):
        times = sorted(dice.randrange(2_000) for _ in range(60))
        counted = max(sum(at - 300 < one <= at for one in times) for at in times)
        assert most_within(times, 300) == counted


def test_a_window_above_the_rate_is_found_whatever_its_length() -> None:
    """One shopper too many after a long quiet time, or too many in a slow flood: both are told."""
    exact = [100 * number for number in range(100)]
    assert excess([0] * 5 + exact[1:], 10, 5) == 0
    assert excess([0] * 6 + exact[1:], 10, 5) == pytest.approx(1)
    assert excess([95 * number for number in range(200)], 10, 5) == pytest.approx(5.5, abs=0.6)


def test_what_nobody_was_there_to_measure_is_no_figure() -> None:
    """A promise that was never made is not one that was kept."""
    findings = found(SMALL, Notes(0, [0], [0], [], [], [], [], {}))
    told = (findings.eta_p90_error, findings.turn_noticed_mean_s, findings.polls_per_waited_hour)
    assert told == (None, None, None)


def test_an_unused_rate_and_a_broken_promise_are_told() -> None:
    """Half the rate used is told as half, and a wait of twice the promised as an error of 1."""
    plan = replace(SMALL, shoppers=100, rate_per_s=10, burst=1, no_shows=(0.0,))
    notes = Notes(
        opened_ms=0,
        pumps_ms=[200 * number for number in range(101)],
        servings=list(range(101)),
        admitted_ms=[200 * number for number in range(1, 101)],
        waited_ms=[1_000],
        noticed=[(10, 2_500)],
        promised=[(100, 0, 10_000)],
        polls_by_second={0: 3},
    )
    findings = found(plan, notes)
    assert findings.utilisation == pytest.approx(0.5, abs=0.01)
    assert findings.eta_p90_error == pytest.approx(1.0)
    assert findings.turn_noticed_mean_s == pytest.approx(0.5)
