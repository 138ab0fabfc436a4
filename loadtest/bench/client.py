"""A load generator thin enough not to be what is measured: keep-alive HTTP/1.1 on uvloop.

Belongs here: sending ready requests on a few connections and timing the answers. It reads of an
answer the status and Content-Length alone; what the bodies say is tested elsewhere.
"""

from __future__ import annotations

import asyncio
import time
from array import array
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import cast

Ask = Callable[[], bytes]
"""Makes the bytes of the next request."""


@dataclass(slots=True)
class Round:
    """What one round saw. Times are milliseconds from sending to the whole answer."""

    seconds: float = 0.0
    statuses: Counter[int] = field(default_factory=Counter)
    times_ms: array[float] = field(default_factory=lambda: array("d"))

    @property
    def per_s(self) -> float:
        """Answers a second."""
        return sum(self.statuses.values()) / self.seconds


class _Connection(asyncio.Protocol):
    """One request at a time, the next as soon as the answer is whole."""

    def __init__(self, ask: Ask, seen: Round, until_s: float) -> None:
        self._ask, self._seen, self._until_s = ask, seen, until_s
        self._buffer = bytearray()
        self.done: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)  # uvloop's own is no subclass
        self._send()

    def _send(self) -> None:
        self._sent_s = time.perf_counter()
        self._transport.write(self._ask())

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        end = self._buffer.find(b"\r\n\r\n")
        if end < 0:
            return
        head = bytes(self._buffer[:end]).lower()
        length = int(head.split(b"content-length:", 1)[1].split(b"\r\n", 1)[0])
        if len(self._buffer) < end + 4 + length:
            return
        self._buffer.clear()
        now_s = time.perf_counter()
        self._seen.statuses[int(head[9:12])] += 1
        self._seen.times_ms.append((now_s - self._sent_s) * 1000)
        if now_s < self._until_s:
            self._send()
        else:
            self._transport.close()

    def connection_lost(self, error: Exception | None) -> None:
        if not self.done.done():
            self.done.set_result(None)


async def load(host: str, port: int, ask: Ask, *, connections: int, seconds: float) -> Round:
    """Ask on so many connections for so long."""
    seen = Round()
    loop = asyncio.get_running_loop()
    began_s = time.perf_counter()
    until_s = began_s + seconds
    made = [
        await loop.create_connection(lambda: _Connection(ask, seen, until_s), host, port)
        for _ in range(connections)
    ]
    await asyncio.gather(*(protocol.done for _, protocol in made))
    seen.seconds = time.perf_counter() - began_s
    return seen
