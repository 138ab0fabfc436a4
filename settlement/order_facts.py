"""What the facts about orders mean: hold, sale, ending, payment that came too late, refund."""

from collections.abc import Sequence

from inventory.facts import (
    SHOP,
    Confirmed,
    Expired,
    Held,
    Line,
    Reclaimed,
    Refunded,
    Released,
    Sold,
    Unfulfilled,
)
from settlement.batch import Batch
from settlement.business_day import business_date
from settlement.events import EventType, units_in, units_of
from settlement.orders import Order
from settlement.posting import Entry, money_of, post_refund, post_sale, receivable, refund_due

Paid = Sold | Confirmed | Reclaimed
OrderFact = Held | Paid | Released | Expired | Unfulfilled
FREE = ("available", "")


def held(batch: Batch, fact: Held, entry: Entry) -> None:
    """Available → held."""
    told = _told(fact, "held", fact.lines, fact.amount_minor)
    told.reference = fact.reference
    order = batch.orders.begin(fact.number, told)
    batch.move(fact, fact.lines, before=FREE, after=("held", fact.order))
    entry.move_units(fact.lines, "available", "held")
    _expect_amount(batch, fact, money_of(fact.lines), fact.amount_minor)
    _tell(batch, order, "order.held", fact, fact.lines)


def paid(batch: Batch, fact: Paid, entry: Entry) -> None:
    """Held (confirmed) or available (sold in one step, reclaimed) → sold, and the money."""
    told = _told(fact, "confirmed", fact.lines, fact.amount_minor)
    before, source = FREE, "available"
    if isinstance(fact, Sold):
        order = batch.orders.begin(fact.number, told)
    elif isinstance(fact, Confirmed):
        order = batch.orders.change(fact.number, told, ("held",))
        before, source = ("held", fact.order), "held"
    else:
        order = batch.orders.change(fact.number, told, ("released", "expired"))
    _expect_amount(batch, fact, order.amount_minor, fact.amount_minor)
    order.reference, order.payment = fact.reference or order.reference, fact.payment
    _expect_payment(batch, fact)
    order.quantity, order.amount_minor = told.quantity, told.amount_minor
    order.sold_at_ms = fact.at_ms
    order.business_date = business_date(batch.place.timezone, fact.at_ms)
    batch.move(fact, fact.lines, before=before, after=("sold", fact.order))
    entry.move_units(fact.lines, source, "sold")
    agrees = post_sale(
        entry,
        fact.lines,
        fact.amount_minor,
        currency=batch.place.currency,
        source=receivable(fact.payment, fact.seller),
        venues=batch.venues,
    )
    if not agrees:
        _expect_amount(batch, fact, money_of(fact.lines), fact.amount_minor)
    _tell(batch, order, "order.sold", fact, fact.lines)


def ended(batch: Batch, fact: Released | Expired, entry: Entry) -> None:
    """Held → available."""
    told_as: EventType
    state, told_as = ("released", "order.released")
    if isinstance(fact, Expired):
        state, told_as = ("expired", "order.expired")
    told = _told(fact, state, fact.lines, money_of(fact.lines))
    order = batch.orders.change(fact.number, told, ("held",))
    batch.move(fact, fact.lines, before=("held", fact.order), after=FREE)
    entry.move_units(fact.lines, "held", "available")
    _tell(batch, order, told_as, fact, fact.lines)


def unfulfilled(batch: Batch, fact: Unfulfilled, entry: Entry) -> None:
    """Money came for units that were gone: it is owed back."""
    told = _told(fact, "paid_unfulfilled", (), fact.amount_minor)
    order = batch.orders.change(fact.number, told, ("released", "expired"))
    _expect_amount(batch, fact, order.amount_minor, fact.amount_minor)
    order.reference, order.payment = fact.reference or order.reference, fact.payment
    _expect_payment(batch, fact)
    account = receivable(fact.payment, fact.seller)
    entry.move(batch.place.currency, refund_due(fact.seller), account, fact.amount_minor)
    _tell(batch, order, "order.unfulfilled", fact, ())


