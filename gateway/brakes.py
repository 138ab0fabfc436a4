"""The brakes of the rooms: what this process measured goes out once a second, a ruling comes back.

Every gateway hands in and every gateway judges, so the next one that pumps has the same brakes.
What a measurement means is decided in `queueing.flow` and `queueing.supply`; the pump obeys.
"""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, get_args

from gateway.loops import for_each
from gateway.shelves import Shelf
from inventory.salefile import RoomLine
from queueing import Frame
from queueing.flow import BrakeReason, Flow, Limits, Ruling
from queueing.keys import Line
from queueing.measures import Measured, Report, Window
from queueing.outflow import UNKNOWN_SUPPLY, Ceiling, Supply
from queueing.supply import Bought, demand_of, inside_max, reach

if TYPE_CHECKING:
    from gateway.counting import Units
    from gateway.services import Services

REASONS: tuple[BrakeReason, ...] = get_args(BrakeReason)
_NO_LINE = Line(0, 0)
_NONE_RULES = Ruling(None, None, frozenset())


@dataclass(slots=True)
class _Room:
    """What is judged of one room."""

    flow: Flow
    window: Window = field(default_factory=Window)
    ruling: Ruling = _NONE_RULES
    measured: Measured | None = None
    line: Line = _NO_LINE


class Brakes:
    """The brakes of one process."""

    def __init__(self, services: "Services") -> None:
        self._services = services
        self._rooms: dict[str, _Room] = {}

    async def turn(self) -> int:
        """Hand in and judge, for every room that is not closed; how many. Raises Fault."""
        shelves = [one for one in self._services.shelves if one.view.state != "closed"]
        for gone in self._rooms.keys() - {shelf.view.id for shelf in shelves}:
            del self._rooms[gone]
        await for_each(shelves, self._judge)
        return len(shelves)

    def ceiling(self, sale: str) -> Ceiling | None:
        """What the brakes allow a room at most; None while none of them is on."""
        room = self._rooms.get(sale)
        if room is None or room.ruling.ceiling_per_s is None or room.ruling.reason is None:
            return None
        return Ceiling(room.ruling.ceiling_per_s, room.ruling.reason)

    def supply(self, shelf: Shelf, left: "Units | None") -> Supply:
        """How far the units that are left go."""
        room = self._rooms.get(shelf.view.id)
        frame = self._services.frames.latest(shelf.view.id)
        if left is None or room is None or frame is None:
            return UNKNOWN_SUPPLY
        demand = demand_of(_bought(room, frame))
        far = reach(left.available, left.held, frame.deciding, demand, frame.comes)
        rules = shelf.catalogue.room
        return Supply(
            inside_max=inside_max(left.available, demand) if rules.by_stock else -1,
            deciding_ms=rules.deciding_s * 1000,
            likely=far.likely,
            possible=far.possible,
        )

    def tell(self, frame: Frame) -> None:
        """Set the gauges of one room; before it was judged every brake is blind."""
        metrics, sale = self._services.metrics, frame.sale
        room = self._rooms.get(sale)
        blind = frozenset(REASONS) if room is None else room.ruling.blind
        for reason in REASONS:
            metrics.brake_blind.labels(sale, reason).set(reason in blind)
        bought = Bought() if room is None else _bought(room, frame)
        metrics.units_per_pass.labels(sale).set(demand_of(bought).mean)

    async def _judge(self, shelf: Shelf) -> None:
        services, sale = self._services, shelf.view.id
        frame = services.frames.latest(sale)
        if frame is None or frame.drop == 0:
            return
        room = self._room(shelf, frame)
        lag_ms = services.watch.lag_ms(sale)
        meter = services.meters.of(sale)
        report = Report(
            calls=meter.calls,
            failed=meter.failed,
            times=meter.times.counts,
            store_times=services.store.times.counts,
            lag_ms=-1 if lag_ms is None else lag_ms,
        )
        room.line = Line(frame.drop, frame.epoch)
        room.measured = await services.rooms.measure(sale, room.line, meter, report)
        second = room.window.take(room.measured, frame.operator_rate_per_s)
        room.ruling = room.flow.step(second)

    def _room(self, shelf: Shelf, frame: Frame) -> _Room:
        """The brakes of a room; those that are new go on from where another process was."""
        room, limits = self._rooms.get(shelf.view.id), limits_of(shelf.catalogue.room)
        if room is not None and room.flow.limits == limits:
            return room
        flow = Flow(limits)
        if frame.rate_per_s < frame.operator_rate_per_s:
            # Which brake it was is not told while something else stands in the frame.
            flow.resume(frame.rate_per_s, frame.reason if frame.reason in REASONS else "store")
        room = self._rooms[shelf.view.id] = _Room(flow)
        return room


def limits_of(room: RoomLine) -> Limits:
    """The limits that a sale file sets."""
    return Limits(
        latency_ms=round(room.latency_max_s * 1000),
        failing_share=room.failing_max_share,
        settlement_ms=room.settlement_max_s * 1000,
        store_ms=round(room.store_max_s * 1000),
    )


def _bought(room: _Room, frame: Frame) -> Bought:
    measured = room.measured
    if measured is None or room.line != Line(frame.drop, frame.epoch):
        return Bought()
    return Bought(
        passes=measured.passes,
        inside=frame.deciding,
        orders=measured.orders,
        units=measured.units,
    )
