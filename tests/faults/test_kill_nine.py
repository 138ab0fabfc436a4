"""kill -9 of each single process in the middle of a drop: nothing acknowledged is lost.

The supervisor brings the process back; buyers repeat with the keys that they have, as they must.
What was promised is compared with what is there, and every invariant is audited.
"""

import asyncio
import os
import signal
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import closing
from pathlib import Path

import pytest

from loadtest.crowd.calls import Calls
from loadtest.installation import Installation
from tests.stories.drop import Drop, partner_key, process_of

pytestmark = [pytest.mark.fault, pytest.mark.story, pytest.mark.timeout(300)]

KILLED_AT = 60
"""Successes that were told before the kill; about a sixth of the drop."""
SOLD_AFTER = 60
"""Successes after it that show that selling goes on."""
SELLING_AGAIN_S = 20.0
"""A fraction of a second where nothing else runs; the supervisor, not a person, must do it."""


@pytest.fixture(scope="module")
async def installation() -> AsyncIterator[Installation]:
    """One `dropgate up` for all kills of this module."""
    with tempfile.TemporaryDirectory(prefix="dgt-", dir="/tmp") as home:
        async with Installation(Path(home)) as running:
            await running.up(gateways=2)
            yield running


@pytest.fixture(scope="module")
async def calls() -> AsyncIterator[Calls]:
    """The connections of all buyers."""
    with closing(Calls(seed=38)) as made:
        yield made


@pytest.fixture(scope="module")
async def key(installation: Installation) -> str:
    """The partner's Authorization."""
    return await partner_key(installation)


@pytest.mark.parametrize("name", ["gateway-1", "settlement", "valkey", "postgres"])
async def test_a_killed_process_loses_nothing(
    installation: Installation, calls: Calls, key: str, name: str
) -> None:
    """After kill -9 and restart no promise is broken, no invariant either, and selling goes on."""
    drop = await Drop.prepared(installation, calls, f"kill-{name}", key)
    before = {note: installation.note(note)["pid"] for note in ("up", name)}
    killed_at: list[float] = []

    async def kill(drop: Drop) -> None:
        await drop.reach(KILLED_AT)
        os.kill(before[name], signal.SIGKILL)
        killed_at.append(time.monotonic())
        await drop.reach(len(drop.promised_at) + SOLD_AFTER)

    async with asyncio.timeout(200):
        await drop.run(kill)
        while process_of(installation, name) in (0, before[name]):
            await asyncio.sleep(0.05)
    assert installation.note("up")["pid"] == before["up"]
    again = min(at for at in drop.promised_at if at > killed_at[0] + 0.05)
    assert again - killed_at[0] < SELLING_AGAIN_S
    await drop.check()
