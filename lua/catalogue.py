"""The catalogue of scripts: every file of this folder, its header read and held to one form.

A header names the script's keys, its arguments and every word it may reply with. The Python side
says the same once more with `signature`; a difference is found when the module is imported, not at
three in the morning.
"""

import hashlib
import re
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path

from lua.constants import put_in

FOLDER = Path(__file__).parent
_SECTIONS = ("KEYS", "ARGV", "REPLY", "COST")
SERVER = "server"
"""The last argument of a script that is guarded against a store that went back in time."""
ROOM_SERVER = "room_server"
"""The same for a script of a room, which keeps no account of facts."""
_INCLUDE = re.compile(r"^--@include (\w+)$", re.MULTILINE)
_KEY = re.compile(r"^(\d+\+?) +([a-z_]+\+?) +(hash|zset|list|stream|string) +\S")
_ARG = re.compile(r"^(\d+\+?) +([a-z_]+\+?) +(integer|string|msgpack|word) +\S")
_WORD = re.compile(r"^([a-z][a-z_]*)(?: |$)")


class BadHeader(Exception):
    """A script's header is not in the one form, or differs from its Python signature."""


@dataclass(frozen=True, slots=True)
class Script:
    """One script: its text as the server gets it, and what its header promises."""

    name: str
    body: str
    keys: tuple[str, ...]
    argv: tuple[str, ...]
    replies: tuple[str, ...]
    read_only: bool
    guarded: bool
    """Its last argument is the server's run id, which the door adds and no verb passes."""
    fenced: bool
    """As `guarded`, but it answers its reply alone: what a room forgets can be told it again."""
    durable: bool = False
    """Its answer waits for the replicas like that of a guarded one."""
    tells_facts: bool = False
    """The facts of a call are a part of its reply: what it would say is in them."""
    sha: str = field(default="")


def _lines_of_header(name: str, text: str) -> list[str]:
    lines = text.split("\n")
    if lines[0] not in ("#!lua", "#!lua flags=no-writes"):
        raise BadHeader(f"{name}.lua: the first line must be '#!lua' or '#!lua flags=no-writes'")
    header: list[str] = []
    for line in lines[1:]:
        if not line.startswith("--"):
            break
        header.append(line[2:].removeprefix(" "))
    if not header or not header[0].startswith(f"{name}: "):
        raise BadHeader(f"{name}.lua: the second line must be '-- {name}: <purpose>'")
    return header


def _sections(name: str, header: list[str]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    current: list[str] | None = None
    for line in header:
        word = line.split(" ", 1)[0]
        if word in _SECTIONS and not line.startswith(" "):
            current = found.setdefault(word, [])
            if word in ("REPLY", "COST") and len(line) > len(word):
                current.append(line[len(word) :].strip())
        elif current is not None and line.startswith("  ") and not line.startswith("    "):
            current.append(line.strip())
    for section in _SECTIONS:
        if section not in found:
            raise BadHeader(f"{name}.lua: the header has no {section} section")
    return found


def _named(name: str, section: str, rows: list[str], form: re.Pattern[str]) -> tuple[str, ...]:
    names: list[str] = []
    for row in rows:
        match = form.match(row)
        if match is None:
            raise BadHeader(f"{name}.lua: {section} line not in the form 'n name type text': {row}")
        if int(match[1].rstrip("+")) != len(names) + 1:
            raise BadHeader(f"{name}.lua: {section} {match[2]} should be number {len(names) + 1}")
        names.append(match[2])
    return tuple(names)


def _with_includes(text: str, folder: Path, seen: set[str]) -> str:
    """The text with every included file in place of the first line that asks for it."""

    def included(match: re.Match[str]) -> str:
        if match[1] in seen:
            return ""
        seen.add(match[1])
        return _with_includes((folder / f"{match[1]}.lua").read_text().rstrip("\n"), folder, seen)

    return _INCLUDE.sub(included, text)


def parse(name: str, text: str, includes: Path = FOLDER / "include") -> Script:
    """Read one script's text. Raises BadHeader when its header is not in the one form."""
    sections = _sections(name, _lines_of_header(name, text))
    words = []
    for row in sections["REPLY"][1:]:
        match = _WORD.match(row)
        if match is None:
            raise BadHeader(f"{name}.lua: REPLY line must begin with a word: {row}")
        words.append(match[1])
    if not words:
        raise BadHeader(f"{name}.lua: the REPLY section names no word")

    body = put_in(_with_includes(text, includes, set()))
    argv = _named(name, "ARGV", sections["ARGV"], _ARG)
    guarded, fenced = argv[-1:] == (SERVER,), argv[-1:] == (ROOM_SERVER,)
    return Script(
        name=name,
        body=body,
        keys=_named(name, "KEYS", sections["KEYS"], _KEY),
        argv=argv[:-1] if guarded or fenced else argv,
        replies=tuple(words),
        read_only="flags=no-writes" in text.split("\n", 1)[0],
        guarded=guarded,
        fenced=fenced,
        sha=hashlib.sha1(body.encode(), usedforsecurity=False).hexdigest(),
    )


@cache
def load(name: str) -> Script:
    """The script `lua/<name>.lua`. Raises BadHeader, or FileNotFoundError."""
    return parse(name, (FOLDER / f"{name}.lua").read_text())


def names() -> list[str]:
    """The names of all scripts in the folder, sorted."""
    return sorted(path.stem for path in FOLDER.glob("*.lua"))


def signature(
    name: str,
    *,
    keys: tuple[str, ...],
    argv: tuple[str, ...],
    replies: tuple[str, ...],
    durable: bool = False,
    tells_facts: bool = False,
) -> Script:
    """The script, after comparing what Python says of it with its header.

    `durable`: it keeps no account of facts, but tells of a success, which must have reached the
    replicas. `tells_facts`: the reply of a guarded one ends with its facts. Raises BadHeader when
    names, their order or the reply words differ.
    """
    script = load(name)
    for what, ours, theirs in (
        ("KEYS", keys, script.keys),
        ("ARGV", argv, script.argv),
        ("REPLY", replies, script.replies),
    ):
        if ours != theirs:
            raise BadHeader(f"{name}.lua: {what} are {theirs}, Python says {ours}")
    if not durable and not tells_facts:
        return script
    return replace(script, durable=durable, tells_facts=tells_facts)
