"""A load, short but real: green on an honest store, red when a unit is sold twice behind it."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import lua.embedded
from loadtest.crowd.journal import CONFIRMED, read
from loadtest.installation import ROOT
from loadtest.load.sale import SALE
from tests.loadtest.tampering import put_back

pytestmark = [pytest.mark.story, pytest.mark.timeout(300)]

USERS, SECONDS = 60, 8
PUT_BACK = 3
PATIENCE_S = 120.0
CLASSES = {
    *("oversell", "lost order", "limit broken", "double redemption"),
    *("bug", "invariant", "idle"),
}


@pytest.fixture
def home() -> Iterator[Path]:
    """A short directory."""
    with tempfile.TemporaryDirectory(prefix="dgt-", dir="/tmp") as directory:
        yield Path(directory)


def load(home: Path, *, processes: int) -> subprocess.Popen[bytes]:
    """`python -m loadtest.load` in a directory of its own."""
    how = ("--users", USERS, "--seconds", SECONDS, "--processes", processes, "--out", home / "out")
    return subprocess.Popen(
        (sys.executable, "-m", "loadtest.load", *map(str, how)),
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )


def told(home: Path) -> dict[str, Any]:
    """The classes of the verdict by name."""
    verdict = json.loads((home / "out" / "load.json").read_bytes())["verdict"]
    return {each["name"]: each for each in verdict["classes"]}


async def pooled_units_sold(home: Path) -> list[int]:
    """Serials of vouchers that somebody was promised, as soon as there are some."""
    until = time.monotonic() + PATIENCE_S
    while time.monotonic() < until:
        sold = [
            unit["unit"]
            for line in read(*(home / "out").glob("journal-*.jsonl"))
            if line["what"] == CONFIRMED
            for unit in line["units"]
            if not unit["offer"].startswith("seats")
        ]
        if len(sold) > 10 * PUT_BACK:
            return sold
        await asyncio.sleep(0.1)
    raise AssertionError("nothing was sold")


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


async def test_a_load_on_an_honest_store_is_green(home: Path) -> None:
    """Status 0, every class at nought, a page and figures, and nothing is left running."""
    process = load(home, processes=2)
    said, _ = await asyncio.to_thread(process.communicate)
    assert process.returncode == 0, said.decode()
    found = told(home)
    assert {name: each["wrong"] for name, each in found.items()} == dict.fromkeys(CLASSES, 0)
    page = (home / "out" / "load.html").read_text()
    assert "Green: every promise was kept" in page
    assert page.count("<svg") == 7
    assert "src=" not in page
    assert running_in(home) == []


async def test_a_unit_sold_twice_behind_the_stores_back_is_red(home: Path) -> None:
    """Status 1, and both the verdict and the terminal name the unit."""
    process = load(home, processes=1)
    try:
        sold = await pooled_units_sold(home)
        store = lua.embedded.url(home / "out" / "state" / "valkey")
        put = await put_back(store, SALE, sold, most=PUT_BACK)
    finally:
        said, _ = await asyncio.to_thread(process.communicate)
    assert process.returncode == 1, said.decode()
    assert len(put) == PUT_BACK
    oversell = told(home)["oversell"]
    assert oversell["wrong"] >= 1
    named = [unit for unit in put if any(f"unit {unit} of" in words for words in oversell["said"])]
    assert named
    assert f"oversell: unit {named[0]} of" in said.decode()
    assert "Red: oversell" in (home / "out" / "load.html").read_text()
