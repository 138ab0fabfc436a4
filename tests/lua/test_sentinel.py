"""A primary that sentinels watch: found, and found again when another one takes its part."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from lua import NothingHappened, Store
from tests.buying import Buying, end, open_shop, reopening
from tests.patience import patiently
from tests.servers import HOST, Server, home, primary_with, until

pytestmark = [pytest.mark.fault, pytest.mark.hurried, pytest.mark.timeout(240)]
NAME = "shop"
DOWN_AFTER_MS = 1000
SOLD = 50


@asynccontextmanager
async def watching() -> AsyncIterator[tuple[list[Server], list[Server]]]:
    """A primary with two replicas, and the sentinels that watch them."""
    async with (
        home() as directory,
        primary_with(2) as servers,
        watched(servers[0], directory) as sentinels,
    ):
        yield servers, sentinels


@asynccontextmanager
async def watched(primary: Server, directory: Path) -> AsyncIterator[list[Server]]:
    """Three sentinels that watch a primary and know each other."""
    sentinels = []
    try:
        for number in range(3):
            lines = [
                f"sentinel monitor {NAME} {HOST} {primary.port} 2",
                f"sentinel down-after-milliseconds {NAME} {DOWN_AFTER_MS}",
                f"sentinel failover-timeout {NAME} 5000",
            ]
            here = directory / f"s{number}"
            here.mkdir()
            file = here / "sentinel.conf"
            file.write_text("\n".join(lines) + "\n")
            sentinels.append(Server(here, first=(str(file), "--sentinel")))
            await sentinels[-1].start()

        async def all_met() -> bool:
            told = [await one.info("sentinel") for one in sentinels]
            return all("slaves=2,sentinels=3" in one["master0"] for one in told)

        await until(all_met, "the sentinels never met")
        yield sentinels
    finally:
        for sentinel in sentinels:
            await sentinel.end()


async def test_the_primary_is_found_again_when_another_takes_its_part() -> None:
    """After a kill -9 under load selling goes on at another; nothing that was told is lost."""
    async with watching() as (servers, sentinels):
        places = ",".join(f"{HOST}:{one.port}" for one in sentinels)
        url = f"redis-sentinel://{places}/{NAME}"
        store = await patiently(lambda: Store.connect(url, replicas=1))
        buying = Buying(await open_shop(store, "spring"))
        before = await store.servers()
        async with reopening(store):
            load = buying.begin()
            await buying.reach(SOLD)
            servers[0].kill()
            await buying.reach(len(buying.told) + SOLD)
            await end(load)
            await buying.check()
        assert len(before) == 1
        assert before != await store.servers()
        await store.close()


async def test_sentinels_that_do_not_know_the_name_are_no_store() -> None:
    """A name that no sentinel watches, and sentinels that are gone, are told as such."""
    async with watching() as (_, sentinels):
        for place in (f"{HOST}:{sentinels[0].port}/other", f"{HOST}:1/{NAME}"):
            with pytest.raises(NothingHappened, match="no sentinel knows"):
                await Store.connect(f"redis-sentinel://{place}")
