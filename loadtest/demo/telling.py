"""What the demo shows while it works and at its end: phases with bars, then a summary."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, Progress, ProgressColumn, Task, TaskID, TextColumn
from rich.table import Table
from rich.text import Text

from loadtest.demo.figures import Figures

NAME_WIDTH = 30
BAR_WIDTH = 10


class _Seconds(ProgressColumn):
    """How long the phase has taken."""

    def render(self, task: Task) -> Text:
        """In six characters."""
        seconds = task.finished_time if task.finished else task.elapsed
        return Text(f"{seconds or 0.0:4.0f} s", style="progress.elapsed")


class Phases:
    """One line with a bar for each phase, and how long each took."""

    def __init__(self, console: Console) -> None:
        self.seconds: dict[str, float] = {}
        self._console = console
        self._bars = Progress(
            TextColumn("{task.description:<" + str(NAME_WIDTH) + "}"),
            BarColumn(bar_width=BAR_WIDTH),
            _Seconds(),
            TextColumn("{task.fields[note]}"),
            console=console,
            disable=not console.is_terminal,
        )

    @contextmanager
    def shown(self) -> Iterator[None]:
        """Show the bars while the block lasts."""
        with self._bars:
            yield

    @contextmanager
    def phase(self, key: str, words: str, total: int | None = None) -> Iterator[Phase]:
        """A phase of the demo; `key` is its name in `seconds`."""
        bar = self._bars.add_task(words, total=total, note="")
        began_s = time.monotonic()
        phase = Phase(self._bars, bar)
        yield phase
        self.seconds[key] = round(time.monotonic() - began_s, 2)
        task = self._bars.tasks[self._bars.task_ids.index(bar)]
        self._bars.update(bar, total=task.total or 1, completed=task.total or 1)
        if not self._console.is_terminal:
            line = f"{words:<{NAME_WIDTH}} {self.seconds[key]:6.1f} s  {phase.note}"
            self._console.print(line, soft_wrap=True, highlight=False)


class Phase:
    """One bar."""

    def __init__(self, bars: Progress, bar: TaskID) -> None:
        self._bars, self._bar = bars, bar
        self.note = ""

    def say(self, note: str, done: int | None = None) -> None:
        """What there is to see now, and how much of the total is done."""
        self.note = note
        self._bars.update(self._bar, note=note, completed=done)


def summary(figures: Figures) -> Table:
    """The drop in a dozen lines."""
    table = Table(title="One drop, from start to finish", show_header=False, min_width=72)
    table.add_column(style="bold")
    table.add_column()
    lines = {
        "shoppers": f"{figures.shoppers:,} came, {figures.joined:,} joined the line, "
        f"{figures.admitted:,} were let in",
        "orders": f"{figures.orders_confirmed:,} confirmed, {figures.orders_of_partner:,} of them "
        "by the partner",
        "units of the drop": f"{figures.units_released:,} released = {figures.units_sold:,} sold "
        f"+ {figures.units_voided:,} voided + {figures.units_returned:,} returned",
        "bought ahead": f"{figures.venue_seats_bought:,} seats from the box office, "
        f"{figures.venue_seats_bought_twice} twice",
        "kiosks": f"{figures.redeemed:,} codes redeemed, {figures.double_redeemed} twice; "
        f"{figures.venue_redemptions:,} told to the box office",
        "refusals": _counted(figures.refusals),
        "how visits ended": _counted(figures.ends),
        "promises": f"{figures.oversold} oversold, {figures.over_limit} over the limit, "
        f"{figures.lost_orders} lost; {figures.paid_too_late} paid too late and "
        f"{figures.paid_too_late_refunded} got it back",
        "books": f"{figures.ledger_orders:,} orders, trial balance {figures.trial_balance}",
        "statement": f"{figures.breaks_planted} lies planted, {figures.breaks_found} found: "
        + _counted(figures.breaks),
        "requests": f"{figures.requests:,} at the origin, p50 {figures.p50_ms} ms, "
        f"p99 {figures.p99_ms} ms; {figures.polls:,} polls through the edges",
        "audit": f"{sum(figures.audit.values())} of {len(figures.audit)} checks hold",
    }
    for name, text in lines.items():
        table.add_row(name, text)
    return table


def _counted(counts: dict[str, int], most: int = 9) -> str:
    ordered = sorted(counts.items(), key=lambda each: -each[1])
    text = ", ".join(f"{name} {count:,}" for name, count in ordered[:most])
    return text + (", …" if len(ordered) > most else "")
