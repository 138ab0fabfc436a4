"""`python -m loadtest.crowd`: one process of the crowd. Several may run beside each other.

Writes its progress to standard output, a JSON line every half second, and its result at the end.
"""

from __future__ import annotations

import asyncio
import json
import random
import time
from array import array
from collections import Counter, defaultdict
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import click
import uvloop

from loadtest.crowd.calls import Ask, Calls
from loadtest.crowd.edge import Edges
from loadtest.crowd.journal import CONFIRMED, Journal, read
from loadtest.crowd.kiosk import Kiosks, Ticket
from loadtest.crowd.shelf import Shelf
from loadtest.crowd.shopper import Shopper, Town

PROGRESS_S = 0.5
KIOSKS_AT_ONCE, READERS = 24, 32


class Times:
    """How long each answer took, by its kind, in milliseconds."""

    def __init__(self, calls: Calls) -> None:
        self.of: defaultdict[str, array[float]] = defaultdict(lambda: array("d"))
        calls.ears.append(self)

    def answered(self, ask: Ask, status: int, body: dict[str, Any], took_ms: float) -> None:
        """Note it."""
        self.of[ask.kind].append(took_ms)

    def lost(self, ask: Ask, why: Exception) -> None:
        """No answer, no time."""


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
        with closing(Calls(seed + first)) as calls, closing(Journal(journal)) as promises:
            sale_url = f"{gateway}/v1/sales/{sale}"
            shelf, edges = Shelf(calls, sale_url, drop), Edges(calls, sale_url)
            town = Town(gateway, shop, sale, calls, shelf, edges, promises)
            times = Times(calls)
            await _everybody(town, range(first, first + shoppers), arrive_s, seed)
            _say_all(calls, town.ends, times)

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
        with closing(Calls(seed)) as calls, closing(Journal(journal)) as told:
            kiosks = Kiosks(calls=calls, gateway=gateway, keys=credentials, journal=told, seed=seed)
            times, telling = Times(calls), asyncio.create_task(_tell(calls, kiosks.done))
            await kiosks.mistype(chosen)
            await _redeem_all(kiosks, chosen)
            telling.cancel()
            _say_all(calls, kiosks.done, times, kiosks.surprises)

    uvloop.run(run())


async def _redeem_all(kiosks: Kiosks, tickets: list[Ticket]) -> None:
    waiting = iter(tickets)

    async def work() -> None:
        for ticket in waiting:
            await kiosks.visit(ticket)

    async with asyncio.TaskGroup() as group:
        for _ in range(KIOSKS_AT_ONCE):
            group.create_task(work())


@crowd.command()
@click.option("--gateway", required=True)
@click.option("--partner-key", type=click.Path(exists=True, path_type=Path))
@click.argument("promises", nargs=-1, type=click.Path(exists=True, path_type=Path))
def look_again(*, gateway: str, partner_key: Path | None, promises: tuple[Path, ...]) -> None:
    """Every buyer reads the order it was promised again: still there, paid, the same units.

    A partner's orders have no login; they are read with the credential in --partner-key.
    """
    orders = [line for line in read(*promises) if line["what"] == CONFIRMED]
    partner = f"Bearer {partner_key.read_text().strip()}" if partner_key else ""

    async def run() -> None:
        found: Counter[str] = Counter()
        lost: list[str] = []
        with closing(Calls(seed=1)) as calls:
            times, waiting = Times(calls), iter(orders)

            async def work() -> None:
                for order in waiting:
                    url = f"{gateway}/v1/orders/{order['order']}"
                    status, now = await calls.get("read", url, order["login"] or partner)
                    kept = status == 200 and now["state"] == "confirmed" and _same(order, now)
                    found["kept" if kept else "lost"] += 1
                    if not kept:
                        lost.append(order["order"])

            telling = asyncio.create_task(_tell(calls, found))
            async with asyncio.TaskGroup() as group:
                for _ in range(READERS):
                    group.create_task(work())
            telling.cancel()
            _say_all(calls, found, times, lost)

    uvloop.run(run())


def _same(promised: dict[str, Any], now: dict[str, Any]) -> bool:
    units = sorted((unit["offer"], unit["unit"]) for unit in promised["units"])
    return units == sorted((unit["offer"], unit["unit"]) for unit in now["units"])


async def _tell(calls: Calls, ends: Counter[str]) -> None:
    while True:
        await asyncio.sleep(PROGRESS_S)
        _say(calls, ends)


def _say(calls: Calls, ends: Counter[str]) -> None:
    """One line for the driver: what happened so far."""
    click.echo(json.dumps({"ends": ends, "counts": calls.counts}))


def _say_all(calls: Calls, ends: Counter[str], times: Times, surprises: Sequence[str] = ()) -> None:
    """The last line: everything that happened."""
    line = {
        "ends": ends,
        "counts": calls.counts,
        "refusals": calls.refusals,
        "times_ms": {kind: [round(ms, 2) for ms in each] for kind, each in times.of.items()},
        "surprises": surprises,
        "cpu_s": round(time.process_time(), 2),
    }
    click.echo(json.dumps(line))


if __name__ == "__main__":
    crowd()
