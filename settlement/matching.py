"""Matching two lists of lines, exclusively, in exact integers, in passes from certain to doubtful.

A line is used once. Pass 1 pairs lines that agree in everything; pass 2 pairs what is left by order
and status, and tells what differs; pass 3 by order alone, and the status differs. What is left then
is a second line for something that was paired (`duplicate_line`), or is missing on one side. The
joins run in duckdb, in memory that is bounded and with room to spill. Files in, breaks out.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    import duckdb

MEMORY = "512MB"
THREADS = 2
BreakClass = Literal[
    "missing_there",
    "missing_here",
    "amount",
    "status",
    "duplicate_line",
    "quantity",
    "currency",
    "malformed_line",
]
COLUMNS = "line, ord, reference, status, quantity, amount, currency"


@dataclass(frozen=True, slots=True)
class Side:
    """One side of a break: a line as its list has it."""

    line: int
    reference: str
    status: str
    quantity: int
    amount_minor: int
    currency: str


@dataclass(frozen=True, slots=True)
class Found:
    """A difference: its class, the order it is about, and what each list says of it."""

    class_: BreakClass
    order: str
    ours: Side | None
    theirs: Side | None


@dataclass(frozen=True, slots=True)
class Matched:
    """What a matching gave. The digests are of the lines as sets, whatever their order was.

    `counts` are exact; `found` is cut where the caller said.
    """

    lines_ours: int
    lines_theirs: int
    lines_matched: int
    digest_ours: str
    digest_theirs: str
    counts: dict[str, int]
    found: tuple[Found, ...]


def match(ours: Path, theirs: Path, spill: Path, found_max: int) -> Matched:
    """Match two CSV files without headers, of COLUMNS each. Blocks: run it in a thread.

    `found` has the first `found_max` differences, by class, order and line.
    """
    settings: dict[str, Any] = {
        "memory_limit": MEMORY,
        "threads": THREADS,
        "temp_directory": str(spill),
        "autoinstall_known_extensions": False,
        "autoload_known_extensions": False,
    }
    import duckdb  # noqa: PLC0415  # a third of a command's start, for what only this needs

    with duckdb.connect(":memory:", config=settings) as engine:
        for name, path in (("ours", ours), ("theirs", theirs)):
            engine.execute(LOAD.format(name=name), [str(path)])
        engine.execute("set enable_external_access = false")
        for statement in PASSES:
            engine.execute(statement)
        ours_count, theirs_count, exact_count = (
            int(_one(engine, COUNT.format(name=name))) for name in ("ours", "theirs", "exact")
        )
        digest_ours, digest_theirs = (
            str(_one(engine, DIGEST.format(name=name))) for name in ("ours", "theirs")
        )
        counts = dict(engine.execute(BREAK_COUNTS).fetchall())
        rows = engine.execute(BREAKS, [found_max]).fetchall()
    found = tuple(_found(row) for row in rows)
    return Matched(ours_count, theirs_count, exact_count, digest_ours, digest_theirs, counts, found)


def _one(engine: "duckdb.DuckDBPyConnection", query: str) -> Any:
    row = engine.execute(query).fetchone()
    assert row is not None, "an aggregate has a row"
    return row[0]


def _found(row: tuple[Any, ...]) -> Found:
    ours, theirs = row[2:8], row[8:14]
    return Found(
        row[0],
        row[1],
        Side(*ours) if ours[0] is not None else None,
        Side(*theirs) if theirs[0] is not None else None,
    )


COUNT = "select count(*) from {name}"
LOAD = """
    create table {name} as
    select line, ord, coalesce(reference, '') as reference, status, quantity, amount, currency
    from read_csv(?, header = false, auto_detect = false, delim = ',', quote = '"', escape = '"',
        columns = {{'line': 'BIGINT', 'ord': 'VARCHAR', 'reference': 'VARCHAR',
            'status': 'VARCHAR', 'quantity': 'BIGINT', 'amount': 'BIGINT', 'currency': 'VARCHAR'}})
    """
# The nth of equal lines on one side belongs to the nth on the other, so each is used once.
PASSES = (
    """create table exact as
    with a as (select line, ord, status, quantity, amount, currency, row_number() over (
            partition by ord, status, quantity, amount, currency order by line) as nth from ours),
        b as (select line, ord, status, quantity, amount, currency, row_number() over (
            partition by ord, status, quantity, amount, currency order by line) as nth from theirs)
    select a.line as ours, b.line as theirs
    from a join b using (ord, status, quantity, amount, currency, nth)""",
    "create table ours_2 as select * from ours where line not in (select ours from exact)",
    "create table theirs_2 as select * from theirs where line not in (select theirs from exact)",
    """create table same_status as
    with a as (select line, ord, status, row_number() over (
            partition by ord, status order by quantity, amount, currency, line) as nth
            from ours_2),
        b as (select line, ord, status, row_number() over (
            partition by ord, status order by quantity, amount, currency, line) as nth
            from theirs_2)
    select a.line as ours, b.line as theirs from a join b using (ord, status, nth)""",
    """create table ours_3 as
    select * from ours_2 where line not in (select ours from same_status)""",
    """create table theirs_3 as
    select * from theirs_2 where line not in (select theirs from same_status)""",
    """create table same_order as
    with a as (select line, ord, row_number() over (
            partition by ord order by status, quantity, amount, currency, line) as nth from ours_3),
        b as (select line, ord, row_number() over (
            partition by ord order by status, quantity, amount, currency, line) as nth
            from theirs_3)
    select a.line as ours, b.line as theirs from a join b using (ord, nth)""",
    """create table paired_theirs as
    select ord, status from theirs where line in (
        select theirs from exact union all select theirs from same_status
        union all select theirs from same_order)""",
    """create table pairs as
        select 'status' as class, ours, theirs from same_order
        union all
        select case when o.currency <> t.currency then 'currency'
                when o.quantity <> t.quantity then 'quantity' else 'amount' end,
            s.ours, s.theirs
        from same_status s join ours o on o.line = s.ours join theirs t on t.line = s.theirs
        union all
        select 'missing_there', line, null
        from ours_3 where line not in (select ours from same_order)
        union all
        select case when (ord, status) in (select (ord, status) from paired_theirs)
                then 'duplicate_line' else 'missing_here' end, null, line
        from theirs_3 where line not in (select theirs from same_order)""",
)
BREAK_COUNTS = "select class, count(*) from pairs group by class order by class"
BREAKS = """
    select class, coalesce(o.ord, t.ord) as ord,
        o.line, o.reference, o.status, o.quantity, o.amount, o.currency,
        t.line, t.reference, t.status, t.quantity, t.amount, t.currency
    from pairs left join ours o on o.line = pairs.ours left join theirs t on t.line = pairs.theirs
    order by class, ord, coalesce(o.status, t.status), o.line, t.line limit ?"""
DIGEST = """
    select sha256(coalesce(string_agg(row, chr(10) order by row), ''))
    from (select concat_ws(chr(9), ord, status, quantity, amount, currency, reference) as row
        from {name})"""
