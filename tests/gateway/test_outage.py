"""A server behind is gone: 503 with Retry-After, not ready, and well again by itself."""

import asyncio
import logging
import shutil
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AsyncExitStack
from pathlib import Path

import aiohttp
import pytest

import lua.embedded
import settlement.embedded
from gateway import services as wiring
from gateway.services import Services
from lua.process import Program
from settlement import migrate
from tests.conftest import running
from tests.gateway.world import SALE, World, furnish, serve, settings_for

pytestmark = pytest.mark.hurried
PATIENCE_S = 60.0


class Server:
    """A server that a test stops and starts again on its own data."""

    def __init__(self, describe: Callable[[], Program], log: Path) -> None:
        self._describe = describe
        self._log = log
        self._stack = AsyncExitStack()

    async def start(self) -> None:
        """Start it and wait until it answers."""
        await self._stack.enter_async_context(running(self._describe(), self._log))

    async def stop(self) -> None:
        """Stop it."""
        await self._stack.aclose()


@pytest.fixture
def home() -> Iterator[Path]:
    """A short directory for servers that only this test has."""
    directory = Path(tempfile.mkdtemp(prefix="dgo-", dir="/tmp"))
    yield directory
    shutil.rmtree(directory)


@pytest.fixture
async def store_server(home: Path) -> AsyncIterator[Server]:
    """A store of the test's own."""
    server = Server(lambda: lua.embedded.prepare(home / "valkey"), home / "valkey.log")
    await server.start()
    yield server
    await server.stop()


@pytest.fixture
async def database_server(home: Path) -> AsyncIterator[Server]:
    """A database of the test's own, migrated."""
    server = Server(lambda: settlement.embedded.prepare(home / "pg"), home / "pg.log")
    await server.start()
    await migrate(settlement.embedded.url(home / "pg"))
    yield server
    await server.stop()


@pytest.fixture
async def fragile(
    home: Path, state_directory: Path, store_server: Server, database_server: Server,
    monkeypatch: pytest.MonkeyPatch,
) -> AsyncIterator[World]:  # fmt: skip
    """A gateway on servers that the test may stop."""
    monkeypatch.setattr(wiring, "DATABASE_STALE_S", 2.0)
    settings = settings_for(
        state_directory, lua.embedded.url(home / "valkey"), settlement.embedded.url(home / "pg")
    )
    services = await Services.open(settings)
    keys = await furnish(services)
    shared, url, own, own_url = await serve(services)
    async with aiohttp.ClientSession() as http:
        yield World(services, http, url, own_url, keys)
    await shared.cleanup()
    await services.close()
    await own.cleanup()


async def until(holds: Callable[[], Awaitable[bool]]) -> None:
    """Ask again and again until it holds."""
    async with asyncio.timeout(PATIENCE_S):
        while not await holds():
            await asyncio.sleep(0.05)


async def test_the_store_goes_and_comes_back(
    fragile: World, store_server: Server, caplog: pytest.LogCaptureFixture
) -> None:
    """Without the store nothing is sold and the frame is served on; with it all goes on."""
    world = fragile
    pass_ = await world.pass_("ann")
    before = (await world.sell("bob")).data
    body = {"lines": [{"offer": "pool", "quantity": 1}]}
    with caplog.at_level(logging.INFO):
        await store_server.stop()
        for method, path, sent, auth in (
            ("POST", f"/v1/sales/{SALE}/orders", body, pass_),
            ("POST", f"/v1/sales/{SALE}/places", {}, world.login("carl")),
            ("GET", f"/v1/orders/{before['id']}", None, world.keys["partner"]),
            ("GET", f"/v1/operator/sales/{SALE}/counts", None, world.keys["operator"]),
        ):
            told = await world.call(method, path, sent, auth=auth, key="k")
            assert (told.status, told.headers["Retry-After"]) == (503, "1"), path
            assert told.code in ("nothing_happened", "may_have_happened")
        frame = await world.call("GET", f"/v1/sales/{SALE}/frame")
        assert frame.status == 200, "the frame fails open"
        assert (await world.call("GET", "/livez")).status == 200

        async def ready() -> bool:
            return (await world.call("GET", "/readyz")).status == 200

        async def not_ready() -> bool:
            return not await ready()

        await until(not_ready)
        told = await world.call("GET", "/readyz")
        assert (told.code, told.headers["Retry-After"]) == ("not_ready", "1")
        assert "store" in told.data["detail"]
        await store_server.start()
        await until(ready)

        def told_of_frames() -> list[str]:
            return [r.message for r in caplog.records if "loop frames" in r.message]

        async def frames_work() -> bool:
            return len(told_of_frames()) > 1

        await until(frames_work)
    held = await world.call("POST", f"/v1/sales/{SALE}/orders", body, auth=pass_, key="k")
    # 200 where the store's first answer came too late and its own second try found the order.
    assert held.status in (200, 201), "the same key goes on where it was"
    after = await world.call("GET", f"/v1/orders/{before['id']}", auth=world.keys["partner"])
    assert after.data == before, "what was told is not forgotten"
    assert len(told_of_frames()) == 2, "one line when it stops, one when it works again"


async def test_the_database_goes_and_comes_back(fragile: World, database_server: Server) -> None:
    """Without the database selling goes on with the keys that are known; settling waits."""
    world = fragile
    await database_server.stop()
    sold = await world.sell("ann")
    assert sold.status == 201, "selling does not need the database"
    told = await world.call("GET", "/v1/partner/events", auth=world.keys["partner"])
    assert (told.status, told.code, told.headers["Retry-After"]) == (503, "nothing_happened", "1")

    async def not_ready() -> bool:
        return (await world.call("GET", "/readyz")).status == 503

    async def events() -> bool:
        got = await world.call("GET", "/v1/partner/events", auth=world.keys["partner"])
        return got.status == 200

    async def ready() -> bool:
        return not await not_ready()

    await until(not_ready)
    assert "database" in (await world.call("GET", "/readyz")).data["detail"]
    await database_server.start()
    await until(events)
    await until(ready)
