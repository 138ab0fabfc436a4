"""The state of one batch while its facts are folded, and all that the books must write for it.

Here: what the books knew, what changed, what was found wrong. What each fact means is told in
order_facts and unit_facts; the tables are the ledger's.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

from inventory.facts import SHOP, Fact, Line, Refunded, Reported, ReportLine
from settlement.events import Event, EventType, as_json
from settlement.orders import Order, Orders
from settlement.posting import Entry, Venues
from settlement.units import Shelf, Unit, Units, Violation


@dataclass(frozen=True, slots=True)
class Place:
    """The sale and the epoch that a batch belongs to."""

    sale: str
    currency: str
    timezone: str
    epoch: int


@dataclass(slots=True)
class Known:
    """What the books knew of everything that a batch names. `allotments`: id → partner."""

    orders: dict[str, Order] = field(default_factory=dict)
    units: dict[int, Unit] = field(default_factory=dict)
    allotments: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class StockRow:
    """What happened to a whole range of an offer's shelf."""

    offer: int
    first: int
    last: int
    state: str
    lot: str
    number: int


class Batch:
    """The books as a batch leaves them: fold every fact in order, then read the fields."""

    def __init__(self, place: Place, known: Known, shelf: Shelf, venues: Venues) -> None:
        self.place = place
        self.orders = Orders(known.orders, place.epoch)
        self.units = Units(shelf, known.units)
        self.venues = venues
        self.allotments = known.allotments
        self.new_allotments: dict[str, str] = {}
        self.entries: list[tuple[int, Entry]] = []
        self.stock: list[StockRow] = []
        self.refunds: list[tuple[Refunded, str, int]] = []
        self.reports: list[tuple[Reported, ReportLine]] = []
        self.events: list[Event] = []
        self._violations: list[Violation] = []

    @property
    def violations(self) -> list[Violation]:
        """All that contradicted the books, in the order of the facts."""
        found = self._violations + self.orders.violations + self.units.violations
        return sorted(found, key=lambda violation: violation.number)

    def move(
        self,
        fact: Fact,
        lines: Sequence[Line],
        *,
        before: tuple[str, str],
        after: tuple[str, str],
    ) -> None:
        """Take the units of an order's lines from (state, owner) to (state, owner)."""
        for line in lines:
            self.units.move(fact.number, line.offer, line.serials, before=before, after=after)

    def expect(
        self, holds: bool, fact: Fact, subject: str, kind: str, *, expected: object, found: object
    ) -> None:
        """Record a violation unless it `holds`."""
        if not holds:
            self.note(fact.number, kind, subject, {"expected": expected, "found": found})

    def note(self, number: int, kind: str, subject: str, detail: dict[str, object]) -> None:
        """Record a violation that belongs to fact `number`."""
        self._violations.append(Violation(number, kind, subject, detail))

    def tell(self, partner: str, told_as: EventType, fact: Fact, **data: object) -> None:
        """Put an event into a partner's feed; the shop has none."""
        if partner not in {SHOP, ""}:
            content = as_json({"sale": self.place.sale, **data})
            self.events.append(Event(partner, told_as, fact.at_ms, content, fact.number))
