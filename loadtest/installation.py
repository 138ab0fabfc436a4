"""A Dropgate of our own to try: `dropgate up` in a directory, its commands, and outside parties.

Belongs here: starting, finding, asking and stopping processes by the `dropgate` command, as a
person would. What is then done to them is the demo's and the benchmark's.
"""

from __future__ import annotations

import asyncio
import json
import os
import select
import signal
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import aiohttp

DROPGATE = (sys.executable, "-m", "gateway.cli")
ROOT = Path(__file__).resolve().parents[1]
UP_WAIT_S = 60.0
SIMULATOR_WAIT_S = 15.0
STOP_WAIT_S = 45.0
COMMAND_WAIT_S = 120.0
COMMAND_REPEATS, COMMAND_AGAIN_S = 2, 1.0
FAULTS = ("gave no answer", "gives no answer", "sent no answer", "is fenced until")
"""What a command says when a server did not answer, or was just started again."""

CHECK_S = 0.05
KNOWN_WAIT_S = 15.0
KNOWN_IN_A_ROW = 16


class Failed(Exception):
    """A command or process did not do what it must; says which, and the end of what it said."""


@dataclass(slots=True)
class Running:
    """A process that was started here; its output is in `log`."""

    name: str
    process: subprocess.Popen[bytes]
    log: Path

    @classmethod
    def start(cls, name: str, words: Sequence[str], log: Path) -> Self:
        """Start it in a session of its own, so that a Ctrl-C is ours to pass on."""
        with log.open("wb") as output:
            process = subprocess.Popen(
                words, cwd=ROOT, stdout=output, stderr=subprocess.STDOUT, start_new_session=True
            )
        return cls(name, process, log)

    async def stop(self) -> None:
        """SIGTERM, and wait for the end; SIGKILL when it does not come."""
        if self.process.poll() is None:
            self.process.terminate()
        try:
            await asyncio.to_thread(self.process.wait, STOP_WAIT_S)
        except subprocess.TimeoutExpired:
            self.process.kill()
            await asyncio.to_thread(self.process.wait)

    def said(self) -> str:
        """Everything it said so far."""
        return self.log.read_text(errors="replace")

    def last_said(self) -> str:
        """The end of it."""
        return "\n".join(self.said().splitlines()[-12:])


