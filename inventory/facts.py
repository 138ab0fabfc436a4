"""The facts: what a script appends to the stream in the same step that made it true.

Settlement knows nothing else. A stream entry holds the facts of one script call as one msgpack
array in the field `f`; its id is `<epoch>-<number of its last fact>`. Numbers have no gaps within
a stripe and an epoch. Here belong the shapes; what they mean for the books belongs to settlement.
"""

import msgspec

ENTRY_FIELD = b"f"
SERIAL_MAX = 2**25 - 1
"""The highest serial of a sale; a code has 25 bits for it."""
SHOP = "shop"
"""The seller of what shoppers buy themselves; every other seller is a partner's id."""

Ranges = list[int]
"""Serials as a flat list: first, count, first, count, …"""


class Line(msgspec.Struct, array_like=True, frozen=True):
    """Units of one offer inside an order. `price_minor` is the price of one unit."""

    offer: int
    price_minor: int
    serials: list[int]


class ReportLine(msgspec.Struct, array_like=True, frozen=True):
    """One unit of an allotment that its partner reports as sold."""

    serial: int
    amount_minor: int
    reference: str


class _Fact(msgspec.Struct, array_like=True, frozen=True):
    number: int
    at_ms: int


class Stocked(_Fact, tag="stocked", array_like=True, frozen=True):
    """Units of an offer came on the shelf: venue → available."""

    offer: int
    lot: str
    ranges: Ranges


class Held(_Fact, tag="held", array_like=True, frozen=True):
    """A hold: available → held, until `expires_at_ms`. `fingerprint` is of what was asked for.

    This fact and `Sold` are, as their scripts pack them, the order's record too.
    """

    order: str
    drop: int
    amount_minor: int
    expires_at_ms: int
    lines: list[Line]
    buyer: str
    seller: str
    reference: str
    payment: str = ""
    fingerprint: str = ""
    pass_id: str = ""


class Confirmed(_Fact, tag="confirmed", array_like=True, frozen=True):
    """A hold was paid: held → sold. `payment` is `<adapter>:<reference>`."""

    order: str
    buyer: str
    seller: str
    reference: str
    lines: list[Line]
    amount_minor: int
    payment: str


class Reclaimed(_Fact, tag="reclaimed", array_like=True, frozen=True):
    """A payment came after its hold was gone and found units again: available → sold."""

    order: str
    buyer: str
    seller: str
    reference: str
    lines: list[Line]
    amount_minor: int
    payment: str


class Sold(_Fact, tag="sold", array_like=True, frozen=True):
    """A partner's sale in one step: available → sold. Nothing ends, so `expires_at_ms` is 0."""

    order: str
    drop: int
    amount_minor: int
    expires_at_ms: int
    lines: list[Line]
    buyer: str
    seller: str
    reference: str
    payment: str
    fingerprint: str = ""
    pass_id: str = ""


class Released(_Fact, tag="released", array_like=True, frozen=True):
    """A hold was given back by its buyer: held → available."""

    order: str
    buyer: str
    seller: str
    lines: list[Line]


class Expired(_Fact, tag="expired", array_like=True, frozen=True):
    """A hold ran out: held → available."""

    order: str
    buyer: str
    seller: str
    lines: list[Line]


class Unfulfilled(_Fact, tag="unfulfilled", array_like=True, frozen=True):
    """A payment came after its hold was gone and found no units: the money is owed back."""

    order: str
    buyer: str
    seller: str
    reference: str
    amount_minor: int
    payment: str


class Refunded(_Fact, tag="refunded", array_like=True, frozen=True):
    """Money goes back: sold → available (`back`), sold → voided, or it stays redeemed.

    All three are empty when an unfulfilled order is refunded. `named` is 1 when the refund named
    its units, 0 when it asked for all that were left.
    """

    order: str
    buyer: str
    seller: str
    refund: str
    amount_minor: int
    back: list[Line]
    voided: list[Line]
    redeemed: list[Line]
    named: int = 0


class Redeemed(_Fact, tag="redeemed", array_like=True, frozen=True):
    """A code was used: sold → redeemed. `owner` is an order id or an allotment id.

    `key` is the kiosk's own key of this redemption.
    """

    offer: int
    serial: int
    venue: str
    kiosk: str
    owner: str
    key: str = ""


class Voided(_Fact, tag="voided", array_like=True, frozen=True):
    """Units will never be used: `state` (available or sold) → voided."""

    offer: int
    ranges: Ranges
    state: str
    reason: str


