"""The till: purchases gathered into one script call, counted, and the room told of freed slots.

Every decision is the script's. A slot is freed in the room by a message that may be lost: the
lease ends anyway.
"""

import asyncio
from collections import defaultdict, deque
from collections.abc import Iterable, Sequence

from gateway.gathering import Gatherer, Waiter
from gateway.meters import Meters, metered
from gateway.metrics import Metrics
from gateway.problems import Refused
from gateway.tallies import Tally
from inventory.ids import stripe_of
from inventory.orders import ConfirmRequest, HoldRequest, Orders
from inventory.outcomes import Confirmed, ConfirmOutcome, Held, HoldOutcome, NotFound
from inventory.sales import SaleView
from lua.faults import Fault, MayHaveHappened
from queueing import FINISH_MAX, Pass, Rooms
from queueing.measures import Meter

FREED_MAX = 10_000


class Till:
    """Holds and confirms of one process."""

    def __init__(self, orders: Orders, rooms: Rooms, meters: Meters, metrics: Metrics) -> None:
        self._holds: Gatherer[SaleView, HoldRequest, HoldOutcome] = Gatherer(self._hold)
        self._confirms: Gatherer[SaleView, ConfirmRequest, ConfirmOutcome] = Gatherer(
            orders.confirm, goes_first=True
        )
        self._orders = orders
        self._rooms = rooms
        self._meters = meters
        self._metrics = metrics
        self._counters: dict[str, tuple[Tally, Tally]] = {}
        self._freed: defaultdict[str, deque[Pass]] = defaultdict(deque)

    async def hold(
        self, sale: SaleView, request: HoldRequest, pass_: Pass | None = None
    ) -> HoldOutcome:
        """Hold or sell one order. A hold with a pass frees that pass's slot in the room."""
        meter = self._meters.of(sale.id)
        asking = self._holds.ask(_slot(sale, request.order), sale, request)
        outcome = await metered(meter, asking)
        if pass_ is not None:
            self._spent(meter, outcome, pass_)
        return outcome

    def submit(self, sale: SaleView, request: HoldRequest, waiter: Waiter[HoldOutcome]) -> None:
        """As `hold`; the waiter hears of the outcome, and says so (`told`, `fell`)."""
        try:
            self._holds.submit(_slot(sale, request.order), sale, request, waiter)
        except Refused:
            self.fell(sale)
            raise

    def told(
        self, sale: SaleView, outcome: HoldOutcome, seconds: float, pass_: Pass | None = None
    ) -> None:
        """What was submitted has its outcome, so long after it was."""
        meter = self._meters.of(sale.id)
        meter.answered(seconds)
        if pass_ is not None:
            self._spent(meter, outcome, pass_)

    def fell(self, sale: SaleView) -> None:
        """What was submitted met a fault."""
        self._meters.of(sale.id).fell()

    async def hold_all(
        self, sale: SaleView, requests: Sequence[HoldRequest], *, until_s: float
    ) -> list[HoldOutcome | Fault]:
        """Hold or sell many orders of one caller, in the order of each slot; one outcome each.

        A fault is the outcome of those that it left without one: the others were told. What has no
        answer at `until_s` of the loop's clock may have happened.
        """
        slots: dict[int, list[int]] = {}
        for at, request in enumerate(requests):
            slots.setdefault(stripe_of(request.order), []).append(at)
        if len(slots) == 1:
            return await self._hold_slot(sale, requests, until_s)
        answers = await asyncio.gather(
            *(
                self._hold_slot(sale, [requests[at] for at in members], until_s)
                for members in slots.values()
            )
        )
        told: dict[int, HoldOutcome | Fault] = {}
        for members, outcomes in zip(slots.values(), answers, strict=True):
            told.update(zip(members, outcomes, strict=True))
        return [told[at] for at in range(len(requests))]

    async def confirm(self, sale: SaleView, request: ConfirmRequest) -> ConfirmOutcome:
        """Confirm one order."""
        asking = self._confirms.ask(_slot(sale, request.order), sale, request)
        outcome = await metered(self._meters.of(sale.id), asking)
        if isinstance(outcome, Confirmed) and not outcome.replayed:
            self._counters_of(sale)[1].inc(len(outcome.order.units))
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
        for sale, freed in list(self._freed.items()):
            while freed:
                some = [freed.popleft() for _ in range(min(len(freed), FINISH_MAX))]
                try:
                    await self._rooms.finish(sale, some)
                except Fault:
                    freed.extendleft(reversed(some))  # a repeat is harmless
                    raise
                told += len(some)
        return told

    async def _hold_slot(
        self, sale: SaleView, requests: Sequence[HoldRequest], until_s: float
    ) -> list[HoldOutcome | Fault]:
        meter = self._meters.of(sale.id)
        try:
            async with asyncio.timeout_at(until_s):
                outcomes = await self._hold(sale, requests)
        except TimeoutError:
            meter.fell(len(requests))
            return [MayHaveHappened("no answer in time")] * len(requests)
        except Fault as fault:
            meter.fell(len(requests))
            return [fault] * len(requests)
        meter.calls += len(requests)  # how long a batch takes says nothing of a purchase
        return list(outcomes)

    def _spent(self, meter: Meter, outcome: HoldOutcome, pass_: Pass) -> None:
        """A pass that has bought its order has done its work.

        Told to the room later, or never: its lease ends anyway.
        """
        if not isinstance(outcome, Held):
            return
        if not outcome.replayed:
            meter.orders += 1
            meter.units += len(outcome.order.units)
        freed = self._freed[pass_.sale]
        if len(freed) < FREED_MAX:
            freed.append(pass_)
        else:
            self._metrics.finish_lost.inc()

    async def _hold(self, sale: SaleView, requests: Sequence[HoldRequest]) -> Sequence[HoldOutcome]:
        outcomes = await self._orders.hold(sale, requests)
        self._count(sale, outcomes)
        return outcomes

    def _count(self, sale: SaleView, told: Iterable[HoldOutcome]) -> None:
        sold = held = 0
        for one in told:
            if not isinstance(one, Held) or one.replayed:
                continue
            if one.order.state == "confirmed":
                sold += len(one.order.units)
            else:
                held += len(one.order.units)
        counters = self._counters_of(sale)
        if held:
            counters[0].inc(held)
        if sold:
            counters[1].inc(sold)

    def _counters_of(self, sale: SaleView) -> tuple[Tally, Tally]:
        """The counters of held and of sold units, bound once: looking them up costs more."""
        known = self._counters.get(sale.id)
        if known is None:
            metrics = self._metrics
            known = metrics.held.labels(sale.id), metrics.sold.labels(sale.id)
            self._counters[sale.id] = known
        return known


def _slot(sale: SaleView, order: str) -> str:
    # Records of one call share a slot, so that a fault of one stripe is not told of another.
    return f"{sale.id}:{stripe_of(order)}"
