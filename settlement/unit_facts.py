"""What the facts about units mean: stock, codes used, allotments, what is voided or goes back."""

from inventory.facts import (
    Allotted,
    Exported,
    Freed,
    Lent,
    Line,
    Ranges,
    Recalled,
    Received,
    Redeemed,
    Reported,
    Returned,
    Stocked,
    Voided,
    Withheld,
    spread,
    units_moved,
)
from settlement.batch import Batch, StockRow
from settlement.posting import PARTNER_ADAPTER, VENUE, Entry, money_of, post_sale, receivable


def stocked(batch: Batch, fact: Stocked, entry: Entry) -> None:
    """Venue → available."""
    for first, count in _pairs(fact.ranges):
        last = first + count - 1
        batch.units.put_on_shelf(fact.number, fact.offer, first, last)
        batch.stock.append(StockRow(fact.offer, first, last, "available", fact.lot, fact.number))
        entry.move(fact.offer, VENUE, "available", count)


def exported(batch: Batch, fact: Exported) -> None:
    """Codes were shown; no unit moves."""
    _check_allotment(batch, fact)


def moved(batch: Batch, fact: Returned | Withheld | Freed, entry: Entry) -> None:
    """Available → returned to the venue or withheld, and back; nobody's before and after."""
    before, to = _MOVES[type(fact)]
    _move_ranges(batch, fact, entry, before, to)


def voided(batch: Batch, fact: Voided, entry: Entry) -> None:
    """Available or sold → voided; a sold unit stays with its owner."""
    if fact.state == "available":
        _move_ranges(batch, fact, entry, "available", "voided")
        return
    for serial in spread(fact.ranges):
        unit = batch.units.rows.get(serial)
        owner = unit.owner if unit else ""
        batch.units.move(
            fact.number,
            fact.offer,
            (serial,),
            before=(fact.state, owner),
            after=("voided", owner),
        )
        entry.move(fact.offer, fact.state, "voided", 1)


def lent(batch: Batch, fact: Lent | Received, entry: Entry) -> None:
    """Available → moving in the lender's stripe, moving → available in the receiver's.

    The unit stays nobody's: only the stripes' counts change.
    """
    backs = ((unit.serial, 1) for unit in fact.backs)
    for first, count in (*_pairs(fact.ranges), *backs):
        batch.units.expect_free(fact.number, fact.offer, first, first + count - 1)
    source, target = ("available", "moving")[:: 1 if isinstance(fact, Lent) else -1]
    entry.move(fact.offer, source, target, units_moved(fact))


def redeemed(batch: Batch, fact: Redeemed, entry: Entry) -> None:
    """Sold → redeemed."""
    batch.units.move(
        fact.number,
        fact.offer,
        (fact.serial,),
        before=("sold", fact.owner),
        after=("redeemed", fact.owner),
    )
    entry.move(fact.offer, "sold", "redeemed", 1)
    order = batch.orders.rows.get(fact.owner)
    batch.tell(
        order.seller if order else batch.allotments.get(fact.owner, ""),
        "code.redeemed",
        fact,
        owner=fact.owner,
        offer_number=fact.offer,
        unit=fact.serial,
        venue=fact.venue,
        kiosk=fact.kiosk,
    )


def allotted(batch: Batch, fact: Allotted, entry: Entry) -> None:
    """Available → allotted."""
    _check_allotment(batch, fact)
    serials = spread(fact.ranges)
    batch.units.move(
        fact.number,
        fact.offer,
        serials,
        before=("available", ""),
        after=("allotted", fact.allotment),
    )
    entry.move(fact.offer, "available", "allotted", len(serials))
    batch.tell(
        fact.partner,
        "allotment.allotted",
        fact,
        allotment=fact.allotment,
        offer_number=fact.offer,
        ranges=fact.ranges,
    )


def reported(batch: Batch, fact: Reported, entry: Entry) -> None:
    """Allotted → sold, and the money that the partner took."""
    _check_allotment(batch, fact)
    serials = [line.serial for line in fact.sales]
    batch.units.move(
        fact.number,
        fact.offer,
        serials,
        before=("allotted", fact.allotment),
        after=("sold", fact.allotment),
    )
    entry.move(fact.offer, "allotted", "sold", len(serials))
    lines = [Line(fact.offer, line.amount_minor, [line.serial]) for line in fact.sales]
    post_sale(
        entry,
        lines,
        money_of(lines),
        currency=batch.place.currency,
        source=receivable(PARTNER_ADAPTER, fact.partner),
        venues=batch.venues,
    )
    batch.reports += [(fact, line) for line in fact.sales]
    batch.tell(
        fact.partner,
        "allotment.reported",
        fact,
        allotment=fact.allotment,
        offer_number=fact.offer,
        currency=batch.place.currency,
        units=[
            {"unit": line.serial, "amount_minor": line.amount_minor, "reference": line.reference}
            for line in fact.sales
        ],
    )


def recalled(batch: Batch, fact: Recalled, entry: Entry) -> None:
    """Allotted → available or voided: given back by the partner, or recalled from it."""
    _check_allotment(batch, fact)
    for ranges, after in (
        (fact.back, ("available", "")),
        (fact.voided, ("voided", fact.allotment)),
    ):
        serials = spread(ranges)
        batch.units.move(
            fact.number, fact.offer, serials, before=("allotted", fact.allotment), after=after
        )
        entry.move(fact.offer, "allotted", after[0], len(serials))
    batch.tell(
        fact.partner,
        "allotment.recalled",
        fact,
        allotment=fact.allotment,
        offer_number=fact.offer,
        back=fact.back,
        voided=fact.voided,
        by=fact.by,
    )


_MOVES: dict[type, tuple[str, str]] = {
    Returned: ("available", "returned"),
    Withheld: ("available", "withheld"),
    Freed: ("withheld", "available"),
}


def _move_ranges(
    batch: Batch, fact: Voided | Returned | Withheld | Freed, entry: Entry, before: str, to: str
) -> None:
    for first, count in _pairs(fact.ranges):
        last = first + count - 1
        batch.units.move_range(fact.number, fact.offer, first, last, before=before, to=to)
        batch.stock.append(StockRow(fact.offer, first, last, to, "", fact.number))
        entry.move(fact.offer, before, to, count)


def _check_allotment(batch: Batch, fact: Allotted | Exported | Reported | Recalled) -> None:
    known = batch.allotments.get(fact.allotment)
    if known is None:
        batch.allotments[fact.allotment] = batch.new_allotments[fact.allotment] = fact.partner
        batch.expect(
            isinstance(fact, Allotted),
            fact,
            fact.allotment,
            "allotment_unknown",
            expected="an allotment",
            found=fact.partner,
        )
    elif known != fact.partner:
        batch.expect(
            False,
            fact,
            fact.allotment,
            "allotment_of_another",
            expected=known,
            found=fact.partner,
        )


def _pairs(ranges: Ranges) -> "zip[tuple[int, int]]":
    return zip(ranges[::2], ranges[1::2], strict=True)
