"""The demo itself, with a small crowd: the whole path from the sale's files to the audit."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from loadtest.installation import ROOT

pytestmark = [pytest.mark.story, pytest.mark.timeout(400)]

SHOPPERS = 600
READY_S = 120.0
REQUIRED = {
    *("shoppers", "joined", "admitted", "orders_confirmed", "refusals", "seconds"),
    *("units_sold", "units_voided", "units_returned", "units_released"),
    *("oversold", "over_limit", "double_redeemed", "lost_orders", "redeemed"),
    *("ledger_orders", "trial_balance", "breaks_planted", "breaks_found", "invariants_ok"),
    *("p50_ms", "p99_ms"),
}


@pytest.fixture
def home() -> Iterator[Path]:
    """A short directory."""
    with tempfile.TemporaryDirectory(prefix="dgt-", dir="/tmp") as directory:
        yield Path(directory)


def demo(home: Path, *words: str) -> subprocess.Popen[bytes]:
    """`python -m loadtest.demo` in a directory of its own."""
    places = ("--state", str(home / "state"), "--result", str(home / "demo.json"))
    environment = {name: text for name, text in os.environ.items() if name != "KEEP"}
    return subprocess.Popen(
        (sys.executable, "-m", "loadtest.demo", *places, *words),
        cwd=ROOT,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )


async def test_the_demo_runs_a_whole_drop_and_proves_it(home: Path) -> None:
    """It ends with status 0, tells every figure, and every promise was kept."""
    process = demo(home, "--shoppers", str(SHOPPERS), "--starts-in", "20")
    said, _ = await asyncio.to_thread(process.communicate)
    assert process.returncode == 0, said.decode()
    told: dict[str, Any] = json.loads((home / "demo.json").read_bytes())
    assert set(told) >= REQUIRED
    assert told["invariants_ok"] is True
    zero = ("oversold", "over_limit", "double_redeemed", "lost_orders", "trial_balance")
    assert {name: told[name] for name in zero} == dict.fromkeys(zero, 0)
    ended = told["units_sold"] + told["units_voided"] + told["units_returned"]
    assert ended == told["units_released"] > 0
    assert told["breaks_found"] == told["breaks_planted"] > 0
    assert told["joined"] == told["shoppers"] == SHOPPERS
    assert told["ledger_orders"] == told["orders_confirmed"] > SHOPPERS / 2
    assert told["redeemed"] > 0
    assert running_in(home) == []


async def test_a_demo_that_is_told_to_stop_leaves_nothing_running(home: Path) -> None:
    """SIGTERM in the middle stops the servers and simulators that it started."""
    process = demo(home, "--shoppers", "50", "--starts-in", "600")
    assert process.stdout is not None
    line = await asyncio.wait_for(asyncio.to_thread(process.stdout.readline), READY_S)
    assert b"servers and simulators" in line
    process.send_signal(signal.SIGTERM)
    await asyncio.to_thread(process.communicate)
    assert process.returncode == 128 + signal.SIGTERM
    assert running_in(home) == []


def running_in(home: Path) -> list[str]:
    """The command lines of all processes that name the directory."""
    found = []
    for entry in Path("/proc").iterdir():
        try:
            line = (entry / "cmdline").read_bytes() if entry.name.isdecimal() else b""
        except OSError:
            continue
        if str(home).encode() in line:
            found.append(line.replace(b"\0", b" ").decode())
    return found
