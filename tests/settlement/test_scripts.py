"""Real verbs on a real store, posted as they go: the books say what the store says, at every fact.

A seeded random story over holds, payments, endings, refunds, codes, allotments and the close. What
the verbs decide is inventory's business; here only the facts count.
"""

import random
from collections.abc import Awaitable, Callable

import msgspec
import pytest

from gateway.rebuilding import Evidence, Rebuilt, rebuild_from_rules
from inventory import outcomes as out
from inventory.allotments import SoldUnit
from inventory.facts import Fact
from inventory.redemption import UNIT_REDEEM
from inventory.stock import Lot
from lua.store import Store
from settlement import Books, Feed, Run, reconcile
from settlement.business_day import business_date
from tests.inventory.conftest import (
    HOLD_MS,
    OUTSIDE,
    POOLED,
    RULES,
    SEATED,
    T0,
    Shop,
    made_shop,
)
from tests.inventory.contents import contents, differences

STEPS = 500
ELSEWHERE = {"voided", "withheld", "freed", "lent", "received"}
"""Kinds that no story here makes: nothing is uncertain in it, and its sale has one stripe."""
KINDS = {str(kind.__struct_config__.tag) for kind in Fact.__args__} - ELSEWHERE
STATES = ("released", "available", "held", "allotted", "sold", "redeemed", "voided", "returned",
          "moving")  # fmt: skip


class Story:
    """One random story. `orders` are the ids of all orders that were ever made."""

    def __init__(self, shop: Shop, feed: Feed, books: Books, seed: int) -> None:
        self.shop, self.feed, self.books = shop, feed, books
        self.dice = random.Random(seed)
        self.orders: list[str] = []
        self.lots = 0

    async def hold(self) -> None:
        """A shopper or a partner asks for one to three units of any offer."""
        request = self.shop.request(
            f"buyer-{self.dice.randrange(60)}",
            (self.dice.choice([POOLED, SEATED, OUTSIDE]), self.dice.randint(1, 3)),
            one_step=self.dice.random() < 0.4,
            seller=self.dice.choice(["shop", "market"]),
        )
        if isinstance(await self.shop.ask(request), out.Held):
            self.orders.append(request.order)

    async def pay(self) -> None:
        """Somebody pays an order, in time or too late."""
        order = await self._some_order()
        if order is not None:
            await self.shop.pay(order, payment=f"test:{order.id}")

    async def release(self) -> None:
        """Somebody gives a hold back."""
        order = await self._some_order()
        if order is not None:
            await self.shop.orders.release(self.shop.sale, order.id, now_ms=self.shop.now)

    async def expire(self) -> None:
        """Time goes by."""
        self.shop.now += HOLD_MS // 2
        await self.shop.orders.expire_due(self.shop.sale, now_ms=self.shop.now)

    async def refund(self) -> None:
        """All that is left of an order, or one unit of it."""
        order = await self._some_order()
        if order is None:
            return
        serials = [unit.serial for unit in order.units if unit.state in ("sold", "redeemed")]
        some = self.dice.sample(serials, 1) if serials and self.dice.random() < 0.5 else []
        key = f"refund-{self.dice.randrange(10**9)}"
        await self.shop.orders.refund(
            self.shop.sale, order.id, seller="", key=key, serials=some, now_ms=self.shop.now
        )

    async def redeem(self) -> None:
        """A kiosk uses a unit's code."""
        order = await self._some_order()
        for unit in order.units if order else ():
            names = ("sale", "offers", "units", "allotments", "facts")
            slot = [f"{{spring:0}}:{name}" for name in names]
            used = f"{{spring:0}}:r:{unit.serial // 256}"
            record = (6, unit.offer, unit.serial, unit.generation, "grand", "k", "key")
            args = (self.shop.now, msgspec.msgpack.encode([record]))
            await self.shop.store.run(UNIT_REDEEM, [*slot, used], args)
            return

    async def allot(self) -> None:
        """Units are set aside, reported and given back."""
        number = self.dice.randrange(1, 4)
        where = {"now_ms": self.shop.now}
        sale, allotments = self.shop.sale, self.shop.allotments
        await allotments.allot(
            sale, number=number, allotment=f"al-{number}", partner="market",
            offer=POOLED, quantity=3 * number, **where,
        )  # fmt: skip
        key = f"report-{self.dice.randrange(10**9)}"
        for one in await allotments.listed(sale):
            await allotments.export(sale, one.number, partner="market")
            serials = [unit.serial for unit in await allotments.units(sale, one)]
            some = self.dice.sample(serials, min(1, len(serials)))
            sold = [SoldUnit(serial, 450, f"m-{serial}-{key}") for serial in some]
            await allotments.report(
                sale, one.number, partner="market", key=key, lines=sold, **where
            )
            back = self.dice.sample(serials, min(1, len(serials)))
            await allotments.take_back(
                sale, one.number, partner="market", key=key, serials=back, by="market", **where
            )

    async def restock(self) -> None:
        """More pooled units come on the shelf."""
        self.lots += 1
        lot = Lot(f"more-{self.lots}", POOLED, [100 + 10 * self.lots, self.dice.randint(1, 9)])
        await self.shop.stock.add(self.shop.sale, [lot], now_ms=self.shop.now)

    async def post(self) -> None:
        """The worker posts some, or all."""
        report = await self.feed.run_once("spring", limit=self.dice.choice([1, 5, 1000]))
        assert (report.violations, report.quarantined, report.why) == (0, 0, "")

    async def compare(self) -> None:
        """The store's counters at its fact number are the books' counters at that number."""
        counts = await self.shop.stock.counts_of(self.shop.sale, 1, 4)
        await self.drain()
        await self.hold()
        await self.drain()
        books = await self.books.unit_counts("spring", {(0, counts[0].epoch): counts[0].fact})
        assert isinstance(books, dict)
        for offer in counts:
            told = {state: getattr(offer, state) for state in STATES}
            assert books[offer.offer] == told

    async def rebuild(self) -> None:
        """The slot is lost and built anew; what was settled is the same, in every key."""
        await self.drain()
        before = await contents(self.shop.store, "spring")
        await self._lose(await self.shop.store.read("KEYS", "{spring:0}:*"))
        assert differences(await contents(self.shop.store, "spring"), before) == []

    async def rebuild_with_surviving_facts(self) -> None:
        """The same with facts that are not in the books yet, and are in the stream still."""
        before = await contents(self.shop.store, "spring")
        names = await self.shop.store.read("KEYS", "{spring:0}:*")
        await self._lose([name for name in names if not name.endswith(b":facts")])
        after = await contents(self.shop.store, "spring")
        # An order that a fact of the new epoch touched last names the fact's new number.
        assert [one for one in differences(after, before) if ":b:" not in one] == []

    async def _lose(self, names: list[bytes]) -> None:
        await self.shop.store.write("DEL", *names)
        rebuilt = await rebuild_from_rules(
            self.shop.store, self.books, RULES, 0,
            evidence=Evidence(), before_it_opens=nothing_else, now_ms=self.shop.now,
        )  # fmt: skip
        assert isinstance(rebuilt, Rebuilt)
        assert (rebuilt.lost, rebuilt.withheld, rebuilt.unread) == ((), {}, 0)

    async def drain(self) -> None:
        """Post all that there is."""
        while (report := await self.feed.run_once("spring")).state == "posted":
            assert (report.violations, report.quarantined) == (0, 0)
        assert report.state == "idle"

    async def _some_order(self) -> out.Order | None:
        if not self.orders:
            return None
        return await self.shop.orders.read(self.shop.sale, self.dice.choice(self.orders))


