"""What inventory's verbs answer: orders, and refusals as frozen values with a stable code.

Refusals stand in their order of precedence, the same as in the scripts. A refusal is the usual
answer at the peak of a drop; it spends nothing and changes nothing. Faults are in `lua.faults`.
"""

from dataclasses import dataclass
from typing import ClassVar, Literal

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


@dataclass(frozen=True, slots=True)
class OrderUnit:
    """One unit of an order. `gone`: refunded, released or expired; no longer this order's."""

    offer: int
    serial: int
    price_minor: int
    state: UnitState
    generation: int


@dataclass(frozen=True, slots=True)
class Order:
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


@dataclass(frozen=True, slots=True)
class Held:
    """The order stands; `replayed` when it did before this call."""

    order: Order
    replayed: bool


@dataclass(frozen=True, slots=True)
class KeyReused:
    """The same key came with other content."""

    code: ClassVar[str] = "key_reused"


@dataclass(frozen=True, slots=True)
class NotOpen:
    """The sale opens later; 0 when no time is set."""

    opens_at_ms: int
    code: ClassVar[str] = "not_open"


@dataclass(frozen=True, slots=True)
class Paused:
    """The sale stands still for now."""

    code: ClassVar[str] = "paused"


@dataclass(frozen=True, slots=True)
class Draining:
    """No new holds; those that stand may still be paid."""

    code: ClassVar[str] = "draining"


@dataclass(frozen=True, slots=True)
class Closed:
    """The sale is over."""

    code: ClassVar[str] = "closed"


@dataclass(frozen=True, slots=True)
class PassSpent:
    """A pass is good for one order, also for one that has expired."""

    code: ClassVar[str] = "pass_spent"


@dataclass(frozen=True, slots=True)
class PassExpired:
    """The pass came too late."""

    code: ClassVar[str] = "pass_expired"


@dataclass(frozen=True, slots=True)
class PassOfAnotherDrop:
    """The pass was for a drop that is over."""

    code: ClassVar[str] = "pass_of_another_drop"


@dataclass(frozen=True, slots=True)
class UnknownOffer:
    """The sale has no such offer."""

    offer: int
    code: ClassVar[str] = "unknown_offer"


@dataclass(frozen=True, slots=True)
class OfferNotOpen:
    """The offer belongs to a later drop."""

    offer: int
    opens_at_ms: int
    code: ClassVar[str] = "offer_not_open"


@dataclass(frozen=True, slots=True)
class OfferClosed:
    """The offer's time is over."""

    offer: int
    code: ClassVar[str] = "offer_closed"


@dataclass(frozen=True, slots=True)
class LimitReached:
    """The buyer has `has` units of the `limit` already, so these would be too many."""

    limit: int
    has: int
    code: ClassVar[str] = "limit_reached"


@dataclass(frozen=True, slots=True)
class SeatTaken:
    """These seats are not free."""

    offer: int
    serials: tuple[int, ...]
    code: ClassVar[str] = "seat_taken"


@dataclass(frozen=True, slots=True)
class TooFew:
    """Fewer units are left than were asked for, and none of them is held."""

    offer: int
    left: int
    code: ClassVar[str] = "too_few"


@dataclass(frozen=True, slots=True)
class AllHeld:
    """Others hold what is left; a unit may come back at `retry_at_ms` at the earliest."""

    offer: int
    retry_at_ms: int
    code: ClassVar[str] = "all_held"


@dataclass(frozen=True, slots=True)
class NotTogether:
    """No such number of seats side by side is left, and the offer does not split groups."""

    offer: int
    code: ClassVar[str] = "not_together"


@dataclass(frozen=True, slots=True)
class SoldOut:
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


@dataclass(frozen=True, slots=True)
class NotFound:
    """There is no such order."""

    code: ClassVar[str] = "not_found"


@dataclass(frozen=True, slots=True)
class NotYours:
    """The order is another's. Told to the outside as `not_found`."""

    code: ClassVar[str] = "not_found"


@dataclass(frozen=True, slots=True)
class AlreadyPaid:
    """The order was paid by another payment; this one has to go back."""

    payment: str
    code: ClassVar[str] = "already_paid"


@dataclass(frozen=True, slots=True)
class AmountMismatch:
    """The payment is not over the order's amount."""

    amount_minor: int
    code: ClassVar[str] = "amount_mismatch"


@dataclass(frozen=True, slots=True)
class Confirmed:
    """The order is paid and its units are sold; `replayed` when they were before."""

    order: Order
    replayed: bool


@dataclass(frozen=True, slots=True)
class PaidUnfulfilled:
    """The payment came when its hold was gone and nothing was left; the money is owed back."""

    order: Order
    code: ClassVar[str] = "paid_unfulfilled"


ConfirmOutcome = Confirmed | NotFound | NotYours | AlreadyPaid | AmountMismatch | PaidUnfulfilled


@dataclass(frozen=True, slots=True)
class Released:
    """The hold is given back; `replayed` when it had ended before."""

    order: Order
    replayed: bool


@dataclass(frozen=True, slots=True)
class NotHeld:
    """The order is paid; what is paid is refunded, not released."""

    order: Order
    code: ClassVar[str] = "not_held"


ReleaseOutcome = Released | NotFound | NotYours | NotHeld


@dataclass(frozen=True, slots=True)
class Refunded:
    """The money is owed back and the units are free again, voided or stay redeemed."""

    order: Order
    replayed: bool


@dataclass(frozen=True, slots=True)
class TooManyRefunds:
    """An order takes a bounded number of partial refunds."""

    code: ClassVar[str] = "too_many_refunds"


@dataclass(frozen=True, slots=True)
class NotRefundable:
    """An order in this state has no money to give back."""

    state: str
    code: ClassVar[str] = "not_refundable"


@dataclass(frozen=True, slots=True)
class UnknownUnit:
    """Not a unit of this order, or one that was refunded before."""

    serial: int
    code: ClassVar[str] = "unknown_unit"


RefundOutcome = (
    Refunded | NotFound | NotYours | KeyReused | TooManyRefunds | NotRefundable | UnknownUnit
)
