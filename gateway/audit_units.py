"""The audit's walk through the offers: every unit is somewhere, once, and the books agree."""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from gateway.audit_checks import Check
from inventory.records import OfferCounts
from inventory.sales import SaleView
from inventory.stock import COUNTS_AT_ONCE, Stock
from settlement import Behind

if TYPE_CHECKING:
    from gateway.audit import BooksReader

COUNTERS = ("released", "available", "held", "allotted", "sold", "redeemed", "voided", "returned")
STATES = (*COUNTERS, "moving")


async def audit_units(
    stock: Stock, reader: "BooksReader", sale: SaleView, progress: Callable[[str, int, int], None]
) -> tuple[Check, Check]:
    """Invariant 1, in the store and against the books as of the same fact numbers."""
    adds_up, agrees = Check("units_add_up"), Check("units_agree_with_the_books")
    steps: dict[int, list[OfferCounts]] = {}
    for stripe in range(sale.stripes):
        for counts in await stock.counts(sale, stripe):
            adds_up.look(_missing(counts))
            steps.setdefault((counts.offer - 1) // COUNTS_AT_ONCE, []).append(counts)
    for done, step in enumerate(steps.values(), start=1):
        await _compare(agrees, reader, sale, step)
        progress("offers", done, len(steps))
    return adds_up, agrees


async def _compare(
    check: Check, reader: "BooksReader", sale: SaleView, step: Sequence[OfferCounts]
) -> None:
    # All counters of one step and stripe were read at one fact number.
    as_of = {(counts.stripe, counts.epoch): counts.fact for counts in step}
    for (stripe, epoch), fact in as_of.items():
        await reader.wait_for(stripe, (epoch, fact))
    booked = await reader.books.unit_counts(sale.id, as_of)
    assert not isinstance(booked, Behind), "the books have been waited for"
    offers: dict[int, dict[str, int]] = {}
    for counts in step:
        states = offers.setdefault(counts.offer, dict.fromkeys(STATES, 0))
        for state in STATES:
            states[state] += getattr(counts, state)
    for offer, states in offers.items():
        check.look(_difference(offer, states, booked.get(offer, {})))


def _missing(counts: OfferCounts) -> str | None:
    where = f"offer {counts.offer} stripe {counts.stripe}"
    negative = [f"{state} is {getattr(counts, state)}" for state in COUNTERS
                if getattr(counts, state) < 0]  # fmt: skip
    if negative:  # a sum hides it
        return f"{where}: {', '.join(negative)}"
    return f"{where}: {counts.difference} units are missing" if counts.difference else None


def _difference(offer: int, store: dict[str, int], books: dict[str, int]) -> str | None:
    wrong = [
        f"{state} {store[state]} in the store, {books.get(state, 0)} in the books"
        for state in STATES
        if store[state] != books.get(state, 0)
    ]
    return f"offer {offer}: {'; '.join(wrong)}" if wrong else None
