"""A Valkey of one test's own, which it may kill, and the loop that talks to it."""

import asyncio
import shutil
import subprocess
import tempfile
from collections.abc import Coroutine
from pathlib import Path
from typing import Any, TypeVar

import lua.embedded
from lua.process import start, wait_ready

Result = TypeVar("Result")


class Server:
    """A Valkey of this test's own that may be killed, and the loop that talks to it."""

    def __init__(self) -> None:
        self.home = Path(tempfile.mkdtemp(prefix="dgm-", dir="/tmp"))
        self.runner = asyncio.Runner()
        self.process: subprocess.Popen[bytes] | None = None
        self.steps = 0
        self.kills = 0
        self.start()

    def run(self, work: Coroutine[Any, Any, Result]) -> Result:
        """Wait for one coroutine on the loop of this server."""
        return self.runner.run(work)

    def start(self) -> None:
        """Start it and wait until it answers."""
        program = lua.embedded.prepare(self.home)
        self.process = start(program)
        self.run(wait_ready(program, self.process))

    def kill(self) -> None:
        """Kill -9 and start again."""
        assert self.process is not None
        self.process.kill()
        self.process.wait()
        self.kills += 1
        self.start()

    def close(self) -> None:
        """End it and remove its data."""
        assert self.process is not None
        self.process.kill()
        self.process.wait()
        self.runner.close()
        shutil.rmtree(self.home)
