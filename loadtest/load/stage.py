"""Where a load is played: a Dropgate of its own with a sale of its own, or one that is there."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

import aiohttp

from loadtest.installation import Failed, Installation
from loadtest.load import sale
from loadtest.load.plan import Keys, Plan
from loadtest.load.sale import VENUES
from loadtest.phases import Phases

FAR_S = 3600
OPENS_IN_S = 4
"""The drop opens when locust's processes are there and the first have joined the lobby."""

KIOSKS = {VENUES[0]: 2, VENUES[1]: 1}
"""Of a venue, for each process: where there are two, a code may be shown at both at once."""

KEYS_AT_ONCE = 2


@dataclass(frozen=True, slots=True)
class Crowd:
    """Who comes, as the command line says."""

    shape: str
    users: int
    seconds: int
    processes: int
    seed: int


@dataclass(frozen=True, slots=True)
class Outside:
    """An installation that is there: its URL, its shop's, the sale, a file of credentials."""

    host: str
    shop: str
    sale: str
    keys: Path


@asynccontextmanager
async def own(
    directory: Path, crowd: Crowd, phases: Phases, *, gateways: int
) -> AsyncIterator[Plan]:
    """A Dropgate that runs as long as the block."""
    async with Installation(directory) as installation:
        with phases.phase("up", "servers") as phase:
            await installation.up(gateways=gateways)
            phase.say(installation.gateway)
            file = sale.write(directory / "sale", seconds=crowd.seconds)
            shop = await installation.simulator("shop", "--keys", sale.SHOP_KEYS, "--sale", file)
        with phases.phase("sale", "the sale and its keys"):
            await installation.command("sale", "apply", file, "--starts-in", str(FAR_S))
            keys = await _issue(installation, crowd.processes)
            await installation.command("sale", "apply", file, "--starts-in", str(OPENS_IN_S))
            await installation.command("sale", "open", sale.SALE)
        yield Plan(
            gateway=installation.gateway, shop=shop, sale=sale.SALE, drop=sale.DROP,
            directory=directory, keys=keys, **asdict(crowd),
        )  # fmt: skip


async def outside(directory: Path, crowd: Crowd, there: Outside) -> Plan:
    """A Dropgate that is there; the drop is the one that opened last, or the first to open."""
    host, url = there.host.rstrip("/"), f"{there.host.rstrip('/')}/v1/sales/{there.sale}"
    try:
        async with aiohttp.ClientSession() as session, session.get(url) as answer:
            if answer.status != 200:
                raise Failed(f"{url}: {await answer.text()}")
            told = await answer.json()
    except aiohttp.ClientError as wrong:
        raise Failed(f"{url}: {wrong}") from None
    drops = sorted(told["drops"], key=lambda drop: int(drop["opens_at_ms"]))
    opened = [drop for drop in drops if drop["opens_at_ms"] <= told["server_time_ms"]]
    try:
        held = Keys(**json.loads(there.keys.read_bytes()))
    except (ValueError, TypeError) as wrong:
        raise Failed(f"{there.keys}: {wrong}") from None
    return Plan(
        gateway=host, shop=there.shop.rstrip("/"), sale=there.sale,
        drop=(opened[-1] if opened else drops[0])["id"],
        directory=directory, keys=held, **asdict(crowd),
    )  # fmt: skip


async def _issue(installation: Installation, processes: int) -> Keys:
    """A key for everybody who needs one; the partner's is known to every gateway."""
    doors = [
        f"{venue}/kiosk-{n}" for venue, each in KIOSKS.items() for n in range(each * processes)
    ]
    asked = [("partner", sale.PARTNER), ("operator", sale.SALE)]
    asked += [("kiosk", door) for door in (*doors, f"{VENUES[0]}/stolen")]
    made: dict[str, str] = {}
    waiting = iter(asked)

    async def work() -> None:
        for role, scope in waiting:
            made[scope] = await installation.credential(role, scope)

    await asyncio.gather(*(work() for _ in range(KEYS_AT_ONCE)))
    await installation.until_known(made[sale.PARTNER])
    return Keys(
        partner=made[sale.PARTNER],
        operator=made[sale.SALE],
        kiosks={
            venue: [made[door] for door in doors if door.startswith(f"{venue}/")]
            for venue in VENUES
        },
        stolen_kiosk=made[f"{VENUES[0]}/stolen"],
    )
