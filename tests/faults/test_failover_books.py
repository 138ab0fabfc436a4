"""A failover in which PostgreSQL remembers more than the store: nothing of it is sold twice.

The real command over a cluster, durable on one server alone; its replicas get nothing for a while,
in which the worker settles what is sold. Then the master dies, and one of them is promoted.
"""

import asyncio
import tempfile
from pathlib import Path

import pytest

from loadtest.installation import Installation
from lua.store import Store
from tests.cluster import Cluster, cluster
from tests.faults.test_failover import leader, promoted, shard
from tests.faults.witness import Witness, witnessed

pytestmark = [pytest.mark.fault, pytest.mark.story, pytest.mark.timeout(300)]

POOLED, WORKERS = 600, 12
BEFORE, LOST = 50, 20
"""Successes before the replicas are cut off and after the failover; of which only books know."""


async def test_what_the_books_remember_is_not_sold_again() -> None:
    """Who was told of a success before the failover has it after it, from the books."""
    async with cluster((2, 0, 0)) as nodes:
        with tempfile.TemporaryDirectory(prefix="dgt-", dir="/tmp") as directory:
            async with Installation(Path(directory)) as running:
                await running.up(gateways=2, store_url=nodes.url)
                name = nodes.name_at(0, "books")
                witness = await witnessed(running, Path(directory), name, pooled=POOLED)
                await _play(nodes, witness)


async def _play(nodes: Cluster, witness: Witness) -> None:
    store = await Store.connect(nodes.url, check_durability=False)

    async def number(field: str) -> int:
        return int(await store.read("HGET", f"{{{witness.sale}:0}}:sale", field))

    async def course() -> None:
        await witness.reach(witness.successes + BEFORE)
        master = await leader(nodes)
        followers = [server for server in shard(nodes) if server is not master]
        for server in followers:
            server.freeze()
        await master.ask("CLIENT", "KILL", "TYPE", "replica")
        known, epoch = await number("fact"), await number("epoch")
        await witness.reach(witness.successes + LOST)
        while await number("settled") < known + LOST:
            await asyncio.sleep(0.02)
        master.kill()
        for server in followers:
            server.thaw()
        await promoted(nodes, master)
        await witness.reach(witness.successes + BEFORE)
        assert await number("epoch") == epoch + 1, "it was built anew"

    try:
        async with asyncio.timeout(200):
            playing = asyncio.create_task(course())
            await witness.buy(WORKERS, playing.done)
            await playing
            await witness.check()
    finally:
        await store.close()
