"""The shapes of what comes in: bodies, queries and path parameters, every field bounded.

These types parse the requests and describe them in the OpenAPI document. How bytes become values
belongs to `requests`; what the values mean belongs to the verbs.
"""

from collections.abc import Sequence
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from gateway.problems import wrong_field
from gateway.work import SOLUTION_MAX
from inventory.catalogue import OVERLAP_MAX_S
from inventory.facts import SERIAL_MAX

LINES_MAX = 8
QUANTITY_MAX = 20
BATCH_MAX = 1_000
UNITS_MAX = 1_000
SEATS_MAX = 4_000
COUNT_MAX = 100_000_000
MONEY_MAX = 2**53 - 1
PAGE_MAX = 500
EVENTS_MAX = 1_000
CODES_MAX = 10_000
OVERLAP_MIN_S = 300

# `(?!\n)$` is the true end of the text both for Python's `$` and for a JSON schema's reader.
_END = r"(?!\n)$"
SLUG_PATTERN = r"^[a-z0-9][a-z0-9-]{0,31}" + _END
OFFER_PATTERN = r"^[a-z0-9][a-z0-9._-]{0,63}" + _END
Slug = Annotated[str, Meta(pattern=SLUG_PATTERN, max_length=32, examples=["cinema-3-8"])]
OfferId = Annotated[
    str, Meta(pattern=OFFER_PATTERN, max_length=64, examples=["beijing-binjiang.h1.0920"])
]
AllotmentId = Annotated[
    str,
    Meta(
        pattern=r"^[a-z0-9][a-z0-9.-]{0,63}" + _END,
        max_length=64,
        examples=["marketplace.guiyang-xihu.h1.1200"],
    ),
]
OrderId = Annotated[
    str,
    Meta(
        pattern=r"^[0-9a-hjkmnp-tv-z]{24}" + _END,
        max_length=24,
        examples=["00g00qp65k4yj6v9hxngrgvx"],
    ),
]
Key = Annotated[
    str, Meta(pattern=r"^[\x21-\x7e]{1,128}" + _END, max_length=128, examples=["order-1001"])
]
Text = Annotated[
    str, Meta(pattern=r"^[^\x00-\x1f\x7f]{1,128}" + _END, max_length=128, examples=["A-1001"])
]
"""A name somebody else gave: any characters but control characters."""
SeatLabel = Annotated[
    str, Meta(pattern=r"^[^\x00-\x20\x7f]{1,16}" + _END, max_length=16, examples=["F7"])
]
Day = Annotated[
    str, Meta(pattern=r"^[0-9]{4}-[0-9]{2}-[0-9]{2}" + _END, max_length=10, examples=["2014-03-08"])
]
Jwt = Annotated[str, Meta(pattern=r"^[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+" + _END,
                          max_length=4096)]  # fmt: skip
Serial = Annotated[int, Meta(ge=0, le=SERIAL_MAX)]
Money = Annotated[int, Meta(ge=0, le=MONEY_MAX)]
UnitPosition = Annotated[int, Meta(ge=1, le=LINES_MAX * QUANTITY_MAX)]


