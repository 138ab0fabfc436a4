"""Figures of several rounds: median, spread, and ratios of medians. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field
from statistics import median
from typing import Any


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
            "median": round(self.median, 3),
            "spread": round(self.spread, 3),
            "rounds": [round(value, 3) for value in self.values],
        }


class Figures:
    """Everything that was measured, by name."""

    def __init__(self) -> None:
        self.by_name: dict[str, Figure] = {}

    def add(self, name: str, unit: str, value: float) -> None:
        """One more round's value."""
        self.by_name.setdefault(name, Figure(unit)).values.append(value)

    def ratio(self, ours: str, reference: str) -> float:
        """Median of ours by median of the reference."""
        return round(self.by_name[ours].median / self.by_name[reference].median, 3)
