"""A whole drop over a cluster, by the real command: its master dies, or its slot goes elsewhere.

Successes wait for a replica; the fence is opened by the gateways themselves.
"""

import asyncio
import os
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import closing
from pathlib import Path

import pytest

from loadtest.crowd.calls import Calls
from loadtest.installation import Installation
from lua.node import hash_slot
from tests.cluster import Cluster, cluster
from tests.stories.drop import Drop, partner_key

pytestmark = [pytest.mark.fault, pytest.mark.story, pytest.mark.timeout(300)]
HURT_AT = 60
SOLD_AFTER = 60
SELLING_AGAIN_S = 30.0
"""A few seconds where nothing else runs: the cluster's timeout, an election, the fence."""


@pytest.fixture(scope="module")
async def nodes() -> AsyncIterator[Cluster]:
    """Every master has a replica, since every success waits for one; the first has two."""
    async with cluster((2, 1, 1)) as made:
        yield made


@pytest.fixture(scope="module")
async def installation(nodes: Cluster) -> AsyncIterator[Installation]:
    """One `dropgate up` whose store is the cluster."""
    with (
        tempfile.TemporaryDirectory(prefix="dgt-", dir="/tmp") as home,
        pytest.MonkeyPatch.context() as patch,
    ):
        patch.setitem(os.environ, "DROPGATE_DURABILITY", "replica")
        async with Installation(Path(home)) as running:
            await running.up(gateways=2, store_url=nodes.url)
            yield running


@pytest.fixture(scope="module")
async def calls() -> AsyncIterator[Calls]:
    """The connections of all buyers."""
    with closing(Calls(seed=38)) as made:
        yield made


async def test_a_drop_outlives_its_master(
    nodes: Cluster, installation: Installation, calls: Calls
) -> None:
    """After kill -9 of the master another sells on; nothing told is lost, nothing sold twice."""
    name = nodes.name_at(0, "dies")
    drop = await Drop.prepared(installation, calls, name, await partner_key(installation))
    killed_at: list[float] = []

    async def kill(drop: Drop) -> None:
        await drop.reach(HURT_AT)
        (await nodes.owner(hash_slot(f"{{{name}:0}}"))).kill()
        killed_at.append(time.monotonic())
        await drop.reach(len(drop.promised_at) + SOLD_AFTER)

    async with asyncio.timeout(200):
        await drop.run(kill)
    again = min(at for at in drop.promised_at if at > killed_at[0] + 1.0)
    assert again - killed_at[0] < SELLING_AGAIN_S
    await drop.check()
    await nodes.whole()


async def test_a_drop_goes_on_while_its_slot_moves(
    nodes: Cluster, installation: Installation, calls: Calls
) -> None:
    """Moved to another master and on to the third, it is sold out as if nothing had been."""
    name = nodes.name_at(1, "moves")
    drop = await Drop.prepared(installation, calls, name, await partner_key(installation))

    async def move(drop: Drop) -> None:
        for target in (nodes.masters[2], nodes.masters[1]):
            await drop.reach(len(drop.promised_at) + HURT_AT // 2)
            await nodes.move(hash_slot(f"{{{name}:0}}"), target)
        await drop.reach(len(drop.promised_at) + SOLD_AFTER // 2)

    async with asyncio.timeout(200):
        await drop.run(move)
    await drop.check()
