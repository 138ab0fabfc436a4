"""`dropgate sale`: taking a sale in, moving it, looking at it."""

import time
import tomllib
from datetime import UTC, datetime
from pathlib import Path

import click

from gateway.audit import audit as run_audit
from gateway.cli.counts import counts_of, show_counts
from gateway.cli.options import on_the_loop, with_servers
from gateway.cli.teaching import Noun, epilog
from gateway.cli.telling import (
    Refusal,
    actor,
    as_json,
    complain,
    moment,
    progress,
    say_json,
    say_table,
)
from gateway.cli.tools import Tools, opened
from gateway.config import Settings
from gateway.sale_desk import Applied, Moved
from inventory.catalogue import OtherRevision, Plan, Published, Refused, Unfinished
from inventory.catalogue.shelving import Shelf
from inventory.salefile import SaleFile, load
from inventory.sales import Change, WrongState


@click.group(cls=Noun, short_help="Apply a sale file; open, pause, drain, close; look.")
def sale() -> None:
    """A sale is a TOML file with CSV files beside it; `apply` takes all of it in, or nothing."""


@sale.command(
    "apply",
    short_help="Create the sale of FILE, or bring it up to FILE.",
    epilog=epilog(
        ("dropgate sale apply my-sale/sale.toml --dry-run", "every mistake, nothing written"),
        "dropgate sale apply my-sale/sale.toml",
        ("dropgate sale apply my-sale/sale.toml --starts-in 60", "a rehearsal: opens in a minute"),
        then=("dropgate sale open my-sale",),
    ),
)
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--dry-run", is_flag=True, help="Say what would be done, and do nothing.")
@click.option(
    "--starts-in",
    type=click.IntRange(min=0),
    metavar="SECONDS",
    help="Shift all times of the file so that the first drop opens in so many seconds.",
)
@with_servers("keys_dir", "assume_durable")
@on_the_loop
async def apply(settings: Settings, file: Path, *, dry_run: bool, starts_in: int | None) -> None:
    """Create the sale of FILE, or bring it to what FILE says now.

    Every problem of the files is listed with its place before anything is written. Once the sale
    has opened only additions, texts and windows may change. An interrupted run is finished by
    running it again.
    """
    sale_file = _read(file, starts_in)
    async with opened(settings) as tools:
        if dry_run:
            plan = await tools.catalogue.plan(sale_file, Shelf.of(tools.store))
            _show_plan(plan)
            return
        begun = time.monotonic()
        with progress() as step:
            outcome = await tools.desk.apply(
                tools.catalogue, sale_file, actor=actor(), progress=step
            )
        match outcome:
            case Applied():
                _show_applied(outcome.published, sale_file, time.monotonic() - begun)
                if outcome.room_kept is not None:
                    click.echo("drop has begun: the openings of the room stay as they were")
            case Published():
                _show_applied(outcome, sale_file, time.monotonic() - begun)
            case Refused():
                complain(outcome.plan.refusals)
                raise Refusal(f"{len(outcome.plan.refusals)} refusals; nothing was changed")
            case OtherRevision():
                raise Refusal(f"somebody else applied revision {outcome.current} meanwhile")
            case Unfinished():
                complain(outcome.refusals)
                raise Refusal(
                    f"the store refused parts of revision {outcome.revision}; apply it again"
                )


def _read(file: Path, starts_in: int | None) -> SaleFile:
    """The checked sale. Raises Refusal after listing every problem."""
    shift_ms = 0
    if starts_in is not None and (first_ms := _first_opening(file)) is not None:
        shift_ms = int(time.time() * 1000) + starts_in * 1000 - first_ms
    found = load(file, shift_ms=shift_ms)
    if isinstance(found, SaleFile):
        return found
    complain(found)
    raise Refusal(f"{len(found)} problems in {file} and its files; nothing was changed")


def _first_opening(file: Path) -> int | None:
    """When the first drop opens; None where the file does not say so, which `load` tells better."""
    try:
        drops = tomllib.loads(file.read_text(encoding="utf-8")).get("drop", [])
        times = [drop["opens_at"] for drop in drops]
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError, KeyError, TypeError):
        return None
    known = [at for at in times if isinstance(at, datetime) and at.tzinfo is not None]
    return int(min(known).astimezone(UTC).timestamp() * 1000) if known else None


def _show_applied(published: Published, sale_file: SaleFile, seconds: float) -> None:
    done = f"{published.units_added:,} units taken in" if published.changed else "nothing to do"
    click.echo(
        f"{published.sale} (sale {published.number}) is at revision {published.revision}: {done}, "
        f"{len(sale_file.offers):,} offers, {seconds:.1f} s"
    )
    first, zone = min(sale_file.drops, key=lambda drop: drop.opens_at_ms), sale_file.sale.timezone
    click.echo(f"first drop: {first.id} at {moment(first.opens_at_ms, zone)}")


