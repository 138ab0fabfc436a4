"""What this process counts, in a registry of its own; every label's values are a closed set.

Here belong the names and the counting of store calls. Summing over all gateway processes belongs
to `fleet`; when to count a request, to `middleware`. Never a person, an order or a code in a label.
"""

import time
from collections.abc import Sequence
from typing import Any

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from lua.catalogue import Script
from lua.faults import MayHaveHappened, NothingHappened
from lua.store import Argument, Store

NAMESPACE = "dropgate"
SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.2, 0.3, 0.5, 1.0, 2.0, 5.0)
STORE_SECONDS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.35, 1.0)


class Metrics:
    """The metrics of one process. `bind_*` returns children that are cheap to use."""

    def __init__(self, version: str = "") -> None:
        self.registry = CollectorRegistry()
        self.requests = self._counter("http_requests", "Requests answered", "route", "status")
        self.duration = self._histogram(
            "http_request_duration_seconds", "Time to answer a request", SECONDS, "route"
        )
        self.in_flight = self._gauge("http_requests_in_flight", "Requests being answered")
        self.refusals = self._counter("refusals", "Answers with problem details", "code")
        self.joined = self._counter("room_joined", "Places given", "sale")
        self.admitted = self._counter("room_admitted", "Passes given for a claim", "sale")
        self.held = self._counter("units_held", "Units held for shoppers and partners", "sale")
        self.sold = self._counter("units_sold", "Units sold", "sale")
        self.expired = self._counter("orders_expired", "Holds that ended by time", "sale")
        self.redeemed = self._counter("units_redeemed", "Codes redeemed", "sale")
        self.code_misses = self._counter("code_misses", "Redemption attempts with unknown codes")
        self.finish_lost = self._counter("room_finish_lost", "Freed slots the room was not told of")
        self.store_seconds = self._histogram(
            "store_call_duration_seconds", "Time of a script or command", STORE_SECONDS, "call"
        )
        self.store_errors = self._counter("store_errors", "Calls the store did not answer", "kind")
        self.settlement_lag = self._gauge(
            "settlement_lag_facts", "Facts of a sale that the books do not have yet", "sale"
        )
        self.loop_runs = self._counter("loop_runs", "Turns of a background loop", "loop")
        self.loop_failures = self._counter("loop_failures", "Turns that failed", "loop", "kind")
        self.event_loop_lag = self._gauge(
            "event_loop_lag_seconds", "How late the event loop woke up last"
        )
        self.ready = self._gauge("ready", "1 when this process takes traffic")
        self.draining = self._gauge("draining", "1 when this process is on its way out")
        self.build_info = self._gauge("build_info", "1 for each process of a version", "version")
        self.build_info.labels(version or "unknown").set(1)
        for kind in ("nothing_happened", "may_have_happened"):
            self.store_errors.labels(kind)

    def _counter(self, name: str, text: str, *labels: str) -> Counter:
        return Counter(name, text, labels, namespace=NAMESPACE, registry=self.registry)

    def _gauge(self, name: str, text: str, *labels: str) -> Gauge:
        return Gauge(name, text, labels, namespace=NAMESPACE, registry=self.registry)

    def _histogram(self, name: str, text: str, buckets: Sequence[float], *labels: str) -> Histogram:
        return Histogram(
            name, text, labels, namespace=NAMESPACE, registry=self.registry, buckets=buckets
        )


class RouteMeter:
    """One route's children, bound once: looking labels up costs five times the counting."""

    def __init__(self, metrics: Metrics, route: str) -> None:
        self._requests = metrics.requests
        self._refusals = metrics.refusals
        self._route = route
        self._duration = metrics.duration.labels(route)
        self._by_status: dict[int, Counter] = {}

    def count(self, status: int, seconds: float, code: str | None = None) -> None:
        """One answered request; `code` is the problem's, where it was refused."""
        child = self._by_status.get(status)
        if child is None:
            child = self._requests.labels(self._route, str(status))
            self._by_status[status] = child
        child.inc()
        self._duration.observe(seconds)
        if code is not None:
            self._refusals.labels(code).inc()


class MeteredStore(Store):
    """The store, with every call timed and every fault counted. Set `metrics` once connected."""

    metrics: Metrics | None = None

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

    async def read(self, *command: Argument) -> Any:
        """As `Store.read`."""
        begun = time.perf_counter()
        try:
            return await super().read(*command)
        except NothingHappened as fault:
            self._count_fault(fault)
            raise
        finally:
            self._count("read", begun)

    def _count(self, call: str, begun: float) -> None:
        if self.metrics is not None:
            self.metrics.store_seconds.labels(call).observe(time.perf_counter() - begun)

    def _count_fault(self, fault: Exception) -> None:
        if self.metrics is not None:
            kind = "may_have_happened" if isinstance(fault, MayHaveHappened) else "nothing_happened"
            self.metrics.store_errors.labels(kind).inc()
