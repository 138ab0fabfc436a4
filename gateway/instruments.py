"""The registry of one process, and what is in it as data, so that a document can be held to it.

Here belongs making instruments. Which a gateway has is in `metrics`, which a settlement worker has
in `settlement_metrics`; docs/metrics.md lists them all.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from prometheus_client import (
    CollectorRegistry,
    Gauge,
    ProcessCollector,
    disable_created_metrics,
    generate_latest,
)

from gateway.tallies import Counter, Histogram

NAMESPACE = "dropgate"
# When each series began is one more series for each, a third of a page that nobody reads.
disable_created_metrics()  # type: ignore[no-untyped-call]  # the library leaves it out


@dataclass(frozen=True, slots=True)
class Described:
    """One metric as data."""

    name: str
    kind: str
    labels: tuple[str, ...]
    text: str


class Instruments:
    """A registry, and what is in it. Every process of ours has one, with its version and its size.

    `described` lists what was made here, in order; the process's own figures come on top. `process`
    is what kind of process it is.
    """

    process: ClassVar[str]

    def __init__(self, version: str) -> None:
        self.registry = CollectorRegistry()
        self.described: list[Described] = []
        self.build_info = self.gauge(
            "build_info", "1 for each process of a version", "process", "version"
        )
        self.build_info.labels(self.process, version or "unknown").set(1)
        ProcessCollector(registry=self.registry)

    def page(self) -> bytes:
        """All of it as Prometheus reads it."""
        return generate_latest(self.registry)

    def counter(self, name: str, text: str, *labels: str) -> Counter:
        """A new counter; its name ends in `_total`."""
        self._describe(f"{name}_total", "counter", text, labels)
        return Counter(f"{NAMESPACE}_{name}", text, labels, self.registry)

    def gauge(self, name: str, text: str, *labels: str) -> Gauge:
        """A new gauge."""
        self._describe(name, "gauge", text, labels)
        return Gauge(name, text, labels, namespace=NAMESPACE, registry=self.registry)

    def histogram(self, name: str, text: str, buckets: Sequence[float], *labels: str) -> Histogram:
        """A new histogram."""
        self._describe(name, "histogram", text, labels)
        return Histogram(f"{NAMESPACE}_{name}", text, labels, self.registry, buckets)

    def _describe(self, name: str, kind: str, text: str, labels: tuple[str, ...]) -> None:
        self.described.append(Described(f"{NAMESPACE}_{name}", kind, labels, text))


def invariant_broken(instruments: Instruments) -> Gauge:
    """The one gauge that gateways and settlement workers have both, for checks of their own."""
    return instruments.gauge(
        "invariant_broken", "1 when what must always hold does not", "sale", "check"
    )
