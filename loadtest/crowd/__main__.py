"""`python -m loadtest.crowd`: one process of the crowd. Several may run beside each other.

Writes its progress to standard output, a JSON line every half second, and its result at the end.
"""

from __future__ import annotations

import asyncio
import json
import random
import time
from collections import Counter
from contextlib import closing
from pathlib import Path
from typing import Any

import click
import uvloop

from loadtest.crowd.calls import Calls
from loadtest.crowd.edge import Edges
from loadtest.crowd.journal import CONFIRMED, Journal, read
from loadtest.crowd.kiosk import Kiosks, Ticket
from loadtest.crowd.shelf import Shelf
from loadtest.crowd.shopper import Shopper, Town

PROGRESS_S = 0.5


@click.group()
def crowd() -> None:
    """Simulated visitors over real HTTP."""


@crowd.command()
@click.option("--gateway", required=True)
@click.option("--shop", required=True)
@click.option("--sale", required=True)
@click.option("--drop", required=True)
@click.option("--shoppers", type=int, required=True)
@click.option("--first", type=int, default=0, help="number of the first shopper")
@click.option("--arrive-s", type=float, default=20.0, help="they arrive spread over so long")
@click.option("--journal", type=click.Path(path_type=Path), required=True)
@click.option("--seed", default=38)
def shop(
    *,
    gateway: str,
    shop: str,
    sale: str,
    drop: str,
    shoppers: int,
    first: int,
    arrive_s: float,
    journal: Path,
    seed: int,
) -> None:
    """Shoppers who want a ticket."""

    async def run() -> None:
        with closing(Calls(seed + first)) as calls, Journal(journal) as promises:
            sale_url = f"{gateway}/v1/sales/{sale}"
            shelf, edges = Shelf(calls, sale_url, drop), Edges(calls, sale_url)
            town = Town(gateway, shop, sale, calls, shelf, edges, promises)
            await _everybody(town, range(first, first + shoppers), arrive_s, seed)
            _say(calls, town.ends, final=True)

    uvloop.run(run())


async def _everybody(town: Town, numbers: range, arrive_s: float, seed: int) -> None:
    dice = random.Random(seed)

    async def one(number: int, arrives_s: float) -> None:
        await asyncio.sleep(arrives_s)
        await Shopper(town, f"shopper-{number}", f"{seed}/{number}").visit()

    telling = asyncio.create_task(_tell(town.calls, town.ends))
    async with asyncio.TaskGroup() as group:
        for number in numbers:
            group.create_task(one(number, dice.uniform(0.0, arrive_s)))
    telling.cancel()


@crowd.command()
@click.option("--gateway", required=True)
@click.option("--keys", type=click.Path(exists=True, path_type=Path), required=True)
@click.option("--venues", type=click.Path(exists=True, path_type=Path), required=True)
@click.option("--share", default=0.3, help="of the tickets that are redeemed")
@click.option("--journal", type=click.Path(path_type=Path), required=True)
@click.option("--seed", default=38)
@click.argument("promises", nargs=-1, type=click.Path(exists=True, path_type=Path))
def redeem(
    *,
    gateway: str,
    keys: Path,
    venues: Path,
    share: float,
    journal: Path,
    seed: int,
    promises: tuple[Path, ...],
) -> None:
    """Kiosks: redeem a share of the tickets in the journals PROMISES.

    --keys is JSON {venue: [credential of each kiosk]}, --venues is JSON {offer: venue}; tickets of
    other offers stay at home.
    """
    venue_of: dict[str, str] = json.loads(venues.read_bytes())
    bought = [
        Ticket(unit["code"], venue_of[unit["offer"]])
        for line in read(*promises)
        if line["what"] == CONFIRMED
        for unit in line["units"]
        if unit["offer"] in venue_of
    ]
    credentials: dict[str, list[str]] = json.loads(keys.read_bytes())
    dice = random.Random(seed)
    chosen = dice.sample(bought, round(len(bought) * share))

    async def run() -> None:
        with closing(Calls(seed)) as calls, Journal(journal) as told:
            kiosks = Kiosks(calls=calls, gateway=gateway, keys=credentials, journal=told, seed=seed)
            telling = asyncio.create_task(_tell(calls, kiosks.done))
            await kiosks.mistype(chosen)
            await kiosks.redeem_all(chosen)
            telling.cancel()
            _say(calls, kiosks.done, final=True, surprises=kiosks.surprises)

    uvloop.run(run())


@crowd.command()
@click.option("--gateway", required=True)
@click.argument("promises", nargs=-1, type=click.Path(exists=True, path_type=Path))
def look_again(*, gateway: str, promises: tuple[Path, ...]) -> None:
    """Every buyer reads the order it was promised again: still there, paid, the same units."""
    orders = [line for line in read(*promises) if line["what"] == CONFIRMED]

    async def run() -> None:
        found: Counter[str] = Counter()
        lost: list[str] = []
        with closing(Calls(seed=1)) as calls:
            waiting = iter(orders)

            async def work() -> None:
                for order in waiting:
                    status, now = await calls.get(
                        "read", f"{gateway}/v1/orders/{order['order']}", order["login"]
                    )
                    kept = status == 200 and now["state"] == "confirmed" and _same(order, now)
                    found["kept" if kept else "lost"] += 1
                    if not kept:
                        lost.append(order["order"])

            telling = asyncio.create_task(_tell(calls, found))
            async with asyncio.TaskGroup() as group:
                for _ in range(32):
                    group.create_task(work())
            telling.cancel()
            _say(calls, found, final=True, surprises=lost)

    uvloop.run(run())


def _same(promised: dict[str, Any], now: dict[str, Any]) -> bool:
    units = sorted((unit["offer"], unit["unit"]) for unit in promised["units"])
    return units == sorted((unit["offer"], unit["unit"]) for unit in now["units"])


async def _tell(calls: Calls, ends: Counter[str]) -> None:
    while True:
        await asyncio.sleep(PROGRESS_S)
        _say(calls, ends)


def _say(
    calls: Calls, ends: Counter[str], *, final: bool = False, surprises: list[str] | None = None
) -> None:
    """One line for the driver: what happened so far; the last one with all times."""
    line: dict[str, Any] = {"final": final, "ends": ends, "counts": calls.counts}
    if final:
        line["refusals"] = calls.refusals
        line["times_ms"] = {
            kind: [round(ms, 2) for ms in times] for kind, times in calls.times_ms.items()
        }
        line["surprises"] = surprises or []
        line["cpu_s"] = round(time.process_time(), 2)
    click.echo(json.dumps(line))


if __name__ == "__main__":
    crowd()
