"""A slot with a hundred thousand settled orders is built anew, whole and within bounds."""

import time

import pytest

from gateway.audit import audit
from gateway.rebuilding import Evidence, Rebuilt, rebuild_slot
from inventory import outcomes as out
from inventory.orders import BATCH_MAX, HoldRequest, LineRequest
from inventory.sales import SaleView
from tests.gateway.world import PARTNER, World, furnish, sale_body

ORDERS = 100_000
LARGE = "large"
SECONDS_AT_MOST = 240.0
"""Far more than it takes where nothing else runs: what is measured is told in the output."""


def large_body() -> dict[str, object]:
    """The small sale, with one pooled offer of enough units."""
    body = sale_body(LARGE)
    (pool, *_) = body["offers"]
    return body | {"offers": [pool | {"units": ORDERS + 1_000}], "codes": [], "allotments": []}


def request(world: World, sale: SaleView, number: int) -> HoldRequest:
    """The order of buyer `number`: one unit, sold in one step by the partner."""
    names = world.services.identities
    buyer = names.buyer_key(f"{PARTNER}:buyer-{number}")
    order = names.order_id(sale.shape, caller=PARTNER, buyer=buyer, key=f"key-{number}")
    payment = f"partner:ref-{number}"
    return HoldRequest(order, buyer, PARTNER, (LineRequest(1, 1),), "same", one_step=True,
                       reference=f"ref-{number}", payment=payment)  # fmt: skip


async def sold(world: World, sale: SaleView, numbers: range) -> list[out.HoldOutcome]:
    """The outcomes of these buyers' orders."""
    found: list[out.HoldOutcome] = []
    for first in range(numbers.start, numbers.stop, BATCH_MAX):
        some = range(first, min(first + BATCH_MAX, numbers.stop))
        wanted = [request(world, sale, number) for number in some]
        found += await world.services.orders.hold(sale, wanted)
    return found


@pytest.mark.timeout(1_200)
async def test_a_hundred_thousand_orders_are_there_again(world: World) -> None:
    """Every repeat gets its success with its unit, nothing is sold twice, the audit is green."""
    services = world.services
    await services.housekeeping.stop()
    await furnish(services, sale=LARGE, body=large_body())
    sale = services.shelves.standing(LARGE).view
    before = await sold(world, sale, range(ORDERS))
    await world.settle()
    await services.store.write("FLUSHALL")
    begun, cpu = time.monotonic(), time.process_time()
    rebuilt = await rebuild_slot(
        services.store,
        services.books,
        await services.catalogue.get(),
        LARGE,
        evidence=Evidence(),
        rooms=services.rooms,
    )
    spent, used = time.monotonic() - begun, time.process_time() - cpu
    print(f"{ORDERS} orders: {spent:.1f} s, {used:.1f} s of them CPU here")  # noqa: T201
    assert isinstance(rebuilt, Rebuilt)
    assert (rebuilt.orders, rebuilt.restored, rebuilt.lost, rebuilt.withheld) == (ORDERS, 0, (), {})
    assert spent < SECONDS_AT_MOST
    every = range(0, ORDERS, 97)
    for number in every:
        (again,) = await sold(world, sale, range(number, number + 1))
        first = before[number]
        assert isinstance(again, out.Held)
        assert isinstance(first, out.Held)
        assert again.replayed
        assert again.order.units == first.order.units
    taken = {one.order.units[0].serial for one in before if isinstance(one, out.Held)}
    new = await sold(world, sale, range(ORDERS, ORDERS + 1_000))
    fresh = {one.order.units[0].serial for one in new if isinstance(one, out.Held)}
    assert (len(taken), len(fresh), taken & fresh) == (ORDERS, 1_000, set())
    (sold_out,) = await sold(world, sale, range(ORDERS + 1_000, ORDERS + 1_001))
    assert isinstance(sold_out, out.SoldOut)
    await world.settle()
    view = await services.shelves.refresh_sale(LARGE)
    assert view is not None
    found = await audit(services.store, services.books, view.view)
    assert found.ok, found.data()
