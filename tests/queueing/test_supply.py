"""How far stock goes: the band is right as often as it says, and nobody is let in for nothing."""

import random

import pytest

from queueing.supply import (
    UNBOUNDED,
    Bought,
    Reach,
    demand_of,
    inside_max,
    reach,
    share_out,
)

MANY = Bought(passes=10_000, inside=0, orders=7_000, units=10_500)


def test_before_anybody_bought_one_unit_a_pass_is_expected() -> None:
    """The prior stands alone at first, and is forgotten with a few hundred passes."""
    assert demand_of(Bought()).mean == 1.0
    assert demand_of(MANY).mean == pytest.approx(1.05, rel=0.01)
    assert demand_of(Bought(passes=500, orders=100, units=100)).mean == pytest.approx(
        0.23, rel=0.02
    )


def test_who_is_inside_has_not_decided() -> None:
    """A thousand who were let in a moment ago do not make the demand look small."""
    waiting = Bought(passes=11_000, inside=1_000, orders=7_000, units=10_500)
    assert demand_of(waiting) == demand_of(MANY)


@pytest.mark.parametrize(("available", "allowed"), [(0, 0), (-1, 0), (1, 1), (105, 100), (21, 20)])
def test_no_more_inside_than_stock_can_serve(available: int, allowed: int) -> None:
    """As many as units divided by units a pass, rounded down, and one while there is one."""
    assert abs(inside_max(available, demand_of(MANY)) - allowed) <= (0 if available < 2 else 1)


def test_the_last_unit_is_not_kept_back() -> None:
    """Where a pass takes two on average, the last single one may still be had."""
    assert inside_max(1, demand_of(Bought(passes=1_000, orders=1_000, units=2_000))) == 1


@pytest.mark.parametrize("comes", [1.0, 0.8, 0.3])
@pytest.mark.parametrize("stock", [200, 5_000])
def test_the_band_is_right_as_often_as_it_says(stock: int, comes: float) -> None:
    """Stock reaches the last likely place about 9 times in 10, the last possible one 1 in 10."""
    chance = random.Random(7)
    known_well = Bought(passes=1_000_000, orders=700_000, units=1_050_000)
    found = reach(stock, 0, 0, demand_of(known_well), comes)
    runs, likely, possible = 400, 0, 0
    for _ in range(runs):
        taken, place = 0, 0
        while taken <= stock:
            place += 1
            buys = chance.random() < comes and chance.random() < 0.7
            taken += (1 + (chance.random() < 0.5)) if buys else 0
        likely += place > found.likely
        possible += place > found.possible
    assert 0.84 <= likely / runs <= 0.97
    assert 0.03 <= possible / runs <= 0.16


def test_with_nothing_left_nobody_is_reached() -> None:
    """Zero units, none held: neither likely nor possible for anybody."""
    assert reach(0, 0, 0, demand_of(MANY), 1.0) == Reach(0, 0)


def test_what_is_held_may_come_back() -> None:
    """Held units make no place likely, but more of them possible."""
    without, with_held = (reach(1_000, held, 0, demand_of(MANY), 1.0) for held in (0, 500))
    assert with_held.likely == without.likely
    assert with_held.possible > without.possible + 400


def test_who_is_inside_comes_first() -> None:
    """A hundred inside push the reach back by a hundred places, where all of them come."""
    without, behind = (reach(1_000, 0, before, demand_of(MANY), 1.0) for before in (0, 100))
    assert without.likely - behind.likely == pytest.approx(100, abs=5)


def test_few_observations_make_a_wide_band() -> None:
    """The same averages from 100 passes leave more open than from 10,000."""
    few = Bought(passes=100, orders=70, units=105)
    narrow, wide = (reach(5_000, 0, 0, demand_of(one), 0.8) for one in (MANY, few))
    assert wide.likely < narrow.likely
    assert wide.possible > narrow.possible


def test_no_demand_leaves_no_bound() -> None:
    """Where nobody comes to claim, stock reaches everybody."""
    assert reach(1, 0, 0, demand_of(MANY), 0.0) == Reach(UNBOUNDED, UNBOUNDED)


def test_lanes_share_what_is_left_by_weight() -> None:
    """Of 400 places a lane of weight 3 has 300; one that is short leaves its share to the other."""
    assert share_out(400, [10_000, 10_000], [1, 3]) == [100, 300]
    assert share_out(400, [10_000, 60], [1, 3]) == [340, 300]
    assert share_out(UNBOUNDED, [5, 5], [1, 3]) == [UNBOUNDED, UNBOUNDED]
    assert share_out(0, [5, 5], [1, 3]) == [0, 0]
    assert share_out(70, [100], [1]) == [70]
