"""A partner's statement as it comes in: text to lines that can be matched, and what cannot be read.

Each physical line is read for itself, so that one broken quote spoils one line and not the rest of
the file. Numbers are exact: digits and nothing else, so `1e3`, `3.80`, `+5`, ` 5` and what no
counter of ours could hold are told with their line number. A byte order mark and CRLF are accepted.
Pure; nothing is matched here.
"""

import csv
import re
from collections.abc import Iterator
from dataclasses import dataclass

from settlement.statement import COLUMNS

FILE_MAX = 256 * 1024 * 1024  # characters
LINE_MAX = 2048
ORDER_MAX = 128
MALFORMED_MAX = 1000
_COUNT = re.compile(r"(?:0|[1-9][0-9]{0,8})\Z")
_AMOUNT = re.compile(r"(?:0|[1-9][0-9]{0,14})\Z")
_ORDER = re.compile(r"[!-~]{1,128}\Z")
_CURRENCY = re.compile(r"[A-Z]{3}\Z")
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ufffd\ud800-\udfff]")
_STATUSES = frozenset({"sold", "refunded"})


@dataclass(frozen=True, slots=True)
class TheirLine:
    """One line of the partner's. `line` is its place in the file, the header being 1."""

    line: int
    order: str
    reference: str
    status: str
    quantity: int
    amount_minor: int
    currency: str


@dataclass(frozen=True, slots=True)
class Malformed:
    """A line that cannot be matched, and why. `text` is the line, cut and made visible."""

    line: int
    why: str
    text: str


@dataclass(frozen=True, slots=True)
class NotAStatement:
    """The whole file is refused, and why; nothing was matched. `line` is 0 for the file as such."""

    line: int
    why: str


def read_header(text: str) -> list[str] | NotAStatement:
    """The names of the columns, in the order of the file."""
    if not text.removeprefix("\ufeff").strip():
        return NotAStatement(0, "the file is empty")
    if len(text) > FILE_MAX:
        return NotAStatement(0, f"the file is longer than {FILE_MAX} characters")
    # Cut before it is split: a header of megabytes would become as many names.
    first = text[: LINE_MAX + 3].removeprefix("\ufeff").split("\n", 1)[0].removesuffix("\r")
    if len(first) > LINE_MAX:
        return NotAStatement(1, f"the header is longer than {LINE_MAX} characters")
    names = [name.strip('"') for name in first.split(",")]
    if sorted(names) != sorted(COLUMNS):
        missing = [name for name in COLUMNS if name not in names]
        unknown = [name for name in names if name not in COLUMNS]
        return NotAStatement(
            1,
            f"the header must name {','.join(COLUMNS)}"
            + (f"; missing: {','.join(missing)}" if missing else "")
            + (f"; unknown: {_visible(','.join(unknown)[:LINE_MAX])}" if unknown else ""),
        )
    return names


def read_lines(text: str, names: list[str]) -> Iterator[TheirLine | Malformed]:
    """Every line after the header. Empty lines at the end are not lines."""
    places = [names.index(name) for name in COLUMNS]
    for number, raw in enumerate(_after_the_first(text), 2):
        line = raw.removesuffix("\r")
        try:
            fields = _fields(line, len(names))
            yield _their_line(number, [fields[place] for place in places])
        except ValueError as error:
            yield Malformed(number, str(error), _visible(line[:LINE_MAX]))


def _after_the_first(text: str) -> Iterator[str]:
    """The physical lines but the first, one at a time: as a list they take more than the file."""
    end = len(text.rstrip("\r\n"))
    at = text.find("\n", 0, end) + 1
    while at:
        after = text.find("\n", at, end)
        yield text[at : after if after >= 0 else end]
        at = after + 1


def _visible(text: str) -> str:
    """The text with every character that cannot be shown or stored written as its number."""
    return _CONTROL.sub(lambda found: f"\\u{ord(found[0]):04x}", text)


def _fields(line: str, width: int) -> list[str]:
    if len(line) > LINE_MAX:
        raise ValueError(f"the line is longer than {LINE_MAX} characters")
    if _CONTROL.search(line):
        raise ValueError("the line has a control character, or one that is not Unicode")
    fields = line.split(",")
    if '"' in line:
        try:
            fields = next(csv.reader([line], strict=True))
        except csv.Error as error:
            raise ValueError(f"the quotes of the line do not match: {error}") from error
    if len(fields) != width:
        raise ValueError(f"the line has {len(fields)} columns, the header {width}")
    return fields


def _their_line(number: int, fields: list[str]) -> TheirLine:
    _, order, reference, status, quantity, amount, currency, _ = fields
    if not _ORDER.match(order):
        raise ValueError(f"order is not 1 to {ORDER_MAX} visible characters")
    if status not in _STATUSES:
        raise ValueError("status is neither sold nor refunded")
    if not _COUNT.match(quantity):
        raise ValueError("quantity is not a whole number of at most 9 digits")
    if not _AMOUNT.match(amount):
        raise ValueError("amount_minor is not a whole number of at most 15 digits")
    if not _CURRENCY.match(currency):
        raise ValueError("currency is not three capital letters")
    return TheirLine(number, order, reference, status, int(quantity), int(amount), currency)
