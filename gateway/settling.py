"""How a settlement worker lives: finds its servers, posts until told to stop, then posts the rest.

Here: the process around `settlement.Feed`, and its own port with metrics and health. What posting
means is in settlement. Any number of workers may run; one that is killed is replaced by the next.
"""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from importlib.metadata import version

from aiohttp import web

from gateway.answers import HealthAnswer
from gateway.config import Settings
from gateway.problems import Code, problem
from gateway.responses import answer, raw, refusal
from gateway.settlement_metrics import SettlementMetrics
from lua import Fault, Store
from settlement import Books, Feed

log = logging.getLogger("dropgate.settlement")

METRICS_TEXT = "text/plain; version=1.0.0; charset=utf-8"
RETRY_S = 0.2
ALARMS_S = 5.0
FINISH_S = 20.0
"""How long the last facts may take. What is not posted by then is posted by the next worker."""


async def settle(settings: Settings, stop: asyncio.Event) -> None:
    """Post facts until `stop` is set, then what is left. Raises NotDurable, and bugs."""
    async with _own_port(settings) as health:
        store = await _store(settings, stop)
        if store is None:
            return
        books = await Books.connect(settings.database_url)
        try:
            feed = Feed(store, books, health.counted.note)
            health.books, health.feed = books, feed
            async with _watching(books, health.counted):
                await feed.run(stop)
                await _finish(feed)
        finally:
            await books.close()
            await store.close()


async def _store(settings: Settings, stop: asyncio.Event) -> Store | None:
    """The store, waited for; None when told to stop and it is not there."""
    told = False
    while True:
        try:
            return await Store.connect(
                settings.store_url,
                assume_durable=settings.assume_durable,
                replicas=settings.replicas_awaited,
            )
        except Fault as fault:
            if stop.is_set():
                return None
            if not told:
                log.warning("waiting for the store: %s", fault)
            told = True
            await asyncio.sleep(RETRY_S)


@asynccontextmanager
async def _watching(books: Books, counted: SettlementMetrics) -> AsyncIterator[None]:
    """Read every ALARMS_S what is wrong in the books, for as long as the block lasts."""

    async def read() -> None:
        while True:
            with suppress(Fault):  # the feed says that the database is gone
                counted.alarm(await books.alarming())
            await asyncio.sleep(ALARMS_S)

    reading = asyncio.create_task(read(), name="read alarms")
    try:
        yield
    finally:
        reading.cancel()
        await asyncio.gather(reading, return_exceptions=True)


async def _finish(feed: Feed) -> None:
    """Whoever stops us has stopped the gateways: what they wrote last is still to be posted."""
    try:
        async with asyncio.timeout(FINISH_S):
            while any(report.state == "posted" for report in await feed.run_all()):
                continue
    except (Fault, TimeoutError) as left:
        log.warning("leaving the rest to the next worker: %r", left)


class Health:
    """What the own port tells. `feed` and `books` are there once the store has answered."""

    def __init__(self) -> None:
        self.feed: Feed | None = None
        self.books: Books | None = None
        self.counted = SettlementMetrics(version("dropgate"))

    async def livez(self, _: web.Request) -> web.Response:
        """The event loop turns; no server behind is asked."""
        return answer(HealthAnswer(ok=True))

    async def readyz(self, _: web.Request) -> web.Response:
        """Whether it posts: the store and the database answer."""
        if self.feed is None or self.books is None:
            return refusal(problem(Code.NOT_READY, "The store has not answered yet."))
        try:
            await self.feed.lag()
            await self.books.stopped()
        except Fault as fault:
            return refusal(problem(Code.NOT_READY, str(fault)))
        return answer(HealthAnswer(ok=True))

    async def metrics(self, _: web.Request) -> web.Response:
        """What this worker has counted."""
        return raw(self.counted.page(), METRICS_TEXT)


@asynccontextmanager
async def _own_port(settings: Settings) -> AsyncIterator[Health]:
    health = Health()
    app = web.Application()
    for path, handler in (
        ("/livez", health.livez),
        ("/readyz", health.readyz),
        ("/metrics", health.metrics),
    ):
        app.router.add_get(path, handler)
    runner = web.AppRunner(app, access_log=None, keepalive_timeout=15.0)
    await runner.setup()
    try:
        await web.TCPSite(
            runner, settings.metrics_host, settings.metrics_port, reuse_port=True
        ).start()
        yield health
    finally:
        await runner.cleanup()
