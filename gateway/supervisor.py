"""Keeps programs running: starts them in order, restarts what dies, stops the last first.

Here: the order of events and the pauses between restarts. Not here: which programs there are
(gateway.installation), and how one is started and ended (lua.process).
"""

import asyncio
import os
import signal
import subprocess
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

from gateway.state import Note, State, started_at
from lua.process import Program, ProgramFailed, ended, start, stop, wait_ready

FIRST_PAUSE_S = 0.05  # a single kill -9 must not be felt
LONGEST_PAUSE_S = 5.0
CALM_S = 10.0  # after so long a life the next death is a new story
LOG_LIMIT = 16 * 1024 * 1024
_TOLD_LINES = 3

Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Service:
    """One program that is to run for as long as the installation does.

    `describe` is asked anew for each start; `urls` says to other commands where it is found.
    """

    name: str
    describe: Callable[[], Program]
    urls: dict[str, str] = field(default_factory=dict)


class Supervisor:
    """The stages of an installation: all of one run before the next is started."""

    def __init__(self, state: State, say: Say) -> None:
        self._state = state
        self._say = say
        self._stages: list[list[Watched]] = []

    async def start(self, *stages: Sequence[Service]) -> None:
        """Start the next stages, all of them together; they stop one by one, the last first.

        Raises the first ProgramFailed, when all of them have come up or failed.
        """
        fresh = [[Watched(one, self._state, self._say) for one in stage] for stage in stages]
        self._stages += fresh
        outcomes = await asyncio.gather(
            *(watched.start() for stage in fresh for watched in stage), return_exceptions=True
        )
        for outcome in outcomes:
            if isinstance(outcome, BaseException):
                raise outcome

    async def run_once(self, program: Program) -> None:
        """Run a program to its end. Raises ProgramFailed unless it ends with status 0."""
        path = self._state.log(program.name)
        with _opened_log(path) as log:
            process = start(program, log)
        try:
            status = await ended(process)
        finally:
            await stop(program, process)
        if status != 0:
            raise ProgramFailed(_with_log(f"{program.name} {_how(status)}", path))

    async def stop(self) -> None:
        """End everything, the last stage first: whoever gives work stops before who does it."""
        while self._stages:
            await asyncio.gather(*(watched.stop() for watched in self._stages[-1]))
            self._stages.pop()

    def hurry(self) -> None:
        """Kill the stage that is being waited for; the servers keep what was acknowledged."""
        if len(self._stages) > 1:  # the first are the servers
            for watched in self._stages[-1]:
                watched.kill()


class Watched:
    """A service being kept running."""

    def __init__(self, service: Service, state: State, say: Say) -> None:
        self._service = service
        self._state = state
        self._say = say
        self._program: Program | None = None
        self._process: subprocess.Popen[bytes] | None = None
        self._keeping: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Start it and wait until it is ready, then keep it running.

        Raises ProgramFailed with the last lines of its log when it does not come up.
        """
        try:
            await self._start()
        except ProgramFailed as failed:
            raise ProgramFailed(
                _with_log(str(failed), self._state.log(self._service.name))
            ) from failed
        self._keeping = asyncio.create_task(self._keep(), name=f"keep {self._service.name}")

    async def stop(self) -> None:
        """End it, and its restarting."""
        if self._keeping is not None:
            self._keeping.cancel()
            with suppress(asyncio.CancelledError):
                await self._keeping
        await self._end()

    def kill(self) -> None:
        """Let it lose what it has in flight."""
        if self._process is not None and self._process.poll() is None:
            self._process.kill()

    async def _start(self) -> None:
        name = self._service.name
        program = self._program = self._service.describe()
        with _opened_log(self._state.log(name)) as log:
            process = self._process = start(program, log)
        begun = started_at(process.pid) or 0
        self._state.write(Note(name=name, pid=process.pid, started=begun, urls=self._service.urls))
        await wait_ready(program, process)

    async def _keep(self) -> None:
        pause_s = FIRST_PAUSE_S
        while True:
            assert self._process is not None
            begun = time.monotonic()
            status = await ended(self._process)
            if time.monotonic() - begun > CALM_S:
                pause_s = FIRST_PAUSE_S
            self._say(f"{self._service.name} {_how(status)}; starting it again")
            pause_s = await self._start_again(pause_s)
            self._say(f"{self._service.name} is back (process {self._process.pid})")

    async def _start_again(self, pause_s: float) -> float:
        """Try until it is ready; the pause before the next try of all."""
        while True:
            await asyncio.sleep(pause_s)
            pause_s = min(2 * pause_s, LONGEST_PAUSE_S)
            try:
                await self._start()
            except (ProgramFailed, OSError) as failed:  # a full disk is no reason to give up
                self._say(f"{failed}; trying again in {pause_s:g} s")
                await self._end()
            else:
                return pause_s

    async def _end(self) -> None:
        if self._process is not None and self._program is not None:
            await stop(self._program, self._process)
        self._state.forget(self._service.name)


def _how(status: int) -> str:
    if status < 0:
        return f"was ended by {signal.Signals(-status).name}"
    return f"ended with status {status}"


def _opened_log(path: Path) -> BinaryIO:
    """The log, appended to; one that has grown too large makes room first, keeping one before."""
    if path.exists() and path.stat().st_size > LOG_LIMIT:
        path.replace(path.with_suffix(".log.1"))
    return open(os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600), "ab")


def _with_log(text: str, path: Path) -> str:
    """The text, and what the program said last."""
    with suppress(OSError):
        last = path.read_text(encoding="utf-8", errors="replace").splitlines()[-_TOLD_LINES:]
        return "\n  ".join([f"{text}; the end of {path}:", *last])
    return text
