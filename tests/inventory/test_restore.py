"""What holds of a lost slot where facts are missing, and what is kept back. No store is needed."""

from typing import Any

import msgspec
import pytest

from inventory import facts as f
from inventory.batch_records import HoldBatch
from inventory.orders import HoldRequest, LineRequest
from inventory.restore import Call, Fitting, Replay, claims_of, entries_of, told_after, withhold
from tests.inventory.conftest import OFFERS, POOLED, PRICE, SEATED, T0

LATER, ENDS = T0 + 2_000, T0 + 60_000
BUYER = "b" * 24
MANY = 100


def order(name: str) -> str:
    """An order's id that begins so."""
    return name.ljust(24, "0")


def line(*serials: int, offer: int = POOLED) -> f.Line:
    """Units of an order."""
    return f.Line(offer, PRICE, list(serials))


def held(name: str, *serials: int, offer: int = POOLED) -> f.Held:
    """A hold."""
    lines = [line(*serials, offer=offer)]
    amount = PRICE * len(serials)
    return f.Held(
        0, T0, order(name), 1, amount, ENDS, lines, BUYER, "shop", "", "", "x", f"p-{name}"
    )


def sold(name: str, *serials: int, offer: int = POOLED) -> f.Sold:
    """A sale in one step."""
    lines = [line(*serials, offer=offer)]
    amount, paid = PRICE * len(serials), f"partner:{name}"
    return f.Sold(0, T0, order(name), 1, amount, 0, lines, BUYER, "market", "", paid, "x")


def confirmed(name: str, *serials: int) -> f.Confirmed:
    """A hold that was paid."""
    amount = PRICE * len(serials)
    return f.Confirmed(0, LATER, order(name), BUYER, "shop", "", [line(*serials)], amount, "test:1")


def released(name: str, *serials: int) -> f.Released:
    """A hold that was given back."""
    return f.Released(0, LATER, order(name), BUYER, "shop", [line(*serials)])


def settled(*story: f.Fact) -> Fitting:
    """A slot of these facts, and a hundred pooled units and fourteen seats before them."""
    replay = Replay(OFFERS)
    seats = [1000, 4, 1005, 3, 1009, 5, 1015, 2]
    stock = (f.Stocked(1, T0, POOLED, "a", [0, MANY]), f.Stocked(2, T0, SEATED, "b", seats))
    for fact in (*stock, *story):
        replay.fold(fact)
    fitting = Fitting(replay, first=1)
    fitting.add(f.Begun(0, T0, 1, 2))
    return fitting


def owner(fitting: Fitting, serial: int) -> str:
    """Whose a unit is."""
    return fitting.slot.units[serial][2].rstrip("0")


def adds_up(fitting: Fitting) -> bool:
    """Whether every unit of every offer is somewhere."""
    return all(
        one.released
        == one.available + one.held + one.allotted + one.sold + one.redeemed + one.voided
        + one.returned
        and one.available == sum(count for _, count in one.free_ranges())
        for one in fitting.slot.offers.values()
    )  # fmt: skip


@pytest.mark.parametrize(
    ("before", "told", "kinds"),
    [
        ([], [sold("a", 5)], ["sold"]),
        ([], [confirmed("a", 5)], ["sold"]),
        ([], [released("a", 5)], []),
        ([held("a", 0)], [sold("b", 0)], ["expired", "sold"]),
        ([held("a", 0)], [confirmed("a", 0)], ["confirmed"]),
        ([held("a", 0)], [released("a", 0), sold("b", 0)], ["released", "sold"]),
        ([sold("a", 0)], [sold("a", 0)], []),
        ([], [f.Unfulfilled(0, T0, order("a"), BUYER, "shop", "", 1, "test:1")], None),
        ([sold("a", 0)], [sold("b", 0)], None),
        ([sold("a", 0)], [held("b", 1, 0)], None),
        ([], [f.Redeemed(0, T0, POOLED, 3, "grand", "k", order("a"), "key")], None),
        (
            [sold("a", 0)],
            [f.Redeemed(0, T0, POOLED, 0, "grand", "k", order("a"), "key")] * 2,
            ["redeemed"],
        ),
        ([], [f.Stocked(0, T0, POOLED, "a", [0, MANY])], []),
        ([], [f.Changed(0, T0, "pause", "op")], ["changed"]),
    ],
)
def test_a_told_fact_is_kept_wherever_it_can_be_true(
    before: list[f.Fact], told: list[f.Fact], kinds: list[str] | None
) -> None:
    """What is missing before it is put in, what repeats is left out, what contradicts is lost."""
    fitting = settled(*before)
    for fact in told:
        fitting.offer(fact)
    appended = [str(fact.__struct_config__.tag) for fact in fitting.kept[1:]]
    assert appended == (kinds or [])
    assert bool(fitting.lost) == (kinds is None)
    assert [fact.number for fact in fitting.kept] == list(range(1, len(fitting.kept) + 1))
    assert adds_up(fitting)


