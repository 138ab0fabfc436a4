"""Where gateways meet about a slot whose store may have forgotten: marks, and what they remember.

Here belong the tables of the schema `recovery`. What a mark means, and who reopens or rebuilds, is
the gateway's. Every method raises lua's faults when the database is gone.
"""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any
from zlib import crc32

import msgspec

from lua.memory import Mark, Unanswered
from settlement.database import Connection, Pool, answering, columns_of

GONE_S = 3.0
"""A gateway whose heart has not beaten for so long is not waited for."""
BURIED_S = 60.0
"""After that a gone gateway without an unsettled mark is forgotten; it may have been frozen."""
LOCK = 0x0D609A7E
Place = tuple[str, int]
"""A sale's id and the number of a stripe."""
Call = tuple[str, list[str], list[Any]]
"""A script, its keys and its arguments."""

BEAT = """
    insert into recovery.gateway (id) values ($1)
    on conflict (id) do update set beat = clock_timestamp()"""
# A mark only rises, and stays handed in for its fence until the next one.
MARKS = """
    insert into recovery.mark as known (gateway, sale, stripe, epoch, fact)
    select $1, new.* from unnest($2::text[], $3::int[], $4::bigint[], $5::bigint[]) as new
    on conflict (sale, stripe, gateway) do update set epoch = excluded.epoch, fact = excluded.fact
    where (excluded.epoch, excluded.fact) > (known.epoch, known.fact)"""
HAND_IN = """
    insert into recovery.mark (gateway, sale, stripe, epoch, fact, fence)
    values ($1, $2, $3, $4, $5, $6)
    on conflict (sale, stripe, gateway) do update
    set epoch = excluded.epoch, fact = excluded.fact, fence = excluded.fence"""
STANDING = """
    select gateway.beat > clock_timestamp() - make_interval(secs => $3) as lives,
      coalesce(epoch, 0) as epoch, coalesce(fact, 0) as fact, coalesce(fence, '') as fence
    from recovery.gateway left join recovery.mark
      on mark.gateway = gateway.id and mark.sale = $1 and mark.stripe = $2"""
CURSOR = """
    select epoch, number from books.stream join books.sale on sale.id = stream.sale
    where sale.sale = $1 and stripe = $2"""
PATIENCE = "set local idle_in_transaction_session_timeout = '10min'"  # while a slot is rebuilt
REMEMBERED = """
    select distinct on (epoch, fact) epoch, fact, content from recovery.remembered
    where sale = $1 and stripe = $2
    order by epoch, fact, gateway"""
UNANSWERED = """
    select call from recovery.unanswered where sale = $1 and stripe = $2
    order by gateway, position"""
# How far each slot was when its gateway was found gone: what it did is settled with that.
FOUND_GONE = """
    update recovery.mark set until_epoch = head.epoch, until_fact = head.fact
    from recovery.gateway, unnest($1::text[], $2::int[], $3::bigint[], $4::bigint[])
      as head (sale, stripe, epoch, fact)
    where mark.sale = head.sale and mark.stripe = head.stripe and until_epoch is null
      and gateway.id = mark.gateway
      and gateway.beat < clock_timestamp() - make_interval(secs => $5)"""
SETTLED = """
    delete from recovery.mark using books.stream, books.sale
    where sale.sale = mark.sale and stream.sale = sale.id and stream.stripe = mark.stripe
      and (stream.epoch, stream.number) >= (until_epoch, until_fact)"""
FORGET = (
    "delete from recovery.remembered where sale = $1 and stripe = $2",
    "delete from recovery.unanswered where sale = $1 and stripe = $2",
)
BURY = """
    delete from recovery.gateway where beat < clock_timestamp() - make_interval(secs => $1)
      and not exists (select from recovery.mark where mark.gateway = gateway.id)"""


@dataclass(frozen=True, slots=True)
class HandedIn:
    """What one gateway knows of a fenced slot. `fence` names the fence that it is handed in for."""

    place: Place
    fence: str
    seen: Mark
    facts: Sequence[tuple[Mark, bytes]]
    unanswered: Sequence[Unanswered]


@dataclass(frozen=True, slots=True)
class Standing:
    """What all gateways have handed in for one fence.

    `awaited` living gateways have not done so yet. `seen` is the highest fact that anybody saw,
    the books among them. `gone` tells that a gateway with a mark after the books lives no more.
    """

    awaited: int
    seen: Mark
    settled: Mark
    gone: bool


