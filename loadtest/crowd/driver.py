"""The crowd's processes, seen from outside: starting them, following them, adding them up."""

from __future__ import annotations

import asyncio
import json
import sys
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from loadtest.installation import ROOT, Failed

LINE_MAX_BYTES = 64 * 1024 * 1024
"""The last line of a process holds all its times."""

Words = tuple[str | Path, ...]
Told = Callable[[Counter[str], Counter[str]], None]


@dataclass(slots=True)
class Heard:
    """What the processes of one crowd said, added up."""

    ends: Counter[str] = field(default_factory=Counter)
    counts: Counter[str] = field(default_factory=Counter)
    refusals: Counter[str] = field(default_factory=Counter)
    times_ms: dict[str, list[float]] = field(default_factory=dict)
    surprises: list[str] = field(default_factory=list)
    cpu_s: float = 0.0

    def add(self, line: dict[str, Any]) -> None:
        """One process's last line."""
        self.ends.update(line["ends"])
        self.counts.update(line["counts"])
        self.refusals.update(line["refusals"])
        self.surprises.extend(line["surprises"])
        self.cpu_s += line["cpu_s"]
        for kind, times in line["times_ms"].items():
            self.times_ms.setdefault(kind, []).extend(times)


async def crowd(processes: Sequence[Words], told: Told, log: Path) -> Heard:
    """Run `python -m loadtest.crowd WORDS` for each; their results together.

    `told` hears the ends and counts of all of them as they go. Raises Failed when one fails.
    """
    latest: dict[int, dict[str, Any]] = {}
    heard = Heard()

    async def one(number: int, words: Words) -> None:
        with log.open("ab") as errors:
            process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", "loadtest.crowd", *map(str, words)),
                cwd=ROOT,
                stdout=asyncio.subprocess.PIPE,
                stderr=errors,
                limit=LINE_MAX_BYTES,
            )
        assert process.stdout is not None
        try:
            async for raw in process.stdout:
                latest[number] = json.loads(raw)
                told(_sum(latest, "ends"), _sum(latest, "counts"))
            if await process.wait() != 0:
                raise Failed(f"a process of the crowd failed; see {log}")
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()
        heard.add(latest[number])

    try:
        async with asyncio.TaskGroup() as group:
            for number, words in enumerate(processes):
                group.create_task(one(number, words))
    except* Failed as failed:
        wrong = failed.exceptions[0]
    else:
        return heard
    raise wrong


def _sum(lines: dict[int, dict[str, Any]], name: str) -> Counter[str]:
    total: Counter[str] = Counter()
    for line in lines.values():
        total.update(line[name])
    return total