async def nothing_else(_state: str) -> None:
    """There is no room and no catalogue."""


@pytest.mark.parametrize("seed", [1, 20140308, 3800])
async def test_a_random_story_is_in_the_books(
    store: Store, feed: Feed, books: Books, seed: int
) -> None:
    """Counters, orders, limits and money agree, nothing is impossible, a statement matches."""
    shop = await made_shop(store)
    story = Story(shop, feed, books, seed)
    steps: list[Callable[[], Awaitable[None]]] = [
        story.hold, story.hold, story.hold, story.pay, story.pay, story.release, story.expire,
        story.refund, story.redeem, story.allot, story.restock, story.post, story.compare,
        story.rebuild, story.rebuild_with_surviving_facts,
    ]  # fmt: skip
    for _ in range(STEPS):
        await story.dice.choice(steps)()
    await story.compare()
    await shop.change("close")
    shop.now += 2 * HOLD_MS
    await shop.orders.expire_due(shop.sale, now_ms=shop.now)
    await shop.stock.take_off(shop.sale, [POOLED, SEATED, OUTSIDE, 4], now_ms=shop.now)
    await story.compare()

    states = await books.order_states("spring", story.orders)
    for name in story.orders:
        order = await shop.orders.read(shop.sale, name)
        assert order is not None
        booked = states[name]
        assert (booked.state, booked.number) == (order.state, order.fact)
        assert (booked.amount_minor, booked.refunded_minor, booked.seller, booked.payment) == (
            order.amount_minor, order.refunded_minor, order.seller, order.payment,
        )  # fmt: skip
    assert await books.over_limit("spring", shop.sale.limit) == {}
    assert await books.violations("spring") == []
    assert await books.proof("spring") == []
    assert not any((await books.trial_balance()).values())
    assert not [name for name in await books.balances("suspense") if name[1] == "suspense"]
    day = business_date("Asia/Shanghai", T0)
    statement = await books.statement("market", day)
    made = await reconcile(books, "market", day, statement.csv())
    assert isinstance(made, Run)
    assert (made.breaks, made.lines_matched) == ((), len(statement.lines))
    kinds = await books.pool.fetch("select distinct kind from books.fact")
    assert {row["kind"] for row in kinds} == KINDS
