"""A drop with shoppers and a partner on real processes, and what all of them were promised."""

import asyncio
import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp

from loadtest.crowd.calls import Calls
from loadtest.crowd.edge import Edges
from loadtest.crowd.journal import CONFIRMED, Journal, read
from loadtest.crowd.shelf import Shelf
from loadtest.crowd.shopper import Shopper, Town
from loadtest.installation import Installation
from loadtest.verdict import judge
from tests.stories.small import KEYS, PARTNER, write_sale

SHOPPERS = 150
ARRIVE_S = 3.0
PARTNER_WORKERS = 3
PARTNER_PAUSE_S = 0.05
LIMIT = 2
KNOWN_S = 60.0
CONNECTIONS_IN_A_ROW = 16
ENDS = {"sold_out", "all_held"}


@dataclass(slots=True)
class Drop:
    """One sale while it sells. `promised_at` has the time of every success that was told."""

    installation: Installation
    calls: Calls
    name: str
    released: dict[str, int]
    partner_key: str
    journal: Path
    partner_orders: list[dict[str, Any]] = field(default_factory=list)
    promised_at: list[float] = field(default_factory=list)

    @classmethod
    async def prepared(
        cls, installation: Installation, calls: Calls, name: str, partner_key: str
    ) -> "Drop":
        """The sale, applied and open."""
        folder = installation.directory / name
        released = write_sale(folder, name, pooled=150, rate_per_s=30)
        await installation.command("sale", "apply", folder / "sale.toml")
        await installation.command("sale", "open", name)
        journal = folder / "journal"
        return cls(installation, calls, name, released, partner_key, journal)

    async def run(self, meanwhile: Callable[["Drop"], Any]) -> None:
        """Everybody buys while `meanwhile` happens, until the partner finds nothing more.

        Who then still waits for somebody's hold to end goes home. Bugs of any of them are raised.
        """
        shop = await self.installation.simulator(
            "shop", "--keys", KEYS, "--sale", self.journal.parent / "sale.toml"
        )
        gateway = self.installation.gateway
        with closing(_Watched(self.journal, self.promised_at)) as journal:
            url = f"{gateway}/v1/sales/{self.name}"
            shelf, edges = Shelf(self.calls, url, "now"), Edges(self.calls, url)
            town = Town(gateway, shop, self.name, self.calls, shelf, edges, journal)
            async with asyncio.TaskGroup() as group:
                shoppers = [group.create_task(self._shopper(town, n)) for n in range(SHOPPERS)]
                await asyncio.gather(
                    meanwhile(self), *(self._partner(number) for number in range(PARTNER_WORKERS))
                )
                for shopper in shoppers:
                    shopper.cancel()
        assert not town.ends["gave_up"], "a visitor got no answer at all"

    async def _shopper(self, town: Town, number: int) -> None:
        await asyncio.sleep(ARRIVE_S * number / SHOPPERS)
        name = f"{self.name}-{number}"
        await Shopper(town, name, name).visit()

    async def _partner(self, worker: int) -> None:
        offers = list(self.released)
        number = 0
        while offers:
            number += 1
            offer = offers[number % len(offers)]
            name = f"{self.name}-{worker}-{number}"
            order = {
                "sale": self.name,
                "buyer": name,
                "mode": "sell",
                "reference": name,
                "lines": [{"offer": offer, "quantity": 1 + number % 2}],
            }
            url = f"{self.installation.gateway}/v1/partner/orders"
            status, told = await self.calls.write("sell", url, self.partner_key, order, key=name)
            if status in (200, 201):
                self.promised_at.append(time.monotonic())
                self.partner_orders.append(told)
            else:
                assert told["code"] in {*ENDS, "too_few", "not_together"}, told
                offers.remove(offer)
            await asyncio.sleep(PARTNER_PAUSE_S)

    async def reach(self, promises: int) -> None:
        """Return when so many successes have been told."""
        while len(self.promised_at) < promises:
            await asyncio.sleep(0.01)

    async def check(self) -> None:
        """Every promise is kept, every invariant holds."""
        promises = list(read(self.journal))
        partner = [
            {"units": [(unit["offer"], unit["unit"]) for unit in order["units"]]}
            for order in self.partner_orders
        ]
        verdict = judge(promises, partner, released=self.released, limit=LIMIT)
        assert (verdict.oversold, verdict.over_limit) == (0, 0)
        for promise in promises:
            if promise["what"] == CONFIRMED:
                await self._is_kept(promise["order"], promise["units"], promise["login"])
        for order in self.partner_orders:
            await self._is_kept(order["id"], order["units"], self.partner_key)
        await self.installation.command("sale", "audit", self.name)  # status 0, or it raises

    async def _is_kept(self, order: str, units: list[dict[str, Any]], credential: str) -> None:
        url = f"{self.installation.gateway}/v1/orders/{order}"
        status, now = await self.calls.get("read", url, credential)
        assert status == 200, f"order {order} was told and is lost: {now}"
        assert now["state"] == "confirmed"
        promised = [(unit["offer"], unit["unit"]) for unit in units]
        assert sorted(promised) == sorted((unit["offer"], unit["unit"]) for unit in now["units"])


class _Watched(Journal):
    """The shoppers' journal, which also notes when a promise was made."""

    def __init__(self, path: Path, promised_at: list[float]) -> None:
        super().__init__(path)
        self._promised_at = promised_at

    def confirmed(self, *, buyer: str, login: str, order: dict[str, Any]) -> None:
        """As Journal.confirmed."""
        self._promised_at.append(time.monotonic())
        super().confirmed(buyer=buyer, login=login, order=order)


async def partner_key(installation: Installation) -> str:
    """The Authorization of a new key of the partner, which every gateway knows.

    Each process hears of it by itself: many new connections in a row must find it known.
    """
    authorization = f"Bearer {await installation.credential('partner', PARTNER)}"
    url = f"{installation.gateway}/v1/partner/events"
    in_a_row = 0
    async with (
        asyncio.timeout(KNOWN_S),
        aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(force_close=True),
            headers={"Authorization": authorization},
        ) as session,
    ):
        while in_a_row < CONNECTIONS_IN_A_ROW:
            async with session.get(url) as answer:
                in_a_row = in_a_row + 1 if answer.status == 200 else 0
            await asyncio.sleep(0.01)
    return authorization


def process_of(installation: Installation, name: str) -> int:
    """The process id of that name as the state directory has it now, 0 for none."""
    try:
        return int(installation.note(name)["pid"])
    except FileNotFoundError:
        return 0
