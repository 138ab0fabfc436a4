"""What a success is worth: on the store's own disk, or on so many replicas before it is told."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

import lua.durability
from inventory import outcomes as out
from lua import MayHaveHappened, NotDurable, NothingHappened, Store
from lua.tags import tag
from settlement.slot import entries_after
from tests.buying import open_shop
from tests.inventory.conftest import FREE, Shop
from tests.patience import patiently
from tests.servers import Server, has_replicas, primary_with, until

pytestmark = [pytest.mark.fault, pytest.mark.timeout(240)]
NAME = "spring"


@pytest.fixture(scope="module")
async def servers() -> AsyncIterator[list[Server]]:
    """A primary and its two replicas."""
    async with primary_with(2) as made:
        yield made


@pytest.fixture
async def primary(servers: list[Server]) -> Server:
    """The primary, emptied, with both replicas at its side."""
    await until(lambda: has_replicas(servers[0], 2), "the replicas never came back")
    await servers[0].ask("FLUSHALL")
    return servers[0]


@asynccontextmanager
async def door(primary: Server, replicas: int) -> AsyncIterator[Store]:
    """A store whose successes wait for so many replicas."""
    store = await patiently(lambda: Store.connect(primary.url, replicas=replicas))
    yield store
    await store.close()


@pytest.fixture
async def careful(primary: Server) -> AsyncIterator[Store]:
    """A store that tells of nothing before both replicas have it."""
    async with door(primary, 2) as store:
        yield store


@asynccontextmanager
async def frozen(server: Server) -> AsyncIterator[None]:
    """The server does nothing for as long as the block lasts."""
    server.freeze()
    try:
        yield
    finally:
        server.thaw()


async def test_a_success_is_told_once_all_replicas_have_it(
    servers: list[Server], careful: Store
) -> None:
    """What a buyer was told is on every replica at that moment."""
    shop = await open_shop(careful, NAME)
    for number in range(20):
        await shop.sold(f"b{number}", (FREE, 1))
        facts = [await one.ask("HGET", f"{{{tag(NAME, 0)}}}:sale", "fact") for one in servers]
        assert facts[0] == facts[1] == facts[2]


async def test_a_replica_that_lags_keeps_a_success_untold(
    servers: list[Server], careful: Store
) -> None:
    """With one of two frozen it is 'not known yet'; once it goes on, the repeat is told."""
    shop = await open_shop(careful, NAME)
    request = shop.request("ann", (FREE, 1))
    async with frozen(servers[2]):
        with pytest.raises(MayHaveHappened, match="replicas"):
            await shop.ask(request)
    outcome = await patiently(lambda: shop.ask(request))
    assert isinstance(outcome, out.Held)
    assert outcome.replayed


async def test_a_repeat_tells_no_more_than_the_replicas_have(
    primary: Server, servers: list[Server], careful: Store
) -> None:
    """Who repeats or looks, on whatever connection, hears of nothing that only the primary has."""
    shop = await open_shop(careful, NAME)
    request = shop.request("ann", (FREE, 1))
    async with frozen(servers[2]):
        with pytest.raises(MayHaveHappened):
            await shop.ask(request)
        async with door(primary, 0) as hasty:  # it is there, as far as the primary goes
            assert await Shop(hasty, shop.sale).orders.read(shop.sale, request.order)
        other = await Store.connect(primary.url, check_durability=False, replicas=2)
        fresh = Shop(other, shop.sale)
        with pytest.raises(MayHaveHappened):
            await fresh.ask(request)
        with pytest.raises(NothingHappened, match="replicas"):
            await fresh.orders.read(shop.sale, request.order)
        with pytest.raises(NothingHappened, match="replicas"):
            await entries_after(other, NAME, 0, (0, 0), 100)
        await other.close()
    assert await patiently(lambda: entries_after(careful, NAME, 0, (0, 0), 100))


async def test_what_is_no_success_waits_for_nobody(servers: list[Server], careful: Store) -> None:
    """Counters and the like are read from the primary alone."""
    shop = await open_shop(careful, NAME)
    async with frozen(servers[2]):
        assert (await shop.counts(FREE))["available"] > 0


async def test_a_replica_that_is_gone_counts_for_nothing(
    servers: list[Server], primary: Server, careful: Store
) -> None:
    """With one of two dead, two are not reached; who asks for one is told as before."""
    shop = await open_shop(careful, NAME)
    servers[2].kill()
    try:
        with pytest.raises(MayHaveHappened, match="replicas"):
            await shop.sold("ann", (FREE, 1))
        async with door(primary, 1) as store:
            await Shop(store, shop.sale).sold("ben", (FREE, 1))
        with pytest.raises(NotDurable, match=r"has 1 replicas.*wait for 2.*--replicas"):
            await Store.connect(primary.url, replicas=2)
    finally:
        await servers[2].start()


async def test_a_replica_that_may_forget_is_refused(servers: list[Server], primary: Server) -> None:
    """Copies that are waited for must keep what they have; who waits for none asks none."""
    await servers[1].ask("CONFIG", "SET", "appendfsync", "everysec")
    try:
        with pytest.raises(NotDurable, match=f"{servers[1].port} may.*fsync is everysec"):
            await Store.connect(primary.url, replicas=1)
        async with door(primary, 0):
            pass
        await (await Store.connect(primary.url, replicas=1, assume_durable=True)).close()
    finally:
        await servers[1].ask("CONFIG", "SET", "appendfsync", "always")


@pytest.mark.hurried
async def test_waiting_for_replicas_ends_within_a_second(
    servers: list[Server], careful: Store
) -> None:
    """Replicas get a part of a call's time, not all of it."""
    assert lua.durability.WAIT_S < lua.store.CALL_TIMEOUT_S
    async with frozen(servers[1]), asyncio.timeout(30):
        with pytest.raises((MayHaveHappened, NothingHappened)):
            await careful.read("GET", "{a}:x", durable=True)
