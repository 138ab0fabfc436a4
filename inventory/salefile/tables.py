"""The CSV files of a sale: which columns each has, and how a line becomes a raw record."""

import csv
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from inventory.salefile.draft import PARTS, Table
from inventory.salefile.moments import moment_ms
from inventory.salefile.problems import Place, Problems, shown
from inventory.salefile.reading import lines_of
from inventory.salefile.records import build

_INTEGER = re.compile(r"-?[0-9]{1,15}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Form:
    """The form of one CSV file: its columns in order, and which of them are not text.

    A column of `moments` called `x` fills the field `x_ms`.
    """

    columns: tuple[str, ...]
    integers: frozenset[str] = frozenset()
    moments: frozenset[str] = frozenset()
    optional: frozenset[str] = frozenset()

    @property
    def shown_names(self) -> dict[str, str]:
        """Field → column, where they differ."""
        return {f"{column}_ms": column for column in self.moments}


_OFFER_MOMENTS = ("starts_at", "ends_at", "redeem_from", "redeem_until")
FORMS: dict[str, Form] = {
    "venues": Form(("venue", "title", "city", "timezone")),
    "seats": Form(("layout", "row", "first", "last"), integers=frozenset({"first", "last"})),
    "offers": Form(
        (
            *("offer", "title", "venue", "drop", "kind", "layout", "units", "price_minor"),
            *_OFFER_MOMENTS,
            *("together", "supply", "codes"),
        ),
        integers=frozenset({"units", "price_minor"}),
        moments=frozenset(_OFFER_MOMENTS),
        optional=frozenset({"layout", "units", "together", "supply", "codes"}),
    ),
    "codes": Form(("offer", "seat", "code"), optional=frozenset({"seat"})),
    "partners": Form(("partner", "title")),
    "allotments": Form(
        ("allotment", "partner", "offer", "quantity"), integers=frozenset({"quantity"})
    ),
}


def read_table(name: str, text: str, called: str, shift_ms: int, problems: Problems) -> Table[Any]:
    """The table `name` out of its CSV text; what is wrong goes to `problems`."""
    form, part = FORMS[name], PARTS[name]
    table: Table[Any] = Table(called)
    lines = lines_of(text, called, problems)
    number, line = next(lines, (1, ""))
    header = _cells(line, Place(called, number), problems)
    if header is None or not _header_fits(header, form, Place(called, number), problems):
        table.is_readable = False
        return table
    readers = [_reader(column, form, shift_ms) for column in header]
    names = form.shown_names
    for number, line in lines:
        place = Place(called, number)
        if len(table.lines) + len(table.broken) >= part.records_max:
            problems.add(place, f"has more than {part.records_max:,} lines")
            break
        cells = _cells(line, place, problems)
        if cells is None:
            table.is_readable = False
            continue
        if len(cells) != len(header):
            told = f"has {len(cells)} cells where the header has {len(header)} columns"
            problems.add(place, told + "; put a text with commas in quotes")
            table.broken.add(cells[0])
            continue
        raw = {
            field: read(cell) for (field, read), cell in zip(readers, cells, strict=True) if cell
        }
        record = build(part.kind, raw, place, problems, shown_names=names)
        table.keep(record, raw.get(part.identity), number)
    return table


def _cells(line: str, place: Place, problems: Problems) -> list[str] | None:
    try:
        # One line at a time: a quote left open then costs one line and not the rest of the file.
        cells = next(csv.reader((line,), strict=True), [])
    except csv.Error as error:
        told = "a quote is not closed on its line" if "end of data" in str(error) else str(error)
        problems.add(place, f"is not CSV: {told}")
        return None
    return [cell.strip() for cell in cells]


def _header_fits(header: Sequence[str], form: Form, place: Place, problems: Problems) -> bool:
    told = problems.count
    wanted = ",".join(form.columns)
    if len(header) == 1 and any(mark in header[0] for mark in ";\t"):
        problems.add(place, f"its cells are not parted by commas; expected the header {wanted}")
        return False
    for column in header:
        if column not in form.columns:
            hint = problems.nearest(column, form.columns)
            problems.add(place, f"has no use for the column {shown(column)}{hint}")
    for column in form.columns:
        if header.count(column) > 1:
            problems.add(place, f"names the column {column} twice")
        if column not in header and column not in form.optional:
            problems.add(place, f"lacks the column {column}; expected the header {wanted}")
    return problems.count == told


def _reader(column: str, form: Form, shift_ms: int) -> tuple[str, Callable[[str], object]]:
    if column in form.moments:
        return f"{column}_ms", partial(moment_ms, shift_ms=shift_ms)
    return column, _integer if column in form.integers else str


def _integer(cell: str) -> object:
    # What is not an integer stays text: the field's own rule then says what it should have been.
    return int(cell) if _INTEGER.fullmatch(cell) else cell
