"""Counters and histograms of one event loop: an addition, and no lock.

The client library's own take a lock and check their labels at each call, for threads that we do not
have: they were a tenth of a purchase. These are read by the library's registry as its own are.
"""

import math
from bisect import bisect_left
from collections.abc import Iterator, Sequence

from prometheus_client import CollectorRegistry
from prometheus_client.core import CounterMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.registry import Collector


class Tally:
    """One series of a counter."""

    __slots__ = ("value",)

    def __init__(self) -> None:
        self.value = 0.0

    def inc(self, amount: float = 1) -> None:
        """So many more."""
        self.value += amount


class Counter(Collector):
    """What only grows, by its labels."""

    def __init__(
        self, name: str, text: str, labels: Sequence[str], registry: CollectorRegistry
    ) -> None:
        self._family = name, text, tuple(labels)
        self._children: dict[tuple[str, ...], Tally] = {}
        if not labels:
            self.labels()
        registry.register(self)

    def labels(self, *values: str) -> Tally:
        """The series of these values, counted from 0 on."""
        child = self._children.get(values)
        if child is None:
            assert len(values) == len(self._family[2]), "a value for each label"
            child = self._children[values] = Tally()
        return child

    def inc(self, amount: float = 1) -> None:
        """So many more of a counter without labels."""
        self._children[()].inc(amount)

    def collect(self) -> Iterator[Metric]:
        """As the registry reads it."""
        name, text, labels = self._family
        family = CounterMetricFamily(name, text, labels=labels)
        for values, child in self._children.items():
            family.add_metric(values, child.value)
        yield family


class Spread:
    """One series of a histogram: how many fell up to each bound, and their sum."""

    __slots__ = ("_bounds", "counts", "sum")

    def __init__(self, bounds: tuple[float, ...]) -> None:
        self._bounds = bounds
        self.counts = [0] * len(bounds)
        self.sum = 0.0

    def observe(self, value: float) -> None:
        """One more."""
        self.counts[bisect_left(self._bounds, value)] += 1
        self.sum += value


class Histogram(Collector):
    """How values are spread, by one label."""

    def __init__(
        self,
        name: str,
        text: str,
        labels: Sequence[str],
        registry: CollectorRegistry,
        bounds: Sequence[float],
    ) -> None:
        self._family = name, text, tuple(labels)
        self._bounds = (*bounds, math.inf)
        self._shown = [str(bound) for bound in bounds] + ["+Inf"]
        self._children: dict[tuple[str, ...], Spread] = {}
        registry.register(self)

    def labels(self, *values: str) -> Spread:
        """The series of these values."""
        child = self._children.get(values)
        if child is None:
            assert len(values) == len(self._family[2]), "a value for each label"
            child = self._children[values] = Spread(self._bounds)
        return child

    def collect(self) -> Iterator[Metric]:
        """As the registry reads it."""
        name, text, labels = self._family
        family = HistogramMetricFamily(name, text, labels=labels)
        for values, child in self._children.items():
            so_far, buckets = 0, []
            for shown, count in zip(self._shown, child.counts, strict=True):
                so_far += count
                buckets.append((shown, float(so_far)))
            family.add_metric(values, buckets, child.sum)
        yield family
