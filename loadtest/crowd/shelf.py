"""What shoppers see on the shelf: the offers of the drop and their stock bands, a second old."""

from __future__ import annotations

import random
import time
from dataclasses import dataclass
from itertools import accumulate
from typing import Any

from loadtest.crowd.calls import Calls

PAGE = 500
FRESH_S = 1.0
"""The page may be cached for a second (it says so), and a shop front would."""

HALF_AT = 8
"""The n-th offer draws 1/(1 + n/HALF_AT) of the first one's crowd: everybody wants the same."""


@dataclass(frozen=True, slots=True)
class Offer:
    """One thing on the shelf."""

    id: str
    venue: str
    price_minor: int
    stock: str


class Shelf:
    """The offers of one drop, shared by the shoppers of a process."""

    def __init__(self, calls: Calls, sale_url: str, drop: str) -> None:
        self._calls, self._url = calls, f"{sale_url}?offers=1&limit={PAGE}&drop={drop}"
        self._offers: list[Offer] = []
        self._read_at_s = float("-inf")
        self._reading = calls.engine.gate(1)

    async def offers(self) -> list[Offer]:
        """All offers of the drop, with bands at most `FRESH_S` old."""
        async with self._reading:
            if time.monotonic() - self._read_at_s > FRESH_S:
                self._offers = await self._read()
                self._read_at_s = time.monotonic()
        return self._offers

    async def _read(self) -> list[Offer]:
        found: list[Offer] = []
        after: int | None = 0
        while after is not None:
            status, page = await self._calls.get("shelf", f"{self._url}&after={after}")
            if status != 200:
                return self._offers
            found.extend(_offer(line) for line in page["offers"])
            after = page.get("next")
        return found

    async def choose(self, dice: random.Random, but_not: set[str]) -> Offer | None:
        """An offer that seems to have stock, by popularity; None when nothing does."""
        offers = [
            offer
            for offer in await self.offers()
            if offer.stock != "none" and offer.id not in but_not
        ]
        if not offers:
            return None
        weights = accumulate(1 / (1 + at / HALF_AT) for at in range(len(offers)))
        return dice.choices(offers, cum_weights=list(weights))[0]


def _offer(line: dict[str, Any]) -> Offer:
    return Offer(line["offer"], line["venue"], line["price_minor"], line["stock"])
