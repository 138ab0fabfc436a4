"""The books as the source of a lost slot: every fact of a stripe in order; nobody posts meanwhile.

The stripe's row is locked from the first read to the end of the transaction, so the cursor that a
new epoch names stays the last fact in the books. What facts become is inventory's.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import asyncpg
import msgspec

from inventory.facts import Fact
from settlement.database import Connection, Pool, answering
from settlement.stream import open_stream

FACTS_AT_ONCE = 2_000
_fact = msgspec.msgpack.Decoder(Fact)


@dataclass(frozen=True, slots=True)
class Kept:
    """What the books have of a stripe. `cursor` is the last fact; `unread` were quarantined."""

    cursor: tuple[int, int]
    count: int
    unread: int
    _connection: Connection
    _stream: int

    async def facts(self) -> AsyncIterator[list[Fact]]:
        """All facts in order, a bounded list at a time."""
        rows = await self._connection.cursor(FACTS, self._stream)
        while some := await rows.fetch(FACTS_AT_ONCE):
            yield [_fact.decode(row[0]) for row in some]


@asynccontextmanager
async def kept_facts(
    pool: Pool, sale: str, stripe: int, rules: tuple[str, str]
) -> AsyncIterator[Kept | None]:
    """The facts of a stripe, which stands still meanwhile; None while somebody else rebuilds it.

    `rules` (currency, time zone) make the stripe's row where there is none. Raises NothingHappened.
    """
    with answering():
        async with pool.acquire() as connection, connection.transaction():
            await connection.execute(PATIENCE)
            if not await connection.fetchval(ALONE, sale, stripe):
                yield None
                return
            stream = await open_stream(connection, sale, stripe, rules=rules)
            assert stream is not None, "there are rules, so there is a row"
            try:
                row = await connection.fetchrow(LOCK, stream.id)
            except asyncpg.LockNotAvailableError:
                yield None
                return
            assert row is not None, "the row was made a moment ago"
            count = await connection.fetchval(COUNT, stream.id)
            unread = await connection.fetchval(UNREAD, stream.id)
            cursor = (row["epoch"], row["number"])
            yield Kept(cursor, int(count), int(unread), connection, stream.id)


# The stripe is held for as long as a rebuilding takes; one that freezes lets it go in the end.
PATIENCE = """
    select set_config('idle_in_transaction_session_timeout', '10min', true),
        set_config('lock_timeout', '20s', true)"""
ALONE = "select pg_try_advisory_xact_lock(hashtextextended('rebuild ' || $1 || ' ' || $2::int, 0))"
LOCK = "select epoch, number from books.stream where id = $1 for no key update"
COUNT = "select count(*) from books.fact where stream = $1"
UNREAD = """
    select coalesce(sum(last - first + 1), 0) from books.quarantine
    where stream = $1 and reason in ('entry', 'fact')"""
FACTS = "select body from books.fact where stream = $1 order by epoch, number"
