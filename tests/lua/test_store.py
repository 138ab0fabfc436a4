"""The door to the store, when answers get lost, come late or never come."""

import asyncio
import signal
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import pytest

import lua.embedded
import lua.node
import lua.store
from inventory import outcomes as out
from lua import MayHaveHappened, NotDurable, NothingHappened, Store, catalogue
from lua.process import start, stop, wait_ready
from tests.inventory.conftest import POOLED, Shop, made_shop

pytestmark = pytest.mark.hurried
NEVER_S = 60.0
QUEUE_FULL = 4
"""Connections after which a listener with a backlog of one takes no more."""


class Proxy:
    """Stands between the door and the server; cuts the next answers off when told to."""

    def __init__(self, target: str) -> None:
        self.target = target
        self.answers_to_lose = 0
        self.lost = 0
        self.connections: set[asyncio.Task[None]] = set()

    def accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """A new connection of the door."""
        self.connections.add(asyncio.create_task(self.serve(reader, writer)))

    async def end(self) -> None:
        """Cut every connection that is left."""
        for connection in self.connections:
            connection.cancel()
        await asyncio.gather(*self.connections, return_exceptions=True)

    async def up(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        """A connection to the server."""
        return await asyncio.open_unix_connection(self.target)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection."""
        up_reader, up_writer = await self.up()
        asking = asyncio.create_task(_copy(reader, up_writer))
        try:
            while chunk := await up_reader.read(65536):
                if self.answers_to_lose:
                    self.answers_to_lose -= 1
                    self.lost += 1
                    break
                writer.write(chunk)
                await writer.drain()
        finally:
            asking.cancel()
            await asyncio.gather(asking, return_exceptions=True)
            for end in (up_writer, writer):
                end.close()
                with suppress(ConnectionError):
                    await end.wait_closed()


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while chunk := await reader.read(65536):
        writer.write(chunk)
        await writer.drain()


@asynccontextmanager
async def through_proxy(url: str, directory: Path) -> AsyncIterator[tuple[Store, Proxy]]:
    """A store whose answers can be lost on the way."""
    proxy = Proxy(url.removeprefix("unix://"))
    socket = directory / "proxy.sock"
    server = await asyncio.start_unix_server(proxy.accept, socket)
    store = await Store.connect(f"unix://{socket}")
    yield store, proxy
    await store.close()
    await proxy.end()
    server.close()
    await server.wait_closed()


async def test_an_answer_lost_on_the_way_is_asked_for_again(
    shop: Shop, valkey_url: str, server_directory: Path
) -> None:
    """The script ran, its answer was lost: the caller hears of one order, and one unit is gone."""
    async with through_proxy(valkey_url, server_directory) as (store, proxy):
        there = Shop(store, shop.sale)
        await there.held("warm", (POOLED, 1))
        proxy.answers_to_lose = 1
        outcome = await there.ask(there.request("ann", (POOLED, 1)))
        assert proxy.lost == 1
        assert isinstance(outcome, out.Held)
        assert outcome.replayed
    assert await shop.counts(POOLED) == {"available": 3, "held": 2}


async def test_two_lost_answers_are_told_as_not_known(
    shop: Shop, valkey_url: str, server_directory: Path
) -> None:
    """When both tries stay unanswered the fault says it may have happened; a repeat tells."""
    async with through_proxy(valkey_url, server_directory) as (store, proxy):
        there = Shop(store, shop.sale)
        await there.held("warm", (POOLED, 1))
        request = there.request("ann", (POOLED, 1))
        proxy.answers_to_lose = 2
        with pytest.raises(MayHaveHappened):
            await there.ask(request)
        outcome = await there.ask(request)
        assert isinstance(outcome, out.Held)
        assert outcome.replayed
    assert await shop.counts(POOLED) == {"available": 3, "held": 2}


async def test_a_caller_that_goes_away_leaves_no_answer_behind(shop: Shop) -> None:
    """Cancelled at any point, a call never leaves its answer to the next caller."""
    for turns in range(40):
        task = asyncio.create_task(shop.store.read("ECHO", f"old-{turns}"))
        for _ in range(turns % 8):
            await asyncio.sleep(0)
        task.cancel()
        answers = await asyncio.gather(*(shop.store.read("ECHO", f"{n}") for n in range(8)))
        assert answers == [b"%d" % n for n in range(8)]


def test_a_call_ends_within_a_second() -> None:
    """What bounds a whole call leaves some of the promised second to the rest of an answer."""
    assert lua.store.CALL_TIMEOUT_S <= 0.9


@pytest.fixture
def only_the_deadline(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every wait inside a call may last: what ends the call is its deadline."""
    for limit in ("CONNECT_TIMEOUT_S", "ANSWER_TIMEOUT_S", "POOL_WAIT_S"):
        monkeypatch.setattr(lua.node, limit, NEVER_S)


@asynccontextmanager
async def hangs_not() -> AsyncIterator[None]:
    """What is inside ends by the deadline of a call, be the machine as slow as it likes."""
    async with asyncio.timeout(NEVER_S / 2):
        yield


@pytest.mark.usefixtures("only_the_deadline")
async def test_a_frozen_store_is_told_at_the_deadline(server_directory: Path) -> None:
    """A server that stops answering gives 'not known' for a write, and nothing for a reading."""
    home = server_directory / "frozen"
    program = lua.embedded.prepare(home)
    process = start(program)
    await wait_ready(program, process)
    store = await Store.connect(lua.embedded.url(home))
    shop = await made_shop(store)
    try:
        process.send_signal(signal.SIGSTOP)
        async with hangs_not():
            with pytest.raises(MayHaveHappened, match="not in time"):
                await shop.ask(shop.request("ann", (POOLED, 1)))
            with pytest.raises(NothingHappened, match="not in time"):
                await store.read("PING")
    finally:
        process.send_signal(signal.SIGCONT)
        await store.close()
        await stop(program, process)


@pytest.mark.usefixtures("only_the_deadline")
async def test_a_store_that_accepts_nobody_is_told_at_the_deadline(tmp_path: Path) -> None:
    """Whether its queue still takes a connection or is full, nothing of a write has happened."""
    listener = socket.create_server(("127.0.0.1", 0), backlog=1)
    store = await Store.connect(
        f"redis://127.0.0.1:{listener.getsockname()[1]}", check_durability=False
    )
    with listener:
        async with hangs_not():
            for _ in range(QUEUE_FULL):
                with pytest.raises(NothingHappened, match="not in time"):
                    await store.write("SET", "a", "b")
        await store.close()


async def test_waiting_for_a_connection_counts_too(
    store: Store, monkeypatch: pytest.MonkeyPatch, only_the_deadline: None
) -> None:
    """Who finds every connection taken by calls that hang is told at the deadline."""
    deadline = lua.store.CALL_TIMEOUT_S
    monkeypatch.setattr(lua.node, "POOL_SIZE", 1)
    monkeypatch.setattr(lua.store, "CALL_TIMEOUT_S", NEVER_S)
    narrow = await Store.connect(store.url)
    async with hangs_not():
        hung = asyncio.create_task(narrow.read("BLPOP", "nothing", "0"))
        await asyncio.sleep(0)  # it has begun, and has the one connection
        monkeypatch.setattr(lua.store, "CALL_TIMEOUT_S", deadline)
        with pytest.raises(NothingHappened, match="not in time"):
            await narrow.write("SET", "a", "b")
        hung.cancel()
        await asyncio.gather(hung, return_exceptions=True)
        monkeypatch.setattr(lua.store, "CALL_TIMEOUT_S", NEVER_S)
        assert await narrow.read("ECHO", "again") == b"again"
    await narrow.close()


async def test_a_store_that_is_not_there_is_nothing_happened() -> None:
    """Without a connection nothing can have happened."""
    store = await Store.connect("unix:///tmp/nothing-listens-here", check_durability=False)
    with pytest.raises(NothingHappened):
        await store.write("SET", "a", "b")


@pytest.mark.parametrize(
    ("setting", "value"),
    [("appendonly", "no"), ("appendfsync", "everysec"), ("maxmemory-policy", "allkeys-lru")],
)
async def test_a_store_that_may_forget_is_refused(store: Store, setting: str, value: str) -> None:
    """Each setting that loses or evicts what was acknowledged is named, with its mend."""
    before = (await store.read("CONFIG", "GET", setting))[1]
    await store.write("CONFIG", "SET", setting, value)
    try:
        with pytest.raises(NotDurable, match=f"{setting} is {value}.*CONFIG SET {setting}"):
            await Store.connect(store.url)
        await (await Store.connect(store.url, assume_durable=True)).close()
    finally:
        await store.write("CONFIG", "SET", setting, before)


async def test_settings_that_may_not_be_read_are_refused_unless_vouched_for(store: Store) -> None:
    """Where CONFIG is forbidden only an explicit word goes on; a plain command says so too."""
    await store.write("ACL", "SETUSER", "default", "-config")
    try:
        with pytest.raises(NotDurable, match=r"CONFIG is forbidden.*--assume-durable"):
            await Store.connect(store.url)
        await (await Store.connect(store.url, assume_durable=True)).close()
        with pytest.raises(PermissionError):
            await store.read("CONFIG", "GET", "appendonly")
    finally:
        await store.write("ACL", "SETUSER", "default", "+config")


@pytest.mark.parametrize(
    ("command", "back", "told"),
    [
        (("CONFIG", "SET", "maxmemory", "1"), ("CONFIG", "SET", "maxmemory", "0"), "OOM"),
        (("REPLICAOF", "127.0.0.1", "1"), ("REPLICAOF", "NO", "ONE"), "READONLY"),
    ],
)
async def test_a_store_that_takes_no_writes_is_no_bug(
    shop: Shop, command: tuple[str, ...], back: tuple[str, ...], told: str
) -> None:
    """A full store and one that became a replica refuse: nothing happened, for scripts too."""
    await shop.store.write(*command)
    try:
        with pytest.raises(NothingHappened, match=told):
            await shop.store.write("SET", "a", "b")
        with pytest.raises(NothingHappened, match=told):
            await shop.ask(shop.request("ann", (POOLED, 1)))
    finally:
        await shop.store.write(*back)


async def test_a_refusal_that_passes_is_waited_out(
    shop: Shop, monkeypatch: pytest.MonkeyPatch, only_the_deadline: None
) -> None:
    """A server that is a replica for a moment refuses, and the same call succeeds afterwards."""
    monkeypatch.setattr(lua.store, "PASSING_S", NEVER_S)
    monkeypatch.setattr(lua.store, "CALL_TIMEOUT_S", NEVER_S)
    await shop.store.write("CONFIG", "RESETSTAT")
    await shop.store.write("REPLICAOF", "127.0.0.1", "1")
    try:
        held = asyncio.create_task(shop.held("ann", (POOLED, 1)))
        async with hangs_not():
            while b"errorstat_READONLY" not in await shop.store.read("INFO", "errorstats"):
                assert not held.done()
    finally:
        await shop.store.write("REPLICAOF", "NO", "ONE")
    assert (await held).state == "held"


async def test_a_script_the_server_forgot_is_sent_again(shop: Shop) -> None:
    """After SCRIPT FLUSH the first call brings the script back."""
    await shop.store.write("SCRIPT", "FLUSH")
    assert (await shop.held("ann", (POOLED, 1))).state == "held"


async def test_a_bug_is_an_assertion_and_writes_nothing(shop: Shop) -> None:
    """Arguments that a script cannot read stop it before its first write."""
    before = await shop.everything()
    script = catalogue.load("order_hold")
    keys = [f"{{spring:0}}:{name}" for name in script.keys[:-1]]
    with pytest.raises(AssertionError):
        await shop.store.run(script, keys, ("not a number", b"\xc1"))
    assert await shop.everything() == before
