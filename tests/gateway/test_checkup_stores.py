"""What the doctor finds of a store that is more than one server."""

import pytest

from gateway.checkup.servers import store
from tests.cluster import cluster
from tests.servers import primary_with

pytestmark = [pytest.mark.fault, pytest.mark.timeout(240)]


async def test_every_master_of_a_cluster_is_looked_at() -> None:
    """Each is named with its own findings; one that may forget is bad, with its place."""
    async with cluster((0, 0, 0)) as nodes:
        found = await store(nodes.url, assume_durable=False)
        assert [one for one in found if one.mark == "bad"] == []
        for master in nodes.masters:
            assert [one for one in found if "Valkey" in one.told and master.url in one.told]
        await nodes.masters[1].ask("CONFIG", "SET", "appendfsync", "everysec")
        found = await store(nodes.url, assume_durable=False)
        (wrong,) = [one for one in found if one.mark == "bad"]
        assert "appendfsync is everysec" in wrong.told
        assert str(nodes.masters[1].port) in wrong.mend


async def test_replicas_that_successes_wait_for_are_looked_at() -> None:
    """They are there and keep what they have, or it is bad; who waits for none is told so."""
    async with primary_with(1) as (primary, replica):
        found = await store(primary.url, assume_durable=False)
        assert "it has 1 replicas; what it promises is on its own disk" in [
            one.told for one in found
        ]
        found = await store(primary.url, assume_durable=False, replicas=1)
        assert "it has 1 replicas; a success waits for 1 of them" in [one.told for one in found]
        assert [one for one in found if one.mark == "bad"] == []
        (wrong,) = [
            one
            for one in await store(primary.url, assume_durable=False, replicas=2)
            if one.mark == "bad"
        ]
        assert "wait for 2" in wrong.told
        await replica.ask("CONFIG", "SET", "appendfsync", "no")
        found = await store(primary.url, assume_durable=False, replicas=1)
        (wrong,) = [one for one in found if one.mark == "bad"]
        assert str(replica.port) in wrong.told
