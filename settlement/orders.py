"""The orders as the books know them, and their transitions. No SQL here."""

from dataclasses import dataclass
from datetime import date

from settlement.units import Violation


@dataclass(slots=True)
class Order:
    """One order. `stored` is false for an order that the books did not know before this batch."""

    id: str
    seller: str
    buyer: str
    reference: str
    state: str
    quantity: int = 0
    amount_minor: int = 0
    refunded_quantity: int = 0
    refunded_minor: int = 0
    payment: str = ""
    sold_at_ms: int | None = None
    business_date: date | None = None
    epoch: int = 0
    number: int = 0
    stored: bool = False


class Orders:
    """The orders that a batch touches, loaded with what the books knew of them."""

    def __init__(self, known: dict[str, Order], epoch: int) -> None:
        self.rows = known
        self.touched: set[str] = set()
        self.violations: list[Violation] = []
        self._epoch = epoch

    def begin(self, number: int, order: Order) -> Order:
        """An order that must be new."""
        known = self.rows.get(order.id)
        if known is not None:
            detail = {"expected": "a new order", "found": known.state, "becomes": order.state}
            self.violations.append(Violation(number, "order_state", order.id, detail))
            order.stored = known.stored
        self.rows[order.id] = order
        return self._touch(number, order)

    def change(self, number: int, facts_view: Order, before: tuple[str, ...]) -> Order:
        """An order that must be in one of the states `before`, and goes to that of `facts_view`.

        `facts_view` is the order as the fact tells it; it stands in for one that is not known.
        """
        order = self.rows.get(facts_view.id)
        if order is None:
            detail = {"becomes": facts_view.state}
            self.violations.append(Violation(number, "order_unknown", facts_view.id, detail))
            order = self.rows[facts_view.id] = facts_view
            return self._touch(number, order)
        if order.state not in before:
            detail = {
                "expected": " or ".join(before),
                "found": order.state,
                "becomes": facts_view.state,
            }
            self.violations.append(Violation(number, "order_state", order.id, detail))
        if (order.seller, order.buyer) != (facts_view.seller, facts_view.buyer):
            detail = {
                "found": f"{order.seller} for {order.buyer}",
                "fact": f"{facts_view.seller} for {facts_view.buyer}",
            }
            self.violations.append(Violation(number, "order_of_another", order.id, detail))
        order.state = facts_view.state
        return self._touch(number, order)

    def _touch(self, number: int, order: Order) -> Order:
        order.epoch, order.number = self._epoch, number
        self.touched.add(order.id)
        return order
