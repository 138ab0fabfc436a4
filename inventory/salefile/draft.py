"""A sale file on its way: the records read so far and the place of each of them.

A record that was wrong in itself is left out, but its id stays known (`broken`), so that one slip
is told once and not again by every line that refers to it.
"""

from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from inventory.salefile.problems import Place, Problems, shown
from inventory.salefile.values import (
    LANES_MAX,
    AllotmentLine,
    Drop,
    LaneLine,
    Login,
    Offer,
    OutsideCode,
    Partner,
    Payment,
    Record,
    RoomLine,
    SaleRules,
    SeatRun,
    Venue,
)

R = TypeVar("R", bound=Record)


@dataclass(frozen=True, slots=True)
class Part:
    """A list of records: what they are, the field that names one, and how many at most."""

    kind: type[Record]
    identity: str
    records_max: int


PARTS: dict[str, Part] = {
    "drops": Part(Drop, "id", 64),
    "lanes": Part(LaneLine, "name", LANES_MAX),
    "logins": Part(Login, "name", 16),
    "payments": Part(Payment, "name", 16),
    "venues": Part(Venue, "venue", 10_000),
    "offers": Part(Offer, "offer", 20_000),
    "seats": Part(SeatRun, "layout", 200_000),
    "codes": Part(OutsideCode, "offer", 1_000_000),
    "partners": Part(Partner, "partner", 1_000),
    "allotments": Part(AllotmentLine, "allotment", 20_000),
}
SIGNERS = ("logins", "payments")
"""The parts whose records carry a set of public keys."""


@dataclass(slots=True)
class Table(Generic[R]):
    """Records of one kind with their lines; without lines (JSON) a record is named by position."""

    file: str
    records: list[R] = field(default_factory=list)
    lines: list[int] = field(default_factory=list)
    broken: set[str] = field(default_factory=set)
    in_json: bool = False
    is_readable: bool = True

    def place(self, position: int) -> Place:
        """Where the record at `position` of `records` stands."""
        line = self.lines[position]
        return Place(f"{self.file}/{line}", 0) if self.in_json else Place(self.file, line)

    def placed(self) -> Iterator[tuple[R, Place]]:
        """Each record and its place."""
        for position, record in enumerate(self.records):
            yield record, self.place(position)

    def keep(self, record: R | None, identity: object, line: int) -> None:
        """Add a record that was good, or remember the name of one that was not (None)."""
        if record is None:
            self.broken.add(str(identity))
        else:
            self.records.append(record)
            self.lines.append(line)

    @property
    def is_whole(self) -> bool:
        """Whether every record could be read, so that what is missing is missing."""
        return self.is_readable and not self.broken

    def refer(
        self, named: str, known: Collection[str], what: str, place: Place, problems: Problems
    ) -> None:
        """Tell a reference at `place` to a record that is neither `known` nor a broken one."""
        if self.is_readable and named not in known and named not in self.broken:
            hint = problems.nearest(named, known)
            problems.add(place, f"there is no {what} {shown(named)}{hint}")


@dataclass(slots=True)
class Draft:
    """All parts of a sale file; `None` where a part was wrong."""

    sale_place: Place
    sale: SaleRules | None
    room: RoomLine | None
    drops: Table[Drop]
    lanes: Table[LaneLine]
    logins: Table[Login]
    payments: Table[Payment]
    venues: Table[Venue]
    offers: Table[Offer]
    seats: Table[SeatRun]
    codes: Table[OutsideCode]
    partners: Table[Partner]
    allotments: Table[AllotmentLine]