class Returned(_Fact, tag="returned", array_like=True, frozen=True):
    """Unsold units go back to the venue: available → returned."""

    offer: int
    ranges: Ranges


class Allotted(_Fact, tag="allotted", array_like=True, frozen=True):
    """Units are set aside for a partner: available → allotted."""

    allotment: str
    partner: str
    offer: int
    ranges: Ranges
    allotment_number: int = 0


class Exported(_Fact, tag="exported", array_like=True, frozen=True):
    """The codes of an allotment are about to be shown to its partner; no unit moves."""

    allotment: str
    partner: str


class Reported(_Fact, tag="reported", array_like=True, frozen=True):
    """A partner sold units of its allotment: allotted → sold.

    `key` and `fingerprint` know the report again; `statuses` was its answer, a letter a line.
    """

    allotment: str
    partner: str
    offer: int
    sales: list[ReportLine]
    key: str = ""
    fingerprint: str = ""
    statuses: str = ""


class Recalled(_Fact, tag="recalled", array_like=True, frozen=True):
    """Units leave an allotment: allotted → available (`back`) or voided. `by` says who did it.

    `key`, `fingerprint` and `statuses` as with a report.
    """

    allotment: str
    partner: str
    offer: int
    back: Ranges
    voided: Ranges
    by: str
    key: str = ""
    fingerprint: str = ""
    statuses: str = ""


class Withheld(_Fact, tag="withheld", array_like=True, frozen=True):
    """Units that a lost store may have sold are kept back: available → withheld."""

    offer: int
    ranges: Ranges
    reason: str


class Freed(_Fact, tag="freed", array_like=True, frozen=True):
    """An operator puts withheld units on sale again: withheld → available."""

    offer: int
    ranges: Ranges
    actor: str


class Begun(_Fact, tag="begun", array_like=True, frozen=True):
    """The first fact of an epoch: the last fact that the rebuilt slot has kept."""

    kept_epoch: int
    kept_number: int


class BackUnit(msgspec.Struct, array_like=True, frozen=True):
    """A unit that came back once and moves with the generation that its next code has."""

    serial: int
    generation: int


class Lent(_Fact, tag="lent", array_like=True, frozen=True):
    """Units are on their way to another stripe: available → moving.

    `ranges` were never taken, `backs` came back. `epoch`-`fact` names the transfer for ever: this
    fact's own number, and where it first stood when a rebuilt slot tells it again.
    """

    offer: int
    receiver: int
    epoch: int
    fact: int
    ranges: Ranges
    backs: list[BackUnit]


class Received(_Fact, tag="received", array_like=True, frozen=True):
    """The transfer `epoch`-`fact` of the stripe `lender` arrived: moving → available."""

    offer: int
    lender: int
    epoch: int
    fact: int
    ranges: Ranges
    backs: list[BackUnit]


class Changed(_Fact, tag="changed", array_like=True, frozen=True):
    """The sale itself changed (`what`: open, pause, …, revision) by the hand of `actor`."""

    what: str
    actor: str


Fact = (
    Stocked
    | Held
    | Confirmed
    | Reclaimed
    | Sold
    | Released
    | Expired
    | Unfulfilled
    | Refunded
    | Redeemed
    | Voided
    | Returned
    | Allotted
    | Exported
    | Reported
    | Recalled
    | Withheld
    | Freed
    | Begun
    | Lent
    | Received
    | Changed
)

_entry = msgspec.msgpack.Decoder(list[Fact])


def decode_entry(packed: bytes) -> list[Fact]:
    """The facts of one stream entry, in order. Raises msgspec.DecodeError or ValidationError."""
    return _entry.decode(packed)


def units_moved(fact: Lent | Received) -> int:
    """How many units are on their way, or arrived."""
    return sum(fact.ranges[1::2]) + len(fact.backs)


def spread(ranges: Ranges) -> list[int]:
    """Ranges as single serials."""
    pairs = zip(ranges[::2], ranges[1::2], strict=True)
    return [serial for first, count in pairs for serial in range(first, first + count)]


def gathered(serials: list[int]) -> Ranges:
    """Single serials as ranges, ascending. The inverse of `spread`."""
    ranges: Ranges = []
    for serial in sorted(serials):
        if ranges and ranges[-2] + ranges[-1] == serial:
            ranges[-1] += 1
        else:
            ranges += [serial, 1]
    return ranges
