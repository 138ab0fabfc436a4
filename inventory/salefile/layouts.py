"""Layouts: the seats of a hall as one string of positions, and what each position is called.

A layout's positions are its rows in order of preference joined by `|`; an aisle inside a row is `|`
too, so that a run of seats side by side never crosses one. A seat's serial is its offer's first
serial plus its position (from 0); the positions of `|` are serials that are never used.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import groupby

from inventory.salefile.values import SeatRun

GAP = "|"
FREE = "1"
NOT_OURS = "."
POSITIONS_MAX = 4_000
"""One script call reads and writes an offer's whole string."""

Run = tuple[str, int, int]
"""A row's name and the first and last seat of a run in it."""


@dataclass(frozen=True, slots=True)
class Layout:
    """One hall. `labels` has the seat at each position, and an empty text at each gap."""

    id: str
    runs: tuple[Run, ...]
    labels: tuple[str, ...] = field(compare=False)
    positions: dict[str, int] = field(compare=False)

    @classmethod
    def of(cls, layout_id: str, runs: Iterable[Run]) -> "Layout":
        """The layout of runs in order of preference."""
        kept = tuple(runs)
        labels: list[str] = []
        for row, first, last in kept:
            if labels:
                labels.append("")
            labels.extend(f"{row}{number}" for number in range(first, last + 1))
        positions = {label: position for position, label in enumerate(labels) if label}
        return cls(layout_id, kept, tuple(labels), positions)

    @property
    def seats(self) -> int:
        """How many seats the hall has."""
        return len(self.positions)

    def marked(self, ours: Iterable[str] | None = None) -> str:
        """The string of the hall with the seats `ours` free (None: all) and the rest not ours."""
        mine = self.positions.keys() if ours is None else set(ours)
        return "".join(
            GAP if not label else FREE if label in mine else NOT_OURS for label in self.labels
        )


def layouts_of(runs: Iterable[SeatRun]) -> dict[str, Layout]:
    """The layouts that the lines of seats.csv describe, by id."""
    return {
        layout_id: Layout.of(layout_id, ((run.row, run.first, run.last) for run in of_layout))
        for layout_id, of_layout in groupby(
            sorted(runs, key=lambda run: run.layout), key=lambda run: run.layout
        )
    }
