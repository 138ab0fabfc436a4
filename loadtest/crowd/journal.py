"""What visitors were promised: one JSON line for every acknowledged order and redemption.

And what they saw that must never be seen.

Belongs here: writing it and reading it back. Comparing it with what became of it is `verdict`'s.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

CONFIRMED, OWED, REDEEMED, REFUSED = "confirmed", "owed", "redeemed", "refused"
SEEN = "seen"


class Journal:
    """Appends promises as they are made."""

    def __init__(self, path: Path) -> None:
        self._file = path.open("a", encoding="utf-8")

    def close(self) -> None:
        """What was written stays."""
        self._file.close()

    def confirmed(self, *, buyer: str, login: str, order: dict[str, Any]) -> None:
        """An order was told to be paid and ours."""
        units = [
            {name: unit.get(name, "") for name in ("offer", "unit", "seat", "code")}
            for unit in order["units"]
        ]
        line = {"order": order["id"], "amount_minor": order["amount_minor"], "units": units}
        self._write(CONFIRMED, {"buyer": buyer, "login": login, **line})

    def owed(self, *, buyer: str, order: str) -> None:
        """The money came too late and the units are gone: it must go back."""
        self._write(OWED, {"buyer": buyer, "order": order})

    def redeemed(self, *, code: str, venue: str, key: str) -> None:
        """A kiosk was told to let somebody in."""
        self._write(REDEEMED, {"code": code, "venue": venue, "key": key})

    def refused(self, *, code: str, venue: str, key: str, why: str) -> None:
        """A kiosk was told not to."""
        self._write(REFUSED, {"code": code, "venue": venue, "key": key, "why": why})

    def seen(self, kind: str, what: str) -> None:
        """Something that must never be seen; `kind` is its class in the verdict."""
        self._write(SEEN, {"kind": kind, "saw": what, "at_ms": round(time.time() * 1000)})

    def _write(self, what: str, line: dict[str, Any]) -> None:
        self._file.write(json.dumps({"what": what, **line}, separators=(",", ":")) + "\n")
        self._file.flush()


def read(*paths: Path) -> Iterator[dict[str, Any]]:
    """All lines of the journals that exist."""
    for path in paths:
        if path.exists():
            with path.open(encoding="utf-8") as lines:
                yield from map(json.loads, lines)
