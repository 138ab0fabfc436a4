"""A cluster loses a master in the middle of a drop: what was told at each level of durability.

At the verbs, without HTTP. The fence is opened here as a gateway opens it for a slot that forgot
nothing; where it forgot something, the reading alone is compared with what was told.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from itertools import count

import pytest

from lua import Store
from lua.node import hash_slot
from lua.tags import tag
from tests.buying import Buying, end, open_shop, reopening
from tests.cluster import Cluster, cluster
from tests.faults.rounds import ROUNDS
from tests.inventory.conftest import Shop
from tests.patience import patiently
from tests.servers import Server, until

pytestmark = [pytest.mark.fault, pytest.mark.hurried, pytest.mark.timeout(300)]
SOLD_BEFORE = 60
SOLD_AFTER = 60
CUT_S = 0.8
"""How long replicas get nothing: less than the cluster's timeout, so nobody is replaced yet."""


@pytest.fixture(scope="module")
async def nodes() -> AsyncIterator[Cluster]:
    """Three masters, two replicas at the first one."""
    async with cluster((2, 0, 0)) as made:
        yield made


@pytest.fixture(autouse=True)
async def well(nodes: Cluster) -> None:
    """The cluster is whole again, and empty."""
    await nodes.whole()
    await nodes.empty()


@asynccontextmanager
async def door(nodes: Cluster, replicas: int) -> AsyncIterator[Store]:
    """The door of a process that waits for so many replicas."""
    # Two of the masters have none, and are not waited for here.
    opening = partial(Store.connect, nodes.url, check_durability=False, replicas=replicas)
    store = await patiently(opening)
    try:
        yield store
    finally:
        await store.close()


def shard(nodes: Cluster) -> list[Server]:
    """The first master and who may follow it, whoever leads now."""
    return [nodes.masters[0], *nodes.followers[0]]


async def leader(nodes: Cluster) -> Server:
    """Who leads the first shard."""
    return await nodes.owner(hash_slot(f"{{{tag(nodes.name_at(0), 0)}}}"))


async def promoted(nodes: Cluster, dead: Server) -> None:
    """Wait until another one leads."""

    async def another() -> bool:
        for server in shard(nodes):
            if server is not dead:
                info = await server.info("replication")
                if info["role"] == "master":
                    return True
        return False

    await until(another, "nobody was promoted")


async def test_a_dead_master_takes_nothing_that_was_told_with_it(nodes: Cluster) -> None:
    """Kill -9 under load: a replica is promoted, sells on, and has every success that was told.

    The other shards sell through it all.
    """
    async with door(nodes, 1) as store, door(nodes, 0) as beside:
        buying = Buying(await open_shop(store, nodes.name_at(0)))
        others = Buying(await open_shop(beside, nodes.name_at(1)))
        async with reopening(store):
            loads = [buying.begin(), others.begin()]
            await buying.reach(SOLD_BEFORE)
            dead = await leader(nodes)
            dead.kill()
            await promoted(nodes, dead)
            await buying.reach(len(buying.told) + SOLD_AFTER)
            for load in loads:
                await end(load)
            assert others.outage_s < buying.outage_s / 2
            await buying.check()
        assert (dict(others.refused), others.unknown) == ({}, {})
        await others.check()


@pytest.mark.parametrize("replicas", [0, 2])
async def test_each_level_loses_no_more_than_it_says(nodes: Cluster, replicas: int) -> None:
    """A master whose replicas got nothing for a while dies, and one of them is promoted.

    Waiting for replicas, nobody was told of what is lost. Without, what was told in that while is
    lost (which is why the slot is fenced), and nothing from before.
    """
    async with door(nodes, replicas) as store, door(nodes, 0) as reader:
        buying = Buying(await open_shop(store, nodes.name_at(0)))
        load = buying.begin()
        await buying.reach(SOLD_BEFORE)
        master = await leader(nodes)
        followers = [server for server in shard(nodes) if server is not master]
        if not replicas:  # what was told before is with them when the link is cut
            await until(lambda: caught_up(master, followers), "the replicas never caught up")
        for server in followers:
            server.freeze()
        before = set(buying.told)
        await master.ask("CLIENT", "KILL", "TYPE", "replica")
        await asyncio.sleep(CUT_S)
        master.kill()
        await end(load)
        for server in followers:
            server.thaw()
        await promoted(nodes, master)
        async with reopening(reader):
            lost = set(await buying.lost(reader))
        if replicas:
            assert buying.unknown
            assert lost == set()
        else:
            assert lost
            assert not lost & before


async def caught_up(master: Server, followers: list[Server]) -> bool:
    """Whether the replicas have acknowledged what the master has now."""
    at = int((await master.info("replication"))["master_repl_offset"])
    offsets = [int((await one.info("replication"))["master_repl_offset"]) for one in followers]
    return min(offsets) >= at


async def test_an_old_master_that_wakes_up_tells_nothing(nodes: Cluster) -> None:
    """Frozen until another one leads, it wakes up with clients that still believe in it.

    What they are told, they were told by the new one; a process that missed it all as well.
    """
    async with door(nodes, 1) as store, door(nodes, 1) as asleep:
        buying = Buying(await open_shop(store, nodes.name_at(0)))
        late = Buying(Shop(asleep, buying.shop.sale, numbers=count(1_000_000)))
        await late.buy()
        old = await leader(nodes)
        async with reopening(store):
            load = buying.begin()
            await buying.reach(SOLD_BEFORE)
            old.freeze()
            await promoted(nodes, old)
            await buying.reach(len(buying.told) + SOLD_AFTER)
            old.thaw()
            for _ in range(SOLD_BEFORE):
                await late.buy()
            await end(load)
            buying.told |= late.told
            buying.unknown |= late.unknown
            await buying.check()


@pytest.mark.faults_long
async def test_master_after_master_dies(nodes: Cluster) -> None:
    """As the first test, again and again, with whoever leads."""
    async with door(nodes, 1) as store:
        buying = Buying(await open_shop(store, nodes.name_at(0)))
        async with reopening(store):
            load = buying.begin()
            for _ in range(3 * ROUNDS):
                await buying.reach(len(buying.told) + SOLD_BEFORE)
                dead = await leader(nodes)
                dead.kill()
                await promoted(nodes, dead)
                await buying.reach(len(buying.told) + SOLD_AFTER)
                await nodes.whole()
            await end(load)
            await buying.check()
