"""What facts do to orders and units, what partners hear of it, and what must not be."""

import json

import msgspec
import pytest

from inventory import facts
from tests.settlement.folding import folded, kinds, sum_by_commodity
from tests.settlement.teller import (
    AT_MS,
    confirmed,
    expired,
    held,
    line,
    redeemed,
    refunded,
    reported,
    sold,
    stocked,
)

STOCK = stocked(0, 100)
ALLOTTED = facts.Allotted(0, AT_MS, "al", "market", 1, [10, 5])


@pytest.mark.parametrize(
    ("made", "expected"),
    [
        ([held("a", line(1))], (1, "unit_unknown", "1")),
        ([STOCK, held("a", line(1)), held("b", line(1))], (3, "second_owner", "1")),
        ([STOCK, sold("a", line(1)), sold("b", line(1))], (3, "second_owner", "1")),
        ([STOCK, sold("a", line(1)), redeemed(1, "b")], (3, "second_owner", "1")),
        (
            [STOCK, sold("a", line(1)), redeemed(1, "a"), redeemed(1, "a")],
            (4, "redeemed_twice", "1"),
        ),
        ([STOCK, redeemed(1, "a")], (2, "unit_state", "1")),
        ([STOCK, held("a", line(1)), expired("b", line(1))], (3, "other_owner", "1")),
        ([STOCK, held("a", line(1)), held("a", line(2))], (3, "order_state", "a")),
        ([STOCK, confirmed("a", line(1))], (2, "order_unknown", "a")),
        ([STOCK, sold("a", line(1)), expired("a", line(1))], (3, "order_state", "a")),
        (
            [STOCK, held("a", line(1)), confirmed("a", line(2))],
            (3, "unit_state", "2"),
        ),
        (
            [STOCK, held("a", line(1)), confirmed("a", line(1), buyer="thief")],
            (3, "order_of_another", "a"),
        ),
        ([STOCK, STOCK], (2, "stocked_twice", "0")),
        ([STOCK, held("a", line(1, offer=2))], (2, "unit_unknown", "1")),
        (
            [STOCK, sold("a", line(1)), refunded("a", [line(1, offer=2)])],
            (3, "unit_of_another_offer", "1"),
        ),
        (
            [STOCK, facts.Returned(0, AT_MS, 1, [0, 9]), facts.Returned(0, AT_MS, 1, [5, 9])],
            (3, "unit_state", "5"),
        ),
        (
            [STOCK, facts.Returned(0, AT_MS, 1, [0, 9]), held("a", line(3))],
            (3, "unit_state", "3"),
        ),
        ([STOCK, reported(1)], (2, "allotment_unknown", "al")),
        (
            [STOCK, ALLOTTED, msgspec.structs.replace(reported(10), partner="other")],
            (3, "allotment_of_another", "al"),
        ),
        ([STOCK, ALLOTTED, sold("a", line(10))], (3, "second_owner", "10")),
        (
            [STOCK, sold("a", line(1)), refunded("a", [line(1)]), refunded("a", [], amount=5)],
            (4, "refunded_more", "a"),
        ),
        (
            [STOCK, sold("a", line(1)), refunded("a", [], [], [line(1)])],
            (3, "unit_state", "1"),
        ),
    ],
)
def test_the_impossible_is_recorded_and_booked(
    made: list[facts.Fact], expected: tuple[int, str, str]
) -> None:
    """What contradicts the books is a violation that names fact, kind and subject."""
    batch = folded(*made)
    assert expected in kinds(batch)
    assert all(not sum_by_commodity(entry) for _, entry in batch.entries)


def test_a_violation_keeps_both_owners() -> None:
    """An auditor sees who had the unit, who got it, and in which fact."""
    (bad,) = folded(STOCK, sold("a", line(1)), sold("b", line(1))).violations
    assert bad.detail == {
        "offer": 1,
        "expected": ("available", ""),
        "found": ("sold", "a"),
        "offer_found": 1,
        "becomes": ("sold", "b"),
    }


def test_an_order_goes_through_its_life() -> None:
    """Partly refunded, then refunded; quantities and amounts follow."""
    made: list[facts.Fact] = [STOCK, sold("a", line(1, 2)), refunded("a", [line(1)])]
    order = folded(*made).orders.rows["a"]
    assert (order.state, order.refunded_minor, order.refunded_quantity) == (
        "partly_refunded",
        380,
        1,
    )
    order = folded(*made, refunded("a", [], [line(2)])).orders.rows["a"]
    assert (order.state, order.refunded_minor, order.number) == ("refunded", 760, 4)
    assert (order.business_date and order.business_date.isoformat()) == "2014-03-08"


def test_a_unit_that_came_back_is_sold_again() -> None:
    """Refunded and released units are free for the next owner."""
    batch = folded(
        STOCK,
        sold("a", line(1)),
        refunded("a", [line(1)]),
        held("b", line(1)),
        expired("b", line(1)),
        sold("c", line(1)),
        redeemed(1, "c"),
    )
    assert kinds(batch) == []
    unit = batch.units.rows[1]
    assert (unit.state, unit.owner, unit.number) == ("redeemed", "c", 7)


def test_a_range_leaves_the_shelf_with_the_units_that_came_back_to_it() -> None:
    """Returning 0..99 takes untouched units and those with a history, and only if all are free."""
    free: list[facts.Fact] = [STOCK, sold("a", line(5)), refunded("a", [line(5)])]
    everything = facts.Returned(0, AT_MS, 1, [0, 100])
    batch = folded(*free, everything)
    assert kinds(batch) == []
    assert batch.units.rows[5].state == "returned"
    assert kinds(folded(STOCK, sold("a", line(5)), everything)) == [(3, "unit_state", "5")]


def test_partners_hear_of_their_own_and_the_shop_has_no_feed() -> None:
    """Each event goes to the seller of its order or the partner of its allotment."""
    batch = folded(
        STOCK,
        held("s", line(1)),
        confirmed("s", line(1)),
        redeemed(1, "s"),
        held("a", line(2), seller="market"),
        facts.Released(0, AT_MS, "a", "b1", "market", [line(2)]),
        sold("b", line(3, 4)),
        refunded("b", [line(3)], [line(4)]),
        ALLOTTED,
        reported(10),
        redeemed(10, "al"),
        facts.Recalled(0, AT_MS, "al", "market", 1, [11, 2], [], "market"),
    )
    assert kinds(batch) == []
    assert [(event.partner, event.type) for event in batch.events] == [
        ("market", name)
        for name in (
            "order.held",
            "order.released",
            "order.sold",
            "order.refunded",
            "allotment.allotted",
            "allotment.reported",
            "code.redeemed",
            "allotment.recalled",
        )
    ]
    assert json.loads(batch.events[3].data) == {
        "sale": "cinema",
        "order": "b",
        "reference": "ref-b",
        "state": "refunded",
        "refund": "r-b",
        "amount_minor": 760,
        "currency": "CNY",
        "units": [
            {"offer_number": 1, "unit": 3, "state": "available"},
            {"offer_number": 1, "unit": 4, "state": "voided"},
        ],
    }
