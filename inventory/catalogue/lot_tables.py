"""The tables of units: lots, outside codes, allotments, and what of them the store has.

Here belongs all SQL about units. A lot is written before the store hears of it and marked when the
store has it; in between, it may or may not be there, and adding it again adds nothing.
"""

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

import asyncpg

from inventory.catalogue.known import Lot, OutsideUnit
from inventory.catalogue.sealing import OutsideCodes

if TYPE_CHECKING:  # asyncpg's classes take parameters in its stubs alone
    Connection = (
        asyncpg.Connection[asyncpg.Record] | asyncpg.pool.PoolConnectionProxy[asyncpg.Record]
    )
else:
    Connection = asyncpg.Connection


async def copy(
    connection: Connection, table: str, columns: Sequence[str], rows: Iterable[Sequence[Any]]
) -> None:
    """Bring rows into a table of the catalogue."""
    await connection.copy_records_to_table(
        table, schema_name="catalogue", columns=columns, records=rows
    )


async def read_outside(connection: Connection, sale: str) -> dict[bytes, OutsideUnit]:
    """All units of a sale that have a code of their venue's, by digest."""
    rows = await connection.fetch(
        "select digest, serial, offer from catalogue.outside where sale = $1", sale
    )
    return {row["digest"]: OutsideUnit(row["digest"], row["serial"], row["offer"]) for row in rows}


async def find_outside(
    connection: Connection, sale: str, digests: Sequence[bytes]
) -> dict[bytes, OutsideUnit]:
    """Those units of a sale whose codes have one of these digests."""
    rows = await connection.fetch(
        "select digest, serial, offer from catalogue.outside where sale = $1 and digest = any($2)",
        sale,
        digests,
    )
    return {row["digest"]: OutsideUnit(row["digest"], row["serial"], row["offer"]) for row in rows}


async def write_lots(
    connection: Connection,
    sale: str,
    lots: Iterable[Lot],
    units: Iterable[tuple[OutsideUnit, str]],
    codes: OutsideCodes,
) -> None:
    """Write lots and the codes of their units, sealed. Call it inside a transaction."""
    await copy(
        connection,
        "lot",
        ("sale", "id", "offer", "ranges", "units", "digest"),
        ((sale, lot.id, lot.offer, lot.ranges, lot.units, lot.digest) for lot in lots),
    )
    await copy(
        connection,
        "outside",
        ("sale", "serial", "offer", "digest", "sealed"),
        (
            (sale, unit.serial, unit.offer, unit.digest, codes.seal(sale, unit.serial, text))
            for unit, text in units
        ),
    )


async def unpublished_lots(connection: Connection, sale: str) -> list[Lot]:
    """Lots that the store may not have yet, in ascending order of their serials."""
    rows = await connection.fetch(
        "select id, offer, ranges, digest from catalogue.lot"
        " where sale = $1 and not published order by ranges[1], id",
        sale,
    )
    return [Lot(row["id"], row["offer"], row["ranges"], row["digest"]) for row in rows]


async def published_lots(connection: Connection, sale: str) -> list[Lot]:
    """Lots that the store has had, in ascending order of their serials."""
    rows = await connection.fetch(
        "select id, offer, ranges, digest from catalogue.lot"
        " where sale = $1 and published order by ranges[1], id",
        sale,
    )
    return [Lot(row["id"], row["offer"], row["ranges"], row["digest"]) for row in rows]


async def find_lot(connection: Connection, sale: str, lot: str) -> Lot | None:
    """A lot by its name."""
    row = await connection.fetchrow(
        "select id, offer, ranges, digest from catalogue.lot where sale = $1 and id = $2", sale, lot
    )
    return Lot(row["id"], row["offer"], row["ranges"], row["digest"]) if row else None


async def ranges_of_offer(connection: Connection, sale: str, offer: int) -> list[list[int]]:
    """The serials of all lots of an offer."""
    rows = await connection.fetch(
        "select ranges from catalogue.lot where sale = $1 and offer = $2", sale, offer
    )
    return [row["ranges"] for row in rows]


async def unpublished_allotments(connection: Connection, sale: str) -> list[tuple[int, int]]:
    """Number and offer number of allotments that the store may not have yet."""
    rows = await connection.fetch(
        "select number, offer from catalogue.allotment"
        " where sale = $1 and not published order by number",
        sale,
    )
    return [(row["number"], row["offer"]) for row in rows]


async def read_sealed(
    connection: Connection, sale: str, chunks: Sequence[int], per_chunk: int
) -> list[tuple[int, bytes, bytes]]:
    """Serial, digest and sealed code of every unit in these chunks of serials."""
    rows = await connection.fetch(
        "select o.serial, o.digest, o.sealed from unnest($2::integer[]) as chunk"
        " join catalogue.outside o on o.sale = $1"
        " and o.serial between chunk * $3 and (chunk + 1) * $3 - 1",
        sale,
        chunks,
        per_chunk,
    )
    return [(row["serial"], row["digest"], row["sealed"]) for row in rows]


async def mark_lots(connection: Connection, sale: str, lots: Sequence[str]) -> None:
    """The store has these lots. Repeatable."""
    await connection.execute(
        "update catalogue.lot set published = true where sale = $1 and id = any($2)", sale, lots
    )


async def mark_published(
    connection: Connection, sale: str, revision: int, lots: Sequence[str], allotments: Sequence[int]
) -> None:
    """The store has these lots and allotments, and the revision. Call it inside a transaction."""
    await mark_lots(connection, sale, lots)
    await connection.execute(
        "update catalogue.allotment set published = true where sale = $1 and number = any($2)",
        sale,
        allotments,
    )
    await connection.execute(
        "update catalogue.sale set published = $2 where id = $1", sale, revision
    )
