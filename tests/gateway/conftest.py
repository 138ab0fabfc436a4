"""A gateway in this process, on a real store and database, with a small sale that is open."""

import shutil
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import aiohttp
import pytest

from gateway.services import Services
from lua.store import Store
from tests.gateway.world import World, furnish, serve, settings_for
from tests.patience import patiently


@pytest.fixture(scope="session")
def state_directory() -> Iterator[Path]:
    """A state directory with keys that all tests share."""
    directory = Path(tempfile.mkdtemp(prefix="dgt-gw-"))
    yield directory
    shutil.rmtree(directory)


@asynccontextmanager
async def a_world(
    state_directory: Path, valkey_url: str, database_url: str
) -> AsyncIterator[World]:
    """A gateway of its own in the running loop, spoken to over HTTP, on a store that is empty."""
    async with AsyncExitStack() as ends:
        # Whatever fails on the way, no loop may live on and meddle with another test's store.
        settings = settings_for(state_directory, valkey_url, database_url)
        services = await patiently(lambda: Services.open(settings))
        ends.push_async_callback(services.close)
        keys = await furnish(services)
        shared, url, own, own_url = await serve(services)
        ends.push_async_callback(own.cleanup)
        http = await ends.enter_async_context(aiohttp.ClientSession())
        yield World(services, http, url, own_url, keys)
        await http.close()
        await shared.cleanup()


@pytest.fixture
async def world(
    state_directory: Path, valkey_url: str, store: Store, database_url: str
) -> AsyncIterator[World]:
    """The gateway, spoken to over HTTP."""
    async with a_world(state_directory, valkey_url, database_url) as opened:
        yield opened
