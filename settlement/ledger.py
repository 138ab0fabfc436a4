"""What a batch becomes in PostgreSQL: one statement for each table, in the caller's transaction.

New rows are COPYed, rows that were there are updated from arrays. Nothing is decided here. The row
of a unit is updated only if it is still as it was read: another stripe that touched it meanwhile
makes the whole batch fail and be folded again, so that no owner is ever overwritten unseen.
"""

from collections import defaultdict
from collections.abc import Sequence
from typing import Any

import asyncpg

from lua.faults import NothingHappened
from settlement.batch import Batch
from settlement.business_day import business_date
from settlement.database import Connection, columns_of, copy_rows
from settlement.entries import write_entries
from settlement.events import Event, as_json
from settlement.fold import subject_of
from settlement.reading import Numbered, Reading, Unreadable, digest_of
from settlement.stream import Stream


async def write_facts(connection: Connection, stream: Stream, reading: Reading) -> int:
    """The documents, and the quarantine of what could not be one; how much is new in there."""
    where = (stream.id, reading.epoch)
    rows = [
        (
            *where,
            read.number,
            str(read.fact.__struct_config__.tag),
            subject_of(read.fact),
            read.fact.at_ms,
            business_date(stream.timezone, read.fact.at_ms),
            read.digest,
            read.body,
        )
        for read in reading.facts
    ]
    await copy_rows(connection, "fact", FACT, rows)
    unreadable = reading.unreadable + await _conflicts(connection, where, reading.repeats)
    kept = [
        (bad.first, bad.last, bad.reason, bad.detail, digest_of(bad.content), bad.content)
        for bad in unreadable
    ]
    return len(await connection.fetch(QUARANTINE, *where, *columns_of(kept, 6)))


async def write_batch(connection: Connection, stream: Stream, batch: Batch) -> None:
    """Entries, balances, orders, units, and what partners and auditors hear."""
    where = (stream.id, batch.place.epoch)
    await write_entries(connection, stream, batch.place.epoch, batch.entries)
    await _write_orders(connection, stream, batch)
    await _write_units(connection, stream, batch)
    await _write_documents(connection, stream, batch)
    await connection.executemany(
        VIOLATION,
        [(*where, bad.number, bad.kind, bad.subject, as_json(bad.detail))
         for bad in batch.violations],
    )  # fmt: skip
    await _write_events(connection, where, batch.events)


async def _conflicts(
    connection: Connection, where: tuple[int, int], repeats: Sequence[Numbered]
) -> list[Unreadable]:
    """The repeats whose number has other content in the books. All others are absorbed."""
    if not repeats:
        return []
    rows = await connection.fetch(KNOWN_DIGESTS, *where, [read.number for read in repeats])
    known = {row["number"]: row["digest"] for row in rows}
    return [
        Unreadable(
            read.number,
            read.number,
            "conflict",
            "the books have other content for this number",
            read.body,
        )
        for read in repeats
        if known.get(read.number) != read.digest
    ]


async def _write_orders(connection: Connection, stream: Stream, batch: Batch) -> None:
    new: list[tuple[Any, ...]] = []
    changed: list[tuple[Any, ...]] = []
    for order_id in sorted(batch.orders.touched):
        order = batch.orders.rows[order_id]
        row = (
            order.id, stream.id, order.seller, order.buyer, order.reference, order.state,
            order.quantity, order.amount_minor, order.refunded_quantity, order.refunded_minor,
            order.payment, order.sold_at_ms, order.business_date, order.epoch, order.number,
        )  # fmt: skip
        (changed if order.stored else new).append(row)
    await copy_rows(connection, "orders", ORDER, new)
    if changed:
        await connection.execute(CHANGE_ORDER, *columns_of(changed, len(ORDER)))


async def _write_units(connection: Connection, stream: Stream, batch: Batch) -> None:
    new: list[tuple[Any, ...]] = []
    changed: list[tuple[Any, ...]] = []
    for serial in sorted(batch.units.touched):
        unit = batch.units.rows[serial]
        row = (serial, unit.offer, unit.state, unit.owner, unit.number)
        if unit.stored is None:
            new.append((stream.sale_id, stream.id, batch.place.epoch, *row))
        else:
            changed.append((*row, *unit.stored))
    try:
        await copy_rows(connection, "unit", UNIT, new)
    except asyncpg.UniqueViolationError as error:
        raise NothingHappened("another stripe took one of these units; fold again") from error
    if changed:
        done = await connection.execute(
            CHANGE_UNIT, stream.sale_id, stream.id, batch.place.epoch, *columns_of(changed, 8)
        )
        if done != f"UPDATE {len(changed)}":
            raise NothingHappened("another stripe changed one of these units; fold again")


