"""What a gateway sees of every sale: where units are, the line, the books' lag, and what is wrong.

Two bounded loops: `look` asks the store, `read_marks` asks PostgreSQL, so that neither server's
trouble hides what the other one says. Here belongs looking and setting gauges. Nothing is mended
and nobody is refused here: a fence that is seen is told, not enforced.
"""

import time
from collections.abc import Iterable
from typing import TYPE_CHECKING

from gateway.counting import Tally
from gateway.loops import for_each
from gateway.metrics import ROOM_STATES, SALE_STATES, UNIT_STATES
from gateway.shelves import Shelf
from inventory.records import OfferCounts
from inventory.sales import Head, Sales
from queueing import Frame

if TYPE_CHECKING:
    from gateway.services import Services

COUNT_AGAIN_S = 10.0
"""Until a sale is closed its counters are read again this often although no fact says that they
moved: what is changed past the scripts leaves none."""

Place = tuple[str, int]
"""A sale's id and the number of a stripe."""
Mark = tuple[int, int]
"""Epoch and number of a fact."""


class Watch:
    """The watcher of one process."""

    def __init__(self, services: "Services") -> None:
        self._services = services
        self._sales = Sales(services.store)
        self._metrics = services.metrics
        self._seen: dict[Place, Mark] = {}  # the highest fact that this process has seen
        self._settled: dict[Place, Mark] = {}  # PostgreSQL's last; (0, 0) where it has none yet
        self._shown: set[str] = set()
        self._checked: dict[str, Tally] = {}

    async def look(self) -> int:
        """Look at every slot, then at every sale; how many sales. Raises Fault."""
        marks = self._marks()  # taken before the slots are read: a mark may rise meanwhile
        shelves = list(self._services.shelves)
        heads = {place: await self._sales.head(*place) for place in _places(shelves) | marks.keys()}
        self._tell_fences(heads, marks)
        for gone in self._shown - {shelf.view.id for shelf in shelves}:
            self._metrics.forget(gone)
            self._checked.pop(gone, None)
        self._shown = {shelf.view.id for shelf in shelves}
        await for_each(shelves, lambda shelf: self._look_at(shelf, heads))
        return len(shelves)

    async def read_marks(self) -> int:
        """Read how far the books are, and which sales the store must have. Raises Fault."""
        known = await (await self._services.catalogue.get()).published()
        cursors = await self._services.books.cursors()
        self._settled = {(sale, 0): (0, 0) for sale in known} | cursors
        return len(self._settled)

    def _marks(self) -> dict[Place, Mark]:
        return {
            place: max(self._seen.get(place, (0, 0)), self._settled.get(place, (0, 0)))
            for place in self._seen.keys() | self._settled.keys()
        }

    def _tell_fences(self, heads: dict[Place, Head | None], marks: dict[Place, Mark]) -> None:
        for place, head in heads.items():
            if head is None and place not in marks:
                continue  # a sale that is only just being published
            is_behind = head is None or head.mark < marks.get(place, (0, 0))
            sale, stripe = place
            self._metrics.fenced.labels(sale, str(stripe)).set(is_behind)
            if head is not None and not is_behind:
                self._seen[place] = head.mark

    async def _look_at(self, shelf: Shelf, heads: dict[Place, Head | None]) -> None:
        """Set the gauges of one sale. What cannot be read leaves them as they were."""
        sale = shelf.view.id
        self._metrics.begin(sale)
        for state in SALE_STATES:
            self._metrics.sale_state.labels(sale, state).set(state == shelf.view.state)
        frame = self._services.frames.latest(sale)
        if frame is not None:
            self._tell_room(frame)
        slots = [(stripe, heads.get((sale, stripe))) for stripe in range(shelf.view.stripes)]
        whole = [(stripe, head) for stripe, head in slots if head is not None]
        if len(whole) < len(slots):
            return  # a slot is missing, and told so; there is nothing to count
        await self._tell_lag(sale, whole)
        tally = await self._tally(shelf)
        for state in UNIT_STATES:
            self._metrics.units.labels(sale, state).set(getattr(tally.total, state))
        if self._checked.get(sale) is not tally:
            for check, is_broken in broken(tally.offers).items():
                self._metrics.broken.labels(sale, check).set(is_broken)
            self._checked[sale] = tally

    async def _tally(self, shelf: Shelf) -> Tally:
        tally = await self._services.counts.recent(shelf)
        is_old = time.monotonic() - tally.read_at > COUNT_AGAIN_S
        return await self._services.counts.read(shelf) if is_old and not shelf.is_closed else tally

    async def _tell_lag(self, sale: str, heads: list[tuple[int, Head]]) -> None:
        behind = sum(head.fact - head.settled for _, head in heads)
        oldest_ms = [
            at_ms
            for stripe, head in heads
            if (at_ms := await self._sales.oldest_unsettled_ms(sale, stripe, head)) is not None
        ]
        age_s = time.time() - min(oldest_ms) / 1000 if oldest_ms else 0.0
        self._metrics.lag.labels(sale).set(behind)
        self._metrics.lag_seconds.labels(sale).set(max(0.0, age_s))

    def _tell_room(self, frame: Frame) -> None:
        metrics, sale = self._metrics, frame.sale
        for state in ROOM_STATES:
            metrics.room_state.labels(sale, state).set(state == frame.state)
        metrics.waiting.labels(sale).set(max(0, frame.tail - frame.serving))
        metrics.serving.labels(sale).set(frame.serving)
        metrics.inside.labels(sale).set(frame.active)
        metrics.room_rate.labels(sale).set(frame.rate_per_s)


def _places(shelves: Iterable[Shelf]) -> set[Place]:
    return {(one.view.id, stripe) for one in shelves for stripe in range(one.view.stripes)}


def broken(offers: Iterable[OfferCounts]) -> dict[str, bool]:
    """The invariants that are cheap to check, by name, and whether some offer breaks them."""
    differs = negative = False
    for one in offers:
        differs = differs or one.difference != 0
        negative = negative or one.is_negative
    return {"units_add_up": differs, "no_negative_counter": negative}
