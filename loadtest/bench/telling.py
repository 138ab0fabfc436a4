"""What is told at the end: tables for people, build/bench.json for programs, progress meanwhile."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from pathlib import Path

from rich.console import Console
from rich.table import Table

from loadtest.bench.figures import Figure, Figures
from loadtest.bench.floors import FLOORS, doubts, keys, ratios
from loadtest.bench.plan import Plan

WORTH_A_LINE_WHEN_SEEN = ("_done_again", "_shed", "_crowd_was_late", "_not_kept")


class Progress:
    """One line for each step, with the time since the start; on a terminal they overwrite."""

    def __init__(self) -> None:
        self._console, self._began_s = Console(stderr=True), time.monotonic()

    def __call__(self, what: str) -> None:
        """Say what is being done now."""
        end = "\r" if self._console.is_terminal else "\n"
        line = f"{time.monotonic() - self._began_s:5.0f} s  {what}"
        self._console.print(f"{line:<{self._console.width - 1}}", end=end, highlight=False)

    def under(self, part: str) -> Callable[[str], None]:
        """The same, for the steps of one part."""
        return lambda what: self(f"{part}: {what}")


def show(figures: Figures, plan: Plan) -> None:
    """The tables on standard output."""
    console = Console(width=None if Console().is_terminal else 100)
    title = "Dropgate's bench" + (" (QUICK: shows that it works, not how fast)" * plan.quick)
    told = {
        name: figure
        for name, figure in figures.by_name.items()
        if any(figure.values) or not name.endswith(WORTH_A_LINE_WHEN_SEEN)
    }
    console.print(_rows(title, told))
    console.print(_rows("Ratios, round by round", ratios(figures)))
    table = Table(title="Floors of the design")
    for column in ("what", "floor", "measured", "reached?"):
        table.add_column(column, justify="left" if column == "what" else "right")
    measured = keys(figures)
    for floor in FLOORS:
        value = measured[floor.key]
        bound = f"{'≤' if floor.at_most else '≥'} {floor.bound:,g}"
        table.add_row(floor.what, bound, f"{value:,g}", "yes" if floor.reached(value) else "MISSED")
    console.print(table)
    for key, why in doubts(figures).items():
        console.print(f"doubtful: {key}: {why}")


def _rows(title: str, rows: Mapping[str, Figure]) -> Table:
    table = Table(title=title)
    for column in ("what", "median", "unit", "spread"):
        table.add_column(column, justify="left" if column in ("what", "unit") else "right")
    for name, figure in rows.items():
        spread = f"{figure.spread:.0%}" if len(figure.values) > 1 else ""
        table.add_row(name, f"{figure.median:,.2f}", figure.unit, spread)
    return table


def write(
    path: Path, figures: Figures, plan: Plan, *, machine: Mapping[str, object], how: str
) -> None:
    """All of it as JSON: the keys first, then floors, conditions, and every figure's rounds."""
    measured = keys(figures)
    told: dict[str, object] = dict(measured)
    told["quick"] = plan.quick
    told["floors"] = {
        floor.key: {
            "bound": floor.bound,
            "at_most": floor.at_most,
            "measured": measured[floor.key],
            "reached": floor.reached(measured[floor.key]),
        }
        for floor in FLOORS
    }
    told["doubtful"] = doubts(figures)
    told["generator"], told["rounds"], told["seconds"] = how, plan.rounds, plan.seconds
    told["machine"] = machine
    told["ratios"] = {name: figure.as_json() for name, figure in ratios(figures).items()}
    told["figures"] = {name: figure.as_json() for name, figure in figures.by_name.items()}
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps(told, indent=1) + "\n")
