"""The partner buys for its customers through the partner interface, and gives some back.

Belongs here: the jobs about orders. Each can be started again after a kill and goes on by the book.
"""

from __future__ import annotations

import random
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from simulators.jobs import few_at_once, groups_of
from simulators.partner_book import Book
from simulators.partner_client import GatewayClient, Unanswered

OFFERS_PAGE = 500
AT_ONCE = 8
SAME_CUSTOMER_EVERY = 25
"""Every so many orders a customer comes twice and runs into the limit, as some do."""

Intent = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Shopping:
    """How much to buy: one by one, by hold and confirm, and in batches; `quantity` units each."""

    singles: int = 0
    holds: int = 0
    batches: int = 0
    batch_size: int = 50
    quantity: int = 2


class Orders:
    """The partner's orders in one sale."""

    def __init__(self, book: Book, client: GatewayClient, sale: str, name: str, seed: int) -> None:
        self._book, self._client, self._sale, self._name = book, client, sale, name
        self._dice = random.Random(seed)

    async def prices(self, drop: str = "") -> dict[str, int]:
        """The price of every offer (of a drop), as the sale's public pages say."""
        prices: dict[str, int] = {}
        after = 0
        only = {"drop": drop} if drop else {}
        while True:
            page = await self._client.get(
                f"/v1/sales/{self._sale}", offers=1, after=after, limit=OFFERS_PAGE, **only
            )
            prices |= {offer["offer"]: offer["price_minor"] for offer in page["offers"]}
            if page.get("next") is None:
                return prices
            after = page["next"]

    async def buy(self, drop: str, shopping: Shopping) -> None:
        """Buy what was asked for, of offers drawn from the drop."""
        offers = sorted(await self.prices(drop))
        one_by_one = shopping.singles + shopping.holds
        total = one_by_one + shopping.batches * shopping.batch_size
        first = len(self._book.intents)
        intents = [
            self._intent(first + at, offers, shopping, held=at < shopping.holds)
            for at in range(total)
        ]
        self._book.write(*intents)
        await few_at_once(self._buy_one, intents[:one_by_one], at_once=AT_ONCE)
        batches = groups_of(shopping.batch_size, intents[one_by_one:])
        await few_at_once(self._buy_batch, batches, at_once=2)

    def _intent(
        self, number: int, offers: Sequence[str], shopping: Shopping, *, held: bool
    ) -> Intent:
        again = number % SAME_CUSTOMER_EVERY == SAME_CUSTOMER_EVERY - 1
        return {
            "what": "intent",
            "key": f"{self._name}-{number}",
            "buyer": f"customer-{number - 1 if again else number}",
            "offer": self._dice.choice(offers),
            "quantity": shopping.quantity,
            "reference": f"R{number}",
            "mode": "hold" if held else "sell",
        }

    async def resume(self) -> None:
        """Send every intent whose outcome is unknown again, by its key."""
        await few_at_once(self._buy_one, self._book.open_intents(), at_once=AT_ONCE)

    async def refund(self, count: int) -> None:
        """Give `count` whole orders back."""
        kept = [order for order in self._book.orders.values() if not order.get("refunded")]
        await few_at_once(self._refund_one, kept[:count], at_once=AT_ONCE)

    async def _refund_one(self, order: Mapping[str, Any]) -> None:
        path, key = f"/v1/partner/orders/{order['order']}/refund", f"refund-{order['key']}"
        status, answer = await self._client.write(path, {}, key)
        if status >= 300:
            detail = f"refund of {order['order']}: {status} {answer.get('code')}"
            self._book.write({"what": "contradiction", "detail": detail})
            return
        self._book.write(
            {
                "what": "refund",
                "order": order["order"],
                "quantity": order["quantity"],
                "amount_minor": answer["refunded_minor"],
                "at_ms": now_ms(),
            }
        )

    async def _buy_one(self, intent: Intent) -> None:
        body = self._body(intent)
        status, answer = await self._client.write("/v1/partner/orders", body, intent["key"])
        if status < 300 and answer["state"] == "held":
            path, paid = f"/v1/orders/{answer['id']}/confirm", {"reference": intent["reference"]}
            status, answer = await self._client.write(path, paid, f"confirm-{intent['key']}")
        self._note(intent, status, answer)

    async def _buy_batch(self, group: Sequence[Intent]) -> None:
        """A batch; single orders of it that met a fault are sent again, in a smaller batch."""
        orders = [{"key": intent["key"], **self._body(intent)} for intent in group]
        path = "/v1/partner/orders/batch"
        status, answer = await self._client.write(path, {"orders": orders}, f"b-{group[0]['key']}")
        if status != 200:
            raise Unanswered(f"{path}: {status} {answer.get('code')}")
        again = []
        for intent, result in zip(group, answer["results"], strict=True):
            if result["status"] >= 500:
                again.append(intent)
            else:
                self._note(intent, result["status"], result.get("order") or result["problem"])
        if again:
            await self._buy_batch(again)

    def _body(self, intent: Intent) -> dict[str, Any]:
        return {
            "sale": self._sale,
            "buyer": intent["buyer"],
            "lines": [{"offer": intent["offer"], "quantity": intent["quantity"]}],
            "mode": intent["mode"],
            "reference": intent["reference"],
        }

    def _note(self, intent: Intent, status: int, answer: Mapping[str, Any]) -> None:
        if status >= 300:
            refused = {"what": "refused", "key": intent["key"], "code": str(answer.get("code"))}
            self._book.write(refused)
            return
        self._book.write(
            {
                "what": "order",
                "key": intent["key"],
                "order": answer["id"],
                "reference": intent["reference"],
                "quantity": len(answer["units"]),
                "amount_minor": answer["amount_minor"],
                "currency": answer["currency"],
                "at_ms": now_ms(),
                "units": [[unit["offer"], unit["unit"]] for unit in answer["units"]],
                "codes": [unit.get("code", "") for unit in answer["units"]],
            }
        )


def now_ms() -> int:
    """The partner's clock."""
    return time.time_ns() // 1_000_000
