"""Counters of offers, added up over stripes; read again at most once a second for all who look.

Exact at the fact number they carry, and as old as that. The store's counters are inventory's.
"""

import asyncio
import time
from collections.abc import Mapping
from dataclasses import dataclass

from gateway.shelves import Shelf
from gateway.single_flight import SingleFlight
from inventory.records import OfferCounts
from inventory.stock import Stock

RECENT_S = 1.0


@dataclass(frozen=True, slots=True)
class Units:
    """Where units are. `released` is the sum of the others."""

    released: int = 0
    available: int = 0
    held: int = 0
    allotted: int = 0
    sold: int = 0
    redeemed: int = 0
    voided: int = 0
    returned: int = 0

    def __add__(self, other: "Units | OfferCounts") -> "Units":
        # Units between two stripes may be had again in a moment, as those that are held.
        moving = other.moving if isinstance(other, OfferCounts) else 0
        return Units(
            self.released + other.released,
            self.available + other.available,
            self.held + other.held + moving,
            self.allotted + other.allotted,
            self.sold + other.sold,
            self.redeemed + other.redeemed,
            self.voided + other.voided,
            self.returned + other.returned,
        )


@dataclass(frozen=True, slots=True)
class Tally:
    """A sale's counters: by offer and drop number, in all, and its first stripe's fact number.

    `offers` are the counters themselves, one for each offer and stripe.
    """

    by_offer: Mapping[int, Units]
    by_drop: Mapping[int, Units]
    total: Units
    offers: tuple[OfferCounts, ...]
    fact: int
    read_at: float

    @property
    def mark(self) -> tuple[int, int]:
        """Epoch and number of that fact: a slot that was built anew counts from 1 again."""
        return (self.offers[0].epoch if self.offers else 0), self.fact

    def of_drop(self, shelf: Shelf, drop: int) -> Units:
        """The units that a drop may sell: those of its offers.

        What is left of earlier drops counts too when the sale carries it over.
        """
        first = 1 if shelf.view.carry else drop
        drops = (units for number, units in self.by_drop.items() if first <= number <= drop)
        return sum(drops, start=Units())


class Counts:
    """The counters of all sales."""

    def __init__(self, stock: Stock) -> None:
        self._stock = stock
        self._kept: dict[str, Tally] = {}
        self._reading: dict[str, asyncio.Task[Tally]] = {}
        self._flights: dict[str, SingleFlight[Tally]] = {}

    async def read(self, shelf: Shelf) -> Tally:
        """The counters now."""
        flight = self._flights.setdefault(shelf.view.id, SingleFlight())
        return await flight.run(lambda: self._read(shelf))

    async def _read(self, shelf: Shelf) -> Tally:
        by_offer: dict[int, Units] = {}
        by_drop: dict[int, Units] = {}
        read = await self._stock.counts_everywhere(shelf.view)
        fact = read[0].fact if read else 0  # the oldest: what was read later may be newer
        for counts in read:
            by_offer[counts.offer] = by_offer.get(counts.offer, Units()) + counts
            by_drop[counts.drop] = by_drop.get(counts.drop, Units()) + counts
        total = sum(by_drop.values(), start=Units())
        tally = Tally(by_offer, by_drop, total, tuple(read), fact, time.monotonic())
        self._kept[shelf.view.id] = tally
        return tally

    async def recent(self, shelf: Shelf) -> Tally:
        """The counters of the last second; while one reads them, all others wait for that one.

        Nothing moves without a fact, so counters that are as new as the slot record stay good.
        """
        sale = shelf.view.id
        kept = self._kept.get(sale)
        if kept is not None:
            is_unchanged = shelf.view.stripes == 1 and _mark(shelf) <= kept.mark
            if is_unchanged or time.monotonic() - kept.read_at < RECENT_S:
                return kept
        reading = self._reading.get(sale)
        if reading is None:
            reading = self._reading[sale] = asyncio.create_task(self.read(shelf))
            reading.add_done_callback(lambda _: self._reading.pop(sale, None))
        return await asyncio.shield(reading)

    def kept(self, sale: str) -> Tally | None:
        """The counters as they were read last, however long ago."""
        return self._kept.get(sale)

    async def idle(self) -> None:
        """Return when nothing is being read."""
        await asyncio.gather(*self._reading.values(), return_exceptions=True)


def _mark(shelf: Shelf) -> tuple[int, int]:
    return shelf.view.epoch, shelf.view.fact
