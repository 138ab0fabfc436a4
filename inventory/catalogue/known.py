"""What the catalogue knows of a sale: values, as they are read from the tables and planned against.

Here belong the values; `tables` reads and writes them, `planning` compares them with a sale file.
"""

from dataclasses import dataclass, field

from inventory.facts import Ranges
from inventory.salefile import (
    AllotmentLine,
    Drop,
    LaneLine,
    Layout,
    Login,
    Offer,
    Partner,
    Payment,
    Record,
    RoomLine,
    SaleRules,
    Venue,
)

FILE_LOT = "file."
"""Lots that a sale file brought have names that begin so; nobody else may use them."""


class SaleDocument(Record, frozen=True, kw_only=True):
    """What the sale's own row keeps of the file."""

    sale: SaleRules
    room: RoomLine
    drops: list[Drop]
    logins: list[Login]
    payments: list[Payment]
    lanes: list[LaneLine] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class KnownOffer:
    """An offer with what is for ever: its number and its serials.

    `filed` units came with sale files, `taken_in` units came from anywhere, files included.
    """

    number: int
    base: int
    size: int
    record: Offer
    filed: int = 0
    taken_in: int = 0


@dataclass(frozen=True, slots=True)
class Lot:
    """Units of one offer that come on the shelf together; `digest` tells one content from another.

    The store knows a lot by its id, once and for ever.
    """

    id: str
    offer: int
    ranges: Ranges
    digest: bytes

    @property
    def units(self) -> int:
        """How many units it brings."""
        return sum(self.ranges[1::2])


@dataclass(frozen=True, slots=True)
class KnownAllotment:
    """An allotment and its number."""

    number: int
    line: AllotmentLine


@dataclass(frozen=True, slots=True)
class OutsideUnit:
    """A unit that has a code of its venue's, by the code's digest."""

    digest: bytes
    serial: int
    offer: int


@dataclass(slots=True)
class Known:
    """A sale in the catalogue. `published` is the revision that the store has whole."""

    id: str
    number: int
    revision: int
    published: int
    buckets: int
    next_serial: int
    document: SaleDocument
    venues: dict[str, Venue] = field(default_factory=dict)
    partners: dict[str, Partner] = field(default_factory=dict)
    layouts: dict[str, Layout] = field(default_factory=dict)
    offers: dict[str, KnownOffer] = field(default_factory=dict)
    allotments: dict[str, KnownAllotment] = field(default_factory=dict)
