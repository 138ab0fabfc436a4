"""After the show: tells the venue which of its seats were used, read from the books.

Belongs here: the batches and how far the telling is. The cursor moves after the venue has answered,
so a run that died tells some seats again; the venue counts each once.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import msgspec

from inventory.facts import Redeemed
from settlement.database import Pool
from settlement.venue.client import UsedSeat, VenueClient

BATCH = 500
SeatOf = Callable[[int, int], tuple[str, str] | None]
"""Offer number and serial → the venue's own names of offer and seat; None for another venue's."""

_redeemed = msgspec.msgpack.Decoder(Redeemed)

READ = """
    SELECT epoch, number, body FROM books.fact
    WHERE stream = $1 AND kind = 'redeemed' AND (epoch, number) > ($2, $3)
    ORDER BY epoch, number LIMIT $4"""
STREAMS = """
    SELECT stream.id, coalesce(told.epoch, 0) AS epoch, coalesce(told.number, 0) AS number
    FROM books.stream JOIN books.sale ON sale.id = stream.sale
    LEFT JOIN venue_told told ON told.stream = stream.id
    WHERE sale.sale = $1 ORDER BY stream.id"""
MOVE = """
    INSERT INTO venue_told AS told (stream, epoch, number, redemptions) VALUES ($1, $2, $3, $4)
    ON CONFLICT (stream) DO UPDATE SET epoch = excluded.epoch, number = excluded.number,
        redemptions = told.redemptions + excluded.redemptions, told_at = now()
    WHERE (told.epoch, told.number) < (excluded.epoch, excluded.number)"""
DISPUTE = """
    INSERT INTO venue_disputed (sale, offer, seat)
    SELECT $1, offer, seat FROM unnest($2::text[], $3::text[]) AS gone (offer, seat)
    ON CONFLICT DO NOTHING"""


@dataclass(frozen=True, slots=True)
class TellReport:
    """What a batch told: seats used, how many were news, how many the venue never sold."""

    told: int
    new: int
    disputed: int
    read: int


class Redemptions:
    """The telling of one sale's redemptions to one venue back end."""

    def __init__(self, pool: Pool, client: VenueClient, sale: str, seat_of: SeatOf) -> None:
        self._pool, self._client, self._sale, self._seat_of = pool, client, sale, seat_of

    async def run_once(self, limit: int = BATCH) -> TellReport:
        """Tell one batch of every stripe; `read` is 0 when the books hold no more.

        Raises VenueUnavailable and VenueContradiction; run it again then.
        """
        reports = [
            await self._tell(stream["id"], stream["epoch"], stream["number"], limit)
            for stream in await self._pool.fetch(STREAMS, self._sale)
        ]
        return TellReport(
            told=sum(report.told for report in reports),
            new=sum(report.new for report in reports),
            disputed=sum(report.disputed for report in reports),
            read=sum(report.read for report in reports),
        )

    async def run(self) -> TellReport:
        """`run_once` until the books hold no more."""
        told = new = disputed = read = 0
        while (batch := await self.run_once()).read:
            told, new = told + batch.told, new + batch.new
            disputed, read = disputed + batch.disputed, read + batch.read
        return TellReport(told, new, disputed, read)

    async def _tell(self, stream: int, epoch: int, number: int, limit: int) -> TellReport:
        rows = await self._pool.fetch(READ, stream, epoch, number, limit)
        if not rows:
            return TellReport(0, 0, 0, 0)
        used = [seat for row in rows if (seat := self._used(_redeemed.decode(row["body"])))]
        new, unknown = 0, []
        last = rows[-1]
        if used:
            first = f"{rows[0]['epoch']}-{rows[0]['number']}"
            batch = f"{self._sale}/{stream}/{first}..{last['epoch']}-{last['number']}"
            accepted = await self._client.redeem(batch, used)
            new, unknown = accepted.new, list(accepted.unknown)
        if unknown:
            offers, seats = [offer for offer, _ in unknown], [seat for _, seat in unknown]
            await self._pool.execute(DISPUTE, self._sale, offers, seats)
        await self._pool.execute(MOVE, stream, last["epoch"], last["number"], len(used))
        return TellReport(len(used), new, len(unknown), len(rows))

    def _used(self, fact: Redeemed) -> UsedSeat | None:
        found = self._seat_of(fact.offer, fact.serial)
        return UsedSeat(*found, fact.at_ms) if found is not None else None
