"""The shapes of what goes out. Integers are milliseconds UTC (`_ms`) or minor units (`_minor`).

These types are written as JSON and describe the answers in the OpenAPI document. How they become
bytes belongs to `responses`; which outcome becomes which shape, to `outcomes`.
"""

from typing import Literal

import msgspec

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
    "lobby",
    "paused",
    "draining",
    "sold_out",
    "all_held",
    "turn",
    "full",
    "pace",
]
RateReason = Literal[
    "opening",
    "draw",
    "operator",
    "active",
    "stock",
    "latency",
    "errors",
    "settlement",
    "store",
]
Band = Literal["plenty", "low", "none", "unknown"]


class Outgoing(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True, gc=False):
    """An answer's body; a member that says nothing is left out.

    The garbage collector need not watch them: an answer is written once and is part of no cycle.
    """


class DropAnswer(Outgoing, frozen=True):
    """One opening of a sale."""

    id: str
    opens_at_ms: int


class SaleCardAnswer(Outgoing, frozen=True):
    """A sale in the list of what is on.

    `next_opens_at_ms` is absent when no opening is to come, `room` before its first lobby.
    """

    id: str
    title: str
    state: SaleState
    stock: Band
    currency: str
    timezone: str
    price_min_minor: int
    price_max_minor: int
    offers: int
    venues: int
    cities: int
    closes_at_ms: int
    first_opens_at_ms: int
    next_opens_at_ms: int | None = None
    room: RoomState | None = None


class SalesAnswer(Outgoing, frozen=True):
    """What is on: open sales first, then those to come, then what is over."""

    sales: list[SaleCardAnswer]
    server_time_ms: int


class VenueAnswer(Outgoing, frozen=True):
    """A venue of a sale; the times of its offers are shown in its time zone."""

    venue: str
    title: str
    city: str
    timezone: str
    offers: int


class VenuesAnswer(Outgoing, frozen=True):
    """The venues that a sale has offers at."""

    venues: list[VenueAnswer]


class SeatRunAnswer(Outgoing, frozen=True):
    """Seats side by side, numbered from `first`: 1 is free, 0 is taken, '.' is not sold here."""

    first: int
    seats: str


class SeatRowAnswer(Outgoing, frozen=True):
    """A row of the hall; between its runs there is an aisle. A seat is called row and number."""

    row: str
    runs: list[SeatRunAnswer]


class SeatsAnswer(Outgoing, frozen=True):
    """The seat map of an offer as it was at `at_ms`, rows from A on; a pooled offer has no rows."""

    offer: str
    at_ms: int
    free: int
    rows: list[SeatRowAnswer]


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
    """A sale as its shoppers see it; `offers` and `next` only when a page was asked for.

    `login` and `payment` are pages that a browser is sent to, with `return_to` and `state` (and for
    a payment `order`, `amount_minor`, `currency`) in the query; it comes back with the assertion,
    or the proof, and `state` behind the `#` of the address.
    """

    id: str
    title: str
    state: SaleState
    currency: str
    timezone: str
    limit_per_buyer: int
    revision: int
    drops: list[DropAnswer]
    closes_at_ms: int
    server_time_ms: int
    offers_url: str
    login: str | None = None
    payment: str | None = None
    offers: list[OfferAnswer] | None = None
    next: int | None = None


class LaneAnswer(Outgoing, frozen=True):
    """One lane of a line: turns up to `serving` may claim, `tail` is the last number given.

    Numbers up to `drawn` have the turn that the draw gave them, later ones their own. So many turns
    a second are called while the room is open, between `low_per_s` and `high_per_s` of late. Up to
    `likely`, or `possible`, ahead the stock will do; -1 is not known. Called turns up to `late`
    have outlived their grace: they go in within a small share.
    """

    name: str
    serving: int
    tail: int
    drawn: int
    late: int
    rate_per_s: float
    low_per_s: float
    high_per_s: float
    likely: int
    possible: int


class FrameAnswer(Outgoing, frozen=True):
    """The public state of a sale's waiting room at `at_ms`; `reason` is what rules `rate_per_s`.

    A place is in the lane of that position. Its wait is about max(0, opens_at_ms - at_ms) +
    (turn - lane.serving) / lane.rate_per_s; look again after a `poll_share`-th of it, within
    poll_ms and poll_max_ms, drawn out by up to `poll_spread` at random. Once called, claim within
    `grace_ms`. `message` is the operator's, `seed` the draw's once it is revealed.
    """

    sale: str
    drop: int
    epoch: int
    state: RoomState
    reason: RateReason
    message: str
    rate_per_s: float
    stock: Band
    lanes: list[LaneAnswer]
    seed: str
    opens_at_ms: int
    lobby_at_ms: int
    next_opens_at_ms: int
    at_ms: int
    grace_ms: int
    poll_ms: int
    poll_max_ms: int
    poll_share: int
    poll_spread: float


class PlaceAnswer(Outgoing, frozen=True):
    """A new place in the line. `place` is its token: keep it, it is the place."""

    place: str
    drop: int
    epoch: int
    lane: int
    number: int
    frame: FrameAnswer


class WhereAnswer(Outgoing, frozen=True):
    """Where a place stands: how many are ahead of it, the room's state, when to look again.

    `turn` is when its lane calls it, 0 while the draw that decides it is not known.
    """

    drop: int
    epoch: int
    lane: int
    number: int
    turn: int
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


class KioskAnswer(Outgoing, frozen=True):
    """A kiosk and its venue; `timezone` once a sale has offers there."""

    venue: str
    venue_title: str
    kiosk: str
    title: str
    server_time_ms: int
    timezone: str | None = None


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


class HealthAnswer(Outgoing, frozen=True):
    """The process is well; `warnings` say what is wrong though traffic is welcome."""

    ok: bool
    warnings: list[str] = []
