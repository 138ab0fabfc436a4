"""Buying ahead: plan, buy, hand over, each step repeatable and written down before the next.

Belongs here: the order of the steps. The stock is the caller's: `take` puts one lot into it and
must be repeatable by the lot's id, because a run that died between taking and noting takes again.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass

from settlement.venue.client import Bought, SeatsTaken, VenueClient
from settlement.venue.journal import Journal, Lot

SEATS_PER_PURCHASE = 100
OFFERS_AT_ONCE = 4
"""Bounded by the pace anyway; more only hides the venue's latency."""

Take = Callable[[Lot], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Wanted:
    """An offer to buy for, and the most seats to buy."""

    offer: str
    seats_max: int


@dataclass(frozen=True, slots=True)
class OfferReport:
    """What one step did for one offer."""

    offer: str
    lots: int
    seats: int


class Purchasing:
    """The run that buys a sale's seats. Start it again after any end; it goes on."""

    def __init__(
        self,
        journal: Journal,
        client: VenueClient,
        take: Take,
        *,
        seats_per_purchase: int = SEATS_PER_PURCHASE,
    ) -> None:
        self._journal, self._client, self._take = journal, client, take
        self._seats_per_purchase = seats_per_purchase

    async def run_once(self, wanted: Wanted) -> OfferReport:
        """Bring one offer to its end: everything bought is in stock and noted.

        Raises VenueUnavailable, VenueContradiction, and what `take` raises; run it again then.
        """
        if not await self._journal.is_planned(wanted.offer):
            seats = await self._client.free_seats(wanted.offer)
            await self._journal.plan(
                wanted.offer, seats[: wanted.seats_max], self._seats_per_purchase
            )
        while planned := await self._journal.planned(wanted.offer):
            for purchase in planned:
                outcome = await self._client.purchase(
                    purchase.request_id, purchase.offer, purchase.seats
                )
                match outcome:
                    case Bought(seats=sold):
                        await self._journal.bought(purchase, sold)
                    case SeatsTaken(seats=gone):
                        await self._journal.taken_by_others(purchase, gone)
        lots = await self._journal.lots(wanted.offer)
        for lot in lots:
            await self._take(lot)
            await self._journal.stocked(lot.id)
        return OfferReport(wanted.offer, len(lots), sum(len(lot.seats) for lot in lots))

    async def run(
        self,
        wanted: Iterable[Wanted],
        *,
        told: Callable[[OfferReport], None] = lambda _: None,
        at_once: int = OFFERS_AT_ONCE,
    ) -> int:
        """`run_once` for every offer, a few at a time; the seats that came into stock."""
        waiting = iter(wanted)
        seats = 0

        async def work() -> None:
            nonlocal seats
            for offer in waiting:
                report = await self.run_once(offer)
                seats += report.seats
                told(report)

        async with asyncio.TaskGroup() as group:
            for _ in range(at_once):
                group.create_task(work())
        return seats
