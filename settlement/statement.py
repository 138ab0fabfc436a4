"""A partner's statement of one business day: what it sold and what was refunded, line by line.

A line for every sale on the day it was sold, one for every refund on the day it was given; an order
that was paid for and never fulfilled is neither. A day is a calendar day in the sale's own zone.
"""

import csv
import hashlib
import io
from dataclasses import dataclass
from datetime import date
from typing import Any

import asyncpg
import msgspec

from settlement.business_day import local_text
from settlement.database import Connection

COLUMNS = ("line", "order", "reference", "status", "quantity", "amount_minor", "currency", "at")
TOTALS = (
    *("sold_lines", "sold_quantity", "sold_minor"),
    *("refunded_lines", "refunded_quantity", "refunded_minor"),
    "net_minor",
)
LINES_MAX = 1_000_000
LINES_AT_ONCE = 500
"""A few milliseconds of the event loop."""


class TooManyLines(Exception):
    """A statement has more lines than are made in one piece."""


class StatementLine(msgspec.Struct, frozen=True, gc=False):  # each collection would walk them all
    """`order` is an order id, or `<allotment>/<serial>` for a unit that was reported sold.

    `status` is sold or refunded; the amount is positive in both. `at` is local, with its offset.
    """

    line: int
    order: str
    reference: str
    status: str
    quantity: int
    amount_minor: int
    currency: str
    at: str


@dataclass(frozen=True, slots=True)
class Statement:
    """The lines in the order of time. `as_of` says up to which fact each stripe is in the books."""

    partner: str
    date: date
    sale: str | None
    lines: tuple[StatementLine, ...]
    as_of: dict[str, str]

    def csv(self) -> str:
        """The lines with a header: commas, quotes where needed, a line feed at each end."""
        text = io.StringIO()
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow(COLUMNS)
        writer.writerows([getattr(line, name) for name in COLUMNS] for line in self.lines)
        return text.getvalue()

    def totals(self) -> dict[str, dict[str, int]]:
        """Currency → counts and sums: sold, refunded, and `net_minor`, which is sold − refunded."""
        totals: dict[str, dict[str, int]] = {}
        for line in self.lines:
            sums = totals.setdefault(line.currency, dict.fromkeys(TOTALS, 0))
            sums[f"{line.status}_lines"] += 1
            sums[f"{line.status}_quantity"] += line.quantity
            sums[f"{line.status}_minor"] += line.amount_minor
            sums["net_minor"] += line.amount_minor * (1 if line.status == "sold" else -1)
        return totals

    def data(self) -> dict[str, Any]:
        """The statement as JSON data. `digest` is that of the CSV."""
        return {
            "partner": self.partner,
            "date": self.date.isoformat(),
            "sale": self.sale,
            "digest": hashlib.sha256(self.csv().encode()).hexdigest(),
            "as_of": self.as_of,
            "totals": self.totals(),
            "lines": msgspec.to_builtins(self.lines),
        }


async def read_statement(
    connection: Connection, partner: str, day: date, sale: str | None, lines_max: int
) -> Statement:
    """The statement as the books have it in this transaction. Raises TooManyLines.

    It is made in slices, so that a long one holds nobody else up.
    """
    lines: list[StatementLine] = []
    rows = await connection.cursor(LINES + " limit $4", partner, day, sale, lines_max + 1)
    while some := await rows.fetch(LINES_AT_ONCE):
        lines += [_line(position, row) for position, row in enumerate(some, len(lines) + 1)]
    if len(lines) > lines_max:
        raise TooManyLines(f"{partner} has more than {lines_max} lines on {day}")
    return Statement(partner, day, sale, tuple(lines), await read_as_of(connection))


def _line(position: int, row: asyncpg.Record) -> StatementLine:
    return StatementLine(
        position,
        row["order_id"],
        row["reference"],
        row["status"],
        row["quantity"],
        row["amount_minor"],
        row["currency"],
        local_text(row["timezone"], row["at_ms"]),
    )


async def read_as_of(connection: Connection) -> dict[str, str]:
    """`<sale>/<stripe>` → the last fact in the books."""
    return {row["place"]: row["fact"] for row in await connection.fetch(AS_OF)}


LINES = """
    select order_id, reference, status, quantity, amount_minor, currency, at_ms, timezone
    from (
        select stream, epoch, number, 0 as serial, id as order_id, reference, 'sold' as status,
            quantity, amount_minor, sold_at_ms as at_ms
        from books.orders where seller = $1 and business_date = $2
        union all
        select stream, epoch, number, 0, order_id, reference, 'refunded', quantity, amount_minor,
            at_ms
        from books.refund where seller = $1 and business_date = $2 and quantity > 0
        union all
        select stream, epoch, number, serial, allotment || '/' || serial, reference, 'sold', 1,
            amount_minor, at_ms
        from books.report where partner = $1 and business_date = $2
    ) as lines
    join books.stream on stream.id = lines.stream join books.sale on sale.id = stream.sale
    where $3::text is null or sale.sale = $3
    order by at_ms, sale.sale, status desc, order_id collate "C", lines.epoch, lines.number"""
AS_OF = """
    select sale.sale || '/' || stripe as place, epoch || '-' || number as fact
    from books.stream join books.sale on sale.id = stream.sale order by place"""
