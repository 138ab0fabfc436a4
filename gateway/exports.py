"""Units with their codes as lines, NDJSON or CSV: for a partner's programs and spreadsheets.

An export may break off anywhere. It is resumed by the last whole line that arrived (`after`), and
`Dropgate-Last-Unit`, known before the first line is made, tells when everything has arrived.
"""

import csv
import io
from collections.abc import AsyncIterator, Sequence

from aiohttp import web

from gateway.allotment_desk import Export
from gateway.partner_answers import UnitCodeAnswer
from gateway.responses import body_of, streamed

NDJSON = "application/x-ndjson"
CSV = "text/csv"
COLUMNS = ("unit", "offer", "seat", "state", "code")
LAST_UNIT = "Dropgate-Last-Unit"


async def respond(
    request: web.BaseRequest, export: Export, *, as_csv: bool, resumed: bool
) -> web.StreamResponse:
    """The units as one answer, made while it is sent.

    The CSV of a `resumed` export has no line of names, so that it fits onto what there is.
    """
    headers = {LAST_UNIT: str(export.last)}
    if as_csv:
        media_type = f"{CSV}; charset=utf-8; header={'absent' if resumed else 'present'}"
        pieces = _csv(export.pieces, names=not resumed)
        return await streamed(request, pieces, media_type, headers)
    return await streamed(request, _ndjson(export.pieces), NDJSON, headers)


async def _ndjson(pieces: AsyncIterator[list[UnitCodeAnswer]]) -> AsyncIterator[bytes]:
    async for units in pieces:
        yield b"".join(body_of(unit) + b"\n" for unit in units)


async def _csv(pieces: AsyncIterator[list[UnitCodeAnswer]], *, names: bool) -> AsyncIterator[bytes]:
    if names:
        yield _rows([COLUMNS])
    async for units in pieces:
        yield _rows([[getattr(unit, name) for name in COLUMNS] for unit in units])


def _rows(rows: Sequence[Sequence[object]]) -> bytes:
    text = io.StringIO()
    csv.writer(text, lineterminator="\r\n").writerows(rows)  # None becomes an empty cell
    return text.getvalue().encode()
