"""What was planned, bought and handed over, in PostgreSQL, so that a run can die anywhere.

Belongs here: the tables `venue_*`. A purchase is written before it is sent and its codes are
written, sealed, before they are handed over; nothing here talks to the venue.
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from settlement.database import Connection, Pool

Sealing = Callable[[bytes], bytes]
"""Encrypts (or decrypts) one value; the key is the caller's."""


@dataclass(frozen=True, slots=True)
class Planned:
    """A purchase that was written down and not yet answered."""

    request_id: str
    offer: str
    seats: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Lot:
    """Seats that are ours, with the venue's pickup codes. `id` is the purchase's request id."""

    id: str
    offer: str
    seats: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Progress:
    """How far the buying of a sale is, in seats."""

    planned: int
    bought: int
    stocked: int
    taken_by_others: int


def request_id(sale: str, offer: str, seats: Sequence[str]) -> str:
    """A purchase's name is made of what it buys: a lost journal repeats, it does not buy twice."""
    text = json.dumps([sale, offer, list(seats)], ensure_ascii=False, separators=(",", ":"))
    digest = hashlib.sha256(text.encode()).digest()[:15]
    return "v-" + base64.b32encode(digest).decode().lower()


class Journal:
    """The purchases of one sale at one venue back end."""

    def __init__(self, pool: Pool, sale: str, *, seal: Sealing, unseal: Sealing) -> None:
        self._pool, self._sale = pool, sale
        self._seal, self._unseal = seal, unseal

    async def is_planned(self, offer: str) -> bool:
        """Whether the seats of the offer were already asked for and divided into purchases."""
        query = "SELECT 1 FROM venue_offer WHERE sale = $1 AND offer = $2"
        return await self._pool.fetchval(query, self._sale, offer) is not None

    async def plan(self, offer: str, seats: Sequence[str], seats_per_purchase: int) -> None:
        """Write all purchases of an offer in one transaction; the second plan changes nothing.

        That one seat is in one purchase at most is a primary key, so two runs at once are safe.
        """
        async with self._pool.acquire() as connection, connection.transaction():
            mine = await connection.fetchval(
                "INSERT INTO venue_offer (sale, offer, seats) VALUES ($1, $2, $3)"
                " ON CONFLICT DO NOTHING RETURNING 1",
                self._sale,
                offer,
                len(seats),
            )
            if mine is None:
                return
            for first in range(0, len(seats), seats_per_purchase):
                await self._insert(connection, offer, seats[first : first + seats_per_purchase])

    async def planned(self, offer: str) -> list[Planned]:
        """The purchases of an offer that have no answer yet, in the order of planning."""
        rows = await self._pool.fetch(
            "SELECT request_id, seats FROM venue_purchase"
            " WHERE sale = $1 AND offer = $2 AND state = 'planned' ORDER BY position",
            self._sale,
            offer,
        )
        return [Planned(row["request_id"], offer, tuple(row["seats"])) for row in rows]

    async def bought(self, planned: Planned, seats: Sequence[tuple[str, str]]) -> None:
        """The venue sold them: keep the codes, sealed. Repeatable."""
        sealed = self._seal(json.dumps([list(pair) for pair in seats]).encode())
        await self._pool.execute(
            "UPDATE venue_purchase SET state = 'bought', sealed = $2, answered_at = now()"
            " WHERE request_id = $1 AND state = 'planned'",
            planned.request_id,
            sealed,
        )

    async def taken_by_others(self, planned: Planned, gone: Sequence[str]) -> None:
        """The venue refused because of `gone`: plan the rest anew under a name of its own."""
        rest = [seat for seat in planned.seats if seat not in set(gone)]
        async with self._pool.acquire() as connection, connection.transaction():
            refused = await connection.fetchval(
                "UPDATE venue_purchase SET state = 'refused', gone = $2, answered_at = now()"
                " WHERE request_id = $1 AND state = 'planned' RETURNING 1",
                planned.request_id,
                len(planned.seats) - len(rest),
            )
            if refused is None:
                return
            await connection.execute(
                "DELETE FROM venue_seat WHERE request_id = $1", planned.request_id
            )
            if rest:
                await self._insert(connection, planned.offer, rest)

    async def lots(self, offer: str) -> list[Lot]:
        """What was bought of an offer and not yet handed over."""
        rows = await self._pool.fetch(
            "SELECT request_id, sealed FROM venue_purchase"
            " WHERE sale = $1 AND offer = $2 AND state = 'bought' ORDER BY position",
            self._sale,
            offer,
        )
        return [self._lot(row["request_id"], offer, row["sealed"]) for row in rows]

    def _lot(self, name: str, offer: str, sealed: bytes) -> Lot:
        pairs = json.loads(self._unseal(sealed))
        return Lot(name, offer, tuple((seat, code) for seat, code in pairs))

    async def stocked(self, lot: str) -> None:
        """The lot is in stock and its codes are kept there: forget them here. Repeatable."""
        await self._pool.execute(
            "UPDATE venue_purchase SET state = 'stocked', sealed = NULL, stocked_at = now()"
            " WHERE request_id = $1 AND state = 'bought'",
            lot,
        )

    async def progress(self) -> Progress:
        """Seats of the sale by how far they are."""
        row = await self._pool.fetchrow(
            "SELECT"
            " coalesce(sum(cardinality(seats)) FILTER (WHERE state = 'planned'), 0) AS planned,"
            " coalesce(sum(cardinality(seats)) FILTER (WHERE state = 'bought'), 0) AS bought,"
            " coalesce(sum(cardinality(seats)) FILTER (WHERE state = 'stocked'), 0) AS stocked,"
            " coalesce(sum(gone), 0) AS gone"
            " FROM venue_purchase WHERE sale = $1",
            self._sale,
        )
        assert row is not None
        return Progress(row["planned"], row["bought"], row["stocked"], row["gone"])

    async def _insert(self, connection: Connection, offer: str, seats: Sequence[str]) -> None:
        name = request_id(self._sale, offer, seats)
        await connection.execute(
            "INSERT INTO venue_purchase (request_id, sale, offer, seats, state)"
            " VALUES ($1, $2, $3, $4, 'planned')",
            name,
            self._sale,
            offer,
            list(seats),
        )
        await connection.execute(
            "INSERT INTO venue_seat (sale, offer, seat, request_id)"
            " SELECT $1, $2, seat, $4 FROM unnest($3::text[]) AS seat",
            self._sale,
            offer,
            list(seats),
            name,
        )
