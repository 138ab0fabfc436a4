"""Starts simulators as the processes they are, for the tests of this folder and of the stories."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
READY_WAIT_S = 60.0


@dataclass(frozen=True, slots=True)
class Simulator:
    """A running simulator and where it listens."""

    url: str
    process: asyncio.subprocess.Process

    async def kill(self) -> None:
        """End it by kill -9."""
        self.process.kill()
        await self.process.wait()


@asynccontextmanager
async def simulator(module: str, *arguments: str | Path) -> AsyncIterator[Simulator]:
    """`python -m simulators.<module>` on a free port until the block ends; SIGTERM must end it."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", f"simulators.{module}", "--port", "0", *map(str, arguments)),
        cwd=ROOT,
        stdout=asyncio.subprocess.PIPE,
    )
    assert process.stdout is not None
    try:
        line = await asyncio.wait_for(process.stdout.readline(), READY_WAIT_S)
        assert line, f"{module} ended without saying where it listens"
        yield Simulator(line.split()[1].decode(), process)
    finally:
        if process.returncode is None:
            process.terminate()
        await asyncio.wait_for(process.wait(), READY_WAIT_S)
