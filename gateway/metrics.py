"""What a gateway counts, in a registry of its own; every label's values are a closed set.

Here belong the names and the counting of store calls. Summing over all gateway processes belongs
to `fleet`; when to count a request, to `middleware`; what is seen of a sale, to `watching`. Never a
person, an order or a code in a label. docs/metrics.md says what each is good for.
"""

import time
from collections.abc import Sequence
from functools import cached_property
from typing import Any, get_args

from gateway.instruments import Instruments, invariant_broken
from gateway.problems import Code
from gateway.tallies import Spread, Tally
from inventory.sales import State as SaleState
from lua.catalogue import Script
from lua.durability import Durability
from lua.faults import MayHaveHappened, NothingHappened
from lua.route import Route
from lua.store import Argument, Store
from queueing.frame import RateReason, State as RoomState
from queueing.measures import Times

SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.2, 0.3, 0.5, 1.0, 2.0, 5.0)
ETA_ERRORS = (0.05, 0.1, 0.15, 0.25, 0.5, 1.0, 2.0)
STORE_SECONDS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.35, 1.0)
SALE_STATES: tuple[str, ...] = get_args(SaleState)
ROOM_STATES: tuple[str, ...] = get_args(RoomState)
RATE_REASONS: tuple[str, ...] = get_args(RateReason)
TIMED_CALLS = frozenset({"order_hold", "order_confirm", "room_claim", "room_pump"})
"""The store calls that say how fast it is for a drop: all of them write."""
UNIT_STATES = (
    "released", "available", "held", "allotted", "sold", "redeemed", "voided", "returned",
)  # fmt: skip


class Metrics(Instruments):
    """The metrics of one gateway process."""

    process = "gateway"

    def __init__(self, version: str = "") -> None:
        super().__init__(version)
        self._of_calls()
        self._of_sales()
        self._of_rooms()
        self._of_servers()
        self._of_the_process()

    def _of_calls(self) -> None:
        self.requests = self.counter("http_requests", "Requests answered", "route", "status")
        self.duration = self.histogram(
            "http_request_duration_seconds", "Time to answer a request", SECONDS, "route"
        )
        self.in_flight = self.gauge("http_requests_in_flight", "Requests being answered")
        self.streams = self.gauge("streams_open", "Open streams of frames")
        self.streams_dropped = self.counter("streams_dropped", "Streams that nobody read")
        self.refusals = self.counter("refusals", "Answers with problem details", "code")
        for code in Code:
            self.refusals.labels(code.code)  # from 0 on, or the first of a kind is no increase
        self.code_misses = self.counter("code_misses", "Redemption attempts with unknown codes")

    def _of_sales(self) -> None:
        self.joined = self.counter("room_joined", "Places given", "sale")
        self.admitted = self.counter("room_admitted", "Passes given for a claim", "sale")
        self.held = self.counter("units_held", "Units held for shoppers and partners", "sale")
        self.sold = self.counter("units_sold", "Units sold", "sale")
        self.expired = self.counter("orders_expired", "Holds that ended by time", "sale")
        self.redeemed = self.counter("units_redeemed", "Codes redeemed", "sale")
        self.finish_lost = self.counter("room_finish_lost", "Freed slots the room was not told of")
        self.units = self.gauge("units", "Units of a sale by where they are", "sale", "state")
        self.unreadable = self.gauge("sales_unreadable", "Sales whose record cannot be read")
        self.sale_state = self.gauge("sale_state", "1 for the state of a sale", "sale", "state")
        self.room_state = self.gauge("room_state", "1 for the state of a room", "sale", "state")
        self.waiting = self.gauge("room_waiting", "Places whose turn was not called yet", "sale")
        self.serving = self.gauge("room_serving", "Turns called in this line, all lanes", "sale")
        self.inside = self.gauge("room_active", "Visitors inside with a pass that works", "sale")
        self.room_rate = self.gauge(
            "room_rate_per_second", "Turns a second that the operator allows", "sale"
        )
        self.lag = self.gauge(
            "settlement_lag_facts", "Facts of a sale that the books do not have yet", "sale"
        )
        self.lag_seconds = self.gauge(
            "settlement_lag_seconds", "Age of the oldest fact that the books do not have", "sale"
        )
        self.broken = invariant_broken(self)
        self.fenced = self.gauge(
            "slot_fenced", "1 while the slot sells nothing: its store may forget", "sale", "stripe"
        )
        self.room_fenced = self.gauge(
            "room_fenced", "1 while the room lets nobody in: its store may forget", "sale"
        )
        self.withheld = self.gauge(
            "units_withheld", "Units kept back that a lost store may have sold", "sale"
        )
        self.memory_bytes = self.gauge(
            "memory_bytes", "What is remembered of facts until they are in the books"
        )
        self.memory_dropped = self.gauge(
            "memory_dropped", "Calls that were forgotten for want of space before they were settled"
        )

    def _of_rooms(self) -> None:
        self.effective_rate = self.gauge(
            "room_effective_rate_per_second",
            "Turns a second that are left of it by what is measured",
            "sale",
        )
        self.limited_by = self.gauge(
            "room_limited_by", "1 for what rules how fast the line moves", "sale", "reason"
        )
        self.brake_blind = self.gauge(
            "room_brake_blind", "1 while a brake that is on has nothing to go by", "sale", "brake"
        )
        self.units_per_pass = self.gauge(
            "room_units_per_pass", "Units that one who was let in takes, on average", "sale"
        )
        self.no_show = self.gauge("room_no_show_ratio", "Called turns that nobody claims", "sale")
        self.eta_error = self.histogram(
            "room_eta_error_ratio",
            "How far off told waits were, by what was told",
            ETA_ERRORS,
            "sale",
        )
        self.frame_age = self.gauge(
            "room_frame_age_seconds", "How long ago the shown frame was read", "sale"
        )

    def _of_servers(self) -> None:
        self.store_seconds = self.histogram(
            "store_call_duration_seconds", "Time of a script or command", STORE_SECONDS, "call"
        )
        self.store_errors = self.counter("store_errors", "Calls the store did not answer", "kind")
        for kind in ("nothing_happened", "may_have_happened"):
            self.store_errors.labels(kind)

    def _of_the_process(self) -> None:
        self.loop_runs = self.counter("loop_runs", "Turns of a background loop", "loop")
        self.loop_failures = self.counter("loop_failures", "Turns that failed", "loop", "kind")
        self.event_loop_lag = self.gauge(
            "event_loop_lag_seconds", "How late the event loop woke up last"
        )
        self.ready = self.gauge("ready", "1 when this process takes traffic")
        self.draining = self.gauge("draining", "1 when this process is on its way out")

    def begin(self, sale: str) -> None:
        """Count a sale from 0 on: a rate over a counter that is not there yet says nothing."""
        for counter in (
            self.joined, self.admitted, self.held, self.sold, self.expired, self.redeemed,
        ):  # fmt: skip
            counter.labels(sale)
        self.eta_error.labels(sale)

    def forget(self, sale: str) -> None:
        """Show no more how a sale stands that the store does not have; what was counted stays."""
        for gauge in (
            self.units, self.sale_state, self.room_state, self.waiting, self.serving, self.inside,
            self.room_rate, self.room_fenced, self.lag, self.lag_seconds, self.broken,
            self.withheld, self.effective_rate, self.limited_by, self.brake_blind,
            self.units_per_pass, self.no_show, self.frame_age,
        ):  # fmt: skip
            gauge.remove_by_labels({"sale": sale})


