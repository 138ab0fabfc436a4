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
from tests.faults.rounds import ROUNDS, TRIES_MAX, again, is_kept
from tests.stories.drop import Drop, partner_key, process_of

pytestmark = [pytest.mark.fault, pytest.mark.story, pytest.mark.timeout(300 * (ROUNDS + TRIES_MAX))]

KILLED_AT = 60
"""Successes that were told before the kill; about a sixth of the drop."""
SOLD_AFTER = 60
"""Successes after it that show that selling goes on."""


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
    """After kill -9 and restart no promise is broken, no invariant either, and selling goes on.

    The supervisor, not a person, starts it again.
    """
    took: list[float] = []
    while again(took):
        drop = await Drop.prepared(installation, calls, f"kill-{name}-{len(took)}", key)
        took.append(await _killed(installation, drop, name))
    print(f"{name} was killed: selling again {took} s later")  # noqa: T201
    assert is_kept(took)


async def _killed(installation: Installation, drop: Drop, name: str) -> float:
    """Kill one process in the middle of a drop; seconds from there to a success."""
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
    await drop.check()
    return min(at for at in drop.promised_at if at > killed_at[0] + 0.05) - killed_at[0]
