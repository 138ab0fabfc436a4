"""The worker: posts every stripe of every sale in the store, over and over, until told to stop.

It holds nothing that matters: any number of workers may run, and one that is killed is replaced by
the next. A store or a database that is gone is waited for; a stripe that cannot go on is reported
and tried again, while the others go on.
"""

import asyncio
import contextlib
import logging
from collections.abc import Callable
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from lua.faults import Fault, Fenced
from lua.store import Store
from settlement import slot as store_side
from settlement.books import Books
from settlement.database import answering
from settlement.slot import BadSlot, Slot
from settlement.stream import Stream, open_stream, open_streams
from settlement.stripe import PostedReport, post_batch

BATCH_FACTS = 2000
IDLE_S = 0.05
RETRY_FIRST_S, RETRY_MAX_S = 0.1, 2.0
FENCED = "the slot is fenced: its store may have gone back in time"
Place = tuple[str, int]
"""A sale's id and the number of a stripe."""

_log = logging.getLogger(__name__)


def _nobody(_report: PostedReport) -> None:
    """Nobody wants to hear it."""


class Feed:
    """Facts of a store into the books of a database. `last` is the latest report of each stripe.

    `told` hears every report.
    """

    def __init__(
        self, store: Store, books: Books, told: Callable[[PostedReport], None] = _nobody
    ) -> None:
        self.last: dict[Place, PostedReport] = {}
        self._told = told
        self._store = store
        self._pool = books.pool
        self._streams: dict[Place, Stream] = {}
        self._known: set[Place] | None = None

    async def run_once(self, sale: str, stripe: int = 0, limit: int = BATCH_FACTS) -> PostedReport:
        """Post one batch of a stripe, about `limit` facts. Raises lua's faults."""
        try:
            report = await self._post(sale, stripe, limit)
        except Fenced:
            self._streams.pop((sale, stripe), None)
            report = PostedReport(sale, stripe, "stopped", why=FENCED)
        except BaseException:
            # What is remembered of a stripe is only true after a commit.
            self._streams.pop((sale, stripe), None)
            raise
        self._note(report)
        return report

    async def run_all(self, limit: int = BATCH_FACTS) -> list[PostedReport]:
        """Post one batch of every stripe of every sale. Raises lua's faults at once.

        A bug in one stripe is raised after all others had their turn, so that a worker that dies
        of it and is started again, and again, starves nobody else.
        """
        reports: list[PostedReport] = []
        bugs: list[Exception] = []
        for sale, stripe in await self.places():
            posting = self.run_once(sale, stripe, limit)
            (done,) = await asyncio.gather(posting, return_exceptions=True)
            if isinstance(done, PostedReport):
                reports.append(done)
            elif isinstance(done, Fault) or not isinstance(done, Exception):
                raise done
            else:
                bugs.append(done)
        if bugs:
            raise ExceptionGroup("settlement cannot post", bugs)
        return reports

    async def places(self) -> list[Place]:
        """Every stripe that the store has, and every one that the books have seen."""
        if self._known is None:
            with answering():
                async with self._pool.acquire() as connection:
                    self._known = set(await open_streams(connection))
        places = set(self._known)
        for sale in await store_side.sales_of(self._store):
            try:
                slot = await store_side.read_slot(self._store, sale, 0)
            except BadSlot:
                slot = None  # its posting says so; the others go on
            places |= {(sale, stripe) for stripe in range(slot.stripes if slot else 1)}
        return sorted(places)

    async def lag(self) -> dict[Place, int]:
        """How many facts of each stripe the store knows and does not know to be in the books."""
        lag: dict[Place, int] = {}
        for sale, stripe in await self.places():
            with contextlib.suppress(BadSlot):  # how far it is, nobody can say
                slot = await store_side.read_slot(self._store, sale, stripe)
                lag[sale, stripe] = slot.fact - slot.settled if slot else 0
        return lag

    async def run(self, stop: asyncio.Event) -> None:
        """Post until `stop` is set. Waits for a store or a database that is gone."""
        retry_s = RETRY_FIRST_S
        while not stop.is_set():
            try:
                reports = await self.run_all()
            except Fault as error:
                if retry_s == RETRY_FIRST_S:
                    _log.warning("settlement waits: %s", error)
                self._known = None
                await _wait(stop, retry_s)
                retry_s = min(2 * retry_s, RETRY_MAX_S)
                continue
            if retry_s != RETRY_FIRST_S:
                _log.warning("settlement goes on")
                retry_s = RETRY_FIRST_S
            if not any(report.state == "posted" for report in reports):
                await _wait(stop, IDLE_S)

    async def _post(self, sale: str, stripe: int, limit: int) -> PostedReport:
        try:
            slot = await store_side.read_slot(self._store, sale, stripe)
        except BadSlot as error:
            return PostedReport(sale, stripe, "stopped", why=str(error))
        if slot is not None and slot.is_fenced:
            return PostedReport(sale, stripe, "stopped", why=FENCED)
        stream = self._streams.get((sale, stripe))
        if stream is None:
            if slot is not None and (wrong := _what_is_wrong(slot)):
                return PostedReport(sale, stripe, "stopped", why=wrong)
            stream = await self._open(sale, stripe, slot)
            if stream is None:
                return PostedReport(sale, stripe, "stopped", why="the store does not know the sale")
            if slot is not None and slot.timezone != stream.timezone:
                zones = (stream.timezone, slot.timezone)
                _log.warning("%s keeps its business days in %s, not in %s", sale, *zones)
            self._streams[sale, stripe] = stream
        elif slot is not None and stream.cursor == (slot.epoch, slot.fact) == (
            slot.epoch,
            slot.settled,
        ):
            return PostedReport(sale, stripe, "idle", *stream.cursor)
        return await post_batch(self._store, self._pool, stream, limit)

    async def _open(self, sale: str, stripe: int, slot: Slot | None) -> Stream | None:
        with answering(writes=True):
            async with self._pool.acquire() as connection:
                return await open_stream(
                    connection,
                    sale,
                    stripe,
                    rules=(slot.currency, slot.timezone) if slot else None,
                )

    def _note(self, report: PostedReport) -> None:
        """Keep the report, and log what changed."""
        place = (report.sale, report.stripe)
        before = self.last.get(place)
        if report.state == "stopped" and (before is None or before.why != report.why):
            _log.error("%s stripe %d stands still: %s", *place, report.why)
        elif before is not None and before.state == "stopped" and report.state == "posted":
            _log.warning("%s stripe %d goes on", *place)
        if report.quarantined or report.violations:
            _log.error(
                "%s stripe %d up to fact %d-%d: %d quarantined, %d violations",
                *place,
                report.epoch,
                report.number,
                report.quarantined,
                report.violations,
            )
        self.last[place] = report
        self._told(report)


def _what_is_wrong(slot: Slot) -> str:
    """Why no books can be opened for a sale ('' when they can)."""
    if len(slot.currency) != 3 or not slot.currency.isascii() or not slot.currency.isupper():
        return f"the sale's currency is {slot.currency!r}"
    try:
        ZoneInfo(slot.timezone)
    except (ZoneInfoNotFoundError, ValueError):
        return f"the sale's time zone is {slot.timezone!r}"
    return ""


async def _wait(stop: asyncio.Event, seconds: float) -> None:
    with contextlib.suppress(TimeoutError):
        await asyncio.wait_for(stop.wait(), seconds)
