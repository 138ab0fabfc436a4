"""The till: purchases gathered into one script call, counted, and the room told of freed slots.

Every decision is the script's. A slot is freed in the room by a message that may be lost: the
lease ends anyway.
"""

from collections import deque
from collections.abc import Sequence

from gateway.gathering import Gatherer
from gateway.metrics import Metrics
from inventory.orders import BATCH_MAX, ConfirmRequest, HoldRequest, Orders
from inventory.outcomes import Confirmed, ConfirmOutcome, Held, HoldOutcome, NotFound
from inventory.sales import SaleView
from lua.faults import Fault
from queueing import Pass, Rooms

FREED_MAX = 10_000


class Till:
    """Holds and confirms of one process."""

    def __init__(self, orders: Orders, rooms: Rooms, metrics: Metrics) -> None:
        self._holds: Gatherer[SaleView, HoldRequest, HoldOutcome] = Gatherer(orders.hold)
        self._confirms: Gatherer[SaleView, ConfirmRequest, ConfirmOutcome] = Gatherer(
            orders.confirm
        )
        self._orders = orders
        self._rooms = rooms
        self._metrics = metrics
        self._freed: deque[Pass] = deque()

    async def hold(
        self, sale: SaleView, request: HoldRequest, pass_: Pass | None = None
    ) -> HoldOutcome:
        """Hold or sell one order. A hold with a pass frees that pass's slot in the room."""
        outcome = await self._holds.ask(sale.id, sale, request)
        if isinstance(outcome, Held):
            self._count(sale, outcome)
            if pass_ is not None:
                self._free(pass_)
        return outcome

    async def hold_all(
        self, sale: SaleView, requests: Sequence[HoldRequest]
    ) -> list[HoldOutcome | Fault]:
        """Hold or sell many orders of one caller, in their order; each has an outcome of its own.

        A fault is the outcome of those that it left without one: the others were told.
        """
        told: list[HoldOutcome | Fault] = []
        for at in range(0, len(requests), BATCH_MAX):
            some = requests[at : at + BATCH_MAX]
            try:
                outcomes = await self._orders.hold(sale, some)
            except Fault as fault:
                told += [fault] * len(some)
                continue
            for outcome in outcomes:
                if isinstance(outcome, Held):
                    self._count(sale, outcome)
            told += outcomes
        return told

    async def confirm(self, sale: SaleView, request: ConfirmRequest) -> ConfirmOutcome:
        """Confirm one order."""
        outcome = await self._confirms.ask(sale.id, sale, request)
        if isinstance(outcome, Confirmed) and not outcome.replayed:
            self._metrics.sold.labels(sale.id).inc(len(outcome.order.units))
        return outcome

    async def confirm_reference(
        self, sale: SaleView, order_id: str, *, partner: str, reference: str
    ) -> ConfirmOutcome:
        """Confirm a partner's hold: the partner has the money, so the amount is the order's."""
        order = await self._orders.read(sale, order_id)
        if order is None:
            return NotFound()
        request = ConfirmRequest(
            order=order_id,
            payment=f"partner:{reference}",
            amount_minor=order.amount_minor,
            seller=partner,
        )
        return await self.confirm(sale, request)

    async def idle(self) -> None:
        """Return when nothing is being held or confirmed."""
        await self._holds.idle()
        await self._confirms.idle()

    async def tell_room(self) -> int:
        """Tell the room of every slot that is free by now; how many it was told of."""
        told = 0
        while self._freed:
            pass_ = self._freed.popleft()
            try:
                await self._rooms.finish(pass_.sale, pass_.drop, pass_.number)
            except Fault:
                self._metrics.finish_lost.inc()
                raise
            told += 1
        return told

    def _free(self, pass_: Pass) -> None:
        """The pass has done its work. Told to the room later, or never: its lease ends anyway."""
        if len(self._freed) < FREED_MAX:
            self._freed.append(pass_)
        else:
            self._metrics.finish_lost.inc()

    def _count(self, sale: SaleView, held: Held) -> None:
        if not held.replayed:
            sold = held.order.state == "confirmed"
            counter = self._metrics.sold if sold else self._metrics.held
            counter.labels(sale.id).inc(len(held.order.units))
