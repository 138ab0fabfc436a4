"""The units of a sale as the books know them: where each is, whose it is, and what must not be.

A unit that nobody ever took has no row: the shelf knows its range. A transition from a state or an
owner that was not expected is carried out as the fact says, since the store did it, and recorded as
a violation. No SQL here.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, Literal

UnitState = Literal["available", "held", "allotted", "sold", "redeemed", "voided", "returned"]
"""The states that the store counts; the books count withheld units apart, the store as held."""
STATES: tuple[UnitState, ...] = (
    "available", "held", "allotted", "sold", "redeemed", "voided", "returned",
)  # fmt: skip
Version = tuple[int, int, int]
"""stream, epoch, number of the fact that last touched a row."""


@dataclass(frozen=True, slots=True)
class Violation:
    """What a fact says and the books know to be impossible."""

    number: int
    kind: str
    subject: str
    detail: dict[str, Any]


@dataclass(slots=True)
class Unit:
    """One unit that was taken at least once. `stored` is the row's version, None for a new row."""

    offer: int
    state: str
    owner: str
    stored: Version | None = None
    number: int = 0


@dataclass(slots=True)
class Shelf:
    """Ranges (first, last, state) of serials by offer, sorted: where units without a row are."""

    offers: dict[int, list[tuple[int, int, str]]] = field(default_factory=dict)

    def state_of(self, offer: int, serial: int) -> str | None:
        """The state of a unit without a row; None when it was never put on the shelf."""
        ranges = self.offers.get(offer, ())
        at = bisect_right(ranges, serial, key=lambda known: known[0]) - 1
        if at < 0 or ranges[at][1] < serial:
            return None
        return ranges[at][2]

    def put(self, offer: int, first: int, last: int, state: str) -> dict[str, int]:
        """Give first..last a state. Returns how many units were in which state before."""
        ranges = self.offers.setdefault(offer, [])
        start = bisect_left(ranges, first, key=lambda known: known[1])
        end = bisect_right(ranges, last, key=lambda known: known[0])
        before: dict[str, int] = {}
        pieces = [(first, last, state)]
        for low, high, known in ranges[start:end]:
            before[known] = before.get(known, 0) + min(high, last) - max(low, first) + 1
            if low < first:
                pieces.insert(0, (low, first - 1, known))
            if high > last:
                pieces.append((last + 1, high, known))
        ranges[start:end] = pieces
        unknown = last - first + 1 - sum(before.values())
        return before | ({"": unknown} if unknown else {})


class Units:
    """The units that a batch touches, loaded with what the books knew of them."""

    def __init__(self, shelf: Shelf, known: dict[int, Unit]) -> None:
        self.shelf = shelf
        self.rows = known
        self.touched: set[int] = set()
        self.violations: list[Violation] = []

    def move(
        self,
        number: int,
        offer: int,
        serials: Iterable[int],
        *,
        before: tuple[str, str],
        after: tuple[str, str],
    ) -> None:
        """Take units from (state, owner) to (state, owner), by fact `number`."""
        for serial in serials:
            row = self.rows.get(serial)
            if row is None:
                state = self.shelf.state_of(offer, serial)
                row = self.rows[serial] = Unit(offer, state or "unknown", "")
            if (row.state, row.owner) != before or row.offer != offer:
                self._violated(number, serial, row, offer=offer, before=before, after=after)
            row.offer, row.number = offer, number
            row.state, row.owner = after
            self.touched.add(serial)

    def expect(self, number: int, offer: int, serials: Iterable[int], at: tuple[str, str]) -> None:
        """Units that a fact names and leaves as they are."""
        for serial in serials:
            row = self.rows.get(serial) or Unit(offer, "unknown", "")
            if (row.state, row.owner) != at or row.offer != offer:
                self._violated(number, serial, row, offer=offer, before=at, after=at)

    def expect_free(self, number: int, offer: int, first: int, last: int) -> None:
        """A range of which every unit must be available."""
        for serial in {first, last, *self._rows_between(first, last)}:
            state = self.shelf.state_of(offer, serial) or "unknown"
            row = self.rows.get(serial) or Unit(offer, state, "")
            free = ("available", "")
            if (row.state, row.owner) != free or row.offer != offer:
                self._violated(number, serial, row, offer=offer, before=free, after=free)

    def put_on_shelf(self, number: int, offer: int, first: int, last: int) -> None:
        """Units that were not there before: venue → available."""
        before = self.shelf.put(offer, first, last, "available")
        before.pop("", None)
        rows = sum(1 for _ in self._rows_between(first, last))
        if before or rows:
            detail = {"offer": offer, "first": first, "last": last, "known": before, "rows": rows}
            self.violations.append(Violation(number, "stocked_twice", str(first), detail))

    def move_range(
        self, number: int, offer: int, first: int, last: int, *, before: str, to: str
    ) -> None:
        """A whole range that is nobody's changes its state, its rows one by one."""
        start = first
        for serial in [*sorted(self._rows_between(first, last)), last + 1]:
            self._move_untouched(number, offer, (start, serial - 1), before, to)
            if serial <= last:
                self.move(number, offer, (serial,), before=(before, ""), after=(to, ""))
            start = serial + 1

    def _move_untouched(
        self, number: int, offer: int, ends: tuple[int, int], before: str, to: str
    ) -> None:
        first, last = ends
        if first > last:
            return
        known = self.shelf.put(offer, first, last, to)
        wrong = {state: count for state, count in known.items() if state != before}
        if wrong:
            detail = {"offer": offer, "first": first, "last": last, "to": to, "known": wrong}
            self.violations.append(Violation(number, "unit_state", str(first), detail))

    def _rows_between(self, first: int, last: int) -> Iterable[int]:
        if last - first < len(self.rows):
            return (serial for serial in range(first, last + 1) if serial in self.rows)
        return (serial for serial in self.rows if first <= serial <= last)

    def _violated(
        self,
        number: int,
        serial: int,
        row: Unit,
        *,
        offer: int,
        before: tuple[str, str],
        after: tuple[str, str],
    ) -> None:
        detail = {
            "offer": offer,
            "expected": before,
            "found": (row.state, row.owner),
            "offer_found": row.offer,
            "becomes": after,
        }
        kind = _kind(row, offer, before, after)
        self.violations.append(Violation(number, kind, str(serial), detail))


def _kind(row: Unit, offer: int, before: tuple[str, str], after: tuple[str, str]) -> str:
    if row.state == "unknown":
        return "unit_unknown"
    if row.offer != offer:
        return "unit_of_another_offer"
    if row.state == "redeemed" and after[0] == "redeemed":
        return "redeemed_twice"
    if row.owner and after[1] and row.owner != after[1]:
        return "second_owner"
    return "other_owner" if row.state == before[0] else "unit_state"
