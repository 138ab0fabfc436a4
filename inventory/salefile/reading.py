"""Bytes of a sale's folder become text and lines, whatever they are; nothing is trusted.

Here belong the bounds on files and lines, encodings and paths. What the text means belongs to
`document` (TOML) and `tables` (CSV). Nothing outside the sale file's own folder is opened.
"""

import stat
from collections.abc import Iterator
from pathlib import Path

from inventory.salefile.problems import Place, Problems, shown

TOML_MAX_BYTES = 1 << 20
CSV_MAX_BYTES = 64 << 20
JWKS_MAX_BYTES = 64 << 10
LINE_MAX_CHARS = 4_096
_UTF16_MARKS = (b"\xff\xfe", b"\xfe\xff")


def inside(folder: Path, name: str, place: Place, problems: Problems) -> Path | None:
    """The file `name` of `folder`; None, with the problem told, when it is not inside of it."""
    if not name or "\0" in name or len(name) > 200:
        problems.add(place, f"{shown(name)} is not a file's name")
        return None
    path = (folder / name).resolve()
    if Path(name).is_absolute() or not path.is_relative_to(folder.resolve()):
        problems.add(place, f"{shown(name)} leaves the folder of the sale file; put it inside")
        return None
    return path


def text_of(path: Path, called: str, max_bytes: int, problems: Problems) -> str | None:
    """The whole file as text, without a byte order mark; None when a problem was told."""
    data = _bytes_of(path, called, max_bytes, problems)
    if data is None:
        return None
    if data.startswith(_UTF16_MARKS):
        problems.add(Place(called, 1), "is UTF-16; save it as UTF-8")
        return None
    if (at := data.find(b"\0")) >= 0:
        problems.add(Place(called, _line_at(data, at)), "holds a NUL byte; it is not a text file")
        return None
    try:
        # Spreadsheets begin their UTF-8 with a mark; it says nothing and is dropped.
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        at = error.start
        bad = f"holds the byte 0x{data[at]:02x}, which is not UTF-8; save the file as UTF-8"
        problems.add(Place(called, _line_at(data, at)), bad)
        return None


def _bytes_of(path: Path, called: str, max_bytes: int, problems: Problems) -> bytes | None:
    try:
        found = path.stat()
        # A pipe or a device would be waited for, or never end.
        if not stat.S_ISREG(found.st_mode):
            problems.add(Place(called, 1), "is not a regular file")
            return None
        with path.open("rb") as file:
            data = file.read(max_bytes + 1)
    except FileNotFoundError:
        problems.add(Place(called, 1), "does not exist")
        return None
    except OSError as error:
        problems.add(Place(called, 1), f"cannot be read: {error.strerror}")
        return None
    if len(data) > max_bytes:
        problems.add(Place(called, 1), f"is larger than {max_bytes:,} bytes")
        return None
    return data


def _line_at(data: bytes, position: int) -> int:
    return data.count(b"\n", 0, position) + 1


def lines_of(text: str, called: str, problems: Problems) -> Iterator[tuple[int, str]]:
    """Line numbers and lines that say something, without their ends; longer ones are told."""
    for number, line in enumerate(text.split("\n"), start=1):
        if len(line) > LINE_MAX_CHARS:
            problems.add(Place(called, number), f"is longer than {LINE_MAX_CHARS:,} characters")
        elif line.strip():
            yield number, line.removesuffix("\r")
