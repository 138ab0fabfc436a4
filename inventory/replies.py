"""The words that the order scripts reply with, turned into outcomes.

Sending the scripts belongs to `orders`; the order of precedence is the scripts'.
"""

from typing import Any

from inventory import outcomes as out
from inventory.records import order_from, state_of


def hold_outcome(order: str, reply: list[Any]) -> out.HoldOutcome:
    """What one reply of order_hold means. Raises AssertionError for a word it does not know."""
    match reply:
        case [b"held" | b"sold", record, marks]:
            return out.Held(order_from(order, record, marks), replayed=False)
        case [b"replayed", record, marks]:
            return out.Held(order_from(order, record, marks), replayed=True)
        case [word]:
            return _PLAIN[word]
        case [b"not_open", opens_at_ms]:
            return out.NotOpen(opens_at_ms)
        case [b"limit_reached", limit, has]:
            return out.LimitReached(limit, has)
        case [b"seat_taken", offer, *serials]:
            return out.SeatTaken(offer, tuple(serials))
        case [b"unknown_offer", offer]:
            return out.UnknownOffer(offer)
        case [b"offer_not_open", offer, opens_at_ms]:
            return out.OfferNotOpen(offer, opens_at_ms)
        case [b"offer_closed", offer]:
            return out.OfferClosed(offer)
        case [b"too_few", offer, left]:
            return out.TooFew(offer, left)
        case [b"all_held", offer, retry_at_ms]:
            return out.AllHeld(offer, retry_at_ms)
        case [b"not_together", offer]:
            return out.NotTogether(offer)
        case [b"sold_out", offer]:
            return out.SoldOut(offer)
        case _:
            raise AssertionError(f"unknown reply {reply!r}")


_PLAIN: dict[bytes, out.HoldOutcome] = {
    b"key_reused": out.KeyReused(),
    b"paused": out.Paused(),
    b"draining": out.Draining(),
    b"closed": out.Closed(),
    b"pass_spent": out.PassSpent(),
    b"pass_expired": out.PassExpired(),
    b"pass_of_another_drop": out.PassOfAnotherDrop(),
}


def confirm_outcome(order: str, reply: list[Any]) -> out.ConfirmOutcome:
    """What one reply of order_confirm means. Raises AssertionError for a word it does not know."""
    match reply:
        case [b"confirmed" | b"reclaimed", *rest]:
            return out.Confirmed(order_from(order, *rest), replayed=False)
        case [b"replayed", *rest]:
            return out.Confirmed(order_from(order, *rest), replayed=True)
        case [b"unfulfilled" | b"unfulfilled_again", *rest]:
            return out.PaidUnfulfilled(order_from(order, *rest))
        case [b"not_found"]:
            return out.NotFound()
        case [b"not_yours"]:
            return out.NotYours()
        case [b"already_paid", payment]:
            return out.AlreadyPaid(payment.decode())
        case [b"amount_mismatch", amount_minor]:
            return out.AmountMismatch(amount_minor)
        case _:
            raise AssertionError(f"unknown reply {reply!r}")


def refund_outcome(order: str, reply: list[Any]) -> out.RefundOutcome:
    """What a reply of order_refund means. Raises AssertionError for a word it does not know."""
    match reply:
        case [b"refunded", *rest]:
            return out.Refunded(order_from(order, *rest), replayed=False)
        case [b"replayed", *rest]:
            return out.Refunded(order_from(order, *rest), replayed=True)
        case [b"not_found"]:
            return out.NotFound()
        case [b"not_yours"]:
            return out.NotYours()
        case [b"key_reused"]:
            return out.KeyReused()
        case [b"too_many_refunds"]:
            return out.TooManyRefunds()
        case [b"not_refundable", state]:
            return out.NotRefundable(state_of(state))
        case [b"unknown_unit", serial]:
            return out.UnknownUnit(serial)
        case _:
            raise AssertionError(f"unknown reply {reply!r}")
