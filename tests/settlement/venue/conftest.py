"""A database and a simulated venue for the adapter's tests."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path

import asyncpg
import pytest

from settlement.database import Pool
from settlement.venue import Journal
from tests.simulators.processes import Simulator, simulator

SALE = "films"
HALLS = {f"s{n}": [f"{row}{seat}" for row in "ABC" for seat in range(1, 9)] for n in range(1, 5)}
"""Four screenings of 24 seats."""

SMALL_HALLS = {f"k{n}": ["A1", "A2", "A3"] for n in range(1, 400)}
"""One for each life of the test that kills."""

VenueStarts = Callable[..., AbstractAsyncContextManager[Simulator]]


def scramble(value: bytes) -> bytes:
    """Stands for the caller's sealing, its own inverse: enough to show what is not readable."""
    return bytes(byte ^ 0x5A for byte in value)


@pytest.fixture
async def pool(database_url: str) -> AsyncIterator[Pool]:
    """A pool on the test's own migrated database."""
    async with asyncpg.create_pool(database_url, min_size=1, max_size=4) as opened:
        yield opened


@pytest.fixture
def journal(pool: Pool) -> Journal:
    """The journal of the sale."""
    return Journal(pool, SALE, seal=scramble, unseal=scramble)


@pytest.fixture
def start_venue(tmp_path: Path) -> VenueStarts:
    """How a test starts a venue with all halls; more arguments overrule the calm ones."""
    seats = tmp_path / "seats.json"
    seats.write_text(json.dumps(HALLS | SMALL_HALLS))

    @asynccontextmanager
    async def start(*arguments: str) -> AsyncIterator[Simulator]:
        faultless = ("--error-share", "0", "--drop-share", "0", "--latency-ms", "0")
        fast = ("--rate-per-s", "100000", "--burst", "100000")
        common = ("--seats", seats, "--state", tmp_path / "venue.jsonl")
        async with simulator("venue", *common, *faultless, *fast, *arguments) as running:
            yield running

    return start