class Installation:
    """One state directory with its Dropgate and the simulators beside it."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory.absolute()
        self.state = self.directory / "state"
        self.gateway = ""
        self._running: list[Running] = []
        self._noted = self.directory / "running.json"

    async def __aenter__(self) -> Self:
        (self.directory / "logs").mkdir(parents=True, exist_ok=True)
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.stop()

    async def up(self, *, gateways: int, port: int = 0, store_url: str = "") -> None:
        """`dropgate up` in test mode on a free port, ready; `gateway` is then its address.

        `store_url` is a store that is there already, in the place of the embedded one.
        """
        outside = ("--store-url", store_url) if store_url else ()
        ports = ("--port", str(port), "--metrics-port", "0" if port == 0 else "9101")
        words = (*DROPGATE, "up", "--state-dir", str(self.state), "--test-mode", *ports, *outside)
        await self.start("up", (*words, "--gateways", str(gateways)), "Dropgate is up.", UP_WAIT_S)
        self.gateway = self.note("up")["urls"]["gateway"]

    async def simulator(self, name: str, *arguments: str | Path) -> str:
        """`dropgate <name>-sim` on a free port; its address."""
        words = (*DROPGATE, f"{name}-sim", "--port", "0", *map(str, arguments))
        ready = f"{name}-sim http://"
        said = await self.start(f"{name}-sim", words, ready, SIMULATOR_WAIT_S)
        return "http://" + said.split(ready)[1].split()[0]

    async def start(self, name: str, words: Sequence[str], ready: str, seconds: float) -> str:
        """Start a process that is stopped with us; what it said once it has said `ready`."""
        running = Running.start(name, words, self.directory / "logs" / f"{name}.log")
        self._running.append(running)
        self._note_running()
        deadline = asyncio.get_running_loop().time() + seconds
        while ready not in (said := running.said()):
            if running.process.poll() is not None:
                raise Failed(f"{name} ended: {running.last_said()}")
            if asyncio.get_running_loop().time() > deadline:
                raise Failed(f"{name} is not ready after {seconds} s: {running.last_said()}")
            await asyncio.sleep(CHECK_S)
        return said

    async def command(self, *words: str | Path, allowed: tuple[int, ...] = (0,)) -> str:
        """What `dropgate WORDS` writes to standard output.

        A server that gives no answer in time (a busy disk) is asked again, as a person would: every
        command is repeatable. Raises Failed for a status that is not allowed.
        """
        shown = f"dropgate {' '.join(map(str, words))}"
        status, said, complained = await self._run(shown, words)
        for _ in range(COMMAND_REPEATS):
            if status in allowed or not any(fault in complained for fault in FAULTS):
                break
            await asyncio.sleep(COMMAND_AGAIN_S)
            status, said, complained = await self._run(shown, words)
        if status in allowed:
            return said
        told = (complained + said).strip()[-2000:]
        raise Failed(f"{shown}: status {status}: {told}")

    @staticmethod
    def commands() -> tuple[str, ...]:
        """What a command line begins with."""
        return DROPGATE

    async def _run(self, shown: str, words: Sequence[str | Path]) -> tuple[int, str, str]:
        process = await asyncio.create_subprocess_exec(
            *(*self.commands(), *map(str, words)),
            cwd=ROOT,
            env={**os.environ, "DROPGATE_STATE_DIR": str(self.state)},
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        try:
            said, complained = await asyncio.wait_for(process.communicate(), COMMAND_WAIT_S)
        except TimeoutError:
            process.kill()
            await process.wait()
            raise Failed(f"{shown}: no end") from None
        return process.returncode or 0, said.decode(), complained.decode(errors="replace")

    async def credential(self, role: str, scope: str) -> str:
        """A new key of that role and scope."""
        return (await self.command("credential", "issue", role, scope)).strip()

    async def until_known(self, credential: str) -> None:
        """Until every gateway knows a new key of a partner.

        Each process hears of it by itself, so it must be known on many new connections in a row.
        """
        url = f"{self.gateway}/v1/partner/events?limit=1"
        headers = {"Authorization": f"Bearer {credential}"}
        deadline = asyncio.get_running_loop().time() + KNOWN_WAIT_S
        in_a_row = 0
        async with aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(force_close=True), headers=headers
        ) as session:
            while in_a_row < KNOWN_IN_A_ROW:
                async with session.get(url) as answer:
                    in_a_row = in_a_row + 1 if answer.status == 200 else 0
                    if asyncio.get_running_loop().time() > deadline:
                        raise Failed(f"a new key is answered with {await answer.text()}")
                if in_a_row == 0:
                    await asyncio.sleep(CHECK_S)

    def note(self, name: str) -> dict[str, Any]:
        """What the state directory says about one running process: pid and urls."""
        read: dict[str, Any] = json.loads((self.state / "run" / f"{name}.json").read_bytes())
        return read

    async def stop(self) -> None:
        """Stop everything, the last started first."""
        while self._running:
            await self._running[-1].stop()
            self._running.pop()
            self._note_running()

    def pids(self) -> list[int]:
        """The processes that run, or that `leave` or a kill left, the last started first."""
        read: list[int] = json.loads(self._noted.read_bytes()) if self._noted.exists() else []
        return read

    def _note_running(self) -> None:
        self._noted.write_text(json.dumps([each.process.pid for each in reversed(self._running)]))

    def leave(self) -> None:
        """Let everything that runs go on after us; `end_what_was_left` will find it."""
        self._running.clear()

    def end_what_was_left(self) -> None:
        """End what an earlier run left; a process that names this directory no more is not ours."""
        for pid in self.pids():
            try:
                ours = str(self.directory).encode() in Path(f"/proc/{pid}/cmdline").read_bytes()
                process = os.pidfd_open(pid)
            except OSError:
                continue
            if ours:
                signal.pidfd_send_signal(process, signal.SIGTERM)
                select.select([process], [], [], STOP_WAIT_S)
            os.close(process)