def refunded(batch: Batch, fact: Refunded, entry: Entry) -> None:
    """Sold → available or voided, or it stays redeemed, and the money goes back."""
    lines = [*fact.back, *fact.voided, *fact.redeemed]
    told = _told(fact, "refunded", lines, fact.amount_minor)
    refundable = ("confirmed", "partly_refunded", "paid_unfulfilled")
    order = batch.orders.change(fact.number, told, refundable)
    order.refunded_minor += fact.amount_minor
    order.refunded_quantity += told.quantity
    # By units, as the store does: a unit may cost nothing. An unfulfilled order has none.
    if lines and order.refunded_quantity != order.quantity:
        order.state = "partly_refunded"
    batch.expect(
        order.refunded_minor <= order.amount_minor and order.refunded_quantity <= order.quantity,
        fact,
        order.id,
        "refunded_more",
        expected=(order.quantity, order.amount_minor),
        found=(order.refunded_quantity, order.refunded_minor),
    )
    batch.move(fact, fact.back, before=("sold", order.id), after=FREE)
    batch.move(fact, fact.voided, before=("sold", order.id), after=("voided", order.id))
    for line in fact.redeemed:
        batch.units.expect(fact.number, line.offer, line.serials, ("redeemed", order.id))
    entry.move_units(fact.back, "sold", "available")
    entry.move_units(fact.voided, "sold", "voided")
    _refund_money(batch, fact, entry, order, lines)
    batch.refunds.append((fact, order.reference, told.quantity))
    if fact.seller != SHOP:
        _tell_refund(batch, fact, order)


def _refund_money(
    batch: Batch, fact: Refunded, entry: Entry, order: Order, lines: Sequence[Line]
) -> None:
    account, currency = receivable(order.payment, fact.seller), batch.place.currency
    if not lines and order.sold_at_ms is None:
        entry.move(currency, account, refund_due(fact.seller), fact.amount_minor)
        return
    agrees = post_refund(
        entry, lines, fact.amount_minor, currency=currency, source=account, venues=batch.venues
    )
    if not agrees:
        _expect_amount(batch, fact, money_of(lines), fact.amount_minor)


def _tell_refund(batch: Batch, fact: Refunded, order: Order) -> None:
    batch.tell(
        fact.seller,
        "order.refunded",
        fact,
        order=order.id,
        reference=order.reference,
        state=order.state,
        refund=fact.refund,
        amount_minor=fact.amount_minor,
        currency=batch.place.currency,
        units=[
            *units_in(fact.back, "available"),
            *units_in(fact.voided, "voided"),
            *units_in(fact.redeemed, "redeemed"),
        ],
    )


def _expect_payment(batch: Batch, fact: Paid | Unfulfilled) -> None:
    """Money without a channel lies on `receivable:channel:unknown`, and somebody must look."""
    batch.expect(
        fact.payment != "", fact, fact.order, "payment", expected="a payment", found=fact.payment
    )


def _expect_amount(batch: Batch, fact: OrderFact | Refunded, expected: int, amount: int) -> None:
    batch.expect(expected == amount, fact, fact.order, "amount", expected=expected, found=amount)


def _tell(
    batch: Batch, order: Order, told_as: EventType, fact: OrderFact, lines: Sequence[Line]
) -> None:
    if order.seller != SHOP:
        batch.tell(
            order.seller,
            told_as,
            fact,
            order=order.id,
            reference=order.reference,
            amount_minor=order.amount_minor,
            currency=batch.place.currency,
            units=units_of(lines),
        )


def _told(fact: OrderFact | Refunded, state: str, lines: Sequence[Line], amount: int) -> Order:
    """The order as far as the fact tells it."""
    quantity = sum(len(line.serials) for line in lines)
    return Order(fact.order, fact.seller, fact.buyer, "", state, quantity, amount)
