"""A reconciliation: our statement of a partner's day against the partner's own, kept for ever.

A run is a function of its inputs: the same lines on both sides give the same digest, in whatever
order they come, and the very same file again gives the very same run. Every difference has a class,
an owner and a default action; none of them moves money by itself.
"""

import asyncio
import csv
import hashlib
import tempfile
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import date
from pathlib import Path
from typing import Any

import msgspec

from settlement.books import Books
from settlement.database import answering
from settlement.matching import BreakClass, Found, Matched, match
from settlement.partner_file import (
    MALFORMED_MAX,
    Malformed,
    NotAStatement,
    read_header,
    read_lines,
)
from settlement.statement import LINES, LINES_MAX, TooManyLines, read_as_of

RULES = "1"
"""The version of the matching's rules; part of the digest."""

BREAKS_MAX = 10_000
"""So many breaks are kept and told one by one; of all there are exact counts by class."""

OWNERS: dict[BreakClass, tuple[str, str]] = {
    "missing_there": ("partner", "ask_for_line"),
    "missing_here": ("settlement", "look_in_quarantine_then_dispute"),
    "amount": ("finance", "dispute_difference"),
    "status": ("settlement", "compare_refunds"),
    "duplicate_line": ("partner", "count_once"),
    "quantity": ("settlement", "compare_units"),
    "currency": ("finance", "dispute_line"),
    "malformed_line": ("partner", "ask_for_correction"),
}
"""Class of a break → who has to act, and what is done unless they decide otherwise."""


@dataclass(frozen=True, slots=True)
class Break:
    """One difference. `line` is that of the partner's file; `ours` and `theirs` what each says."""

    class_: BreakClass
    order: str
    line: int | None
    ours: dict[str, Any] | None
    theirs: dict[str, Any] | None
    detail: str
    owner: str
    default_action: str


@dataclass(frozen=True, slots=True)
class Run:
    """A reconciliation that was made, and what it found.

    `counts` are exact, by class. `cut` says that there are more breaks than `breaks` has.
    """

    run_id: str
    digest: str
    lines_ours: int
    lines_theirs: int
    lines_matched: int
    counts: dict[str, int]
    cut: bool
    breaks: tuple[Break, ...]


async def reconcile(
    books: Books, partner: str, day: date, csv_text: str, *, lines_max: int = LINES_MAX
) -> Run | NotAStatement:
    """Match a partner's statement of a day (see statement.COLUMNS) with ours, and keep the run.

    A file of more than `lines_max` lines is refused. Raises NothingHappened or MayHaveHappened when
    the database is gone (repeat), TooManyLines. What is as long as the file is done in a thread.
    """
    with tempfile.TemporaryDirectory(prefix="dropgate-recon-") as folder:
        theirs, ours = Path(folder) / "theirs.csv", Path(folder) / "ours.csv"
        malformed = await asyncio.to_thread(_write_theirs, theirs, csv_text, lines_max)
        if isinstance(malformed, NotAStatement):
            return malformed
        as_of = await _write_ours(books, ours, partner, day)
        found_max = BREAKS_MAX - len(malformed)
        matched = await asyncio.to_thread(match, ours, theirs, Path(folder), found_max)
    if matched.lines_ours > LINES_MAX:
        raise TooManyLines(f"{partner} has more than {LINES_MAX} lines on {day}")
    file_sha256 = await asyncio.to_thread(_sha256, csv_text)
    run = await asyncio.to_thread(
        _run, matched, malformed, partner=partner, day=day, file_sha256=file_sha256
    )
    await _keep(books, run, partner=partner, day=day, file_sha256=file_sha256, as_of=as_of)
    return run


def _sha256(text: str) -> str:
    return hashlib.sha256(text.encode(errors="backslashreplace")).hexdigest()


