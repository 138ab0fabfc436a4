"""Valkey servers on loopback, started and hurt by tests: each is a process of its own.

Here: one server at a time, plain, a replica or a sentinel. A cluster of them is tests.cluster.
"""

import asyncio
import contextlib
import signal
import socket
import subprocess
import tempfile
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote

import lua.embedded
from lua.address import Place
from lua.faults import Fault
from lua.node import Argument, Lost, Node, Unsent
from lua.process import Program, start, wait_ready

PATIENCE_S = 60.0
POLL_S = 0.02
HOST = "127.0.0.1"


def free_port() -> int:
    """A port that nobody has now, and whose bus (10,000 above) is free as well."""
    while True:
        with socket.create_server((HOST, 0)) as one:
            port = int(one.getsockname()[1])
        if port < 50_000:
            with contextlib.suppress(OSError), socket.create_server((HOST, port + 10_000)):
                return port


async def until(seen: Callable[[], Any], what: str) -> None:
    """Wait until a coroutine function says yes; a server that does not answer says no."""
    async with asyncio.timeout(PATIENCE_S):
        while True:
            with contextlib.suppress(Unsent, Lost, Fault):
                if await seen():
                    return
            await asyncio.sleep(POLL_S)
    raise AssertionError(what)


@dataclass
class Server:
    """One server in a directory of its own."""

    directory: Path
    settings: Mapping[str, str] = field(default_factory=dict)
    port: int = field(default_factory=free_port)
    host: str = HOST
    first: tuple[str, ...] = ()
    """Words before the settings, as a sentinel's file."""
    process: "subprocess.Popen[bytes] | None" = None

    @property
    def url(self) -> str:
        """Its own URL."""
        password = quote(self.settings.get("requirepass", ""))
        return f"redis://{f':{password}@' * bool(password)}{self.host}:{self.port}"

    @property
    def place(self) -> Place:
        """Its host and port."""
        return self.host, self.port

    async def start(self) -> None:
        """Start it and wait until it answers; it finds what an earlier life left on its disk."""
        self.directory.mkdir(exist_ok=True)
        settings = {"port": str(self.port), "bind": self.host, "dir": str(self.directory)}
        words = [
            word
            for name, value in (settings | dict(self.settings)).items()
            for word in (f"--{name}", value)
        ]
        program = Program(
            name=f"valkey-{self.port}",
            argv=(str(lua.embedded.binary()), *self.first, *words),
            ready=self._answers,
            directory=self.directory,
        )
        with (self.directory / "log").open("ab") as log:
            self.process = start(program, log)
        await wait_ready(program, self.process)

    async def ask(self, *command: Argument) -> Any:
        """One command, asked of it and of nobody else."""
        return (await self.ask_all(command))[0]

    async def ask_all(self, *commands: tuple[Argument, ...]) -> list[Any]:
        """Some commands on one connection."""
        node = Node(self.url)
        try:
            return await node.ask(*commands)
        finally:
            await node.close()

    async def info(self, section: str) -> dict[str, str]:
        """A section of its INFO."""
        text = (await self.ask("INFO", section)).decode()
        return dict(line.split(":", 1) for line in text.split("\r\n") if ":" in line)

    def kill(self) -> None:
        """Kill -9."""
        assert self.process is not None
        self.process.kill()
        self.process.wait()

    def freeze(self) -> None:
        """It stops in the middle of what it does."""
        assert self.process is not None
        self.process.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """It goes on."""
        assert self.process is not None
        self.process.send_signal(signal.SIGCONT)

    async def end(self) -> None:
        """Stop it, however it is."""
        if self.process is not None and self.process.poll() is None:
            self.thaw()
            self.kill()

    async def _answers(self) -> bool:
        try:
            return bool(await self.ask("PING") == b"PONG")
        except (Unsent, Lost, Fault):
            return False


@asynccontextmanager
async def home() -> AsyncIterator[Path]:
    """A short directory of the test's own."""
    with tempfile.TemporaryDirectory(prefix="dgt-", dir="/tmp") as directory:
        yield Path(directory)


@asynccontextmanager
async def primary_with(replicas: int, **settings: str) -> AsyncIterator[list[Server]]:
    """A plain primary and its replicas, all attached; the primary first."""
    async with home() as directory:
        plain = {**lua.embedded.DURABLE, "repl-diskless-sync-delay": "0", **settings}
        primary = Server(directory / "0", plain)
        servers = [primary]
        try:
            await primary.start()
            for number in range(1, replicas + 1):
                follows = {**plain, "replicaof": f"{HOST} {primary.port}"}
                servers.append(Server(directory / str(number), follows))
                await servers[-1].start()
            await until(lambda: has_replicas(primary, replicas), "the replicas never came")
            yield servers
        finally:
            for server in servers:
                await server.end()


async def has_replicas(primary: Server, wanted: int) -> bool:
    """Whether so many replicas follow it and have all that it had."""
    info = await primary.info("replication")
    return sum("state=online" in value for value in info.values()) >= wanted
