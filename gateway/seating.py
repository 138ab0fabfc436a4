"""Seat maps: which seats of an offer are free; read again at most once a second for all who look.

Here belong keeping the store's string and cutting it into rows. Whether a seat may be had is
decided by the hold script alone: a map is as old as its `at_ms`.
"""

import asyncio
import time
from collections import OrderedDict
from dataclasses import dataclass
from itertools import groupby

from gateway.answers import SeatRowAnswer, SeatRunAnswer, SeatsAnswer
from gateway.shelves import Shelf
from inventory.catalogue import OfferView
from inventory.salefile import FREE, Layout
from inventory.stock import Stock

RECENT_S = 1.0
KEPT_MAX = 2_000
"""Maps that are kept; the least lately asked for is forgotten."""


@dataclass(frozen=True, slots=True)
class _Kept:
    answer: SeatsAnswer
    read_at: float


class Seating:
    """The seat maps of all sales."""

    def __init__(self, stock: Stock) -> None:
        self._stock = stock
        self._kept: OrderedDict[tuple[str, int], _Kept] = OrderedDict()
        self._reading: dict[tuple[str, int], asyncio.Task[SeatsAnswer]] = {}

    async def recent(self, shelf: Shelf, offer: OfferView) -> SeatsAnswer:
        """The map of the last second; while one reads it, all others wait for that one."""
        name = (shelf.view.id, offer.number)
        kept = self._kept.get(name)
        if kept is not None and time.monotonic() - kept.read_at < RECENT_S:
            self._kept.move_to_end(name)
            return kept.answer
        reading = self._reading.get(name)
        if reading is None:
            reading = self._reading[name] = asyncio.create_task(self._read(shelf, offer))
            reading.add_done_callback(lambda _: self._reading.pop(name, None))
        return await asyncio.shield(reading)

    async def _read(self, shelf: Shelf, offer: OfferView) -> SeatsAnswer:
        marks = await self._stock.seats(shelf.view, offer.number) if offer.layout else ""
        answer = SeatsAnswer(
            offer=offer.id,
            at_ms=int(time.time() * 1000),
            free=marks.count(FREE),
            rows=rows_of(offer.layout, marks) if offer.layout else [],
        )
        name = (shelf.view.id, offer.number)
        self._kept[name] = _Kept(answer, time.monotonic())
        self._kept.move_to_end(name)
        if len(self._kept) > KEPT_MAX:
            self._kept.popitem(last=False)
        return answer

    async def idle(self) -> None:
        """Return when nothing is being read."""
        await asyncio.gather(*self._reading.values(), return_exceptions=True)


def rows_of(layout: Layout, marks: str) -> list[SeatRowAnswer]:
    """The rows of a hall, from A on, with the marks of the store's string."""
    runs, at = [], 0
    for row, first, last in layout.runs:
        size = last - first + 1
        runs.append((row, first, marks[at : at + size]))
        at += size + 1
    runs.sort(key=lambda run: (len(run[0]), run[0], run[1]))
    return [
        SeatRowAnswer(row=row, runs=[SeatRunAnswer(first=first, seats=s) for _, first, s in some])
        for row, some in groupby(runs, key=lambda run: run[0])
    ]
