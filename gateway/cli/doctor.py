"""`dropgate doctor`: whether this machine, and what runs on it, is fit for a drop."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict

import click
from rich.console import Console
from rich.table import Table
from rich.text import Text

from gateway.checkup import Finding, Mark, examine
from gateway.cli.options import on_the_loop, with_settings
from gateway.cli.teaching import Command, epilog
from gateway.cli.telling import as_json as with_json, say_json
from gateway.config import Settings

_SIGNS: dict[Mark, tuple[str, str]] = {
    "ok": ("✓ ok", "green"),
    "warn": ("! warn", "yellow"),
    "bad": ("✗ bad", "bold red"),
}
_LINES = epilog(
    ("dropgate doctor", "what `dropgate up` runs in ./.dropgate"),
    "dropgate doctor --store-url redis://10.0.0.5/0 --database-url postgresql://10.0.0.6/dropgate",
    "dropgate doctor --metrics-peers 10.0.0.7:9101,10.0.0.8:9101",
    ("dropgate doctor --strict --json", "for a program: warnings count too"),
)


@click.command(
    cls=Command,
    short_help="Is all as it must be? How to mend what is not.",
    epilog=_LINES,
)
@click.option("--strict", is_flag=True, help="Status 1 also when there are only warnings.")
@with_json
@with_settings("keys_dir", "test_mode", "assume_durable", "durability", "replicas", "metrics_peers")
@on_the_loop
async def doctor(settings: Settings, *, strict: bool, as_json: bool) -> int:
    """Check versions, limits, clocks, disk, keys, servers and processes, and say how to mend them.

    Nothing is changed, but for a few writes to the disk and the store that measure how long they
    take. Status 0: fit for a drop; 1: something is bad.
    """
    found = await examine(settings)
    marks = Counter(one.mark for one in found)
    fails = bool(marks["bad"] or (strict and marks["warn"]))
    if as_json:
        say_json({"ok": not fails, "findings": [asdict(one) for one in found]})
    else:
        _show(found)
        click.echo(f"{marks['ok']} ok, {marks['warn']} to look at, {marks['bad']} bad")
    return int(fails)


def _show(found: Sequence[Finding]) -> None:
    table = Table(box=None, pad_edge=False, show_header=False)
    for name in ("mark", "area"):
        table.add_column(name, no_wrap=True)
    table.add_column("told", overflow="fold")
    before = ""
    for one in found:
        sign, style = _SIGNS[one.mark]
        table.add_row(Text(sign, style), Text(one.area if one.area != before else ""), one.told)
        before = one.area
    console = Console(highlight=False, markup=False)
    console.print(table)
    wrong = [one for mark in ("bad", "warn") for one in found if one.mark == mark]
    if wrong:
        console.print("\nTo mend:")
    for one in wrong:
        sign, style = _SIGNS[one.mark]
        console.print(Text(f"{sign}  ", style), Text(f"{one.area}: {one.told}"), sep="")
        console.print(f"    {one.mend}", soft_wrap=True)  # a command stays one line to copy
    console.print()
