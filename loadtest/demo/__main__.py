"""`python -m loadtest.demo`: the whole drop; with --serve only the example, for a look.

Writes build/demo.json and ends with status 0 only when every invariant held.
"""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import signal
import sys
from pathlib import Path

import click
import uvloop
from rich.console import Console

from loadtest.demo import stage as scene
from loadtest.demo.figures import Figures
from loadtest.demo.stage import PARTNER, SALE, Stage
from loadtest.demo.story import Story
from loadtest.demo.telling import summary
from loadtest.installation import ROOT, Failed, Installation
from loadtest.phases import Phases

BUILD = ROOT / "build"
STATE = BUILD / "demo-state"
SERVED = BUILD / "run-state"
RESULT = BUILD / "demo.json"
STARTS_IN_S = 30
SHOPPERS = 20_000
GATEWAYS = 2
SERVE_PORT = 8080
SERVED_VENUE = "beijing-binjiang"
"""A cinema of the first drop, for a kiosk to try."""


@click.command()
@click.option("--shoppers", default=SHOPPERS, show_default=True)
@click.option("--gateways", default=GATEWAYS, show_default=True)
@click.option("--starts-in", default=STARTS_IN_S, show_default=True, help="seconds to the opening")
@click.option("--seed", default=38, show_default=True)
@click.option("--keep", is_flag=True, default=bool(os.environ.get("KEEP")), help="leave it running")
@click.option("--serve", is_flag=True, help="only serve the example, until Ctrl-C")
@click.option("--state", type=click.Path(path_type=Path), help="directory for everything it makes")
@click.option("--result", default=RESULT, type=click.Path(path_type=Path))
def command(
    *,
    shoppers: int,
    gateways: int,
    starts_in: int,
    seed: int,
    keep: bool,
    serve: bool,
    state: Path | None,
    result: Path,
) -> None:
    """Run one drop of examples/cinema-3-8 from start to finish, and prove it."""
    console = Console()
    try:
        if serve:
            uvloop.run(_serve(console, state or SERVED, gateways, starts_in))
            return
        figures, how_to_look = uvloop.run(
            _demo(
                console,
                state or STATE,
                shoppers=shoppers,
                gateways=gateways,
                starts_in_s=starts_in,
                seed=seed,
                keep=keep,
            )
        )
    except asyncio.CancelledError:
        sys.exit(128 + signal.SIGTERM)
    except Failed as failed:
        console.print(f"[bold red]the demo could not go on:[/] {failed}", highlight=False)
        sys.exit(1)
    result.parent.mkdir(parents=True, exist_ok=True)
    result.write_text(json.dumps(figures.as_json(), indent=1, ensure_ascii=False) + "\n")
    console.print(summary(figures))
    broken = figures.broken()
    for words in broken:
        console.print(f"[bold red]broken:[/] {words}", highlight=False)
    if not broken:
        console.print("[bold green]every invariant held[/]")
    console.print(f"written to {result}{how_to_look}", highlight=False, soft_wrap=True)
    sys.exit(1 if broken else 0)


async def _demo(
    console: Console,
    state: Path,
    *,
    shoppers: int,
    gateways: int,
    starts_in_s: int,
    seed: int,
    keep: bool,
) -> tuple[Figures, str]:
    _end_by_sigterm()
    await _clear(state)
    phases = Phases(console)
    async with Installation(state) as installation:
        with phases.shown():
            stage = await _set_up(installation, phases, gateways, starts_in_s)
            figures = await Story(stage, phases, shoppers, seed).play()
        if not keep:
            return figures, ""
        installation.leave()
        return figures, _how_to_look(stage, installation)


def _end_by_sigterm() -> None:
    """SIGTERM breaks off as Ctrl-C does: everything that was started is stopped."""
    task = asyncio.current_task()
    assert task is not None
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)


