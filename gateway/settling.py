"""How a settlement worker lives: finds its servers, posts until told to stop, then posts the rest.

Here: the process around `settlement.Feed`, and its own port with metrics and health. What posting
means is in settlement. Any number of workers may run; one that is killed is replaced by the next.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager

from aiohttp import web
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from gateway.answers import HealthAnswer
from gateway.config import Settings
from gateway.problems import Code, problem
from gateway.responses import answer, raw, refusal
from lua import Fault, Store
from settlement import Books, Feed

log = logging.getLogger("dropgate.settlement")

METRICS_TEXT = "text/plain; version=1.0.0; charset=utf-8"
RETRY_S = 0.2
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
            health.books, health.feed = books, (feed := Feed(store, books))
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
            return await Store.connect(settings.store_url, assume_durable=settings.assume_durable)
        except Fault as fault:
            if stop.is_set():
                return None
            if not told:
                log.warning("waiting for the store: %s", fault)
            told = True
            await asyncio.sleep(RETRY_S)


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
        self._registry = CollectorRegistry()
        self._registry.register(_Progress(self))

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
        """How far the books are."""
        return raw(generate_latest(self._registry), METRICS_TEXT)


class _Progress(Collector):
    """The latest report of every stripe, as gauges."""

    def __init__(self, health: Health) -> None:
        self._health = health

    def collect(self) -> Iterator[Metric]:
        labels = ("sale", "stripe")
        number, behind, stopped = (
            GaugeMetricFamily(f"dropgate_settlement_{name}", text, labels=labels)
            for name, text in (
                ("fact_number", "The last fact of the stripe that is in the books"),
                ("behind_facts", "Facts of the stripe that are not in the books yet"),
                ("stopped", "1 when the stripe stands still and a person must look"),
            )
        )
        for (sale, stripe), report in (self._health.feed.last if self._health.feed else {}).items():
            where = (sale, str(stripe))
            number.add_metric(where, report.number)
            behind.add_metric(where, report.behind)
            stopped.add_metric(where, report.state == "stopped")
        yield from (number, behind, stopped)


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