class RouteMeter:
    """One route's children, bound once: looking labels up costs five times the counting."""

    def __init__(self, metrics: Metrics, route: str) -> None:
        self._metrics = metrics
        self._route = route
        # A bug and a fault are counted from 0 on, or the first one is no increase.
        self._by_status = {status: self._child(status) for status in (500, 503)}

    def count(self, status: int, seconds: float, code: str | None = None) -> None:
        """One answered request; `code` is the problem's, where it was refused."""
        child = self._by_status.get(status)
        if child is None:
            child = self._by_status[status] = self._child(status)
        child.inc()
        self._duration.observe(seconds)
        if code is not None:
            self._metrics.refusals.labels(code).inc()

    @cached_property
    def _duration(self) -> Spread:
        """Made when it is needed: a route that nobody asks is no twelve series of every page."""
        return self._metrics.duration.labels(self._route)

    def _child(self, status: int) -> Tally:
        return self._metrics.requests.labels(self._route, str(status))


class MeteredStore(Store):
    """The store, with every call timed and every fault counted. Set `metrics` once connected."""

    metrics: Metrics | None = None

    def __init__(self, route: Route, url: str, durability: Durability) -> None:
        super().__init__(route, url, durability)
        self.times = Times()

    async def run(self, script: Script, keys: Sequence[str], args: Sequence[Argument]) -> list[Any]:
        """As `Store.run`."""
        begun = time.perf_counter()
        try:
            return await super().run(script, keys, args)
        except (NothingHappened, MayHaveHappened) as fault:
            self._count_fault(fault)
            raise
        finally:
            self._count(script.name, begun)

    async def read(self, *command: Argument, at: str = "", durable: bool = False) -> Any:
        """As `Store.read`."""
        begun = time.perf_counter()
        try:
            return await super().read(*command, at=at, durable=durable)
        except NothingHappened as fault:
            self._count_fault(fault)
            raise
        finally:
            self._count("read", begun)

    def _count(self, call: str, begun: float) -> None:
        seconds = time.perf_counter() - begun
        if call in TIMED_CALLS:
            self.times.took(seconds)
        if self.metrics is not None:
            self.metrics.store_seconds.labels(call).observe(seconds)

    def _count_fault(self, fault: Exception) -> None:
        if self.metrics is not None:
            kind = "may_have_happened" if isinstance(fault, MayHaveHappened) else "nothing_happened"
            self.metrics.store_errors.labels(kind).inc()