async def _write_documents(connection: Connection, stream: Stream, batch: Batch) -> None:
    epoch, zone = batch.place.epoch, stream.timezone
    where = (stream.id, epoch)
    stock = [
        (stream.sale_id, row.offer, row.first, row.last, row.state, row.lot, *where, row.number)
        for row in batch.stock
    ]
    await copy_rows(connection, "stock", STOCK, stock)
    refunds = [
        (*where, fact.number, fact.order, fact.refund, fact.seller, reference, quantity,
         fact.amount_minor, fact.at_ms, business_date(zone, fact.at_ms))
        for fact, reference, quantity in batch.refunds
    ]  # fmt: skip
    await copy_rows(connection, "refund", REFUND, refunds)
    reports = [
        (*where, fact.number, line.serial, fact.allotment, fact.partner, line.reference,
         line.amount_minor, fact.at_ms, business_date(zone, fact.at_ms))
        for fact, line in batch.reports
    ]  # fmt: skip
    await copy_rows(connection, "report", REPORT, reports)
    await connection.executemany(
        ALLOTMENT,
        [(stream.sale_id, *allotment) for allotment in batch.new_allotments.items()],
    )


async def _write_events(
    connection: Connection, where: tuple[int, int], events: list[Event]
) -> None:
    """Number the events of each partner without a gap and in the order of commits.

    Updating the partner's row of `feed` locks it until the commit: who reads up to a number has
    everything before it. Done last, and in the order of names, so that it is held shortly and two
    workers cannot wait for each other.
    """
    if not events:
        return
    count: dict[str, int] = defaultdict(int)
    for event in events:
        count[event.partner] += 1
    rows = await connection.fetch(FEED, *columns_of(sorted(count.items()), 2))
    last = {row["partner"]: row["seq"] - count[row["partner"]] for row in rows}
    numbered = []
    for event in events:
        last[event.partner] += 1
        numbered.append(
            (event.partner, last[event.partner], event.type, event.at_ms, event.data, *where,
             event.number)
        )  # fmt: skip
    await copy_rows(connection, "event", EVENT, numbered)


def _words(text: str) -> tuple[str, ...]:
    return tuple(text.split())


FACT = _words("stream epoch number kind subject at_ms business_date digest body")
ORDER = _words(
    "id stream seller buyer reference state quantity amount_minor refunded_quantity"
    " refunded_minor payment sold_at_ms business_date epoch number"
)
UNIT = _words("sale stream epoch serial offer state owner number")
STOCK = _words("sale offer first last state lot stream epoch number")
REFUND = _words(
    "stream epoch number order_id refund seller reference quantity amount_minor at_ms business_date"
)
REPORT = _words(
    "stream epoch number serial allotment partner reference amount_minor at_ms business_date"
)
EVENT = _words("partner seq type at_ms data stream epoch number")
QUARANTINE = """
    insert into books.quarantine (stream, epoch, first, last, reason, detail, digest, content)
    select $1, $2, * from unnest($3::bigint[], $4::bigint[], $5::text[], $6::text[], $7::bytea[],
        $8::bytea[])
    on conflict do nothing returning id"""
KNOWN_DIGESTS = """
    select number, digest from books.fact
    where stream = $1 and epoch = $2 and number = any($3::bigint[])"""
CHANGE_ORDER = """
    update books.orders set seller = new.seller, buyer = new.buyer, reference = new.reference,
        state = new.state, quantity = new.quantity, amount_minor = new.amount_minor,
        refunded_quantity = new.refunded_quantity, refunded_minor = new.refunded_minor,
        payment = new.payment, sold_at_ms = new.sold_at_ms, business_date = new.business_date,
        stream = new.stream, epoch = new.epoch, number = new.number
    from unnest($1::text[], $2::integer[], $3::text[], $4::text[], $5::text[], $6::text[],
        $7::integer[], $8::bigint[], $9::integer[], $10::bigint[], $11::text[], $12::bigint[],
        $13::date[], $14::bigint[], $15::bigint[])
        as new (id, stream, seller, buyer, reference, state, quantity, amount_minor,
            refunded_quantity, refunded_minor, payment, sold_at_ms, business_date, epoch, number)
    where orders.id = new.id"""
CHANGE_UNIT = """
    update books.unit set offer = new.offer, state = new.state, owner = new.owner,
        stream = $2, epoch = $3, number = new.number
    from unnest($4::integer[], $5::integer[], $6::text[], $7::text[], $8::bigint[],
        $9::integer[], $10::bigint[], $11::bigint[])
        as new (serial, offer, state, owner, number, was_stream, was_epoch, was_number)
    where unit.sale = $1 and unit.serial = new.serial
        and (unit.stream, unit.epoch, unit.number) = (was_stream, was_epoch, was_number)"""
ALLOTMENT = "insert into books.allotment (sale, allotment, partner) values ($1, $2, $3)"
FEED = """
    insert into books.feed as known (partner, seq)
    select * from unnest($1::text[], $2::bigint[])
    on conflict (partner) do update set seq = known.seq + excluded.seq returning partner, seq"""
VIOLATION = """
    insert into books.violation (stream, epoch, number, kind, subject, detail)
    values ($1, $2, $3, $4, $5, $6)"""
