"""The running worker and its servers: each may die at any moment, and it goes on by itself."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from subprocess import Popen

import pytest

import lua.embedded
import settlement.embedded
from lua.faults import Fault, NothingHappened
from lua.process import Program, start, stop, wait_ready
from lua.store import Store
from settlement import Books, Feed, migrate
from tests.reopening import reopen
from tests.settlement.teller import Teller, line, sold, stocked


class Server:
    """One embedded server of the test's own, to be killed and started again."""

    def __init__(self, home: Path, prepare: Callable[[Path], Program]) -> None:
        self._home, self._prepare = home, prepare
        self._log = home.with_suffix(".log").open("ab")
        self._process: Popen[bytes] | None = None

    async def up(self) -> None:
        """Start it and wait until it answers."""
        self._program = self._prepare(self._home)
        self._process = start(self._program, self._log)
        await wait_ready(self._program, self._process)

    async def kill(self) -> None:
        """End it without a word."""
        assert self._process is not None
        self._process.kill()
        await stop(self._program, self._process)

    async def close(self) -> None:
        """End it properly, if it runs."""
        if self._process is not None and self._process.poll() is None:
            await stop(self._program, self._process)
        self._log.close()


@asynccontextmanager
async def server(home: Path, prepare: Callable[[Path], Program]) -> AsyncIterator[Server]:
    """A server that runs."""
    one = Server(home, prepare)
    try:
        await one.up()
        yield one
    finally:
        await one.close()


async def until(condition: Callable[[], Awaitable[bool]]) -> None:
    """Wait for a condition, through faults; half a minute is too long."""
    async with asyncio.timeout(30):
        while True:
            try:
                if await condition():
                    return
            except Fault:
                pass
            await asyncio.sleep(0.01)


@asynccontextmanager
async def working(feed: Feed) -> AsyncIterator[None]:
    """The feed runs; it must not end before it is told to."""
    finish = asyncio.Event()
    async with asyncio.TaskGroup() as together:
        together.create_task(feed.run(finish))
        try:
            yield
        finally:
            finish.set()


@pytest.mark.fault
async def test_the_store_dies_under_the_worker(
    server_directory: Path, books: Books, caplog: pytest.LogCaptureFixture
) -> None:
    """A store that is killed and comes back is read on from the cursor; it is said once."""
    async with server(server_directory / "v-recovery", lua.embedded.prepare) as valkey:
        store = await Store.connect(lua.embedded.url(server_directory / "v-recovery"))
        teller = await Teller(store).announce()
        await teller.tell(stocked(0, 10))
        feed = Feed(store, books)
        async with working(feed):
            await until(lambda: at(books, (1, 1)))
            await valkey.kill()
            await until(lambda: said(caplog, "settlement waits"))
            await valkey.up()
            assert await reopen(store) == 1
            await teller.tell(sold("a", line(1)))
            await until(lambda: at(books, (1, 2)))
            await until(lambda: settled(teller, 2))
        await store.close()
    assert sum("settlement waits" in record.message for record in caplog.records) == 1
    assert await books.proof("cinema") == []


@pytest.mark.fault
async def test_the_database_dies_under_the_worker(
    server_directory: Path, teller: Teller, caplog: pytest.LogCaptureFixture
) -> None:
    """A database that is killed and comes back has what was committed, and gets the rest."""
    home = server_directory / "p-recovery"
    async with server(home, settlement.embedded.prepare) as postgres:
        url = settlement.embedded.url(home)
        await migrate(url)
        books = await Books.connect(url)
        await teller.tell(stocked(0, 10))
        feed = Feed(teller.store, books)
        async with working(feed):
            await until(lambda: at(books, (1, 1)))
            await postgres.kill()
            await teller.tell(sold("a", line(1)))
            await until(lambda: said(caplog, "settlement waits"))
            with pytest.raises(NothingHappened):
                await books.cursor("cinema")
            await postgres.up()
            await until(lambda: at(books, (1, 2)))
            await until(lambda: settled(teller, 2))
        assert await books.proof("cinema") == []
        assert not any((await books.trial_balance()).values())
        await books.close()


async def test_the_worker_may_start_before_its_sale(store: Store, books: Books) -> None:
    """A sale that is announced while the worker runs is posted without a restart."""
    feed = Feed(store, books)
    async with working(feed):
        assert await feed.lag() == {}
        teller = await Teller(store).announce()
        await teller.tell(stocked(0, 10))
        await until(lambda: settled(teller, 1))
        assert await feed.lag() == {("cinema", 0): 0}


async def test_a_sale_that_books_cannot_be_kept_of_is_told(store: Store, feed: Feed) -> None:
    """No currency or an unknown time zone stops the stripe with a sentence, not the worker."""
    wrong = (("currency", "yuan"), ("timezone", "Mars/Olympus"), ("timezone", "../x"))
    for place, (field, value) in enumerate(wrong):
        teller = await Teller(store, f"sale-{place}").announce()
        await store.write("HSET", teller.record, field, value)
        await teller.tell(stocked(0, 10))
        report = await feed.run_once(teller.sale)
        assert (report.state, value in report.why) == ("stopped", True)


async def at(books: Books, cursor: tuple[int, int]) -> bool:
    """The books are at this fact."""
    return await books.cursor("cinema") == cursor


async def settled(teller: Teller, number: int) -> bool:
    """The store knows it."""
    return await teller.settled() == number


async def said(caplog: pytest.LogCaptureFixture, text: str) -> bool:
    """The worker has written this to its log."""
    return any(text in record.message for record in caplog.records)
