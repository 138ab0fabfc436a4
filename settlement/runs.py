"""Reconciliations that were kept, to be read: the newest runs, and what one of them found.

Making a run is `reconcile`'s. Every reading is of one moment of the books.
"""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import msgspec

from settlement.books import Books
from settlement.database import answering
from settlement.reconcile import Break

RUNS_MAX = 100
BREAKS_MAX = 500


@dataclass(frozen=True, slots=True)
class KeptRun:
    """A run as it is kept. `counts` are exact, by class; `cut`: not every break was kept."""

    run_id: str
    digest: str
    partner: str
    day: date
    lines_ours: int
    lines_theirs: int
    lines_matched: int
    made_at: datetime
    counts: dict[str, int]
    cut: bool


@dataclass(frozen=True, slots=True)
class KeptBreak:
    """A break and its position in its run, from 1."""

    position: int
    found: Break


async def newest_runs(
    books: Books, partner: str | None = None, day: date | None = None, limit: int = RUNS_MAX
) -> list[KeptRun]:
    """The newest runs first, of a partner or a business day where one is named.

    Raises NothingHappened when the database is gone.
    """
    with answering():
        async with books.pool.acquire() as connection:
            rows = await connection.fetch(RUNS, partner, day, min(limit, RUNS_MAX))
    return [
        KeptRun(
            row["run"], row["digest"], row["partner"], row["business_date"], row["lines_ours"],
            row["lines_theirs"], row["lines_matched"], row["made_at"],
            msgspec.json.decode(row["break_counts"]), row["breaks_cut"],
        )
        for row in rows
    ]  # fmt: skip


async def breaks_of(
    books: Books, run: str, class_: str | None = None, *, after: int = 0, limit: int = BREAKS_MAX
) -> list[KeptBreak]:
    """The breaks of a run after a position, of one class where it is named.

    Raises NothingHappened when the database is gone.
    """
    with answering():
        async with books.pool.acquire() as connection:
            rows = await connection.fetch(BREAKS, run, class_, after, min(limit, BREAKS_MAX))
    return [
        KeptBreak(
            row["position"],
            Break(
                row["class"], row["order_id"], row["line"], _data(row["ours"]),
                _data(row["theirs"]), row["detail"], row["owner"], row["default_action"],
            ),
        )
        for row in rows
    ]  # fmt: skip


def _data(text: str | None) -> dict[str, Any] | None:
    return None if text is None else msgspec.json.decode(text)


RUNS = """
    select run, digest, partner, business_date, lines_ours, lines_theirs, lines_matched, made_at,
        break_counts, breaks_cut
    from books.recon_run
    where ($1::text is null or partner = $1) and ($2::date is null or business_date = $2)
    order by made_at desc, run limit $3"""
BREAKS = """
    select position, class, order_id, line, ours, theirs, detail, owner, default_action
    from books.recon_break
    where run = $1 and ($2::text is null or class = $2) and position > $3
    order by position limit $4"""
