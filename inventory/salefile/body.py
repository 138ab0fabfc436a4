"""A sale as one JSON body: the same values under the same rules, named by JSON pointers."""

from typing import Any

import msgspec

from inventory.salefile.draft import PARTS, SIGNERS, Draft, Table
from inventory.salefile.keysets import check_key_set
from inventory.salefile.problems import Place, Problem, Problems, shown
from inventory.salefile.records import build
from inventory.salefile.rules import finished
from inventory.salefile.values import RoomLine, SaleFile, SaleRules

JSON_MAX_BYTES = 128 << 20
_NEEDED = ("drops", "venues", "offers")


def from_json(body: bytes) -> SaleFile | list[Problem]:
    """The sale of a JSON body of the form `SaleFile`, under the same rules as the files."""
    if len(body) > JSON_MAX_BYTES:
        return [Problem("/", 0, f"is larger than {JSON_MAX_BYTES:,} bytes")]
    try:
        content = msgspec.json.decode(body)
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as error:
        return [Problem("/", 0, f"is not JSON: {error}")]
    if not isinstance(content, dict):
        return [Problem("/", 0, "must be an object with the parts of a sale")]
    problems = Problems()
    for name in content.keys() - set(SaleFile.__struct_fields__):
        hint = problems.nearest(name, SaleFile.__struct_fields__)
        problems.add(Place("/", 0), f"{shown(name)} is not a part of a sale{hint}")
    draft = Draft(
        sale_place=Place("/sale", 0),
        sale=_one_of_json(SaleRules, "sale", content, problems),
        room=_one_of_json(RoomLine, "room", content, problems),
        **{name: _list_of_json(name, content, problems) for name in PARTS},
    )
    return finished(draft, [], problems)


def to_json(sale_file: SaleFile) -> bytes:
    """The JSON body that `from_json` reads back into the same value."""
    return msgspec.json.encode(sale_file)


def _one_of_json(
    kind: type[Any], name: str, content: dict[str, Any], problems: Problems
) -> Any | None:
    raw = content.get(name)
    if isinstance(raw, dict):
        return build(kind, raw, Place(f"/{name}", 0), problems)
    problems.add(Place(f"/{name}", 0), "must be an object")
    return None


def _list_of_json(name: str, content: dict[str, Any], problems: Problems) -> Table[Any]:
    part = PARTS[name]
    table: Table[Any] = Table(f"/{name}", in_json=True)
    items = content.get(name, [])
    if not isinstance(items, list) or len(items) > part.records_max:
        problems.add(Place(f"/{name}", 0), f"must be a list of at most {part.records_max:,}")
        table.is_readable = False
        return table
    if name not in content and name in _NEEDED:
        problems.add(Place(f"/{name}", 0), "is missing")
    for position, raw in enumerate(items):
        place = Place(f"/{name}/{position}", 0)
        if not isinstance(raw, dict):
            problems.add(place, "must be an object")
            table.is_readable = False
            continue
        record = build(part.kind, raw, place, problems)
        if record is not None and name in SIGNERS:
            check_key_set(raw["jwks"], place, problems)
        table.keep(record, raw.get(part.identity), position)
    return table
