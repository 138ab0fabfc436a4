"""What a gateway sees of every sale: where units are, the line, the books' lag, and what is wrong.

One bounded loop. Here belongs looking and setting gauges; nothing is mended and nobody is refused.
Slots whose store may have gone back in time are told of by `fencing`, which enforces it.
"""

import math
import time
from collections.abc import Iterable
from typing import TYPE_CHECKING

from gateway.counting import Tally
from gateway.loops import for_each
from gateway.metrics import RATE_REASONS, ROOM_STATES, SALE_STATES, UNIT_STATES
from gateway.shelves import Shelf
from inventory.records import OfferCounts
from inventory.sales import Head, Sales
from inventory.withheld import Withheld
from queueing import Frame

if TYPE_CHECKING:
    from gateway.services import Services

LAG_STALE_S = 6.0
"""A lag that was looked at longer ago is not known any more."""
COUNT_AGAIN_S = 10.0
"""Until a sale is closed its counters are read again this often although no fact says that they
moved: what is changed past the scripts leaves none."""

Place = tuple[str, int]
"""A sale's id and the number of a stripe."""


class Watch:
    """The watcher of one process."""

    def __init__(self, services: "Services") -> None:
        self._services = services
        self._sales = Sales(services.store)
        self._withheld = Withheld(services.store)
        self._metrics = services.metrics
        self._shown: set[str] = set()
        self._checked: dict[str, Tally] = {}
        self._lags: dict[str, tuple[float, int]] = {}

    def lag_ms(self, sale: str) -> int | None:
        """The age of a sale's oldest fact that the books do not have; None when that is not known.

        As the store tells it, so it is known too while no settlement worker lives.
        """
        seen_at, age_ms = self._lags.get(sale, (-math.inf, 0))
        return age_ms if time.monotonic() - seen_at <= LAG_STALE_S else None

    async def look(self) -> int:
        """Look at every slot, then at every sale; how many sales. Raises Fault."""
        shelves = list(self._services.shelves)
        heads = {place: await self._sales.head(*place) for place in _places(shelves)}
        for gone in self._shown - {shelf.view.id for shelf in shelves}:
            self._metrics.forget(gone)
            self._checked.pop(gone, None)
            self._lags.pop(gone, None)
        self._shown = {shelf.view.id for shelf in shelves}
        await for_each(shelves, lambda shelf: self._look_at(shelf, heads))
        return len(shelves)

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
            self._metrics.forget(sale)
            return  # a slot is missing, and fencing tells so; there is nothing to count
        await self._tell_lag(sale, whole)
        tally = await self._tally(shelf)
        for state in UNIT_STATES:
            self._metrics.units.labels(sale, state).set(getattr(tally.total, state))
        if self._checked.get(sale) is not tally:
            for check, is_broken in broken(tally.offers).items():
                self._metrics.broken.labels(sale, check).set(is_broken)
            # What is withheld counts as held.
            kept_back = await self._withheld.listed(shelf.view) if tally.total.held else []
            self._metrics.withheld.labels(sale).set(sum(one.units for one in kept_back))
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
        self._lags[sale] = time.monotonic(), max(0, int(age_s * 1000))

    def _tell_room(self, frame: Frame) -> None:
        metrics, sale = self._metrics, frame.sale
        for state in ROOM_STATES:
            metrics.room_state.labels(sale, state).set(state == frame.state)
        metrics.waiting.labels(sale).set(frame.waiting)
        metrics.serving.labels(sale).set(frame.called)
        metrics.inside.labels(sale).set(frame.active)
        metrics.room_rate.labels(sale).set(frame.operator_rate_per_s)
        metrics.effective_rate.labels(sale).set(frame.rate_per_s)
        self._services.brakes.tell(frame)
        self._services.room_watch.saw(frame)
        metrics.no_show.labels(sale).set(1 - frame.comes)
        for reason in RATE_REASONS:
            metrics.limited_by.labels(sale, reason).set(reason == frame.reason)


def _places(shelves: Iterable[Shelf]) -> set[Place]:
    return {(one.view.id, stripe) for one in shelves for stripe in range(one.view.stripes)}


def broken(offers: Iterable[OfferCounts]) -> dict[str, bool]:
    """The invariants that are cheap to check, by name, and whether some offer breaks them."""
    differs = negative = False
    for one in offers:
        differs = differs or one.difference != 0
        negative = negative or one.is_negative
    return {"units_add_up": differs, "no_negative_counter": negative}
