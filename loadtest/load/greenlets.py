"""The lives of visitors on gevent, which locust runs its users on.

Belongs here: `loadtest.crowd.engine.Engine` by greenlets. Here nothing that is awaited ever
suspends a coroutine: the greenlet under it waits. So a life is played by one step of it.
"""

from __future__ import annotations

import socket
import time
from collections.abc import Coroutine
from types import TracebackType
from typing import Any, TypeVar
from urllib.parse import urlsplit

import gevent
from gevent.lock import BoundedSemaphore

from loadtest.crowd.engine import Connections
from loadtest.wire import Lost, take_answer

READ_BYTES = 65_536
CONNECT_TIMEOUT_S = 10.0
IDLE_MAX_S = 10.0
"""A gateway ends what is idle for 15 s; a connection near that is not tried again."""

Result = TypeVar("Result")


class Suspended(Exception):
    """A life awaited something that is not its engine's."""


def play(life: Coroutine[Any, Any, Result]) -> Result:
    """Run a life in this greenlet, from its beginning to its end."""
    try:
        life.send(None)
    except StopIteration as end:
        result: Result = end.value
        return result
    life.close()
    raise Suspended(repr(life))


class _Gate:
    """A semaphore with the face of an asynchronous one."""

    def __init__(self, at_once: int) -> None:
        self._semaphore = BoundedSemaphore(at_once)

    async def __aenter__(self) -> None:
        self._semaphore.acquire()

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._semaphore.release()


class Greenlets:
    """Waiting and taking turns, by greenlets."""

    async def sleep(self, seconds: float) -> None:
        """Let others go on."""
        gevent.sleep(seconds)

    def gate(self, at_once: int) -> _Gate:
        """A block that so many may be in at once."""
        return _Gate(at_once)

    async def together(self, *lives: Coroutine[Any, Any, Any]) -> list[Any]:
        """Run all of them beside each other; their results in order."""
        running = [gevent.spawn(play, life) for life in lives]
        gevent.joinall(running, raise_error=True)
        return [each.value for each in running]

    def connections(self, url: str) -> Connections:
        """Connections to the server of a URL."""
        return Sockets(url)


class Sockets:
    """Connections to one server, opened when needed and kept; the caller bounds how many."""

    def __init__(self, url: str) -> None:
        split = urlsplit(url)
        self._address = (split.hostname or "127.0.0.1", split.port or 80)
        self._idle: list[tuple[float, socket.socket]] = []

    async def ask(self, request: bytes, *, timeout_s: float) -> tuple[int, bytes]:
        """Status and body; raises as `loadtest.wire.Wires.ask` does."""
        connection = self._take()
        try:
            with gevent.Timeout(timeout_s, TimeoutError):
                connection.sendall(request)
                status, body, is_last = _read(connection)
        except BaseException:
            connection.close()
            raise
        if is_last:
            connection.close()
        else:
            self._idle.append((time.monotonic(), connection))
        return status, body

    async def hang_up(self, request: bytes) -> None:
        """Send, and end the connection without reading the answer: it may have happened."""
        connection = self._take()
        try:
            connection.sendall(request)
        finally:
            connection.close()

    def _take(self) -> socket.socket:
        while self._idle:
            since_s, connection = self._idle.pop()
            if time.monotonic() - since_s < IDLE_MAX_S:
                return connection
            connection.close()
        opened = socket.create_connection(self._address, timeout=CONNECT_TIMEOUT_S)
        opened.settimeout(None)
        opened.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return opened

    def close(self) -> None:
        """End all idle connections."""
        while self._idle:
            self._idle.pop()[1].close()


def _read(connection: socket.socket) -> tuple[int, bytes, bool]:
    buffer = bytearray()
    while (whole := take_answer(buffer)) is None:
        data = connection.recv(READ_BYTES)
        if not data:
            raise Lost("the connection ended")
        buffer += data
    return whole
