"""What inventory's verbs answer: orders, and refusals as frozen values with a stable code.

Refusals stand in their order of precedence, the same as in the scripts. A refusal is the usual
answer at the peak of a drop; it spends nothing and changes nothing. Faults are in `lua.faults`.

They are structs because a frozen dataclass takes five times as long to make, and not watched by the
garbage collector because none can be part of a cycle.
"""

from typing import ClassVar, Literal

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
UnitState = Literal["held", "sold", "redeemed", "voided", "gone"]


class OrderUnit(msgspec.Struct, frozen=True, gc=False):
    """One unit of an order. `gone`: refunded, released or expired; no longer this order's."""

    offer: int
    serial: int
    price_minor: int
    state: UnitState
    generation: int


class Order(msgspec.Struct, frozen=True, gc=False):
    """An order as it stands. Money in minor units, times in milliseconds UTC."""

    id: str
    state: OrderState
    buyer: str
    seller: str
    reference: str
    drop: int
    pass_id: str
    units: tuple[OrderUnit, ...]
    amount_minor: int
    refunded_minor: int
    held_at_ms: int
    expires_at_ms: int
    payment: str
    fact: int


class Held(msgspec.Struct, frozen=True, gc=False):
    """The order stands; `replayed` when it did before this call."""

    order: Order
    replayed: bool


class KeyReused(msgspec.Struct, frozen=True, gc=False):
    """The same key came with other content."""

    code: ClassVar[str] = "key_reused"


class NotOpen(msgspec.Struct, frozen=True, gc=False):
    """The sale opens later; 0 when no time is set."""

    opens_at_ms: int
    code: ClassVar[str] = "not_open"


class Paused(msgspec.Struct, frozen=True, gc=False):
    """The sale stands still for now."""

    code: ClassVar[str] = "paused"


class Draining(msgspec.Struct, frozen=True, gc=False):
    """No new holds; those that stand may still be paid."""

    code: ClassVar[str] = "draining"


class Closed(msgspec.Struct, frozen=True, gc=False):
    """The sale is over."""

    code: ClassVar[str] = "closed"


class PassSpent(msgspec.Struct, frozen=True, gc=False):
    """A pass is good for one order, also for one that has expired."""

    code: ClassVar[str] = "pass_spent"


class PassExpired(msgspec.Struct, frozen=True, gc=False):
    """The pass came too late."""

    code: ClassVar[str] = "pass_expired"


class PassOfAnotherDrop(msgspec.Struct, frozen=True, gc=False):
    """The pass was for a drop that is over."""

    code: ClassVar[str] = "pass_of_another_drop"


class UnknownOffer(msgspec.Struct, frozen=True, gc=False):
    """The sale has no such offer."""

    offer: int
    code: ClassVar[str] = "unknown_offer"


class OfferNotOpen(msgspec.Struct, frozen=True, gc=False):
    """The offer belongs to a later drop."""

    offer: int
    opens_at_ms: int
    code: ClassVar[str] = "offer_not_open"


class OfferClosed(msgspec.Struct, frozen=True, gc=False):
    """The offer's time is over."""

    offer: int
    code: ClassVar[str] = "offer_closed"


class LimitReached(msgspec.Struct, frozen=True, gc=False):
    """The buyer has `has` units of the `limit` already, so these would be too many."""

    limit: int
    has: int
    code: ClassVar[str] = "limit_reached"


class SeatTaken(msgspec.Struct, frozen=True, gc=False):
    """These seats are not free."""

    offer: int
    serials: tuple[int, ...]
    code: ClassVar[str] = "seat_taken"


class TooFew(msgspec.Struct, frozen=True, gc=False):
    """Fewer units are left than were asked for, and none of them is held."""

    offer: int
    left: int
    code: ClassVar[str] = "too_few"


class AllHeld(msgspec.Struct, frozen=True, gc=False):
    """Others hold what is left; a unit may come back at `retry_at_ms` at the earliest."""

    offer: int
    retry_at_ms: int
    code: ClassVar[str] = "all_held"


class NotTogether(msgspec.Struct, frozen=True, gc=False):
    """No such number of seats side by side is left, and the offer does not split groups."""

    offer: int
    code: ClassVar[str] = "not_together"


class SoldOut(msgspec.Struct, frozen=True, gc=False):
    """Nothing is left and nothing is held."""

    offer: int
    code: ClassVar[str] = "sold_out"


HoldRefusal = (
    KeyReused
    | NotOpen
    | Paused
    | Draining
    | Closed
    | PassSpent
    | PassExpired
    | PassOfAnotherDrop
    | UnknownOffer
    | OfferNotOpen
    | OfferClosed
    | LimitReached
    | SeatTaken
    | TooFew
    | AllHeld
    | NotTogether
    | SoldOut
)
HoldOutcome = Held | HoldRefusal


class NotFound(msgspec.Struct, frozen=True, gc=False):
    """There is no such order."""

    code: ClassVar[str] = "not_found"


class NotYours(msgspec.Struct, frozen=True, gc=False):
    """The order is another's. Told to the outside as `not_found`."""

    code: ClassVar[str] = "not_found"


class AlreadyPaid(msgspec.Struct, frozen=True, gc=False):
    """The order was paid by another payment; this one has to go back."""

    payment: str
    code: ClassVar[str] = "already_paid"


class AmountMismatch(msgspec.Struct, frozen=True, gc=False):
    """The payment is not over the order's amount."""

    amount_minor: int
    code: ClassVar[str] = "amount_mismatch"


class Confirmed(msgspec.Struct, frozen=True, gc=False):
    """The order is paid and its units are sold; `replayed` when they were before."""

    order: Order
    replayed: bool


class PaidUnfulfilled(msgspec.Struct, frozen=True, gc=False):
    """The payment came when its hold was gone and nothing was left; the money is owed back."""

    order: Order
    code: ClassVar[str] = "paid_unfulfilled"


ConfirmOutcome = Confirmed | NotFound | NotYours | AlreadyPaid | AmountMismatch | PaidUnfulfilled


class Released(msgspec.Struct, frozen=True, gc=False):
    """The hold is given back; `replayed` when it had ended before."""

    order: Order
    replayed: bool


class NotHeld(msgspec.Struct, frozen=True, gc=False):
    """The order is paid; what is paid is refunded, not released."""

    order: Order
    code: ClassVar[str] = "not_held"


ReleaseOutcome = Released | NotFound | NotYours | NotHeld


class Refunded(msgspec.Struct, frozen=True, gc=False):
    """The money is owed back and the units are free again, voided or stay redeemed."""

    order: Order
    replayed: bool


class TooManyRefunds(msgspec.Struct, frozen=True, gc=False):
    """An order takes a bounded number of partial refunds."""

    code: ClassVar[str] = "too_many_refunds"


class NotRefundable(msgspec.Struct, frozen=True, gc=False):
    """An order in this state has no money to give back."""

    state: str
    code: ClassVar[str] = "not_refundable"


class UnknownUnit(msgspec.Struct, frozen=True, gc=False):
    """Not a unit of this order, or one that was refunded before."""

    serial: int
    code: ClassVar[str] = "unknown_unit"


RefundOutcome = (
    Refunded | NotFound | NotYours | KeyReused | TooManyRefunds | NotRefundable | UnknownUnit
)
