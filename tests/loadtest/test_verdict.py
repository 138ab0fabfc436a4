"""The verdict sees every broken promise. A judge that never finds anything proves nothing."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest

from loadtest.demo.figures import Figures, compare_breaks
from loadtest.verdict import judge, percentile

RELEASED = {"film": 10}
LIMIT = 2


def confirmed(order: str, buyer: str, *units: int) -> dict[str, Any]:
    """A promise of units to a shopper."""
    sold = [{"offer": "film", "unit": unit, "seat": "", "code": f"c{unit}"} for unit in units]
    return {"what": "confirmed", "order": order, "buyer": buyer, "units": sold}


def redeemed(code: str, key: str) -> dict[str, Any]:
    """A kiosk was told to let somebody in."""
    return {"what": "redeemed", "code": code, "venue": "v", "key": key}


def partner_order(*units: int) -> dict[str, Any]:
    """A promise to a partner."""
    return {"order": "p1", "units": [["film", unit] for unit in units]}


def test_kept_promises_are_no_finding() -> None:
    """Units of different owners, limits kept, codes used once, an answer journalled twice."""
    promises = [
        confirmed("o1", "ada", 1, 2),
        confirmed("o1", "ada", 1, 2),
        confirmed("o2", "bob", 3),
        redeemed("c1", "k1"),
        redeemed("c1", "k1"),
    ]
    found = judge(promises, [partner_order(4, 5)], released=RELEASED, limit=LIMIT)
    assert (found.oversold, found.over_limit, found.double_redeemed) == (0, 0, 0)
    assert (found.orders, found.units, found.redeemed) == (2, 3, 1)


def test_a_unit_promised_twice_is_oversold() -> None:
    """Two shoppers, or a shopper and a partner, with the same unit."""
    two = [confirmed("o1", "ada", 1), confirmed("o2", "bob", 1)]
    assert judge(two, [], released=RELEASED, limit=LIMIT).oversold == 1
    assert judge(two[:1], [partner_order(1)], released=RELEASED, limit=LIMIT).oversold == 1


@pytest.mark.parametrize("shown", [{"seat": "A1"}, {"code": "8040-04P4-1Q44-HA2M"}])
def test_a_seat_or_code_promised_for_two_units_is_oversold(shown: dict[str, str]) -> None:
    """Two people at the door of one seat, or with one code, whatever the units' numbers are."""
    promises = [confirmed("o1", "ada", 1), confirmed("o2", "bob", 2), confirmed("o3", "eve", 3)]
    for promise in promises[:2]:
        promise["units"][0] |= shown
    found = judge(promises, [], released=RELEASED, limit=LIMIT)
    assert found.oversold == 1
    assert "units [1, 2]" in found.sold_twice[0]


def test_more_units_than_were_released_are_oversold() -> None:
    """Eleven different units of an offer that has ten."""
    promises = [confirmed(f"o{unit}", f"b{unit}", unit) for unit in range(11)]
    assert judge(promises, [], released=RELEASED, limit=LIMIT).oversold == 1
    assert judge(promises[:10], [], released=RELEASED, limit=LIMIT).oversold == 0


def test_too_many_units_of_one_buyer_are_over_the_limit() -> None:
    """Three units in two orders, where two are allowed."""
    promises = [confirmed("o1", "ada", 1, 2), confirmed("o2", "ada", 3)]
    assert judge(promises, [], released=RELEASED, limit=LIMIT).over_limit == 1


def test_a_code_let_in_twice_is_found() -> None:
    """Two redemptions with keys of their own, at whatever kiosks."""
    promises = [redeemed("c1", "k1"), redeemed("c1", "k2")]
    assert judge(promises, [], released=RELEASED, limit=LIMIT).double_redeemed == 1


@pytest.mark.parametrize(
    ("values", "share", "expected"),
    [([], 0.99, 0.0), ([5.0], 0.5, 5.0), ([3.0, 1.0, 2.0], 0.5, 2.0), ([1.0, 9.0], 0.99, 9.0)],
)
def test_percentiles(values: list[float], share: float, expected: float) -> None:
    """The nearest rank, of any order, and 0 of nothing."""
    assert percentile(values, share) == expected


GOOD = Figures(
    orders_confirmed=5,
    ledger_orders=5,
    units_released=10,
    units_sold=8,
    units_voided=1,
    units_returned=1,
    redeemed=3,
    breaks_planted=2,
    breaks_found=2,
    audit={"one_owner": True},
)


def test_a_good_drop_has_nothing_broken() -> None:
    """Everything adds up."""
    assert GOOD.broken() == []
    assert GOOD.as_json()["invariants_ok"] is True


@pytest.mark.parametrize(
    "change",
    [
        {"oversold": 1},
        {"over_limit": 1},
        {"double_redeemed": 1},
        {"lost_orders": 1},
        {"trial_balance": 1},
        {"units_sold": 7},
        {"units_left": 1},
        {"ledger_orders": 4},
        {"ledger_orders": 6},
        {"breaks_found": 1},
        {"breaks_wrong": 2},
        {"kiosk_surprises": 1},
        {"venue_seats_bought_twice": 1},
        {"paid_too_late": 1},
        {"orders_confirmed": 0, "ledger_orders": 0},
        {"redeemed": 0},
        {"breaks_planted": 0, "breaks_found": 0},
        {"audit": {"one_owner": False}},
    ],
)
def test_each_broken_invariant_is_said(change: dict[str, Any]) -> None:
    """Any one figure that is wrong fails the demo."""
    found = dataclasses.replace(GOOD, **change)
    assert found.broken()
    assert found.as_json()["invariants_ok"] is False


def test_breaks_are_compared_one_by_one() -> None:
    """As many breaks as lies are no proof: class and order of each must be the same."""
    planted = [("amount", "o1"), ("status", "o2")]
    assert compare_breaks(planted, list(reversed(planted)))[1] == 0
    assert compare_breaks(planted, [("amount", "o1"), ("status", "o3")])[1] == 2
    assert compare_breaks(planted, [*planted, ("amount", "o1")])[1] == 1
