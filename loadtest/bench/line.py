"""The waiting room by rehearsals: a crowd on the real scripts, by a clock that runs ahead.

`dropgate rehearse` plays them in a process and on a store of its own. Once with no-shows that
swing, which is what the pump has to bear, and once with the same share of them all along, which is
what a promised wait can be held to.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from typing import Any

from loadtest.bench.figures import Figures
from loadtest.bench.plan import Plan
from loadtest.installation import DROPGATE, FAULTS, Failed

SWING, STEADY = "20,70,5", "20"
STEADY_SHARE = 4
OF_SWING = (
    ("overshoot_10s", "of allowed"), ("bucket_excess", "shoppers"), ("utilisation", "share"),
    ("worst_minute", "share"), ("turn_noticed_mean_s", "s"), ("polls_per_waited_hour", "polls"),
    ("polls_peak_per_s", "polls/s"), ("twice", "passes"), ("wait_p90_s", "s"),
    ("joins_per_cpu_s", "joins/s"), ("bytes_per_shopper", "B"),
)  # fmt: skip


async def measure(plan: Plan, figures: Figures) -> None:
    """One rehearsal of each kind."""
    swing = await _rehearse(plan, plan.rehearsed, SWING, "--joins")
    for name, unit in OF_SWING:
        figures.add(f"line_{name}", unit, swing[name])
    figures.add("line_eta_p90_error_swing", "share", swing["eta_p90_error"])
    steady = await _rehearse(plan, plan.rehearsed // STEADY_SHARE, STEADY)
    figures.add("line_eta_p90_error", "share", steady["eta_p90_error"])


async def _rehearse(plan: Plan, shoppers: int, no_shows: str, *more: str) -> dict[str, Any]:
    rate = str(plan.line_rate_per_s)
    words = (
        *DROPGATE, "rehearse", "--json", "--shoppers", str(shoppers), "--rate", rate,
        "--burst", rate, "--no-shows", no_shows, *more,
    )  # fmt: skip
    status, said, complained = await _run(words)
    if status and any(fault in complained for fault in FAULTS):  # a machine that stalled
        status, said, complained = await _run(words)
    if status:
        raise Failed(f"{' '.join(words[2:])}: {complained[-2000:]}")
    told: dict[str, Any] = json.loads(said)
    return told


async def _run(words: Sequence[str]) -> tuple[int, str, str]:
    process = await asyncio.create_subprocess_exec(
        *words, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
    )
    said, complained = await process.communicate()
    return process.returncode or 0, said.decode(), complained.decode(errors="replace")
