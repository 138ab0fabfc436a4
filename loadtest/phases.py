"""What is shown while something long is under way: a line with a bar for each phase."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, Progress, ProgressColumn, Task, TaskID, TextColumn
from rich.text import Text

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
        """A phase; `key` is its name in `seconds`."""
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
