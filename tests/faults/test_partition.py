"""A cut network: a master and some clients here, its replicas, all else and all others there.

Both sides go on as long as they can; what was told on either must be true when the cable is mended.
"""

import asyncio
from functools import partial
from itertools import count

import pytest

from tests.buying import Buying, end, open_shop, reopening
from tests.cluster import Cluster
from tests.faults.sides import Sides, sides
from tests.faults.split import is_promoted, opened, split_cluster
from tests.inventory.conftest import Shop
from tests.servers import until

pytestmark = [pytest.mark.fault, pytest.mark.timeout(300)]

SOLD_BEFORE, SOLD_AFTER = 60, 60
CUT_MORE_S = 1.0
"""How long the cable stays cut after the other side has a new master."""
WHOLE_S = 240.0


def test_a_cut_network_makes_no_promise_that_is_not_kept() -> None:
    """The old master's side hears of no success that the new master has not, and nobody is lost."""
    with sides() as pair:
        pair.there.begin(_play(pair)).result(WHOLE_S)


async def _play(pair: Sides) -> None:
    async with split_cluster(pair) as made:
        await _drop(pair, made)


async def _drop(pair: Sides, nodes: Cluster) -> None:
    store = await opened(nodes)
    minority = await pair.here.do(opened(nodes))
    buying = Buying(await open_shop(store, nodes.name_at(0)))
    cut_off = Buying(Shop(minority, buying.shop.sale, numbers=count(1_000_000)))
    async with reopening(store):
        load = buying.begin()
        cut_load = await pair.here.do(_begin(cut_off))
        await buying.reach(SOLD_BEFORE)
        await pair.here.do(cut_off.reach(SOLD_BEFORE))
        pair.cut()
        await until(partial(is_promoted, nodes), "nobody was promoted")
        await buying.reach(len(buying.told) + SOLD_AFTER)
        await asyncio.sleep(CUT_MORE_S)
        pair.mend()
        await end(load)
        await pair.here.do(end(cut_load))
        await pair.here.do(minority.close())
        assert cut_off.unknown or cut_off.refused, "the cut was not felt"
        buying.told |= cut_off.told
        buying.unknown |= cut_off.unknown
        await buying.check()
    await store.close()


async def _begin(buying: Buying) -> "asyncio.Task[None]":
    return buying.begin()
