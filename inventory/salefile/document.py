"""The sale file itself, sale.toml: its tables with the line each of them stands on.

tomllib keeps no lines, so a scan of the table headers and keys finds them; it decides nothing, and
where it finds nothing (an inline table) the line of the table above stands in.
"""

import re
import tomllib
from dataclasses import dataclass, field
from typing import Any

from inventory.salefile.draft import PARTS
from inventory.salefile.problems import Place, Problems

TABLES = ("sale", "room", "files")
LISTS = {"drop": "drops", "lane": "lanes", "login": "logins", "payment": "payments"}
"""A header in the file → the part of a SaleFile."""
# A sale for partners alone has no shoppers who log in and pay; most rooms have one lane.
_OPTIONAL = frozenset({"lane", "login", "payment"})
_HEADER = re.compile(r"\s*\[\[?\s*([A-Za-z0-9_-]+)\s*\]\]?\s*(#.*)?$")
_KEY = re.compile(r"\s*([A-Za-z0-9_-]+)\s*=")
_AT_LINE = re.compile(r" \(at (?:line (\d+), column \d+|end of document)\)$")


@dataclass(slots=True)
class Section:
    """One table of the document: its raw content and the lines of its header and keys."""

    place: Place
    content: dict[str, Any] = field(default_factory=dict)
    is_given: bool = True
    lines: dict[str, int] = field(default_factory=dict)

    def at(self, key: str) -> Place:
        """Where `key` stands, or the table's header."""
        return Place(self.place.file, self.lines.get(key, self.place.line))


@dataclass(slots=True)
class Document:
    """The tables of a sale file by name; `sale`, `room` and `files` have exactly one each."""

    sections: dict[str, list[Section]]

    def one(self, name: str) -> Section:
        """The only table called `name`."""
        return self.sections[name][0]


def read_document(text: str, called: str, problems: Problems) -> Document | None:
    """The document, or None when it is not TOML at all."""
    try:
        content = tomllib.loads(text.replace("\r\n", "\n"))
    except tomllib.TOMLDecodeError as error:
        told = str(error)
        found = _AT_LINE.search(told)
        last = text.count("\n") + 1
        line = int(found[1]) if found and found[1] else last
        problems.add(Place(called, line), f"is not TOML: {_AT_LINE.sub('', told)}")
        return None
    except (ValueError, RecursionError) as error:
        problems.add(Place(called, 1), f"is not TOML that can be read: {error}")
        return None
    document = Document({})
    headers = _headers(text, called)
    for name in content.keys() - {*TABLES, *LISTS}:
        place = headers[name][0].place if name in headers else Place(called, 1)
        hint = problems.nearest(name, (*TABLES, *LISTS))
        problems.add(place, f'"{name[:40]}" is not a part of a sale file{hint}')
    for name in (*TABLES, *LISTS):
        document.sections[name] = _sections(
            name, content.get(name), headers.get(name, []), called, problems
        )
    return document


def _sections(
    name: str, content: Any, headers: list[Section], called: str, problems: Problems
) -> list[Section]:
    fallback = headers[0].place if headers else Place(called, 1)
    written = f"[[{name}]]" if name in LISTS else f"[{name}]"
    if content is None:
        if name not in _OPTIONAL:
            problems.add(Place(called, 1), f"has no {written}")
        return [] if name in LISTS else [Section(fallback, is_given=False)]
    items = content if name in LISTS else [content]
    if not isinstance(items, list) or not all(isinstance(item, dict) for item in items):
        problems.add(fallback, f'"{name}" must be written as a table: {written}')
        return [] if name in LISTS else [Section(fallback, is_given=False)]
    if name in LISTS and len(items) > (most := PARTS[LISTS[name]].records_max):
        problems.add(fallback, f"has {len(items)} {written}; at most {most} are allowed")
        return []
    found = headers if len(headers) == len(items) else [Section(fallback) for _ in items]
    for section, item in zip(found, items, strict=True):
        section.content = item
    return found


def _headers(text: str, called: str) -> dict[str, list[Section]]:
    found: dict[str, list[Section]] = {}
    section: Section | None = None
    for number, line in enumerate(text.split("\n"), start=1):
        if header := _HEADER.match(line.rstrip("\r")):
            section = Section(Place(called, number))
            found.setdefault(header[1], []).append(section)
        elif section and (key := _KEY.match(line)):
            section.lines.setdefault(key[1], number)
    return found
