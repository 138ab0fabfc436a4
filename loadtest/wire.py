"""Keep-alive HTTP/1.1, thin enough that crowd and bench measure the server and not themselves.

Belongs here: sending the bytes of one request and reading the status and body of its answer. It
knows Content-Length alone, which is all that Dropgate's own JSON answers use. aiohttp's client took
0.46 ms of CPU a call in the demo, more than the gateway; this takes a fifth of that.
"""

from __future__ import annotations

import asyncio
from typing import cast
from urllib.parse import urlsplit

ANSWER_MAX_BYTES = 4 * 1024 * 1024


class Lost(Exception):
    """The connection ended or the answer was none; what was asked may have happened."""


class Wire(asyncio.Protocol):
    """One connection with one request at a time."""

    def __init__(self) -> None:
        self._buffer = bytearray()
        self._answer: asyncio.Future[tuple[int, bytes]] | None = None
        self.is_open = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """It is open."""
        self._transport = cast("asyncio.Transport", transport)  # uvloop's own is no subclass
        self.is_open = True

    def send(self, request: bytes) -> asyncio.Future[tuple[int, bytes]]:
        """Send a request; the future is its status and body, or Lost."""
        assert self._answer is None, "one request at a time"
        self._answer = asyncio.get_running_loop().create_future()
        self._transport.write(request)
        return self._answer

    def data_received(self, data: bytes) -> None:
        """Once the answer is whole, give it out."""
        self._buffer += data
        if self._answer is None:
            return
        try:
            whole = take_answer(self._buffer)
        except Lost as lost:
            self._fail(str(lost))
            return
        if whole is None:
            return
        status, body, is_last = whole
        answer, self._answer = self._answer, None
        if is_last:
            self.close()
        if not answer.done():
            answer.set_result((status, body))

    def connection_lost(self, error: Exception | None) -> None:
        """What was asked is lost."""
        self.is_open = False
        self._fail("the connection ended")

    def close(self) -> None:
        """End it; a request under way is lost."""
        self.is_open = False
        self._transport.close()

    def _fail(self, why: str) -> None:
        answer, self._answer = self._answer, None
        if answer is not None and not answer.done():
            answer.set_exception(Lost(why))
        if self.is_open:
            self.close()


def take_answer(buffer: bytearray) -> tuple[int, bytes, bool] | None:
    """Status and body of a whole answer, taken out, and whether its server ends the connection.

    None while bytes are missing. Raises Lost when the answer cannot be read.
    """
    end = buffer.find(b"\r\n\r\n")
    if end < 0:
        return None
    head = bytes(buffer[:end]).lower()
    length = _length(head)
    if not 0 <= length <= ANSWER_MAX_BYTES:
        raise Lost("an answer without a usable Content-Length")
    if len(buffer) < end + 4 + length:
        return None
    body = bytes(buffer[end + 4 : end + 4 + length])
    buffer.clear()
    return int(head[9:12]), body, b"\r\nconnection: close" in head


def _length(head: bytes) -> int:
    if head[9:12] == b"204":
        return 0
    _, found, rest = head.partition(b"\r\ncontent-length:")
    digits = rest.split(b"\r\n", 1)[0].strip()
    return int(digits) if found and digits.isdigit() else -1


class Wires:
    """Connections to one server, opened when needed and kept; the caller bounds how many."""

    def __init__(self, url: str) -> None:
        split = urlsplit(url)
        self._host, self._port = split.hostname or "127.0.0.1", split.port or 80
        self._idle: list[Wire] = []

    async def ask(self, request: bytes, *, timeout_s: float) -> tuple[int, bytes]:
        """Status and body.

        Raises OSError when nothing was sent, Lost or TimeoutError when it may have happened.
        """
        wire = await self._take()
        try:
            async with asyncio.timeout(timeout_s):
                answer = await wire.send(request)
        except BaseException:
            wire.close()
            raise
        if wire.is_open:
            self._idle.append(wire)
        return answer

    async def hang_up(self, request: bytes) -> None:
        """Send, and end the connection without reading the answer: it may have happened."""
        wire = await self._take()
        wire.send(request).add_done_callback(_ignore)
        wire.close()

    async def _take(self) -> Wire:
        while self._idle:
            wire = self._idle.pop()
            if wire.is_open:
                return wire
        loop = asyncio.get_running_loop()
        _, opened = await loop.create_connection(Wire, self._host, self._port)
        return opened

    def close(self) -> None:
        """End all idle connections."""
        while self._idle:
            self._idle.pop().close()


def _ignore(answer: asyncio.Future[tuple[int, bytes]]) -> None:
    """A lost answer was to be lost."""
    answer.exception()


def request(
    method: str, path: str, headers: dict[str, str], body: bytes = b"", *, host: str = "crowd"
) -> bytes:
    """The bytes of one HTTP/1.1 request."""
    more = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    return (
        f"{method} {path} HTTP/1.1\r\nHost: {host}\r\n{more}Content-Length: {len(body)}\r\n\r\n"
    ).encode() + body
