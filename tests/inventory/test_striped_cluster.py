"""A striped sale over a real cluster: its stripes lie on different masters and lend over them."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from inventory import outcomes as out
from inventory.orders import HoldRequest
from lua import NothingHappened, Store
from lua.tags import slot_of, tag
from tests.cluster import Cluster, cluster
from tests.inventory.conftest import POOLED, Shop
from tests.inventory.striped import asking, counts_of, facts_agree, finish_all, free_units, made

pytestmark = pytest.mark.timeout(300)
STRIPES, UNITS = 3, 43


@pytest.fixture(scope="module")
async def nodes() -> AsyncIterator[Cluster]:
    """Three masters."""
    async with cluster((0, 0, 0)) as running:
        yield running


async def patient(shop: Shop, request: HoldRequest) -> out.HoldOutcome:
    """One order, repeated with the same key while its answer is not known."""
    while True:
        try:
            return await shop.ask(request)
        except NothingHappened:
            continue


async def test_a_striped_sale_sells_to_its_last_unit_over_a_cluster(nodes: Cluster) -> None:
    """Nearly all units lie on one master; buyers of every master get them, and then all hear so."""
    owners = [await nodes.owner(slot_of(tag("spring", stripe))) for stripe in range(STRIPES)]
    assert len({owner.port for owner in owners}) == STRIPES, "each stripe has a master of its own"
    store = await Store.connect(nodes.url, check_durability=False)
    try:
        shop = await made(store, STRIPES, [0, UNITS - 1], [100, 1])
        wanted = [asking(shop, number % STRIPES, 1) for number in range(UNITS + 9)]
        told = await asyncio.gather(*(patient(shop, request) for request in wanted))
        sold = [one for one in told if isinstance(one, out.Held)]
        assert len(sold) == UNITS
        assert {one for one in told if not isinstance(one, out.Held)} == {out.SoldOut(POOLED)}
        assert len({one.order.units[0].serial for one in sold}) == UNITS
        assert await free_units(shop) == []
        await finish_all(shop)
        assert sum(one.moving for one in await counts_of(shop)) == 0
        await facts_agree(shop)
    finally:
        await store.close()
