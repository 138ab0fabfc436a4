"""Figures of several rounds: median, spread, and ratios round by round. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field
from math import isfinite
from statistics import median
from typing import Any


class Unmeasured(Exception):
    """A figure that must be there is not, or is no number: the bench is broken."""


@dataclass(slots=True)
class Figure:
    """One thing that was measured in every round. `unit` says of what."""

    unit: str
    values: list[float] = field(default_factory=list)

    @property
    def median(self) -> float:
        """The middle of the rounds."""
        return median(self.values)

    @property
    def spread(self) -> float:
        """How far the rounds lie apart: (highest - lowest) / median."""
        return (max(self.values) - min(self.values)) / self.median if self.median else 0.0

    def as_json(self) -> dict[str, Any]:
        """Rounded for people."""
        return {
            "unit": self.unit,
            "median": round(self.median, 4),
            "spread": round(self.spread, 3),
            "rounds": [round(value, 4) for value in self.values],
        }


class Figures:
    """Everything that was measured, by name."""

    def __init__(self) -> None:
        self.by_name: dict[str, Figure] = {}

    def add(self, name: str, unit: str, value: float | None) -> None:
        """One more round's value. Raises Unmeasured when it is none."""
        if value is None or not isfinite(value):
            raise Unmeasured(f"{name} is {value}")
        self.by_name.setdefault(name, Figure(unit)).values.append(value)

    def median(self, name: str) -> float:
        """The middle of the rounds of one figure. Raises Unmeasured."""
        return self._of(name).median

    def values(self, name: str) -> list[float]:
        """Its rounds. Raises Unmeasured."""
        return self._of(name).values

    def ratio(self, ours: str, reference: str) -> Figure:
        """Ours by the reference of the same round: a machine that slows down slows both.

        Raises Unmeasured.
        """
        pairs = list(zip(self._of(ours).values, self._of(reference).values, strict=True))
        if not all(other for _, other in pairs):
            raise Unmeasured(f"{reference} is 0")
        return Figure("ratio", [one / other for one, other in pairs])

    def _of(self, name: str) -> Figure:
        if name not in self.by_name:
            raise Unmeasured(f"{name} is missing")
        return self.by_name[name]