class Incoming(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A body or query: a field nobody knows is refused, so a typing error is never ignored."""


class Empty(Incoming, frozen=True):
    """A body that says nothing; an empty one will do."""


class JoinBody(Incoming, frozen=True):
    """A join. `work` is the solution (ALTCHA's payload) of the challenge of a `work_required`."""

    work: Annotated[str, Meta(max_length=SOLUTION_MAX)] | None = None


class LineBody(Incoming, frozen=True):
    """Units of one offer: a `quantity`, or the `seats` by their labels; exactly one of the two."""

    offer: OfferId
    quantity: Annotated[int, Meta(ge=1, le=QUANTITY_MAX)] | None = None
    seats: Annotated[list[SeatLabel], Meta(min_length=1, max_length=QUANTITY_MAX)] | None = None

    def __post_init__(self) -> None:
        if (self.quantity is None) == (self.seats is None):
            raise ValueError("Give exactly one of `quantity` and `seats`")
        if self.seats is not None and len(set(self.seats)) < len(self.seats):
            raise ValueError("A seat is named twice in `seats`")


Lines = Annotated[list[LineBody], Meta(min_length=1, max_length=LINES_MAX)]


class HoldBody(Incoming, frozen=True):
    """What a shopper wants. Who buys is said by the pass, never by the body."""

    lines: Lines


class ConfirmBody(Incoming, frozen=True):
    """A shopper's proof of `payment` (a JWT of the payment adapter), or a partner's `reference`."""

    payment: Jwt | None = None
    reference: Text | None = None

    def __post_init__(self) -> None:
        if (self.payment is None) == (self.reference is None):
            raise ValueError("Give exactly one of `payment` and `reference`")

    def of_shopper(self) -> str:
        """The proof; a shopper's word alone pays nothing."""
        if self.payment is None:
            raise wrong_field("body", "payment", "A shopper's confirm carries a proof of payment")
        return self.payment

    def of_partner(self) -> str:
        """The partner's reference; it has taken the money itself."""
        if self.reference is None:
            raise wrong_field("body", "reference", "A partner's confirm carries its reference")
        return self.reference


class PartnerOrderBody(Incoming, frozen=True):
    """A partner's order: `sell` takes and sells in one step, `hold` keeps the units a while."""

    sale: Slug
    buyer: Text
    lines: Lines
    mode: Literal["sell", "hold"] = "sell"
    reference: Text = ""


class BatchOrderBody(PartnerOrderBody, frozen=True, kw_only=True):
    """One order of a batch, with the idempotency key that a single call has in its header."""

    key: Key


class BatchBody(Incoming, frozen=True):
    """Up to 1,000 orders, each decided by itself, in their order."""

    orders: Annotated[list[BatchOrderBody], Meta(min_length=1, max_length=BATCH_MAX)]


class RefundBody(Incoming, frozen=True):
    """Which units go back; all of the order's when `units` is absent."""

    units: (
        Annotated[list[Serial], Meta(min_length=1, max_length=LINES_MAX * QUANTITY_MAX)] | None
    ) = None

    def serials(self) -> Sequence[int]:
        """The units; none for all of the order's. Raises Refused when one is named twice."""
        units = self.units or ()
        refuse_twice("units", units)
        return units


class ReportLineBody(Incoming, frozen=True):
    """One unit of an allotment that its partner has sold."""

    unit: Serial
    amount_minor: Money
    reference: Text


class ReportBody(Incoming, frozen=True):
    """A partner's sales out of an allotment."""

    lines: Annotated[list[ReportLineBody], Meta(min_length=1, max_length=UNITS_MAX)]


class ReturnsBody(Incoming, frozen=True):
    """Units of an allotment that its partner gives back."""

    units: Annotated[list[Serial], Meta(min_length=1, max_length=UNITS_MAX)]


class RedeemBody(Incoming, frozen=True):
    """A pickup code as typed or as read from the QR form."""

    code: Annotated[str, Meta(pattern=r"^[^\x00-\x1f\x7f]{1,512}" + _END, max_length=512)]


class RotateBody(Incoming, frozen=True):
    """How long the key that is replaced stays good: long enough to change over."""

    overlap_s: Annotated[int, Meta(ge=OVERLAP_MIN_S, le=OVERLAP_MAX_S)] = 86_400


class StockSeatBody(Incoming, frozen=True):
    """A unit from its venue: its seat ("" when pooled) and the venue's own code, if any."""

    seat: SeatLabel | Literal[""] = ""
    code: Text | None = None


class StockBody(Incoming, frozen=True):
    """More units of an offer: how many (pooled), or which seats. `lot` makes it repeatable."""

    lot: Key
    offer: OfferId
    units: Annotated[int, Meta(ge=1, le=COUNT_MAX)] | None = None
    seats: Annotated[list[StockSeatBody], Meta(min_length=1, max_length=SEATS_MAX)] | None = None

    def __post_init__(self) -> None:
        if (self.units is None) == (self.seats is None):
            raise ValueError("Give exactly one of `units` and `seats`")


class DrawQuery(Incoming, frozen=True):
    """Whose draw: of the drop of that number (1 is the first), the one that is on unless named.

    `epoch`: of a line that was begun anew since; the newest of the drop unless named.
    """

    drop: Annotated[int, Meta(ge=1, le=64)] | None = None
    epoch: Annotated[int, Meta(ge=1, le=65_535)] | None = None


class ListQuery(DrawQuery, frozen=True):
    """Which lane's list of a draw."""

    lane: Annotated[int, Meta(ge=0, le=7)] = 0


class SaleQuery(Incoming, frozen=True):
    """How much of a sale's shelf to show. `offers=1` asks for a page of it.

    `text`: its words (the first eight) stand in the offer's title, its venue's or its city;
    `left=1`: only offers that have units left or held.
    """

    offers: Annotated[int, Meta(ge=0, le=1)] = 0
    after: Annotated[int, Meta(ge=0, le=COUNT_MAX)] = 0
    limit: Annotated[int, Meta(ge=1, le=PAGE_MAX)] = 100
    venue: Slug | None = None
    city: Text | None = None
    drop: Slug | None = None
    text: Text | None = None
    left: Annotated[int, Meta(ge=0, le=1)] = 0


class AllotmentsQuery(Incoming, frozen=True):
    """The sale that the allotments are of."""

    sale: Slug


class CodesQuery(Incoming, frozen=True):
    """Which of an allotment's codes: those with a unit above `after`, all or at most `limit`."""

    sale: Slug
    after: Annotated[int, Meta(ge=-1, le=SERIAL_MAX)] = -1
    limit: Annotated[int, Meta(ge=1, le=CODES_MAX)] | None = None


class EventsQuery(Incoming, frozen=True):
    """A page of the feed: what happened after the event numbered `after`, or the `last` events."""

    after: Annotated[int, Meta(ge=0, le=MONEY_MAX)] | None = None
    limit: Annotated[int, Meta(ge=1, le=EVENTS_MAX)] = 100
    last: Annotated[int, Meta(ge=1, le=EVENTS_MAX)] | None = None

    def __post_init__(self) -> None:
        if self.after is not None and self.last is not None:
            raise ValueError("Give `after` or `last`, not both")


class FreeBody(Incoming, frozen=True):
    """The offer whose withheld units are to be on sale again."""

    offer: OfferId


class StatementQuery(Incoming, frozen=True):
    """The business day that a statement is of, in the time zone of each sale."""

    date: Day


class BreaksQuery(Incoming, frozen=True):
    """Which reconciliations, and which of the breaks of one `run`: those after a position."""

    partner: Slug | None = None
    date: Day | None = None
    run: Annotated[str, Meta(pattern=r"^[0-9a-f]{24}" + _END, max_length=24)] | None = None
    class_: Annotated[str, Meta(pattern=r"^[a-z_]{1,32}" + _END, max_length=32)] | None = (
        msgspec.field(name="class", default=None)
    )
    after: Annotated[int, Meta(ge=0, le=COUNT_MAX)] = 0
    limit: Annotated[int, Meta(ge=1, le=PAGE_MAX)] = 100


def refuse_twice(field: str, units: Sequence[int]) -> None:
    """A unit moves once in a call. Raises Refused, naming the field."""
    if len(set(units)) < len(units):
        raise wrong_field("body", field, "A unit is named twice")


PATH: dict[str, object] = {
    "sale": Slug,
    "order": OrderId,
    "offer": OfferId,
    "allotment": AllotmentId,
    "position": UnitPosition,
    "date": Day,
    "digest": Annotated[str, Meta(pattern=r"^[0-9a-f]{16}" + _END, max_length=16)],
    "file": Annotated[str, Meta(pattern=r"^[A-Za-z0-9._/-]{1,128}" + _END, max_length=128)],
}
"""The type of every placeholder that a path may have."""
