"""Setting the scene: the example with its clock moved to now, its shop, its venue, its partner.

Belongs here: everything before the first visitor. It is done by the `dropgate` command, as a person
would do it.
"""

from __future__ import annotations

import asyncio
import csv
import json
import re
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp

from loadtest.installation import ROOT, Installation

EXAMPLE = ROOT / "examples" / "cinema-3-8"
SALE = "cinema-3-8"
PARTNER = "marketplace"
REHEARSAL = {"hold_s": 12, "rate_per_s": 150, "burst": 150, "deciding_s": 6}
"""What the rehearsal changes of the example: holds of five minutes, and a minute to choose in,
would be waited for after those who walk off, and two cores that play the crowd as well bear no more
shoppers at the till a second.
"""

VENUE_RATE_PER_S = 20.0
ASKED_PER_S = 18.0
KIOSK_VENUES = 5
"""Venues with a kiosk, of those with an offer in the drop: one with a box office of its own, one
with its own codes, and others. More would show nothing more."""

KEYS_AT_ONCE = 2


@dataclass(frozen=True, slots=True)
class Keys:
    """Files of credentials: the partner's, the operator's, and JSON of the kiosks' by venue."""

    partner: Path
    operator: Path
    kiosks: Path


@dataclass(frozen=True, slots=True)
class Stage:
    """Where everything is."""

    installation: Installation
    shop: str
    venue: str
    partner: str
    keys: Keys
    venues: Path

    @property
    def gateway(self) -> str:
        """The gateways' shared address."""
        return self.installation.gateway

    @property
    def sale_url(self) -> str:
        """The sale's public page."""
        return f"{self.gateway}/v1/sales/{SALE}"


def rehearsal(directory: Path) -> Path:
    """A copy of the example with the changes of `REHEARSAL`; its sale.toml."""
    file = copied(directory)
    text = file.read_text()
    for name, value in REHEARSAL.items():
        text, changed = re.subn(rf"(?m)^{name} = \d+$", f"{name} = {value}", text)
        if changed != 1:
            raise ValueError(f"{file} has no line {name}")
    file.write_text(text)
    return file


def copied(directory: Path) -> Path:
    """A copy of the example as it is; its sale.toml."""
    shutil.copytree(EXAMPLE, directory)
    return directory / "sale.toml"


def lead_to_shop(file: Path, shop: str) -> None:
    """Let the sale send its shoppers to the pages of this shop, to sign in and to pay."""
    text = file.read_text()
    for keys, page in (("shop-login-jwks.json", "login"), ("shop-payment-jwks.json", "pay")):
        line = f'jwks = "{keys}"\n'
        if line not in text:
            raise ValueError(f"{file} has no line {line}")
        text = text.replace(line, f'{line}page = "{shop}/{page}"\n')
    file.write_text(text)


def kiosk_offers(directory: Path, drop: str) -> dict[str, str]:
    """The offers of a drop at the venues that get a kiosk, each with its venue."""
    with (directory / "offers.csv").open(newline="", encoding="utf-8") as lines:
        offers = [line for line in csv.DictReader(lines) if line["drop"] == drop]
    kinds: dict[tuple[str, str], list[str]] = {}
    for line in offers:
        kinds.setdefault((line["supply"], line["codes"]), []).append(line["venue"])
    firsts = [venues[0] for venues in kinds.values()]
    chosen = list(dict.fromkeys([*firsts, *(line["venue"] for line in offers)]))[:KIOSK_VENUES]
    return {line["offer"]: line["venue"] for line in offers if line["venue"] in chosen}


async def apply(installation: Installation, file: Path, starts_in_s: int) -> None:
    """Take the sale in, its first drop to open in so many seconds, and let it open then."""
    await installation.command("sale", "apply", file, "--starts-in", str(starts_in_s))
    await installation.command("sale", "open", SALE)


async def buy_ahead(installation: Installation, venue: str) -> None:
    """Buy the seats of the cinemas that have a box office of their own."""
    rate = ("--rate-per-s", str(ASKED_PER_S))
    await installation.command("venue", "buy", SALE, "--url", venue, *rate)


async def issue_keys(installation: Installation, venues: set[str], directory: Path) -> Keys:
    """The partner's key, the operator's, and one for each kiosk; good from now on."""
    doors = {venue: [f"{venue}/kiosk-1"] for venue in sorted(venues)}
    next(iter(doors.values())).append(f"{min(venues)}/kiosk-2")
    kiosks = [("kiosk", door) for mine in doors.values() for door in mine]
    asked = [("partner", PARTNER), ("operator", SALE), *kiosks]
    made: dict[tuple[str, str], str] = {}
    waiting = iter(asked)

    async def work() -> None:
        for role, scope in waiting:
            made[role, scope] = await installation.credential(role, scope)

    await asyncio.gather(*(work() for _ in range(KEYS_AT_ONCE)))
    kiosk_keys = {venue: [made["kiosk", door] for door in mine] for venue, mine in doors.items()}
    keys = Keys(
        partner=_secret(directory / "partner-key", made["partner", PARTNER]),
        operator=_secret(directory / "operator-key", made["operator", SALE]),
        kiosks=_secret(directory / "kiosk-keys.json", json.dumps(kiosk_keys)),
    )
    await installation.until_known(made["partner", PARTNER])
    return keys


def _secret(file: Path, text: str) -> Path:
    file.touch(mode=0o600)
    file.write_text(text)
    return file


async def start_venue(installation: Installation, file: Path) -> str:
    """The box office: slow, with a tight limit, failing now and then."""
    journal = installation.directory / "venue.jsonl"
    rate = ("--rate-per-s", str(VENUE_RATE_PER_S))
    return await installation.simulator("venue", "--seats", file, "--state", journal, *rate)


async def start_shop(installation: Installation, file: Path) -> str:
    """The shop that logs people in and takes their money."""
    keys = file.parent / "shop-keys.json"
    return await installation.simulator("shop", "--keys", keys, "--sale", file)


async def start_partner(installation: Installation, keys: Keys) -> str:
    """The marketplace, with its key."""
    directory = installation.directory
    return await installation.simulator(
        "partner",
        *("--gateway", installation.gateway, "--sale", SALE, "--name", PARTNER),
        *("--credential-file", keys.partner, "--book", directory / "partner.jsonl"),
    )


async def read_json(url: str) -> Any:
    """A GET's JSON."""
    async with aiohttp.ClientSession() as session, session.get(url) as answer:
        answer.raise_for_status()
        return await answer.json()


async def read_counts(installation: Installation) -> dict[str, Any]:
    """Where the sale's units are: in all, by drop, by offer."""
    counts: dict[str, Any] = json.loads(
        await installation.command("sale", "counts", SALE, "--json")
    )
    return counts
