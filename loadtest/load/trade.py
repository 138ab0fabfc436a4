"""Those who work at the sale: partners who buy for their customers, and the operator."""

from __future__ import annotations

import itertools
import random
from typing import Any

from loadtest.crowd.calls import Answer
from loadtest.crowd.shopper import Town
from loadtest.load.bots import BROKEN_LIMIT
from loadtest.load.witness import BUG

BATCH = 50
GREEDY, REPEATS = 0.05, 0.05
ORDERS_A_BUYER = 2
"""A partner's buyer comes twice, so that the limit is met."""

RATES = (0.7, 1.0, 1.3)
PAUSE_S = 0.5
PAUSES = 0.15


class Partner:
    """A marketplace with one credential. `name` tells its workers apart."""

    def __init__(self, town: Town, credential: str, name: str, *, limit: int) -> None:
        self._town, self._authorization, self._name = town, f"Bearer {credential}", name
        self._limit = limit
        self._dice = random.Random(name)
        self._numbers = itertools.count()

    async def sell_one(self) -> None:
        """One order in one step; now and then repeated, when the same must be told again."""
        order = await self._order()
        if order is None:
            return
        key = order.pop("key")
        status, told = await self._sell(order, key)
        self._note(order, status, told)
        if status == 201 and self._dice.random() < REPEATS:
            status, again = await self._sell(order, key)
            if (status, again.get("id")) != (200, told["id"]):
                self._town.journal.seen(BUG, f"order {told['id']} repeated: {status} {again}")

    async def sell_many(self) -> None:
        """A batch of orders, each with a key of its own."""
        orders = [order for _ in range(BATCH) if (order := await self._order()) is not None]
        if not orders:
            return
        url = f"{self._town.gateway}/v1/partner/orders/batch"
        status, told = await self._town.calls.write(
            "batch", url, self._authorization, {"orders": orders}
        )
        if status != 200:
            return
        for order, result in zip(orders, told["results"], strict=True):
            self._note(order, result["status"], result.get("order", {}))

    async def _order(self) -> dict[str, Any] | None:
        offer = await self._town.shelf.choose(self._dice, set())
        if offer is None:
            return None
        number = next(self._numbers)
        greedy = self._dice.random() < GREEDY
        quantity = self._limit + 1 if greedy else self._dice.randint(1, self._limit)
        return {
            "key": f"{self._name}-{number}",
            "sale": self._town.sale,
            "buyer": f"{self._name}-{number // ORDERS_A_BUYER}",
            "lines": [{"offer": offer.id, "quantity": quantity}],
            "mode": "sell",
            "reference": f"R-{self._name}-{number}",
        }

    async def _sell(self, order: dict[str, Any], key: str) -> Answer:
        url = f"{self._town.gateway}/v1/partner/orders"
        return await self._town.calls.write("sell", url, self._authorization, order, key=key)

    def _note(self, order: dict[str, Any], status: int, told: dict[str, Any]) -> None:
        if status not in (200, 201):
            return
        if order["lines"][0]["quantity"] > self._limit:
            self._town.journal.seen(BROKEN_LIMIT, f"order {told['id']} of more than the limit")
        self._town.journal.confirmed(buyer=f"partner/{order['buyer']}", login="", order=told)
        self._town.ends["sold_by_partner"] += 1
        self._town.sold.extend(
            (unit["offer"], unit["code"]) for unit in told["units"] if "code" in unit
        )


class Operator:
    """Looks at the counts, and moves the rate; sometimes stops everything for a moment."""

    def __init__(self, town: Town, credential: str, url: str, *, rate_per_s: float) -> None:
        self._calls, self._authorization, self._url = town.calls, f"Bearer {credential}", url
        self._rate_per_s = rate_per_s
        self._dice = random.Random(url)

    async def work(self) -> None:
        """One look, and one move."""
        await self._calls.get("counts", f"{self._url}/counts", self._authorization)
        if self._dice.random() < PAUSES:
            await self._pause()
        else:
            rate = {"rate_per_s": self._rate_per_s * self._dice.choice(RATES)}
            await self._calls.write(
                "rate", f"{self._url}/rate", self._authorization, rate, method="PATCH"
            )

    async def _pause(self) -> None:
        await self._do("pause")
        try:
            await self._calls.engine.sleep(PAUSE_S)
        finally:
            await self._do("resume")

    async def _do(self, verb: str) -> None:
        await self._calls.write(verb, f"{self._url}/{verb}", self._authorization, {})
