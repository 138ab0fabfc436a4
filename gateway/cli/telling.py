"""How commands tell what they did: results on stdout, everything else on stderr.

Here: the form of it. With --json a result is one JSON document, for programs.
"""

import getpass
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import click
import orjson
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

stderr = Console(stderr=True, highlight=False)
_LISTED_MAX = 200

as_json = click.option("--json", "as_json", is_flag=True, help="One JSON document on stdout.")


class Refusal(Exception):
    """The answer is no; its text says why, and nothing was changed."""


def actor() -> str:
    """Who does it, for the record: the account that runs the command."""
    try:
        return f"cli:{getpass.getuser()}"
    except (KeyError, OSError):  # a container's account may have no name
        return f"cli:{os.geteuid()}"


def say_json(data: object) -> None:
    """One JSON document on stdout."""
    click.echo(orjson.dumps(data, option=orjson.OPT_INDENT_2).decode())


def say_table(head: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    """A table on stdout; columns of numbers stand to the right."""
    table = Table(box=None, pad_edge=False)
    for number, name in enumerate(head):
        right = bool(rows) and all(isinstance(row[number], int) for row in rows)
        table.add_column(name, justify="right" if right else "left", overflow="fold")
    for row in rows:
        table.add_row(*(f"{one:,}" if isinstance(one, int) else str(one) for one in row))
    Console(highlight=False, soft_wrap=False).print(table)


def complain(lines: Sequence[object]) -> None:
    """What is wrong, line by line on stderr, as many as a person reads."""
    for line in lines[:_LISTED_MAX]:
        click.echo(str(line), err=True)
    if len(lines) > _LISTED_MAX:
        click.echo(f"and {len(lines) - _LISTED_MAX} more", err=True)


def moment(at_ms: int, timezone: str = "") -> str:
    """A time as people read it, in the sale's own zone."""
    zone = ZoneInfo(timezone) if timezone else UTC
    return datetime.fromtimestamp(at_ms / 1000, zone).isoformat(" ", "seconds")


@contextmanager
def progress() -> Iterator[Callable[[str, int, int], None]]:
    """Bars on stderr, one for each phase, while the block lasts; none when nobody watches."""
    bars: dict[str, Any] = {}
    columns = (
        TextColumn("{task.description:<12}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=stderr, disable=not stderr.is_terminal) as shown:

        def step(phase: str, done: int, total: int) -> None:
            if phase not in bars:
                bars[phase] = shown.add_task(phase, total=total)
            shown.update(bars[phase], completed=done, total=total)

        yield step
