"""The entry of every kind of fact: between which accounts units and money move."""

import msgspec
import pytest

from inventory import facts
from settlement.posting import Commodity
from tests.settlement.folding import folded, kinds
from tests.settlement.teller import (
    AT_MS,
    PRICE,
    confirmed,
    expired,
    held,
    line,
    reclaimed,
    redeemed,
    refunded,
    reported,
    sold,
    stocked,
    unfulfilled,
)

STOCK = stocked(0, 100)
ALLOTTED = facts.Allotted(0, AT_MS, "al", "market", 1, [10, 5])


def entry_of(*made: facts.Fact) -> dict[tuple[Commodity, str], int]:
    """The entry of the last fact, without what cancels out."""
    number, entry = folded(*made).entries[-1]
    assert number == len(made)
    return {key: amount for key, amount in entry.items() if amount}


@pytest.mark.parametrize(
    ("made", "expected"),
    [
        ([STOCK], {(1, "venue"): -100, (1, "available"): 100}),
        ([STOCK, held("a", line(1, 2))], {(1, "available"): -2, (1, "held"): 2}),
        (
            [STOCK, held("a", line(1, 2)), confirmed("a", line(1, 2))],
            {
                (1, "held"): -2,
                (1, "sold"): 2,
                ("CNY", "receivable:channel:test"): 760,
                ("CNY", "payable:venue-1"): -760,
            },
        ),
        (
            [STOCK, stocked(100, 9, 2), sold("a", line(1), line(100, offer=2, price=20))],
            {
                (1, "available"): -1,
                (1, "sold"): 1,
                (2, "available"): -1,
                (2, "sold"): 1,
                ("CNY", "receivable:partner:market"): 400,
                ("CNY", "payable:venue-1"): -380,
                ("CNY", "payable:venue-2"): -20,
            },
        ),
        (
            [
                STOCK,
                msgspec.structs.replace(sold("a", line(1), seller="shop"), payment="partner:x"),
            ],
            {
                (1, "available"): -1,
                (1, "sold"): 1,
                ("CNY", "receivable:channel:partner"): 380,
                ("CNY", "payable:venue-1"): -380,
            },
        ),
        ([STOCK, sold("a", line(1, price=0))], {(1, "available"): -1, (1, "sold"): 1}),
        (
            [STOCK, held("a", line(1)), expired("a", line(1))],
            {(1, "held"): -1, (1, "available"): 1},
        ),
        (
            [STOCK, held("a", line(1)), facts.Released(0, AT_MS, "a", "b1", "shop", [line(1)])],
            {(1, "held"): -1, (1, "available"): 1},
        ),
        (
            [STOCK, held("a", line(1)), expired("a", line(1)), reclaimed("a", line(7))],
            {
                (1, "available"): -1,
                (1, "sold"): 1,
                ("CNY", "receivable:channel:test"): 380,
                ("CNY", "payable:venue-1"): -380,
            },
        ),
        (
            [STOCK, held("a", line(1)), expired("a", line(1)), unfulfilled("a")],
            {("CNY", "receivable:channel:test"): 380, ("CNY", "refund_due:shop"): -380},
        ),
        (
            [
                STOCK,
                held("a", line(1)),
                expired("a", line(1)),
                unfulfilled("a"),
                refunded("a", [], seller="shop", amount=PRICE),
            ],
            {("CNY", "receivable:channel:test"): -380, ("CNY", "refund_due:shop"): 380},
        ),
        (
            [
                STOCK,
                sold("a", line(1, 2, 3)),
                redeemed(3, "a"),
                refunded("a", [line(1)], [line(2)], [line(3)]),
            ],
            {
                (1, "sold"): -2,
                (1, "available"): 1,
                (1, "voided"): 1,
                ("CNY", "receivable:partner:market"): -1140,
                ("CNY", "payable:venue-1"): 1140,
            },
        ),
        ([STOCK, sold("a", line(1)), redeemed(1, "a")], {(1, "sold"): -1, (1, "redeemed"): 1}),
        ([STOCK, ALLOTTED], {(1, "available"): -5, (1, "allotted"): 5}),
        (
            [STOCK, ALLOTTED, reported(10, 11)],
            {
                (1, "allotted"): -2,
                (1, "sold"): 2,
                ("CNY", "receivable:partner:market"): 1000,
                ("CNY", "payable:venue-1"): -1000,
            },
        ),
        (
            [STOCK, ALLOTTED, facts.Recalled(0, AT_MS, "al", "market", 1, [10, 2], [12, 1], "op")],
            {(1, "allotted"): -3, (1, "available"): 2, (1, "voided"): 1},
        ),
        (
            [STOCK, facts.Returned(0, AT_MS, 1, [0, 60, 80, 20])],
            {(1, "available"): -80, (1, "returned"): 80},
        ),
        (
            [STOCK, facts.Voided(0, AT_MS, 1, [0, 10], "available", "broken seats")],
            {(1, "available"): -10, (1, "voided"): 10},
        ),
        (
            [STOCK, sold("a", line(1)), facts.Voided(0, AT_MS, 1, [1, 1], "sold", "fire")],
            {(1, "sold"): -1, (1, "voided"): 1},
        ),
    ],
)
def test_the_entry_of_every_kind_of_fact(
    made: list[facts.Fact], expected: dict[tuple[Commodity, str], int]
) -> None:
    """Each fact moves units and money between exactly these accounts, and contradicts nothing."""
    assert entry_of(*made) == expected
    assert kinds(folded(*made)) == []


def test_money_without_a_channel_is_told() -> None:
    """A payment that names nobody is booked where it is seen, and is a violation."""
    batch = folded(STOCK, msgspec.structs.replace(sold("a", line(1)), payment=""))
    assert kinds(batch) == [(2, "payment", "a")]
    assert batch.entries[-1][1]["CNY", "receivable:channel:unknown"] == 380


def test_a_change_of_the_sale_has_no_entry() -> None:
    """Opening and pausing move nothing."""
    batch = folded(facts.Changed(0, AT_MS, "open", "operator"))
    assert (batch.entries, batch.events, kinds(batch)) == ([], [], [])


def test_money_that_no_unit_explains_lies_on_suspense() -> None:
    """An amount that differs from the lines' cost balances, and nobody is owed the difference."""
    wrong = msgspec.structs.replace(sold("a", line(1)), amount_minor=400)
    batch = folded(STOCK, wrong)
    assert kinds(batch) == [(2, "amount", "a")]
    assert dict(batch.entries[-1][1]) == {
        (1, "available"): -1,
        (1, "sold"): 1,
        ("CNY", "payable:venue-1"): -380,
        ("CNY", "receivable:partner:market"): 400,
        ("CNY", "suspense"): -20,
    }
