"""A sale from its folder: everything is read, and everything wrong is told at once.

Here belongs the order of the reading; each step has a module of its own. Nothing is written.
"""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from inventory.salefile.document import LISTS, Section, read_document
from inventory.salefile.draft import PARTS, SIGNERS, Draft, Table
from inventory.salefile.keysets import check_key_set
from inventory.salefile.moments import moment_ms
from inventory.salefile.problems import Place, Problem, Problems, shown
from inventory.salefile.reading import (
    CSV_MAX_BYTES,
    JWKS_MAX_BYTES,
    TOML_MAX_BYTES,
    inside,
    text_of,
)
from inventory.salefile.records import Unreadable, build
from inventory.salefile.rules import finished
from inventory.salefile.tables import FORMS, read_table
from inventory.salefile.values import RoomLine, SaleFile, SaleRules

REQUIRED_FILES = ("venues", "offers")
_SHOWN_TIMES = {"opens_at_ms": "opens_at", "closes_at_ms": "closes_at"}


def load(path: Path, *, shift_ms: int = 0) -> SaleFile | list[Problem]:
    """The sale of the TOML file at `path` and the files it names, or everything wrong with them.

    `shift_ms` is added to every time, so that a rehearsal can move a whole sale to now.
    """
    problems = Problems()
    called = path.name
    text = text_of(path, called, TOML_MAX_BYTES, problems)
    document = read_document(text, called, problems) if text is not None else None
    if document is None:
        return problems.listed([called])
    tables: dict[str, Table[Any]] = {
        part: _signed_or_dropped(part, document.sections[name], path, shift_ms, problems)
        for name, part in LISTS.items()
    }
    files = _read_files(document.one("files"), path.parent, shift_ms, problems)
    sale, room = document.one("sale"), document.one("room")
    draft = Draft(
        sale_place=sale.place,
        sale=_one(SaleRules, sale, shift_ms, problems),
        room=_one(RoomLine, room, shift_ms, problems),
        **tables,
        **files,
    )
    return finished(draft, [called, *(table.file for table in files.values())], problems)


def _one(kind: type[Any], section: Section, shift_ms: int, problems: Problems) -> Any | None:
    if not section.is_given:
        return None
    raw = _with_times(section.content, shift_ms)
    return build(kind, raw, section.place, problems, shown_names=_SHOWN_TIMES, at=_at(section))


def _at(section: Section) -> Callable[[str], Place]:
    return lambda field: section.at(_SHOWN_TIMES.get(field, field))


def _with_times(content: dict[str, Any], shift_ms: int) -> dict[str, object]:
    fields = {shown_as: field for field, shown_as in _SHOWN_TIMES.items()}
    return {
        fields.get(key, key): moment_ms(value, shift_ms) if key in fields else value
        for key, value in content.items()
    }


def _signed_or_dropped(
    part: str, sections: list[Section], path: Path, shift_ms: int, problems: Problems
) -> Table[Any]:
    form = PARTS[part]
    table: Table[Any] = Table(path.name)
    for section in sections:
        raw = _with_times(section.content, shift_ms)
        if part in SIGNERS:
            raw["jwks"] = _key_set(raw.get("jwks"), section.at("jwks"), path.parent, problems)
        record = build(
            form.kind, raw, section.place, problems, shown_names=_SHOWN_TIMES, at=_at(section)
        )
        table.keep(record, raw.get(form.identity), section.place.line)
    return table


def _key_set(named: object, place: Place, folder: Path, problems: Problems) -> object:
    """The content of the key file; what is wrong with it is told where it is named."""
    if not isinstance(named, str):
        return Unreadable("the name of a file with a JSON Web Key set")
    path = inside(folder, named, place, problems)
    text = text_of(path, named, JWKS_MAX_BYTES, problems) if path else None
    if text is None:
        return {"keys": []}
    try:
        content = json.loads(text)
    except (ValueError, RecursionError) as error:
        problems.add(Place(named, getattr(error, "lineno", 1)), f"is not JSON: {error}")
        return {"keys": []}
    told = problems.count
    check_key_set(content, Place(named, 1), problems)
    return {"keys": []} if problems.count > told else {"keys": content["keys"]}


def _read_files(
    section: Section, folder: Path, shift_ms: int, problems: Problems
) -> dict[str, Table[Any]]:
    tables: dict[str, Table[Any]] = {}
    for name in section.content.keys() - FORMS.keys():
        hint = problems.nearest(name, FORMS)
        problems.add(section.at(name), f"{shown(name)} is not a file of a sale{hint}")
    for name in FORMS:
        named = section.content.get(name, "")
        text = None
        if named == "" and name in REQUIRED_FILES:
            problems.add(section.place, f"[files] needs {name}")
        elif not isinstance(named, str):
            problems.add(section.at(name), f"{name} is {shown(named)}: expected a file's name")
        elif named:
            path = inside(folder, named, section.at(name), problems)
            text = text_of(path, named, CSV_MAX_BYTES, problems) if path else None
        if text is not None:
            tables[name] = read_table(name, text, str(named), shift_ms, problems)
        else:
            tables[name] = Table(str(named), is_readable=named == "" and name not in REQUIRED_FILES)
    return tables
