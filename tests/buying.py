"""Buyers at a store that is being hurt: what each was told, and whether that is what is true.

At the verbs, without HTTP: what is looked at is the store and its door.
"""

import asyncio
import time
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import pairwise

from inventory import outcomes as out
from inventory.fencing import Fences
from inventory.orders import HoldRequest, Orders
from inventory.stock import Lot
from lua import Fault, MayHaveHappened, NothingHappened, Store
from tests.inventory.conftest import BASES, FREE, RECORD, Shop, made_shop, offer
from tests.patience import patiently

UNITS = 100_000
WORKERS = 4
REACH_S = 60.0
PAUSE_S = 0.005
"""Between two purchases of a worker: what is tested is not speed."""


async def open_shop(store: Store, name: str) -> Shop:
    """A sale of that name with more units than any test sells."""
    return await patiently(lambda: _opened(store, name))


async def _opened(store: Store, name: str) -> Shop:
    shop = await made_shop(store, replace(RECORD, id=name))
    plenty = replace(offer(FREE, "pooled"), size=UNITS)
    assert await shop.stock.put_offers(shop.sale, [plenty]) == []
    lot = Lot("free", FREE, [BASES[FREE], UNITS])
    assert await shop.stock.add(shop.sale, [lot], now_ms=shop.now) == []
    return shop


@dataclass
class Buying:
    """A load of purchases in one sale, and what came of each."""

    shop: Shop
    told: dict[str, HoldRequest] = field(default_factory=dict)
    """Orders whose buyers heard of success."""
    unknown: dict[str, HoldRequest] = field(default_factory=dict)
    refused: Counter[str] = field(default_factory=Counter)
    """Why the calls failed that did nothing."""
    doubts: Counter[str] = field(default_factory=Counter)
    """Why it is not known of others whether they did."""
    told_at: list[float] = field(default_factory=list)
    slowest_s: float = 0.0

    async def buy(self) -> None:
        """One purchase by a buyer of its own."""
        number = next(self.shop.numbers)
        request = self.shop.request(f"b{number}", (FREE, 1), key=f"k{number}", one_step=True)
        begun = time.monotonic()
        try:
            outcome = await self.shop.ask(request)
        except MayHaveHappened as fault:
            self.unknown[request.order] = request
            self.doubts[str(fault)] += 1
        except NothingHappened as fault:
            self.refused[str(fault)] += 1
        else:
            assert isinstance(outcome, out.Held), outcome
            self.told[request.order] = request
            self.told_at.append(time.monotonic())
        self.slowest_s = max(self.slowest_s, time.monotonic() - begun)

    async def reach(self, told: int) -> None:
        """Wait until so many purchases have been told of."""
        try:
            async with asyncio.timeout(REACH_S):
                while len(self.told) < told:
                    await asyncio.sleep(0.01)
        except TimeoutError:
            last = dict(self.refused.most_common(3))
            unknown = len(self.unknown)
            seen = f"told {len(self.told)} of {told}, {unknown} unknown, refused: {last}"
            raise AssertionError(seen) from None

    def begin(self) -> "asyncio.Task[None]":
        """Buy until the task is cancelled; the purchases under way are then finished."""
        return asyncio.create_task(self._buy_on(), name="buying")

    async def _buy_on(self) -> None:
        stop = asyncio.Event()
        workers = [asyncio.create_task(self._work(stop)) for _ in range(WORKERS)]
        with suppress(asyncio.CancelledError):
            await asyncio.wait(workers, return_when=asyncio.FIRST_EXCEPTION)
        stop.set()
        await asyncio.gather(*workers)

    async def _work(self, stop: asyncio.Event) -> None:
        while not stop.is_set():
            await self.buy()
            await asyncio.sleep(PAUSE_S)

    @property
    def outage_s(self) -> float:
        """The longest time without a success."""
        return max(late - early for early, late in pairwise(self.told_at))

    async def lost(self, store: Store | None = None) -> list[str]:
        """Orders that were told of and are not there, as one store sees it. Changes nothing."""
        gone, orders = [], Orders(store or self.shop.store)
        for order in self.told:
            seen = await patiently(partial(orders.read, self.shop.sale, order))
            if not isinstance(seen, out.Order):
                gone.append(order)
        return gone

    async def settle_unknown(self) -> None:
        """Repeat what was not known, with the same key, until each is told."""
        for order, request in list(self.unknown.items()):
            outcome = await patiently(partial(self.shop.ask, request))
            assert isinstance(outcome, out.Held), outcome
            self.told[order] = self.unknown.pop(order)

    async def check(self) -> None:
        """Nothing told is lost, nothing sold that nobody asked for, and every unit is counted."""
        assert await self.lost() == []
        await self.settle_unknown()
        counts = await patiently(lambda: self.shop.counts(FREE))
        assert counts.get("sold", 0) == len(self.told)


async def end(buying: "asyncio.Task[None]") -> None:
    """Stop a load; raises what went wrong in it."""
    buying.cancel()
    await buying


@asynccontextmanager
async def reopening(store: Store) -> AsyncIterator[None]:
    """What a gateway's loop does for a slot whose new server forgot nothing: open it at once."""
    fences = Fences(store)

    async def loop() -> None:
        while True:
            for slot in store.memory.fenced():
                with suppress(Fault):
                    sale = slot.partition(":")[0]
                    state = await fences.state(sale, 0)
                    if state is not None and await fences.reopen(sale, 0, state):
                        store.memory.reopen(slot, state.mark)
            await asyncio.sleep(0.01)

    task = asyncio.create_task(loop())
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
