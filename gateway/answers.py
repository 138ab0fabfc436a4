"""The shapes of what goes out. Integers are milliseconds UTC (`_ms`) or minor units (`_minor`).

These types are written as JSON and describe the answers in the OpenAPI document. How they become
bytes belongs to `responses`; which outcome becomes which shape, to `outcomes`.
"""

from typing import Any, Literal

import msgspec

from gateway.problems import Problem

OrderState = Literal[
    "held",
    "confirmed",
    "released",
    "expired",
    "partly_refunded",
    "refunded",
    "paid_unfulfilled",
]
SaleState = Literal["announced", "open", "paused", "draining", "closed"]
RoomState = Literal["lobby", "open", "paused", "draining", "sold_out", "closed"]
WaitReason = Literal[
    "missing",
    "lobby",
    "paused",
    "draining",
    "sold_out",
    "all_held",
    "turn",
    "full",
    "pace",
]
Band = Literal["plenty", "low", "none", "unknown"]


class Outgoing(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """An answer's body; a member that says nothing is left out."""


class DropAnswer(Outgoing, frozen=True):
    """One opening of a sale."""

    id: str
    opens_at_ms: int


class OfferAnswer(Outgoing, frozen=True):
    """One thing on the shelf. `number` is what the next page's `after` takes."""

    offer: str
    number: int
    title: str
    venue: str
    venue_title: str
    city: str
    drop: str
    kind: Literal["pooled", "seated"]
    price_minor: int
    starts_at_ms: int
    ends_at_ms: int
    stock: Band


class SaleAnswer(Outgoing, frozen=True):
    """A sale as its shoppers see it; `offers` and `next` only when a page was asked for."""

    id: str
    title: str
    state: SaleState
    currency: str
    timezone: str
    limit_per_buyer: int
    revision: int
    drops: list[DropAnswer]
    server_time_ms: int
    offers_url: str
    offers: list[OfferAnswer] | None = None
    next: int | None = None


class FrameAnswer(Outgoing, frozen=True):
    """The public state of a sale's waiting room at `at_ms`.

    Numbers up to `serving` may claim. The wait of a place is about max(0, opens_at_ms - at_ms) +
    (number - serving) / rate_per_s; look again after a `poll_share`-th of it, within poll_ms and
    poll_max_ms, drawn out by up to `poll_spread` at random.
    """

    sale: str
    drop: int
    state: RoomState
    serving: int
    tail: int
    rate_per_s: float
    stock: Band
    reason: Literal["opening", "operator", "active", "stock"]
    opens_at_ms: int
    lobby_at_ms: int
    next_opens_at_ms: int
    at_ms: int
    poll_ms: int
    poll_max_ms: int
    poll_share: int
    poll_spread: float


class PlaceAnswer(Outgoing, frozen=True):
    """A new place in the line. `place` is its token: keep it, it is the place."""

    place: str
    number: int
    drop: int
    frame: FrameAnswer


class WhereAnswer(Outgoing, frozen=True):
    """Where a place stands: how many are ahead of it, the room's state, when to look again."""

    number: int
    drop: int
    ahead: int
    state: RoomState
    poll_ms: int


class PassAnswer(Outgoing, frozen=True):
    """The right to buy now: a JWT, good for one order until `expires_at_ms`."""

    pass_: str = msgspec.field(name="pass")
    expires_at_ms: int


class WaitAnswer(Outgoing, frozen=True):
    """Not now; the place is kept. `ahead` turns are to be called yet; ask again in `retry_ms`."""

    ahead: int
    retry_ms: int
    reason: WaitReason


class UnitAnswer(Outgoing, frozen=True):
    """One unit of an order; `code` and `qr` once it is sold and has a code to show."""

    offer: str
    unit: int
    price_minor: int
    seat: str | None = None
    state: str | None = None
    code: str | None = None
    qr: str | None = None


class OrderAnswer(Outgoing, frozen=True):
    """An order as its buyer or its partner sees it."""

    id: str
    sale: str
    state: OrderState
    amount_minor: int
    refunded_minor: int
    currency: str
    held_at_ms: int
    expires_at_ms: int
    units: list[UnitAnswer]
    reference: str | None = None


class BatchItemAnswer(Outgoing, frozen=True):
    """What one order of a batch got: the status a single call would have had, and its body."""

    status: int
    order: OrderAnswer | None = None
    problem: Problem | None = None
    replayed: bool = False


class BatchAnswer(Outgoing, frozen=True):
    """One result for each order of the batch, in their order."""

    results: list[BatchItemAnswer]


class AllotmentAnswer(Outgoing, frozen=True):
    """Units of one offer set aside for a partner; `left` are neither sold nor gone."""

    id: str
    sale: str
    offer: str
    units: int
    left: int
    sold: int
    returned: int
    voided: int


class AllotmentsAnswer(Outgoing, frozen=True):
    """The partner's allotments in a sale."""

    allotments: list[AllotmentAnswer]


class UnitCodeAnswer(Outgoing, frozen=True):
    """One unit of an allotment and its pickup code: one line of the export."""

    unit: int
    offer: str
    state: str
    code: str | None = None
    seat: str | None = None


class UnitStatusAnswer(Outgoing, frozen=True):
    """What became of one unit of a report or return."""

    unit: int
    status: str


class UnitStatusesAnswer(Outgoing, frozen=True):
    """One result for each unit, in the order they were sent."""

    results: list[UnitStatusAnswer]


class EventAnswer(Outgoing, frozen=True):
    """One thing that happened to a partner's orders, allotments or codes."""

    seq: int
    type: str
    at_ms: int
    data: dict[str, Any]


class EventsAnswer(Outgoing, frozen=True):
    """A page of the feed; ask again with `after=next`."""

    events: list[EventAnswer]
    next: int


class BreakAnswer(Outgoing, frozen=True):
    """One difference between our books and the partner's statement."""

    class_: str = msgspec.field(name="class")
    order: str
    detail: str
    owner: str
    default_action: str
    line: int | None = None
    ours: dict[str, Any] | None = None
    theirs: dict[str, Any] | None = None


class RunAnswer(Outgoing, frozen=True):
    """A reconciliation: the same files give the same digest."""

    run: str
    digest: str
    lines_ours: int
    lines_theirs: int
    lines_matched: int
    breaks: list[BreakAnswer]


class StatementLineAnswer(Outgoing, frozen=True):
    """One line of our statement for a partner and day."""

    line: int
    order: str
    reference: str
    status: str
    quantity: int
    amount_minor: int
    currency: str
    at: str


class StatementAnswer(Outgoing, frozen=True):
    """What we saw of a partner's day, up to the facts of `as_of`; `digest` is the CSV's."""

    partner: str
    date: str
    digest: str
    as_of: dict[str, str]
    totals: dict[str, dict[str, int]]
    lines: list[StatementLineAnswer]
    sale: str | None = None


class RedemptionAnswer(Outgoing, frozen=True):
    """A code was redeemed: let the visitor in. `order` is absent for a unit of an allotment."""

    result: Literal["redeemed"]
    sale: str
    offer: str
    title: str
    starts_at_ms: int
    at_ms: int
    seat: str | None = None
    order: str | None = None


class AppliedAnswer(Outgoing, frozen=True):
    """What applying a sale did."""

    id: str
    number: int
    revision: int
    units_added: int
    changed: bool


class SaleStateAnswer(Outgoing, frozen=True):
    """A sale's state after a verb."""

    id: str
    state: SaleState
    revision: int


class RateAnswer(Outgoing, frozen=True):
    """The rate that the room was told."""

    id: str
    rate_per_s: float
    burst: int | None = None


class StockAnswer(Outgoing, frozen=True):
    """Units that came on the shelf with a lot."""

    offer: str
    lot: str
    added: int


class OfferCountsAnswer(Outgoing, frozen=True):
    """Where an offer's units are: released is the sum of the others."""

    offer: str
    released: int
    available: int
    held: int
    allotted: int
    sold: int
    redeemed: int
    voided: int
    returned: int


class CountsAnswer(Outgoing, frozen=True):
    """Where a sale's units are, in all and by offer, as of a fact number."""

    id: str
    state: SaleState
    fact: int
    total: OfferCountsAnswer
    offers: list[OfferCountsAnswer]


class CheckAnswer(Outgoing, frozen=True):
    """One check of the audit: how many things it looked at, and what it found wrong."""

    name: str
    ok: bool
    looked_at: int
    violations: list[str] = msgspec.field(default_factory=list)


class AuditAnswer(Outgoing, frozen=True):
    """Every invariant, checked on the live system."""

    ok: bool
    sale: str
    checks: list[CheckAnswer]


class HealthAnswer(Outgoing, frozen=True):
    """The process is well."""

    ok: bool