class Lead:
    """The one gateway that decides about a slot, for as long as it holds the lock."""

    def __init__(self, connection: Connection, place: Place) -> None:
        self._connection = connection
        self._place = place

    async def standing(self, fence: str) -> Standing:
        """Where everybody stands."""
        rows = await self._connection.fetch(STANDING, *self._place, GONE_S)
        cursor = await self._connection.fetchrow(CURSOR, *self._place)
        settled = (cursor["epoch"], cursor["number"]) if cursor is not None else (0, 0)
        marks = [(row["epoch"], row["fact"]) for row in rows]
        return Standing(
            awaited=sum(row["lives"] and row["fence"] != fence for row in rows),
            seen=max([settled, *marks]),
            settled=settled,
            gone=any(
                not row["lives"] and mark > settled for row, mark in zip(rows, marks, strict=True)
            ),
        )

    async def remembered(self) -> list[tuple[int, int, bytes]]:
        """The facts that were handed in: epoch, last number and content of each stream entry."""
        rows = await self._connection.fetch(REMEMBERED, *self._place)
        return [(row["epoch"], row["fact"], row["content"]) for row in rows]

    async def unanswered(self) -> list[Call]:
        """The calls that had no answer."""
        rows = await self._connection.fetch(UNANSWERED, *self._place)
        return [msgspec.msgpack.decode(row["call"], type=Call) for row in rows]

    async def forget(self) -> None:
        """The slot sells again: what was handed in is needed no more."""
        for forget in FORGET:
            await self._connection.execute(forget, *self._place)


class Recovery:
    """One gateway's part in the meeting."""

    def __init__(self, pool: Pool, gateway: str) -> None:
        self._pool = pool
        self._gateway = gateway

    async def beat(self, marks: Mapping[Place, Mark]) -> None:
        """Say that this gateway lives, and how far it has seen these slots to be."""
        with answering(writes=True):
            async with self._pool.acquire() as connection, connection.transaction():
                await connection.execute(BEAT, self._gateway)
                if marks:
                    rows = [(*place, *mark) for place, mark in marks.items()]
                    await connection.execute(MARKS, self._gateway, *columns_of(rows, 4))

    async def hand_in(self, handed: HandedIn) -> None:
        """Lay down what this gateway knows of a fenced slot. Repeatable."""
        place = handed.place
        facts = dict(handed.facts)
        calls = [
            msgspec.msgpack.encode((one.script, one.keys, one.args)) for one in handed.unanswered
        ]
        with answering(writes=True):
            async with self._pool.acquire() as connection, connection.transaction():
                await connection.execute(BEAT, self._gateway)
                for forget in FORGET:
                    await connection.execute(f"{forget} and gateway = $3", *place, self._gateway)
                await connection.copy_records_to_table(
                    "remembered",
                    schema_name="recovery",
                    records=[(self._gateway, *place, *mark, one) for mark, one in facts.items()],
                )
                await connection.copy_records_to_table(
                    "unanswered",
                    schema_name="recovery",
                    records=[(self._gateway, *place, at, one) for at, one in enumerate(calls)],
                )
                await connection.execute(HAND_IN, self._gateway, *place, *handed.seen, handed.fence)

    @asynccontextmanager
    async def leading(self, place: Place) -> AsyncIterator[Lead | None]:
        """Decide about a slot, alone; None while another gateway does."""
        key = crc32(f"{place[0]}:{place[1]}".encode()) - 2**31
        with answering(writes=True):
            async with self._pool.acquire() as connection, connection.transaction():
                await connection.execute(PATIENCE)
                alone = await connection.fetchval(
                    "select pg_try_advisory_xact_lock($1, $2)", LOCK, key
                )
                yield Lead(connection, place) if alone else None

    async def bury(self, heads: Mapping[Place, Mark]) -> None:
        """Forget gone gateways of whose doings the books have everything.

        `heads`: how far the slots are that sell.
        """
        rows = [(*place, *mark) for place, mark in heads.items()]
        with answering(writes=True):
            async with self._pool.acquire() as connection, connection.transaction():
                await connection.execute(FOUND_GONE, *columns_of(rows, 4), GONE_S)
                await connection.execute(SETTLED)
                await connection.execute(BURY, BURIED_S)

    async def leave(self) -> None:
        """Say that this gateway ends, and remembers nothing that is not settled."""
        with answering(writes=True):
            async with self._pool.acquire() as connection:
                await connection.execute(
                    "delete from recovery.gateway where id = $1", self._gateway
                )