def _show_plan(plan: Plan) -> None:
    for sign, steps in (("+", plan.additions), ("~", plan.changes), ("refused:", plan.refusals)):
        complain([f"{sign} {step}" for step in steps])
    if plan.refusals:
        raise Refusal(f"{len(plan.refusals)} refusals; it could not be applied like that")
    if plan.is_empty:
        click.echo(f"{plan.sale} is at revision {plan.revision} already; nothing to do")
        return
    pending = ", and what was interrupted is finished" if plan.is_pending else ""
    click.echo(
        f"{plan.sale} would be {'new, ' if plan.is_new else ''}at revision {plan.revision}: "
        f"{len(plan.additions):,} additions, {len(plan.changes):,} changes, "
        f"{plan.units_added:,} units{pending}; nothing was done"
    )


async def _change(settings: Settings, name: str, what: Change) -> None:
    async with opened(settings) as tools:
        outcome = await tools.desk.change(await tools.sale(name), what, actor=actor())
    match outcome:
        case Moved():
            click.echo(f"{name} {'was already' if outcome.already else 'is'} {outcome.state}")
        case WrongState():
            raise Refusal(f"{name} is {outcome.state}; from there it cannot {what}")


def _changing(what: Change, text: str, *then: str) -> None:
    told = epilog(f"dropgate sale {what} my-sale", then=[f"dropgate sale {one}" for one in then])

    @sale.command(what, help=text, short_help=text.partition(":")[0], epilog=told)
    @click.argument("name", metavar="SALE")
    @with_servers("keys_dir", "assume_durable")
    @on_the_loop
    async def command(settings: Settings, name: str) -> None:
        await _change(settings, name, what)


_changing("open", "Let the sale's drops open at their times.", "counts my-sale")
_changing("pause", "Stop selling and letting in: who waits keeps the place.", "resume my-sale")
_changing("resume", "Go on after a pause.")
_changing(
    "drain",
    "Sell no more: a pass buys nothing any more; whoever has a hold may still pay.",
    "close my-sale",
)
_changing(
    "close", "End the sale for good: what is unsold goes back to the venues.", "audit my-sale"
)


@sale.command(
    "counts",
    short_help="Where the units of SALE are.",
    epilog=epilog("dropgate sale counts my-sale", "dropgate sale counts my-sale --offers --json"),
)
@click.argument("name", metavar="SALE")
@click.option("--offers", "by_offer", is_flag=True, help="A line for each offer.")
@as_json
@with_servers("keys_dir", "assume_durable")
@on_the_loop
async def counts(settings: Settings, name: str, *, by_offer: bool, as_json: bool) -> None:
    """Where the units of SALE are: available, held, sold, redeemed; in all and by drop."""
    async with opened(settings) as tools:
        found = await counts_of(tools, await tools.sale(name))
    if as_json:
        say_json(found.data())
    else:
        show_counts(found, by_offer=by_offer)


@sale.command(
    "audit",
    short_help="Check every invariant; status 3 when one is broken.",
    epilog=epilog("dropgate sale audit my-sale"),
)
@click.argument("name", metavar="SALE")
@as_json
@with_servers("keys_dir", "assume_durable")
@on_the_loop
async def audit(settings: Settings, name: str, *, as_json: bool) -> int:
    """Check every invariant of SALE, store against books; status 3 when one is broken.

    Selling may go on meanwhile: both sides are compared as of the same fact.
    """
    async with opened(settings) as tools:
        with progress() as step:
            found = await run_audit(tools.store, tools.books, await tools.sale(name), step)
    if as_json:
        say_json(found.data())
    else:
        for check in found.checks:
            click.echo(
                f"{'ok ' if check.ok else 'NO '} {check.name} ({check.looked_at:,} looked at)"
            )
            complain([f"     {violation}" for violation in check.data()["violations"]])
        click.echo("every invariant holds" if found.ok else "an invariant is broken")
    return 0 if found.ok else 3


@sale.command("list", epilog=epilog("dropgate sale list --json"))
@as_json
@with_servers("keys_dir", "assume_durable")
@on_the_loop
async def show(settings: Settings, *, as_json: bool) -> None:
    """The sales that the store has."""
    async with opened(settings) as tools:
        rows = [await _row(tools, name) for name in await tools.sales.list()]
    if as_json:
        say_json(rows)
    elif rows:
        say_table(list(rows[0]), [list(row.values()) for row in rows])
    else:
        click.echo("there is no sale yet: dropgate sale apply FILE")


async def _row(tools: Tools, name: str) -> dict[str, object]:
    view = await tools.sale(name)
    first = view.drops[0].opens_at_ms if view.drops else 0
    return {
        "sale": view.id,
        "title": view.title,
        "state": view.state,
        "revision": view.revision,
        "drops": len(view.drops),
        "first_opens_at": moment(first, view.timezone),
    }