def _write_theirs(path: Path, text: str, lines_max: int) -> list[Malformed] | NotAStatement:
    names = read_header(text)
    if isinstance(names, NotAStatement):
        return names
    malformed: list[Malformed] = []
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        for position, line in enumerate(read_lines(text, names)):
            if position >= lines_max:
                return NotAStatement(line.line, f"the file has more than {lines_max} lines")
            if isinstance(line, Malformed):
                malformed.append(line)
                if len(malformed) > MALFORMED_MAX:
                    why = f"more than {MALFORMED_MAX} lines cannot be read; the first: "
                    return NotAStatement(malformed[0].line, why + malformed[0].why)
                continue
            writer.writerow(
                (line.line, line.order, line.reference, line.status, line.quantity,
                 line.amount_minor, line.currency)
            )  # fmt: skip
    return malformed


async def _write_ours(books: Books, path: Path, partner: str, day: date) -> dict[str, str]:
    """Our lines into a file, and up to which facts they are complete."""
    with answering():
        async with (
            books.pool.acquire() as connection,
            connection.transaction(isolation="repeatable_read", readonly=True),
        ):
            await connection.copy_from_query(
                OURS, partner, day, None, LINES_MAX + 1, output=path, format="csv"
            )
            return await read_as_of(connection)


def _run(
    matched: Matched, malformed: list[Malformed], *, partner: str, day: date, file_sha256: str
) -> Run:
    unread = sorted(_sha256(bad.text) for bad in malformed)
    inputs = (RULES, partner, day.isoformat(), matched.digest_ours, matched.digest_theirs, *unread)
    digest = hashlib.sha256("\n".join(inputs).encode()).hexdigest()
    breaks = [_break(found) for found in matched.found] + [_unread(bad) for bad in malformed]
    counts = dict(matched.counts)
    if malformed:
        counts["malformed_line"] = len(malformed)
    return Run(
        hashlib.sha256(f"{digest}\n{file_sha256}".encode()).hexdigest()[:24],
        digest,
        matched.lines_ours,
        matched.lines_theirs + len(malformed),
        matched.lines_matched,
        counts,
        sum(counts.values()) > len(breaks),
        tuple(breaks),
    )


def _break(found: Found) -> Break:
    ours = asdict(found.ours) if found.ours else None
    theirs = asdict(found.theirs) if found.theirs else None
    line = found.theirs.line if found.theirs else None
    return Break(found.class_, found.order, line, ours, theirs, "", *OWNERS[found.class_])


def _unread(bad: Malformed) -> Break:
    theirs = {"text": bad.text}
    owner = OWNERS["malformed_line"]
    return Break("malformed_line", "", bad.line, None, theirs, bad.why, *owner)


async def _keep(
    books: Books, run: Run, *, partner: str, day: date, file_sha256: str, as_of: dict[str, str]
) -> None:
    """Store the run once; the same inputs are the same run."""
    records = await asyncio.to_thread(_records, run)
    with answering(writes=True):
        async with books.pool.acquire() as connection, connection.transaction():
            kept = await connection.fetchval(
                KEEP_RUN, run.run_id, run.digest, RULES, partner, day, file_sha256,
                run.lines_ours, run.lines_theirs, run.lines_matched, _json(as_of),
                _json(run.counts), run.cut,
            )  # fmt: skip
            if kept is None:
                return
            await connection.copy_records_to_table(
                "recon_break",
                schema_name="books",
                columns=list(BREAK_COLUMNS),
                records=records,
            )


def _records(run: Run) -> list[tuple[Any, ...]]:
    return [
        (
            run.run_id, position, found.class_, found.order, found.line, _json(found.ours),
            _json(found.theirs), found.detail, found.owner, found.default_action,
        )
        for position, found in enumerate(run.breaks, 1)
    ]  # fmt: skip


def _json(data: Mapping[str, Any] | None) -> str | None:
    return msgspec.json.encode(data).decode() if data is not None else None


OURS = f"""
    select row_number() over (), order_id, reference, status, quantity, amount_minor, currency
    from ({LINES} limit $4) as lines"""  # noqa: S608  # both parts are ours
KEEP_RUN = """
    insert into books.recon_run (run, digest, rules, partner, business_date, file_sha256,
        lines_ours, lines_theirs, lines_matched, as_of, break_counts, breaks_cut)
    values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)
    on conflict (run) do nothing returning run"""
BREAK_COLUMNS = (
    "run", "position", "class", "order_id", "line", "ours", "theirs", "detail", "owner",
    "default_action",
)  # fmt: skip
