"""`dropgate statement` and `dropgate reconcile`: the day after."""

import asyncio
from dataclasses import asdict
from datetime import datetime
from pathlib import Path

import click

from gateway.cli.options import on_the_loop, with_servers
from gateway.cli.teaching import Command, epilog
from gateway.cli.telling import Refusal, as_json, say_json, say_table
from gateway.config import Settings
from settlement import Books, NotAStatement, reconcile as run_reconcile

_DAY = click.DateTime(formats=["%Y-%m-%d"])
_SHOWN_MAX = 50


@click.command(
    cls=Command,
    epilog=epilog(
        "dropgate statement marketplace 2014-03-08",
        "dropgate statement marketplace 2014-03-08 --sale cinema-3-8 --json",
        then=("dropgate reconcile marketplace 2014-03-08 their-list.csv",),
    ),
    short_help="What a partner sold on a day, as CSV.",
)
@click.argument("partner")
@click.argument("day", type=_DAY, metavar="YYYY-MM-DD")
@click.option("--sale", help="Of this sale alone.")
@as_json
@with_servers(need=("database",))
@on_the_loop
async def statement(
    settings: Settings, partner: str, day: datetime, sale: str | None, *, as_json: bool
) -> None:
    """Write what PARTNER sold and refunded on a business day of the sale's own time zone."""
    books = await Books.connect(settings.database_url)
    try:
        found = await books.statement(partner, day.date(), sale)
    finally:
        await books.close()
    if as_json:
        say_json(found.data())
    else:
        click.echo(found.csv(), nl=False)


@click.command(
    cls=Command,
    epilog=epilog("dropgate reconcile marketplace 2014-03-08 their-list.csv"),
    short_help="Compare it with the partner's own list.",
)
@click.argument("partner")
@click.argument("day", type=_DAY, metavar="YYYY-MM-DD")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@as_json
@with_servers(need=("database",))
@on_the_loop
async def reconcile(
    settings: Settings, partner: str, day: datetime, file: Path, *, as_json: bool
) -> int:
    """Compare FILE, the partner's statement of a day as CSV, with ours; status 3 when they differ.

    Every difference has a class, an owner and a default action. The same files give the same
    digest, and every run is kept.
    """
    text = await asyncio.to_thread(file.read_text, encoding="utf-8-sig", errors="surrogateescape")
    books = await Books.connect(settings.database_url)
    try:
        run = await run_reconcile(books, partner, day.date(), text)
    finally:
        await books.close()
    if isinstance(run, NotAStatement):
        raise Refusal(f"{file}:{run.line}: {run.why}")
    if as_json:
        say_json(asdict(run))
        return 3 if run.breaks else 0
    click.echo(
        f"run {run.run_id}, digest {run.digest}: {run.lines_ours:,} lines of ours, "
        f"{run.lines_theirs:,} of {partner}, {run.lines_matched:,} agree"
    )
    for name, times in sorted(run.counts.items()):
        click.echo(f"  {name}: {times:,}")
    if run.breaks:
        say_table(
            ["class", "order", "line", "owner", "default action"],
            [
                [one.class_, one.order, str(one.line or ""), one.owner, one.default_action]
                for one in run.breaks[:_SHOWN_MAX]
            ],
        )
    return 3 if run.breaks else 0
