"""Buyers who write down every single request and answer, for the history checker.

A buyer asks once, waits as long as a person's browser would, and asks again with the same key when
it was told to, or was told nothing. Some repeat although they know, some give back, and some go
home: then there must be no order of theirs.
"""

import asyncio
import random
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import aiohttp
import orjson

from loadtest.history import Attempt, Buy, GiveBack, History, Kept, Told
from loadtest.installation import Installation
from tests.stories.drop import LIMIT, partner_key
from tests.stories.small import write_sale

PATIENCE_S = 5.0
AGAIN_S = 0.05
REPEATED, REFUNDED, GONE_HOME = 0.2, 0.05, 0.2
"""Shares of the buyers who ask once more after a success, who give back, and who believe at once
that nothing happened."""
QUIET_S = 60.0
"""How long one question may go unanswered once nothing is in trouble any more."""
NOTHING = frozenset({"nothing_happened", "not_ready", "overloaded", "too_many_at_once"})


@dataclass(slots=True)
class Witness:
    """The buyers of one partner, and the history that they wrote."""

    installation: Installation
    authorization: str
    sale: str
    history: History
    dice: random.Random = field(default_factory=lambda: random.Random(11))
    slowest_s: float = 0.0
    unknown_s: list[float] = field(default_factory=list)
    """How long each answer took that was neither yes nor no."""
    told: Counter[str] = field(default_factory=Counter)
    _made: int = 0
    _open: dict[str, Buy] = field(default_factory=dict)

    @property
    def successes(self) -> int:
        """Successes that were told so far."""
        return self.told["ok"]

    async def reach(self, successes: int) -> None:
        """Return when so many successes have been told."""
        while self.successes < successes:
            await asyncio.sleep(0.01)

    async def buy(self, workers: int, until: Callable[[], bool]) -> None:
        """Buy with so many workers until it is enough, or an offer after the other is sold out."""
        offers = set(self.history.released)
        connector = aiohttp.TCPConnector(limit=0)
        async with aiohttp.ClientSession(connector=connector) as http, asyncio.TaskGroup() as group:
            for _ in range(workers):
                group.create_task(self._worker(http, offers, until))

    async def settle_doubts(self) -> None:
        """Ask each open question until it is answered: what is true must come out."""
        async with aiohttp.ClientSession() as http:
            for asked in list(self._open.values()):
                async with asyncio.timeout(QUIET_S):
                    while (await self._attempt(http, asked)).told in ("unknown", "nothing"):
                        await asyncio.sleep(AGAIN_S)

    async def read_kept(self) -> None:
        """Read every order that was told, and compare their units with the sale's counters."""
        kept = {}
        async with aiohttp.ClientSession() as http:
            told = {
                one.order for one in self.history.attempts if isinstance(one, Buy) and one.order
            }
            for order in sorted(told):
                status, body = await self._read(http, order)
                if status == 200 and body["state"] == "confirmed":
                    units = tuple(unit["unit"] for unit in body["units"])
                    kept[order] = Kept(f"{body['reference']}", units)
        self.history.kept = kept
        said = await self.installation.command("sale", "counts", self.sale, "--json")
        sold = orjson.loads(said)["total"]["sold"]
        assert sold == sum(len(one.units) for one in kept.values()), "an order nobody was told of"

    async def _read(self, http: aiohttp.ClientSession, order: str) -> tuple[int, dict[str, Any]]:
        async with asyncio.timeout(QUIET_S):
            while True:
                status, body, _ = await self._ask(http, "GET", f"/v1/orders/{order}", None, "")
                if status not in (0, 503):
                    return status, body
                await asyncio.sleep(AGAIN_S)

    async def read_withheld(self) -> None:
        """Read what a store that was built anew keeps back of each offer, as an operator."""
        key = {
            "Authorization": f"Bearer {await self.installation.credential('operator', self.sale)}"
        }
        url = f"{self.installation.gateway}/v1/operator/sales/{self.sale}/withheld"
        async with asyncio.timeout(QUIET_S), aiohttp.ClientSession(headers=key) as http:
            while True:  # each gateway hears of the key by itself
                async with http.get(url) as answer:
                    said = orjson.loads(await answer.read())
                if answer.status == 200:
                    break
                await asyncio.sleep(AGAIN_S)
        self.history.withheld = {one["offer"]: one["units"] for one in said["offers"]}

    async def check(self) -> None:
        """Everything that was told can be, is there, and the sale's invariants hold."""
        await self.settle_doubts()
        await self.read_kept()
        await self.read_withheld()
        wrong = self.history.wrong()
        assert not wrong, "\n".join(f"{one.rule}: {one.said}" for one in wrong[:20])
        await self.installation.command("sale", "audit", self.sale)

    async def _worker(
        self, http: aiohttp.ClientSession, offers: set[str], until: Callable[[], bool]
    ) -> None:
        while offers and not until():
            self._made += 1
            key, offer = f"{self.sale}-{self._made}", self.dice.choice(sorted(offers))
            asked = Buy(
                key=key, buyer=key, offer=offer, quantity=self.dice.randint(1, 2), began=0.0
            )
            answer = await self._attempt(http, asked)
            goes_home = self.dice.random() < GONE_HOME
            while answer.told in ("unknown", "nothing") and not until():
                goes_home = goes_home and answer.told == "nothing"  # doubt keeps one asking
                if goes_home:
                    self._open.pop(key)
                    break
                await asyncio.sleep(AGAIN_S)
                answer = await self._attempt(http, asked)
            if answer.told == "refused" and asked.quantity == 1 and answer.why == "sold_out":
                offers.discard(offer)
            elif answer.told == "ok" and self.dice.random() < REPEATED:
                await self._attempt(http, asked)
            elif answer.told == "ok" and self.dice.random() < REFUNDED:
                await self._give_back(http, answer)

    async def _attempt(self, http: aiohttp.ClientSession, asked: Buy) -> Buy:
        body = {
            "sale": self.sale,
            "buyer": asked.buyer,
            "mode": "sell",
            "reference": asked.key,
            "lines": [{"offer": asked.offer, "quantity": asked.quantity}],
        }
        began = time.monotonic()
        status, said, replayed = await self._ask(
            http, "POST", "/v1/partner/orders", body, asked.key
        )
        told = _told(status, said)
        attempt = replace(
            asked,
            began=began,
            ended=time.monotonic() if told != "unknown" else float("inf"),
            told=told,
            why=str(said.get("code", "")),
            replayed=replayed,
            order=str(said["id"]) if told == "ok" else "",
            units=tuple(unit["unit"] for unit in said["units"]) if told == "ok" else (),
        )
        self._note(attempt, time.monotonic() - began)
        self._open.pop(asked.key, None)
        if told in ("unknown", "nothing"):
            self._open[asked.key] = asked
        return attempt

    async def _give_back(self, http: aiohttp.ClientSession, sold: Buy) -> None:
        began = time.monotonic()
        path, key = f"/v1/partner/orders/{sold.order}/refund", f"{sold.key}-back"
        while True:
            status, said, _ = await self._ask(http, "POST", path, {}, key)
            if (told := _told(status, said)) in ("ok", "refused"):
                break
            await asyncio.sleep(AGAIN_S)
        assert told == "ok", said
        back = GiveBack(key=key, order=sold.order, began=began, ended=time.monotonic(), told="ok")
        self._note(back, 0.0)

    async def _ask(
        self, http: aiohttp.ClientSession, method: str, path: str, body: object, key: str
    ) -> tuple[int, dict[str, Any], bool]:
        headers = {"Authorization": self.authorization} | ({"Idempotency-Key": key} if key else {})
        try:
            async with (
                asyncio.timeout(PATIENCE_S),
                http.request(
                    method, self.installation.gateway + path, json=body, headers=headers
                ) as answer,
            ):
                said = orjson.loads(await answer.read())
                return answer.status, said, "Idempotent-Replayed" in answer.headers
        except (aiohttp.ClientError, TimeoutError, OSError):
            return 0, {}, False

    def _note(self, attempt: Attempt, took_s: float) -> None:
        self.history.attempts.append(attempt)
        self.told[attempt.told] += 1
        self.slowest_s = max(self.slowest_s, took_s)
        if attempt.told == "unknown":
            self.unknown_s.append(took_s)


async def witnessed(running: Installation, home: Path, sale: str, *, pooled: int) -> Witness:
    """A small sale that is open, and buyers for it who write everything down."""
    released = write_sale(home / "sale", sale, pooled=pooled, rate_per_s=30)
    await running.command("sale", "apply", home / "sale" / "sale.toml")
    await running.command("sale", "open", sale)
    return Witness(running, await partner_key(running), sale, History(released, LIMIT))


def _told(status: int, said: dict[str, Any]) -> Told:
    if status in (200, 201):
        return "ok"
    if status in (429, 503):
        return "nothing" if said["code"] in NOTHING else "unknown"
    if status == 0:
        return "unknown"
    assert status == 409, said
    return "refused"
