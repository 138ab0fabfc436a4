"""`python -m loadtest.load`: a load, its report, and a verdict as the exit status."""

from __future__ import annotations

import asyncio
import json
import random
import shutil
import signal
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click
import uvloop
from rich.console import Console
from rich.table import Table

from loadtest.installation import ROOT, Failed, Installation
from loadtest.load.figures import Figures, figures_of
from loadtest.load.judging import Finding, as_json, findings, gather
from loadtest.load.plan import Plan, lines
from loadtest.load.playing import play
from loadtest.load.report import write_report
from loadtest.load.shapes import SHAPES
from loadtest.load.stage import Crowd, Outside, outside, own
from loadtest.phases import Phases

BUILD = ROOT / "build" / "load"
WEB_PORT = 8089
SHOWN_MAX = 5
MADE_HERE = ".load"

EPILOG = """\b
Examples:
  python -m loadtest.load                        a spike of a minute on a Dropgate of its own
  python -m loadtest.load --shape step --users 2000 --seconds 300
  python -m loadtest.load --shape soak --seconds 14400 --processes 4
  python -m loadtest.load --web                  the same, to be watched in a browser
  python -m loadtest.load --host http://10.0.0.5:8080 --shop http://10.0.0.6:8091 \\
      --sale rehearsal --keys keys.json          an installation that is there

\b
keys.json has credentials of that installation (`dropgate credential issue`):
  {"partner": "...", "operator": "...", "stolen_kiosk": "...",
   "kiosks": {"<venue>": ["...", "..."]}}
with a kiosk or two of each venue for each process; stolen_kiosk is the one that guesses at codes.
The shop signs logins and test payments (`dropgate shop-sim`): the sale must trust it and the
installation be in test mode. Never load a sale that is real.

It ends with status 0 when nothing was found, with 1 when the verdict is red, and with 2 when the
load could not be played. A refusal (sold out, not your turn, limit reached) is no failure.
"""


@click.command(epilog=EPILOG)
@click.option(
    "--shape",
    type=click.Choice(list(SHAPES)),
    default="spike",
    show_default=True,
    help="spike: an opening; step: more and more; soak: the same for long.",
)
@click.option(
    "--users",
    type=click.IntRange(1),
    default=400,
    show_default=True,
    help="The most at once: shoppers, partners, kiosks, operator, bots.",
)
@click.option("--seconds", type=click.IntRange(1), default=60, show_default=True, help="How long.")
@click.option(
    "--processes",
    type=click.IntRange(1, 64),
    default=2,
    show_default=True,
    help="Locust's processes that play users.",
)
@click.option(
    "--seed",
    type=click.IntRange(0),
    default=lambda: random.randrange(2**31),
    help="For the users' names and dice; another each time, as a sale remembers its buyers.",
)
@click.option(
    "--gateways",
    type=click.IntRange(1, 64),
    default=2,
    show_default=True,
    help="Processes of the Dropgate that is started.",
)
@click.option("--web", is_flag=True, help="Serve locust's pages; Ctrl-C ends and judges.")
@click.option("--web-port", default=WEB_PORT, show_default=True)
@click.option("--host", help="An installation that is there, by its URL; none is started.")
@click.option("--shop", help="With --host: who signs logins and payments, by its URL.")
@click.option("--sale", help="With --host: the sale's id.")
@click.option(
    "--keys",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="With --host: a file of credentials, see below.",
)
@click.option(
    "--out",
    type=click.Path(file_okay=False, path_type=Path),
    default=BUILD,
    help="Directory for all that is written, emptied first.  [default: build/load]",
)
def command(
    *,
    host: str | None,
    shop: str | None,
    sale: str | None,
    keys: Path | None,
    web: bool,
    web_port: int,
    gateways: int,
    out: Path,
    **crowd: Any,
) -> None:
    """Load a Dropgate with a crowd, and judge what it promised.

    Without --host a Dropgate of its own is started, with a sale whose drop opens when the crowd is
    there, and stopped at the end. The report is load.html in --out; load.json says the same.
    """
    if host and not (shop and sale and keys):
        raise click.UsageError("--host goes with --shop, --sale and --keys")
    there = Outside(host, shop, sale, keys) if host and shop and sale and keys else None
    console = Console()
    try:
        ok = uvloop.run(
            _run(
                console,
                out.absolute(),
                Crowd(**crowd),
                there,
                gateways=gateways,
                web_port=web_port if web else 0,
            )
        )
    except asyncio.CancelledError:
        sys.exit(128 + signal.SIGTERM)
    except Failed as failed:
        console.print(f"[bold red]the load could not go on:[/] {failed}", highlight=False)
        sys.exit(2)
    sys.exit(0 if ok else 1)