async def _set_up(
    installation: Installation, phases: Phases, gateways: int, starts_in_s: int
) -> Stage:
    with phases.phase("up", "servers and simulators") as phase:
        file = scene.rehearsal(installation.directory / "sale")
        await installation.up(gateways=gateways)
        phase.say(installation.gateway)
        shop, venue = await asyncio.gather(
            scene.start_shop(installation, file), scene.start_venue(installation, file)
        )
        scene.lead_to_shop(file, shop)
    with phases.phase("apply", "the sale, half a million units"):
        await scene.apply(installation, file, starts_in_s)
    drop = (await scene.read_json(f"{installation.gateway}/v1/sales/{SALE}"))["drops"][0]["id"]
    venues = scene.kiosk_offers(file.parent, drop)
    with phases.phase("ahead", "seats bought ahead, keys"):
        _, keys = await asyncio.gather(
            scene.buy_ahead(installation, venue),
            scene.issue_keys(installation, set(venues.values()), installation.directory),
        )
        partner = await scene.start_partner(installation, keys)
    offers = installation.directory / "venues.json"
    offers.write_text(json.dumps(venues))
    return Stage(installation, shop, venue, partner, keys, offers)


async def _clear(state: Path) -> None:
    """End what an earlier KEEP=1 left running, and begin with an empty directory."""
    await asyncio.to_thread(Installation(state).end_what_was_left)
    shutil.rmtree(state, ignore_errors=True)


async def _serve(console: Console, state: Path, gateways: int, starts_in_s: int) -> None:
    """The example as it is, for a look, until a signal."""
    await _clear(state)
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    phases, file = Phases(console), scene.copied(state / "sale")
    async with Installation(state) as installation:
        with phases.shown():
            with phases.phase("up", "servers and simulators"):
                await installation.up(gateways=gateways, port=SERVE_PORT)
                shop = await scene.start_shop(installation, file)
                scene.lead_to_shop(file, shop)
                venue = await scene.start_venue(installation, file)
            with phases.phase("apply", "the sale, half a million units"):
                await scene.apply(installation, file, starts_in_s)
            with phases.phase("ahead", "seats bought ahead"):
                await scene.buy_ahead(installation, venue)
        console.print(_how_to_try(installation), highlight=False, soft_wrap=True)
        await stop.wait()


def _how_to_try(installation: Installation) -> str:
    gateway, state_dir = installation.gateway, os.path.relpath(installation.state)
    pages = {
        "what is on": "/",
        "the shop": f"/sales/{SALE}",
        "a kiosk": "/kiosk",
        "the console": "/console",
        "a partner": "/partner",
        "the API": "/docs",
    }
    told = "".join(f"  {name:<12}{gateway}{path}\n" for name, path in pages.items())
    return f"""
The example is served; its first drop opens soon. Ctrl-C ends it.
{told}
Keys for them, from another terminal here:
  export PATH=$PWD/{os.path.dirname(_dropgate())}:$PATH DROPGATE_STATE_DIR=$PWD/{state_dir}
  dropgate credential issue kiosk {SERVED_VENUE}/door-1
  dropgate credential issue operator {SALE}
  dropgate credential issue partner {PARTNER}
"""


def _dropgate() -> str:
    return os.path.relpath(Path(sys.executable).with_name("dropgate"))


def _how_to_look(stage: Stage, installation: Installation) -> str:
    state = f"--state-dir {os.path.relpath(installation.state)}"
    lines = {
        "all of it": os.path.relpath(installation.directory),
        "the pages": f"{stage.gateway}/",
        "the console": f"{stage.gateway}/console",
        "its key": os.path.relpath(stage.keys.operator),
        "the API": f"{stage.gateway}/docs",
        "metrics": f"{stage.gateway}/metrics",
        "the shop": stage.shop,
        "the box office": f"{stage.venue}/report",
        "the partner": f"{stage.partner}/report",
        "counts": f"{_dropgate()} sale counts {SALE} {state}",
        "audit": f"{_dropgate()} sale audit {SALE} {state}",
        "the end": f"kill {' '.join(str(pid) for pid in installation.pids())}",
    }
    told = "".join(f"  {name:<16}{where}\n" for name, where in lines.items())
    return f"\n\nIt goes on running. How to look:\n{told}"


if __name__ == "__main__":
    command()
