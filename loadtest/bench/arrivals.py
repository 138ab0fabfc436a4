"""An open crowd: requests come at a constant rate, whether or not the earlier ones were answered.

Each answer is timed from the moment its request was to be sent, so a server that stalls cannot
hide the requests that it kept from being sent (coordinated omission).
"""

from __future__ import annotations

import asyncio
import gc
from collections import Counter, deque
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from urllib.parse import urlsplit

from loadtest.bench.generators import FAULT, GOOD, IDLE, Unexpected
from loadtest.wire import Lost, Wire

WIRES_MAX = 256
FINISH_S = 20.0
NEVER_MS = FINISH_S * 1000
"""What a request counts as that was shed: nobody is served by a quick no."""

Next = Callable[[], bytes]


@dataclass(slots=True)
class Arrivals:
    """What came of a crowd, in milliseconds from when a request was due.

    `times_ms` to its answer; `late_ms` to its sending, which is the crowd's own fault, or its want
    of a free connection.
    """

    statuses: Counter[int] = field(default_factory=Counter)
    lost: int = 0
    times_ms: list[float] = field(default_factory=list)
    late_ms: list[float] = field(default_factory=list)


class Crowd:
    """One crowd in front of one server."""

    def __init__(self, url: str, next_request: Next) -> None:
        split = urlsplit(url)
        self._host, self._port = split.hostname or "127.0.0.1", split.port or 80
        self._next, self._seen = next_request, Arrivals()
        self._idle: list[Wire] = []
        self._due: deque[float] = deque()
        self._busy, self._all_sent = 0, False
        self._over = asyncio.Event()
        self._loop = asyncio.get_running_loop()

    async def come(self, *, rate_per_s: float, seconds: float, wires: int = WIRES_MAX) -> Arrivals:
        """Come for so long, and wait for the last answers. Raises Unexpected."""
        await self._open(wires)
        gc.collect()
        gc.disable()  # a pause of ours would be told as one of the server's
        try:
            await self._arrive(rate_per_s, seconds)
            async with asyncio.timeout(FINISH_S):
                await self._over.wait()
        finally:
            gc.enable()
            for wire in self._idle:
                wire.close()
        seen = self._seen
        if seen.lost or not set(seen.statuses) <= GOOD | {FAULT}:
            raise Unexpected(f"statuses {dict(seen.statuses)}, {seen.lost} without an answer")
        return seen

    async def _open(self, wires: int) -> None:
        """Connections that the server has taken in: making them is not what is timed."""
        for _ in range(wires):
            _, wire = await self._loop.create_connection(Wire, self._host, self._port)
            await wire.send(IDLE)
            self._idle.append(wire)

    async def _arrive(self, rate_per_s: float, seconds: float) -> None:
        began_s = self._loop.time()
        many = max(1, int(rate_per_s * seconds))
        for number in range(many):
            due_s = began_s + number / rate_per_s
            early_s = due_s - self._loop.time()
            if early_s > 0:
                await asyncio.sleep(early_s)
            self._due.append(due_s)
            self._all_sent = number == many - 1
            self._send()

    def _send(self) -> None:
        while self._due and self._idle:
            due_s, wire = self._due.popleft(), self._idle.pop()
            self._busy += 1
            answer = wire.send(self._next())
            self._seen.late_ms.append((self._loop.time() - due_s) * 1000)
            answer.add_done_callback(partial(self._answered, wire, due_s))

    def _answered(
        self, wire: Wire, due_s: float, answer: asyncio.Future[tuple[int, bytes]]
    ) -> None:
        self._busy -= 1
        try:
            self._note(answer.result()[0], due_s)
        except Lost:
            self._seen.lost += 1
        if wire.is_open:
            self._idle.append(wire)
        self._send()
        if self._all_sent and not self._busy and not self._due:
            self._over.set()

    def _note(self, status: int, due_s: float) -> None:
        self._seen.statuses[status] += 1
        took_ms = NEVER_MS if status == FAULT else (self._loop.time() - due_s) * 1000
        self._seen.times_ms.append(took_ms)
