"""Which outcome of an order's verb becomes which answer: the one place that maps words to codes.

Every `match` here is complete and has no default, so a new outcome that is not rendered fails the
type check. Inventory's numbers become the sale's own names (offer ids, seat labels) on the way.
"""

import msgspec

from gateway.problems import Code, FieldError, Problem, problem
from gateway.shelves import Shelf
from inventory import outcomes as out
from inventory.outcomes import Order


class Success(msgspec.Struct, frozen=True, gc=False):
    """An order to show; `created` when this call made it, `replayed` when an earlier one did."""

    order: Order
    created: bool = False
    replayed: bool = False

    @property
    def status(self) -> int:
        """The HTTP status."""
        return 201 if self.created else 200


Told = Success | Problem


def of_hold(outcome: out.HoldOutcome, shelf: Shelf) -> Told:
    """What a hold, or a sale in one step, is answered with."""
    match outcome:
        case out.Held(order=order, replayed=replayed):
            return Success(order, created=not replayed, replayed=replayed)
        case out.KeyReused():
            return _key_reused()
        case out.LimitReached(limit=limit, has=has):
            detail = f"A buyer may have {limit} units; this one has {has}."
            return problem(Code.LIMIT_REACHED, detail, limit=limit, has=has)
        case (
            out.NotOpen()
            | out.Paused()
            | out.Draining()
            | out.Closed()
            | out.PassSpent()
            | out.PassExpired()
            | out.PassOfAnotherDrop()
        ):
            return _of_door(outcome)
        case (
            out.UnknownOffer()
            | out.OfferNotOpen()
            | out.OfferClosed()
            | out.SeatTaken()
            | out.TooFew()
            | out.AllHeld()
            | out.NotTogether()
            | out.SoldOut()
        ):
            return _of_shelf(outcome, shelf.offer_id(outcome.offer), shelf)


def _of_door(
    refusal: out.NotOpen
    | out.Paused
    | out.Draining
    | out.Closed
    | out.PassSpent
    | out.PassExpired
    | out.PassOfAnotherDrop,
) -> Problem:
    match refusal:
        case out.NotOpen(opens_at_ms=opens_at_ms):
            return problem(Code.NOT_OPEN, opens_at_ms=opens_at_ms or None)
        case out.Paused():
            return problem(Code.PAUSED)
        case out.Draining():
            return problem(Code.DRAINING)
        case out.Closed():
            return problem(Code.CLOSED)
        case out.PassSpent():
            return problem(Code.PASS_SPENT)
        case out.PassExpired():
            return problem(Code.PASS_EXPIRED)
        case out.PassOfAnotherDrop():
            return problem(Code.PASS_OF_ANOTHER_DROP)


def _of_shelf(
    refusal: out.UnknownOffer
    | out.OfferNotOpen
    | out.OfferClosed
    | out.SeatTaken
    | out.TooFew
    | out.AllHeld
    | out.NotTogether
    | out.SoldOut,
    offer: str,
    shelf: Shelf,
) -> Problem:
    match refusal:
        case out.UnknownOffer():
            return problem(Code.UNKNOWN_OFFER, offer=offer)
        case out.OfferNotOpen(opens_at_ms=opens_at_ms):
            return problem(Code.OFFER_NOT_OPEN, offer=offer, opens_at_ms=opens_at_ms)
        case out.OfferClosed():
            return problem(Code.OFFER_CLOSED, offer=offer)
        case out.SeatTaken(serials=serials):
            seats = [shelf.seat(serial) or str(serial) for serial in serials]
            return problem(Code.SEAT_TAKEN, offer=offer, seats=seats)
        case out.TooFew(left=left):
            return problem(Code.TOO_FEW, offer=offer, left=left)
        case out.AllHeld(retry_at_ms=retry_at_ms):
            return problem(Code.ALL_HELD, offer=offer, retry_at_ms=retry_at_ms)
        case out.NotTogether():
            return problem(Code.NOT_TOGETHER, offer=offer)
        case out.SoldOut():
            return problem(Code.SOLD_OUT, offer=offer)


def of_confirm(outcome: out.ConfirmOutcome) -> Told:
    """What a confirm is answered with."""
    match outcome:
        case out.Confirmed(order=order, replayed=replayed):
            return Success(order, replayed=replayed)
        case out.NotFound() | out.NotYours():
            return _unknown_order()
        case out.AlreadyPaid():
            return problem(Code.ALREADY_PAID, "This payment has to go back to its payer.")
        case out.AmountMismatch(amount_minor=amount_minor):
            detail = f"The order is over {amount_minor} minor units."
            return problem(Code.AMOUNT_MISMATCH, detail, expected_minor=amount_minor)
        case out.PaidUnfulfilled(order=order):
            return problem(Code.PAID_UNFULFILLED, state=order.state)


def of_release(outcome: out.ReleaseOutcome) -> Told:
    """What a release is answered with."""
    match outcome:
        case out.Released(order=order, replayed=replayed):
            return Success(order, replayed=replayed)
        case out.NotFound() | out.NotYours():
            return _unknown_order()
        case out.NotHeld(order=order):
            return problem(Code.NOT_HELD, state=order.state)


def of_refund(outcome: out.RefundOutcome) -> Told:
    """What a refund is answered with."""
    match outcome:
        case out.Refunded(order=order, replayed=replayed):
            return Success(order, replayed=replayed)
        case out.NotFound() | out.NotYours():
            return _unknown_order()
        case out.KeyReused():
            return _key_reused()
        case out.TooManyRefunds():
            return problem(Code.TOO_MANY_REFUNDS)
        case out.NotRefundable(state=state):
            return problem(Code.NOT_REFUNDABLE, state=state)
        case out.UnknownUnit(serial=serial):
            error = FieldError("body", "units", f"{serial} is not a unit of this order any more")
            return problem(Code.UNKNOWN_UNIT, units=[serial], errors=[error])


def of_read(order: Order | None, buyer: str, seller: str) -> Told:
    """What reading an order is answered with; somebody else's is told as if there were none."""
    if order is None or (buyer and order.buyer != buyer) or (seller and order.seller != seller):
        return _unknown_order()
    return Success(order)


def _unknown_order() -> Problem:
    return problem(Code.UNKNOWN_ORDER)


def _key_reused() -> Problem:
    error = FieldError("header", "Idempotency-Key", "It was used for other content before")
    return problem(Code.KEY_REUSED, errors=[error])
