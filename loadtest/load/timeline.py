"""What users did, second by second: written by each process, read together for the report."""

from __future__ import annotations

import json
import math
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any


@dataclass(slots=True)
class Second:
    """One second of all users: answers by kind, refusals by code, times as a histogram."""

    users: int = 0
    calls: Counter[str] = field(default_factory=Counter)
    refusals: Counter[str] = field(default_factory=Counter)
    ends: Counter[str] = field(default_factory=Counter)
    failures: int = 0
    times_ms: Counter[float] = field(default_factory=Counter)

    def add(self, line: dict[str, Any]) -> None:
        """What one process did in it."""
        self.users += line["users"]
        self.failures += line["failures"]
        self.calls.update(line["calls"])
        self.refusals.update(line["refusals"])
        self.ends.update(line["ends"])
        self.times_ms.update({float(ms): n for ms, n in line["times_ms"].items()})


class Timeline:
    """Gathers a second and writes it down."""

    def __init__(self, path: Path) -> None:
        self._file = path.open("a", encoding="utf-8")
        self._second = Second()
        self._ends_before: Counter[str] = Counter()

    def note(self, kind: str, *, refusal: str, took_ms: float, failed: bool) -> None:
        """An answer."""
        second = self._second
        second.calls[kind] += 1
        second.times_ms[rounded(took_ms)] += 1
        second.failures += failed
        if refusal:
            second.refusals[refusal] += 1

    def lost(self) -> None:
        """No answer."""
        self._second.failures += 1

    def write(self, users: int, ends: Counter[str]) -> None:
        """The second is over; `ends` are those of all visits so far."""
        second, self._second = self._second, Second()
        line = {
            "at": int(time.time()),
            "users": users,
            "failures": second.failures,
            "calls": second.calls,
            "refusals": second.refusals,
            "ends": ends - self._ends_before,
            "times_ms": second.times_ms,
        }
        self._ends_before = ends.copy()
        self._file.write(json.dumps(line, separators=(",", ":")) + "\n")
        self._file.flush()

    def close(self) -> None:
        """No more."""
        self._file.close()


def rounded(ms: float) -> float:
    """Two significant digits: fine enough for a percentile, and few enough to keep them all."""
    if ms < 0.1:
        return 0.1
    return round(ms, 1 - math.floor(math.log10(ms)))


def percentile_of(times_ms: Counter[float], share: float) -> float:
    """The time that `share` of the answers did not exceed; 0.0 of none."""
    rank, passed = max(1, math.ceil(share * times_ms.total())), 0
    for ms in sorted(times_ms):
        passed += times_ms[ms]
        if passed >= rank:
            return ms
    return 0.0
