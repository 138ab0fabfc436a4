"""The catalogue's tables: a sale read as `Known`, a plan's work written in one transaction.

Here belongs all SQL about sales; credentials have their own module. What is written here is true
before the store hears of it, so that an interrupted publication can be finished from here alone.
"""

from collections.abc import Iterable

import asyncpg
import msgspec

from inventory.catalogue.known import (
    FILE_LOT,
    Known,
    KnownAllotment,
    KnownOffer,
    SaleDocument,
)
from inventory.catalogue.lot_tables import Connection, copy, write_lots
from inventory.catalogue.meaning import Runs
from inventory.catalogue.planning import Work
from inventory.catalogue.sealing import OutsideCodes
from inventory.salefile import AllotmentLine, Layout, Offer, Partner, Venue

NUMBERS_MAX = 2_047
_offer = msgspec.json.Decoder(Offer).decode
_venue = msgspec.json.Decoder(Venue).decode
_partner = msgspec.json.Decoder(Partner).decode
_runs = msgspec.json.Decoder(Runs).decode
_allotment = msgspec.json.Decoder(AllotmentLine).decode
_document = msgspec.json.Decoder(SaleDocument).decode


def _json(value: object) -> str:
    return msgspec.json.encode(value).decode()


async def read_known(connection: Connection, sale: str) -> Known | None:
    """A sale with everything but its outside codes, or None."""
    row = await connection.fetchrow("select * from catalogue.sale where id = $1", sale)
    if row is None:
        return None
    known = Known(
        id=sale,
        number=row["number"],
        revision=row["revision"],
        published=row["published"],
        buckets=row["buckets"],
        next_serial=row["next_serial"],
        document=_document(row["record"]),
    )
    for table, read in (("venue", _venue), ("partner", _partner)):
        rows = await _records(connection, table, sale)
        getattr(known, f"{table}s").update({row["id"]: read(row["record"]) for row in rows})
    for row in await _records(connection, "layout", sale):
        known.layouts[row["id"]] = Layout.of(row["id"], _runs(row["record"]))
    for row in await connection.fetch(_OFFERS, sale, FILE_LOT + "%", None):
        known.offers[row["id"]] = _known_offer(row)
    for row in await connection.fetch(_ALLOTMENTS, sale):
        line = _allotment(row["record"])
        known.allotments[line.allotment] = KnownAllotment(row["number"], line)
    return known


_OFFERS = """select o.number, o.id, o.base, o.size, o.record,
       coalesce(sum(l.units) filter (where l.id like $2), 0)::integer as filed,
       coalesce(sum(l.units), 0)::integer as taken_in
  from catalogue.offer o left join catalogue.lot l on l.sale = o.sale and l.offer = o.number
 where o.sale = $1 and ($3::text is null or o.id = $3)
 group by o.sale, o.number order by o.number"""
_ALLOTMENTS = "select number, record from catalogue.allotment where sale = $1 order by number"


def _known_offer(row: asyncpg.Record) -> KnownOffer:
    return KnownOffer(
        number=row["number"],
        base=row["base"],
        size=row["size"],
        record=_offer(row["record"]),
        filed=row["filed"],
        taken_in=row["taken_in"],
    )


async def read_offer(
    connection: Connection, sale: str, offer: str
) -> tuple[KnownOffer, Layout | None] | None:
    """One offer and its hall, or None."""
    row = await connection.fetchrow(_OFFERS, sale, FILE_LOT + "%", offer)
    if row is None:
        return None
    known = _known_offer(row)
    runs = await connection.fetchval(
        "select record from catalogue.layout where sale = $1 and id = $2", sale, known.record.layout
    )
    return known, Layout.of(known.record.layout, _runs(runs)) if runs else None


async def _records(connection: Connection, table: str, sale: str) -> list[asyncpg.Record]:
    query = f"select id, record from catalogue.{table} where sale = $1 order by id"  # noqa: S608 - one of three names of ours
    return await connection.fetch(query, sale)


async def published_sales(connection: Connection) -> list[str]:
    """The ids of all sales that the store has had whole."""
    rows = await connection.fetch("select id from catalogue.sale where published > 0")
    return [row["id"] for row in rows]


async def last_number(connection: Connection) -> int:
    """The highest number that a sale has."""
    last = await connection.fetchval("select coalesce(max(number), 0) from catalogue.sale")
    return int(last)


async def next_number(connection: Connection) -> int:
    """The number of a new sale; until the transaction ends nobody else gets one."""
    await connection.execute(
        "select pg_advisory_xact_lock(hashtextextended('catalogue numbers', 0))"
    )
    return await last_number(connection) + 1


async def write_work(
    connection: Connection,
    known: Known,
    document: SaleDocument,
    work: Work,
    codes: OutsideCodes,
    *,
    actor: str,
) -> None:
    """Write a plan's work as the sale's next revision. Call it inside a transaction."""
    await _write_sale(connection, known, document, work.next_serial, actor)
    await _write_named(connection, "venue", known.id, work.venues.items())
    await _write_named(connection, "partner", known.id, work.partners.items())
    layouts = ((name, hall and list(hall.runs)) for name, hall in work.layouts.items())
    await _write_named(connection, "layout", known.id, layouts)
    await copy(
        connection,
        "offer",
        ("sale", "number", "id", "base", "size", "record"),
        (
            (known.id, one.number, one.record.offer, one.base, one.size, _json(one.record))
            for one in work.new_offers
        ),
    )
    await connection.executemany(
        "update catalogue.offer set record = $3 where sale = $1 and number = $2",
        [(known.id, offer.number, _json(offer.record)) for offer in work.changed_offers],
    )
    await write_lots(connection, known.id, work.lots, work.codes, codes)
    numbers = {offer.record.offer: offer.number for offer in work.new_offers}
    numbers |= {name: offer.number for name, offer in known.offers.items()}
    await copy(
        connection,
        "allotment",
        ("sale", "number", "id", "offer", "record"),
        (
            (known.id, one.number, one.line.allotment, numbers[one.line.offer], _json(one.line))
            for one in work.allotments
        ),
    )


async def _write_sale(
    connection: Connection, known: Known, document: SaleDocument, next_serial: int, actor: str
) -> None:
    await connection.execute(
        "insert into catalogue.sale"
        " (id, number, revision, buckets, next_serial, record, changed_by)"
        " values ($1, $2, $3, $4, $5, $6, $7) on conflict (id) do update set"
        " revision = excluded.revision, next_serial = excluded.next_serial,"
        " record = excluded.record, changed_by = excluded.changed_by, changed_at = now()",
        known.id,
        known.number,
        known.revision + 1,
        known.buckets,
        next_serial,
        _json(document),
        actor,
    )


async def _write_named(
    connection: Connection, table: str, sale: str, rows: Iterable[tuple[str, object | None]]
) -> None:
    kept, gone = [], []
    for name, record in rows:
        if record is None:
            gone.append((sale, name))
        else:
            kept.append((sale, name, _json(record)))
    delete = f"delete from catalogue.{table} where sale = $1 and id = $2"  # noqa: S608 - a name of ours
    await connection.executemany(delete, gone)
    upsert = (
        f"insert into catalogue.{table} (sale, id, record) values ($1, $2, $3)"  # noqa: S608 - a name of ours
        " on conflict (sale, id) do update set record = excluded.record"
    )
    await connection.executemany(upsert, kept)
