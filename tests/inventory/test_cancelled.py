"""A caller that goes away, at every point of its call: its purchase is whole, or is not at all."""

import asyncio

from gateway.gathering import Gatherer
from inventory import outcomes as out
from inventory.orders import HoldRequest
from inventory.sales import SaleView
from lua import Store
from tests.buying import open_shop
from tests.inventory.conftest import FREE

TURNS_MAX = 60
"""More turns of the event loop than a call takes from asking to its answer."""


async def test_a_purchase_that_is_cancelled_anywhere_is_whole_or_not_at_all(store: Store) -> None:
    """Cancelled after each number of turns; then its repeat is told the one order there is."""
    shop = await open_shop(store, "cancelled")
    done = 0
    for turns in range(TURNS_MAX):
        request = shop.request(f"b{turns}", (FREE, 1), key=f"k{turns}", one_step=True)
        task = asyncio.create_task(shop.ask(request))
        for _ in range(turns):
            await asyncio.sleep(0)
        done += task.done()
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        neighbour = shop.request(f"n{turns}", (FREE, 1), key=f"n{turns}", one_step=True)
        for asked in (neighbour, request):
            told = await shop.ask(asked)
            assert isinstance(told, out.Held), told
            assert told.order.id == asked.order, "an answer of somebody else's call"
    assert done < TURNS_MAX, "nobody was cancelled"
    assert (await shop.counts(FREE))["sold"] == 2 * TURNS_MAX


async def test_whoever_is_cancelled_in_a_batch_has_an_order_all_the_same_or_none(
    store: Store,
) -> None:
    """One of eight goes away, sooner or later; the others hear of their own orders, once each."""
    shop = await open_shop(store, "gathered")
    holds: Gatherer[SaleView, HoldRequest, out.HoldOutcome] = Gatherer(
        lambda sale, batch: shop.orders.hold(sale, batch, shop.now)
    )
    for turns in range(TURNS_MAX):
        asked = [
            shop.request(f"b{turns}-{n}", (FREE, 1), key=f"k{turns}-{n}", one_step=True)
            for n in range(8)
        ]
        tasks = [asyncio.create_task(holds.ask("s", shop.sale, one)) for one in asked]
        for _ in range(turns):
            await asyncio.sleep(0)
        tasks[turns % 8].cancel()
        told = await asyncio.gather(*tasks, return_exceptions=True)
        for one, outcome in zip(asked, told, strict=True):
            if not isinstance(outcome, asyncio.CancelledError):
                assert isinstance(outcome, out.Held), outcome
                assert outcome.order.id == one.order
        again = await shop.ask(asked[turns % 8])
        assert isinstance(again, out.Held)
    assert (await shop.counts(FREE))["sold"] == 8 * TURNS_MAX
