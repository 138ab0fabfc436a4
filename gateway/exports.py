"""Units with their codes as lines, NDJSON or CSV: for a partner's programs and spreadsheets."""

import csv
import io
from collections.abc import Sequence

from aiohttp import web

from gateway.partner_answers import UnitCodeAnswer
from gateway.responses import body_of, raw

NDJSON = "application/x-ndjson"
CSV = "text/csv"
COLUMNS = ("unit", "offer", "seat", "state", "code")


def respond(units: Sequence[UnitCodeAnswer], *, as_csv: bool) -> web.Response:
    """All units as one answer; their number is bounded by the query's limit."""
    if as_csv:
        return raw(_csv(units), f"{CSV}; charset=utf-8")
    return raw(b"".join(body_of(unit) + b"\n" for unit in units), NDJSON)


def _csv(units: Sequence[UnitCodeAnswer]) -> bytes:
    text = io.StringIO()
    lines = csv.writer(text, lineterminator="\r\n")
    lines.writerow(COLUMNS)
    for unit in units:
        row = (getattr(unit, name) for name in COLUMNS)
        lines.writerow("" if cell is None else cell for cell in row)
    return text.getvalue().encode()