def test_the_next_sale_takes_what_no_kept_fact_took() -> None:
    """Units that a missing fact skipped are first in the line again, and withheld first."""
    fitting = settled(sold("a", 0, 1))
    fitting.offer(sold("c", 4, 5))
    pool = fitting.slot.offers[POOLED]
    assert pool.free_ranges()[:2] == [(2, 2), (6, MANY - 6)]
    withhold(fitting, [(POOLED, 3, ())], everything=False, drops=[T0], now_ms=LATER)
    assert pool.withheld == [(2, 2), (6, 1)]
    assert adds_up(fitting)


def test_a_claim_keeps_back_so_many_units_and_no_more() -> None:
    """Named seats if they are free, else as many as were asked for, as far as there are any."""
    fitting = settled(sold("a", 1000, offer=SEATED))
    claims = [(SEATED, 2, (1000, 1001)), (SEATED, 3, ()), (POOLED, MANY + 7, ()), (99, 1, ())]
    withheld = withhold(fitting, claims, everything=False, drops=[T0], now_ms=LATER)
    assert withheld == {SEATED: 1 + 3, POOLED: MANY}
    assert adds_up(fitting)


def test_with_everything_withheld_nothing_of_an_open_drop_is_free() -> None:
    """Due holds end first; those that stand, and drops that have not opened, are as they were."""
    fitting = settled(held("a", 0), held("b", 1))
    fitting.slot.orders[order("b")].expires_at_ms = LATER + 1
    fitting.slot.orders[order("a")].expires_at_ms = LATER
    opened = withhold(fitting, [], everything=True, drops=[T0], now_ms=LATER)
    assert opened == {POOLED: MANY - 1, SEATED: 14}
    assert fitting.slot.orders[order("a")].state == "expired"
    assert fitting.slot.orders[order("b")].state == "held"
    assert not fitting.slot.offers[POOLED].free_ranges()
    early = settled()
    assert withhold(early, [], everything=True, drops=[LATER + 1], now_ms=LATER) == {}


def test_units_of_a_fact_that_is_lost_are_withheld() -> None:
    """Somebody was told of them: nobody else may have those that are free."""
    fitting = settled(sold("a", 0))
    fitting.offer(sold("b", 0, 1))
    assert fitting.lost
    assert withhold(fitting, [], everything=False, drops=[T0], now_ms=LATER) == {POOLED: 1}
    assert not fitting.slot.offers[POOLED].is_free(1)
    assert owner(fitting, 0) == "a"


@pytest.mark.parametrize("units", [3, MANY])
def test_withheld_units_are_freed_once(units: int) -> None:
    """They are free again, in pieces or as a range, and no unit is free twice."""
    fitting = settled()
    fitting.add(f.Withheld(0, T0, POOLED, [0, units], "why"))
    fitting.add(f.Freed(0, T0, POOLED, [0, units], "op"))
    assert sum(count for _, count in fitting.slot.offers[POOLED].free_ranges()) == MANY
    assert adds_up(fitting)
    again = f.Freed(0, T0, POOLED, [0, units], "op")
    fitting.offer(again)
    assert fitting.lost == [again]


def test_blobs_of_many_memories_are_one_story() -> None:
    """Each fact once, in the order of the numbers, only what follows the cursor."""
    first, second = sold("a", 0), sold("b", 1)
    story: list[f.Fact] = [
        _at(first, 5), _at(second, 6), _at(held("c", 2), 7),
    ]  # fmt: skip
    blobs = [*entries_of(1, story), *entries_of(1, story[1:]), (1, 8, b"\xc1")]
    blobs += entries_of(2, [_at(f.Begun(0, T0, 1, 5), 1), _at(second, 2), _at(sold("d", 3), 3)])
    found = told_after(blobs, (1, 5))
    assert [getattr(one, "order", "") for one in found] == [order("b"), order("c"), "", order("d")]


def test_an_unanswered_call_claims_what_the_slot_does_not_know() -> None:
    """An order that is known is no claim; a payment that came late claims its order's units."""
    fitting = settled(sold("a", 0), held("late", 1), released("late", 1))
    lines = (LineRequest(POOLED, 2), LineRequest(SEATED, 1, (1003,)))
    batch = HoldBatch("spring", 0)
    for name in ("a", "b"):
        batch.add(HoldRequest(order(name), BUYER, "market", lines, "print", one_step=True,
                              payment="partner:x"))  # fmt: skip
    args: tuple[Any, ...] = (0, *batch.args())
    found = claims_of(Call("order_hold", args), fitting.slot)
    assert found == [(POOLED, 2, ()), (SEATED, 1, (1003,))]
    make = (0, 7, "box", "market", POOLED, 10)
    assert claims_of(Call("allotment_make", make), fitting.slot) == [(POOLED, 10, ())]
    assert claims_of(Call("order_refund", ()), fitting.slot) == []


def _at(fact: f.Fact, number: int) -> f.Fact:
    return msgspec.structs.replace(fact, number=number)