async def _run(
    console: Console,
    out: Path,
    crowd: Crowd,
    there: Outside | None,
    *,
    gateways: int,
    web_port: int,
) -> bool:
    _end_by_sigterm()
    await asyncio.to_thread(_clear, out)
    phases = Phases(console)
    with phases.shown():
        if there is not None:
            plan = await outside(out, crowd, there)
            figures, found = await _play_and_judge(plan, phases, web_port)
        else:
            async with own(out, crowd, phases, gateways=gateways) as plan:
                figures, found = await _play_and_judge(plan, phases, web_port)
    _tell(console, plan, figures, found)
    return all(each.ok for each in found)


def _clear(out: Path) -> None:
    """Begin with an empty directory. Raises Failed when what is there was not made by a load."""
    if out.exists() and any(out.iterdir()) and not (out / MADE_HERE).exists():
        raise Failed(f"{out} has files that no load made; empty it, or name another --out")
    Installation(out).end_what_was_left()
    shutil.rmtree(out, ignore_errors=True)
    out.mkdir(parents=True)
    (out / MADE_HERE).touch()


def _end_by_sigterm() -> None:
    """SIGTERM breaks off as Ctrl-C does: everything that was started is stopped."""
    task = asyncio.current_task()
    assert task is not None
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)


async def _play_and_judge(
    plan: Plan, phases: Phases, web_port: int
) -> tuple[Figures, list[Finding]]:
    where = f", http://127.0.0.1:{web_port}" if web_port else ""
    with phases.phase("load", f"the load ({plan.shape}{where})") as phase:
        await play(plan, phase, web_port=web_port)
    _end_by_sigterm()
    figures = figures_of(map(lines, plan.timelines()), list(lines(plan.samples)))
    with phases.phase("judge", "the verdict") as phase:
        phase.say("every order is read again, the sale is audited")
        answers = figures.total.calls.total()
        facts = await gather(plan, answers=answers, log=plan.directory / "logs" / "again.log")
        return figures, findings(facts)


def _tell(console: Console, plan: Plan, figures: Figures, found: Sequence[Finding]) -> None:
    told = {
        "verdict": as_json(found),
        "figures": figures.as_json(),
        "load": {
            name: getattr(plan, name)
            for name in ("gateway", "sale", "drop", "shape", "users", "seconds", "processes")
        },
    }
    page, data = plan.directory / "load.html", plan.directory / "load.json"
    data.write_text(json.dumps(told, indent=1, ensure_ascii=False) + "\n")
    write_report(page, told, figures, found)
    console.print(_table(figures, found))
    for each in found:
        for words in each.said[:SHOWN_MAX]:
            console.print(f"[bold red]{each.name}:[/] {words}", highlight=False, soft_wrap=True)
        if len(each.said) > SHOWN_MAX:
            console.print(f"{each.name}: {len(each.said) - SHOWN_MAX} more in {data}")
    console.print(f"written to {page} and {data.name}", highlight=False, soft_wrap=True)


def _table(figures: Figures, found: Sequence[Finding]) -> Table:
    told = figures.as_json()
    ok = all(each.ok for each in found)
    table = Table(
        title="[bold green]The verdict is green[/]" if ok else "[bold red]The verdict is red[/]",
        caption=f"{told['answers']:,} answers, {told['answers_per_s']:,} a second, "
        f"p50 {told['p50_ms']:g} ms, p99 {told['p99_ms']:g} ms, {told['failures']:,} failures",
    )
    for column in ("class", "found", "looked at"):
        table.add_column(column, justify="right" if column == "found" else "left")
    for each in found:
        colour = "green" if each.ok else "bold red"
        table.add_row(each.name, f"[{colour}]{each.wrong:,}[/]", each.looked_at)
    return table


if __name__ == "__main__":
    command()
