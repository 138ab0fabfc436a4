"""What the books know of everything that a batch names, read with one query for each table."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from inventory import facts as f
from settlement.batch import Known
from settlement.database import Connection
from settlement.orders import Order
from settlement.reading import Numbered
from settlement.units import Shelf, Unit


@dataclass(slots=True)
class Names:
    """The orders, units, ranges, owners and offers that a batch's facts name."""

    orders: set[str] = field(default_factory=set)
    owners: set[str] = field(default_factory=set)
    serials: set[int] = field(default_factory=set)
    ranges: list[tuple[int, int]] = field(default_factory=list)
    offers: set[int] = field(default_factory=set)
    priced: set[int] = field(default_factory=set)
    borrowed: set[int] = field(default_factory=set)

    def add(self, fact: f.Fact) -> None:
        """Note what one fact names."""
        match fact:
            case f.Held() | f.Released() | f.Expired():
                self.orders.add(fact.order)
                self._add_lines(fact.lines)
            case f.Sold() | f.Confirmed() | f.Reclaimed():
                self.orders.add(fact.order)
                self._add_lines(fact.lines)
                self.priced.update(line.offer for line in fact.lines)
            case f.Unfulfilled():
                self.orders.add(fact.order)
            case f.Refunded():
                self.orders.add(fact.order)
                for lines in (fact.back, fact.voided, fact.redeemed):
                    self._add_lines(lines)
                    self.priced.update(line.offer for line in lines)
            case f.Redeemed():
                self.owners.add(fact.owner)
                self._add(fact.offer, (fact.serial,))
            case f.Exported():
                self.owners.add(fact.allotment)
            case f.Allotted():
                self.owners.add(fact.allotment)
                self._add(fact.offer, f.spread(fact.ranges))
            case f.Recalled():
                self.owners.add(fact.allotment)
                self._add(fact.offer, f.spread([*fact.back, *fact.voided]))
            case f.Reported():
                self.owners.add(fact.allotment)
                self._add(fact.offer, (line.serial for line in fact.sales))
                self.priced.add(fact.offer)
            case f.Stocked() | f.Returned() | f.Voided() | f.Withheld() | f.Freed():
                self.offers.add(fact.offer)
                self._add_ranges(fact.ranges)
            case f.Lent() | f.Received():
                if isinstance(fact, f.Received):
                    self.borrowed.add(fact.offer)
                self._add(fact.offer, (unit.serial for unit in fact.backs))
                self._add_ranges(fact.ranges)
            case f.Begun() | f.Changed():
                pass

    def _add_ranges(self, ranges: f.Ranges) -> None:
        pairs = zip(ranges[::2], ranges[1::2], strict=True)
        self.ranges += [(first, first + count - 1) for first, count in pairs]

    def _add_lines(self, lines: list[f.Line]) -> None:
        for line in lines:
            self._add(line.offer, line.serials)

    def _add(self, offer: int, serials: Iterable[int]) -> None:
        self.offers.add(offer)
        self.serials.update(serials)


def names_of(facts: Iterable[Numbered]) -> Names:
    """All that the facts name."""
    names = Names()
    for numbered in facts:
        names.add(numbered.fact)
    return names


async def known_of(connection: Connection, sale: int, names: Names) -> Known:
    """The orders, units and allotments that the books have of what is named."""
    known = Known()
    for row in await connection.fetch(ORDERS, [*names.orders, *names.owners]):
        order = known.orders[row["id"]] = Order(*row)
        order.stored = True
    for query, arguments in (
        (UNITS, ([*names.serials],)),
        (UNITS_BETWEEN, tuple([list(ends) for ends in zip(*names.ranges, strict=True)])),
    ):
        if not arguments or not arguments[0]:
            continue
        for serial, offer, state, owner, *version in await connection.fetch(
            query, sale, *arguments
        ):
            stream, epoch, number = version
            known.units[serial] = Unit(offer, state, owner, (stream, epoch, number))
    for row in await connection.fetch(ALLOTMENTS, sale, [*names.owners]):
        known.allotments[row["allotment"]] = row["partner"]
    return known


async def load_shelf(connection: Connection, sale: int, shelf: Shelf, offers: set[int]) -> None:
    """Bring the ranges of offers that the shelf does not have yet."""
    missing = [offer for offer in offers if offer not in shelf.offers]
    if missing:
        for offer, first, last, state in await connection.fetch(STOCK, sale, missing):
            shelf.put(offer, first, last, state)
        for offer in missing:
            shelf.offers.setdefault(offer, [])


ORDERS = """
    select id, seller, buyer, reference, state, quantity, amount_minor, refunded_quantity,
        refunded_minor, payment, sold_at_ms, business_date, epoch, number
    from books.orders where id = any($1::text[])"""
UNITS = """
    select serial, offer, state, owner, stream, epoch, number
    from books.unit where sale = $1 and serial = any($2::integer[])"""
UNITS_BETWEEN = """
    select unit.serial, unit.offer, unit.state, unit.owner, unit.stream, unit.epoch, unit.number
    from unnest($2::integer[], $3::integer[]) as wanted (first, last)
    join books.unit on unit.sale = $1 and unit.serial between wanted.first and wanted.last"""
ALLOTMENTS = """
    select allotment, partner from books.allotment
    where sale = $1 and allotment = any($2::text[])"""
# A lot comes first, whatever its number: the stripe that lent units numbers facts by itself.
STOCK = """
    select offer, first, last, state from books.stock
    where sale = $1 and offer = any($2::integer[])
    order by offer, lot = '', epoch, number"""
