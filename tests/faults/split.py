"""A cluster on both sides of a cable: one master here, its replicas and all else there."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial

from lua import Store
from tests.cluster import Cluster, node
from tests.faults.sides import Sides
from tests.patience import patiently
from tests.servers import home


@asynccontextmanager
async def split_cluster(pair: Sides) -> AsyncIterator[Cluster]:
    """Three masters, of which the first is cut off with the cable; two replicas of that one."""
    async with home() as directory:
        master = node(directory, "m0", pair.here.address)
        others = [node(directory, f"m{n}", pair.there.address) for n in (1, 2)]
        replicas = [node(directory, f"r{n}", pair.there.address) for n in (1, 2)]
        made = Cluster([master, *others], [replicas, [], []])
        try:
            await pair.here.do(master.start())
            await asyncio.gather(*(server.start() for server in (*others, *replicas)))
            await made.join()
            yield made
        finally:
            for server in made.servers:
                await server.end()


async def opened(nodes: Cluster) -> Store:
    """A door on the side that asks, whose successes wait for a replica."""
    opening = partial(Store.connect, nodes.url, check_durability=False, replicas=1)
    return await patiently(opening)


async def is_promoted(nodes: Cluster) -> bool:
    """Whether a replica of the first master has taken its place."""
    roles = [(await one.info("replication"))["role"] for one in nodes.followers[0]]
    return "master" in roles
