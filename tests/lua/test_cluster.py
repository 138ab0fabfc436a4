"""The door before a cluster: every call reaches whoever has its slot, wherever that goes."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from lua import NothingHappened, Store
from lua.node import hash_slot
from lua.tags import tag
from tests.buying import Buying, end, open_shop, reopening
from tests.cluster import Cluster, cluster
from tests.inventory.conftest import FREE
from tests.servers import HOST, Server

pytestmark = [pytest.mark.fault, pytest.mark.timeout(240)]
MOVED_AFTER = 40
SOLD_AFTER = 40


@pytest.fixture(scope="module")
async def nodes() -> AsyncIterator[Cluster]:
    """Three masters for all tests of this file; what moves slots puts none back."""
    async with cluster((0, 0, 0)) as made:
        yield made


@pytest.fixture
async def door(nodes: Cluster) -> AsyncIterator[Store]:
    """The door to it, that knows one of its servers by name; the servers are empty."""
    await nodes.whole()
    await nodes.empty()
    store = await Store.connect(f"redis-cluster://{HOST}:{nodes.masters[0].port}")
    yield store
    await store.close()


def key_of(name: str) -> str:
    """The slot record of a sale's stripe 0."""
    return f"{{{tag(name, 0)}}}:sale"


async def move_by_hand(nodes: Cluster, name: str, source: Server, target: Server) -> None:
    """The classic way: open the slot on both sides, move key by key, then give it over."""
    slot = hash_slot(key_of(name))
    await target.ask("CLUSTER", "SETSLOT", slot, "IMPORTING", nodes.ids[source.port])
    await source.ask("CLUSTER", "SETSLOT", slot, "MIGRATING", nodes.ids[target.port])
    while found := await source.ask("CLUSTER", "GETKEYSINSLOT", slot, 1):
        await source.ask("MIGRATE", HOST, target.port, found[0], 0, 5000)
        await asyncio.sleep(0.05)
    for server in (target, source, *nodes.masters):
        await server.ask("CLUSTER", "SETSLOT", slot, "NODE", nodes.ids[target.port])


async def test_each_sale_is_sold_where_its_slot_is(nodes: Cluster, door: Store) -> None:
    """Three sales lie on three servers; a door that knows one of them by name sells all three."""
    for number, master in enumerate(nodes.masters):
        name = nodes.name_at(number, "three")
        shop = await open_shop(door, name)
        await shop.sold("ann", (FREE, 1))
        assert await master.ask("EXISTS", key_of(name)) == 1
        assert (await door.read("INFO", "server", at=key_of(name))).find(
            f"tcp_port:{master.port}".encode()
        ) > 0
    assert len(await door.servers()) == 3


async def test_a_slot_that_has_moved_is_followed(nodes: Cluster, door: Store) -> None:
    """A door whose map is old is told so by the old owner and asks the new one, at once."""
    name = nodes.name_at(0, "followed")
    source, target = await nodes.owner(hash_slot(key_of(name))), nodes.masters[1]
    shop = await open_shop(door, name)
    await move_by_hand(nodes, name, source, target)
    assert (await door.read("HGET", key_of(name), "state")) == b"open"
    async with reopening(door):
        await shop.sold("ann", (FREE, 1))
    assert await target.ask("EXISTS", key_of(name)) == 1


async def test_a_slot_on_its_way_is_asked_for_where_its_keys_are(
    nodes: Cluster, door: Store
) -> None:
    """A key that has gone ahead is found; a call whose keys lie on both sides did nothing."""
    name = nodes.name_at(0, "ahead")
    source, target = await nodes.owner(hash_slot(key_of(name))), nodes.masters[2]
    shop = await open_shop(door, name)
    slot = hash_slot(key_of(name))
    await target.ask("CLUSTER", "SETSLOT", slot, "IMPORTING", nodes.ids[source.port])
    await source.ask("CLUSTER", "SETSLOT", slot, "MIGRATING", nodes.ids[target.port])
    await source.ask("MIGRATE", HOST, target.port, key_of(name), 0, 5000)
    assert (await door.read("HGET", key_of(name), "state")) == b"open"
    assert await nodes.owner(hash_slot(key_of(name))) is source
    with pytest.raises(NothingHappened, match="TRYAGAIN"):
        await shop.sold("ann", (FREE, 1))
    await move_by_hand(nodes, name, source, target)
    async with reopening(door):
        await shop.sold("ann", (FREE, 1))
    assert await shop.counts(FREE) == {"available": 99_999, "sold": 1}


async def test_a_server_that_knows_no_script_is_taught(nodes: Cluster, door: Store) -> None:
    """Scripts are of one server; any other one gets them with the first call."""
    shop = await open_shop(door, nodes.name_at(0, "taught"))
    for master in nodes.masters:
        await master.ask("SCRIPT", "FLUSH")
    await shop.sold("ann", (FREE, 1))
    await shop.sold("ben", (FREE, 1))


async def test_a_slot_moved_in_one_step_costs_nobody_an_answer(nodes: Cluster, door: Store) -> None:
    """Under load: every purchase is told yes, none is refused, none is left not known."""
    name = nodes.name_at(0, "whole")
    source = await nodes.owner(hash_slot(key_of(name)))
    buying = Buying(await open_shop(door, name))
    async with reopening(door):
        load = buying.begin()
        for target in (nodes.masters[1], nodes.masters[2], source):
            await buying.reach(len(buying.told) + MOVED_AFTER)
            await nodes.move(hash_slot(key_of(name)), target)
        await buying.reach(len(buying.told) + SOLD_AFTER)
        await end(load)
    assert (dict(buying.refused), buying.unknown) == ({}, {})
    await buying.check()


async def test_a_slot_moved_key_by_key_is_refused_until_it_is_there(
    nodes: Cluster, door: Store
) -> None:
    """Under load: while its keys lie on both sides nothing happens, and nothing is left unknown."""
    name = nodes.name_at(1, "by-hand")
    source, target = await nodes.owner(hash_slot(key_of(name))), nodes.masters[2]
    buying = Buying(await open_shop(door, name))
    async with reopening(door):
        load = buying.begin()
        await buying.reach(MOVED_AFTER)
        await move_by_hand(nodes, name, source, target)
        await buying.reach(len(buying.told) + SOLD_AFTER)
        await end(load)
    assert buying.unknown == {}
    assert all("TRYAGAIN" in why for why in buying.refused), buying.refused
    await buying.check()


async def test_two_slots_in_one_command_is_a_bug(door: Store) -> None:
    """What would work by chance on one server fails on every one, loudly."""
    with pytest.raises(AssertionError, match="CROSSSLOT"):
        await door.read("EXISTS", "{a}:x", "{b}:x")


async def test_a_cluster_that_is_gone_is_told_at_once(nodes: Cluster) -> None:
    """Without any server nothing can have happened."""
    store = await Store.connect(f"redis-cluster://{HOST}:1", check_durability=False)
    with pytest.raises(NothingHappened):
        await store.write("SET", "{a}:x", "1")
    with pytest.raises(NothingHappened):
        await store.servers()
    await store.close()


async def test_one_node_of_a_cluster_is_no_store(nodes: Cluster) -> None:
    """Named as a single server, it says how to name it as what it is."""
    store = await Store.connect(nodes.masters[0].url)
    with pytest.raises(AssertionError, match="redis-cluster://"):
        await store.write("SET", key_of(nodes.name_at(1)), "1")
    await store.close()
