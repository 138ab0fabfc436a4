"""An open crowd: requests come at a constant rate, whether or not the earlier ones were answered.

Each answer is timed from the moment its request was to be sent, so a server that stalls cannot
hide the requests that it kept from being sent (coordinated omission). How late the crowd itself
was is told beside: what it adds is no fault of the server's.
"""

from __future__ import annotations

import asyncio
import gc
import time
from collections import Counter, deque
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, field
from functools import partial
from statistics import median
from urllib.parse import urlsplit

from loadtest.bench.alarm import Alarm
from loadtest.bench.generators import FAULT, GOOD, IDLE, Unexpected
from loadtest.verdict import percentile
from loadtest.wire import Lost, Wire

WIRES_MAX = 256
FINISH_S = 20.0
NEVER_MS = FINISH_S * 1000
"""What a request counts as that was shed: nobody is served by a quick no."""

FIRST_S = 0.01
PARTS = 10

Next = Callable[[], bytes]


@dataclass(slots=True)
class Arrivals:
    """What came of a crowd that was to come for `seconds`, in milliseconds from when each was due.

    `times_ms` to its answer, in the order of the answers; `late_ms` until the crowd came to it,
    which is the crowd's own fault. Waiting for a free connection is the server's.
    """

    seconds: float
    statuses: Counter[int] = field(default_factory=Counter)
    lost: int = 0
    times_ms: list[float] = field(default_factory=list)
    late_ms: list[float] = field(default_factory=list)

    @property
    def achieved(self) -> float:
        """The rate at which they were answered / the rate at which they came, at most 1.

        By how much longer the last tenth took than the first: who is served more slowly than he
        comes waits longer and longer, however short the line was at the beginning.
        """
        part = max(1, len(self.times_ms) // PARTS)
        grown_ms = median(self.times_ms[-part:]) - median(self.times_ms[:part])
        return self.seconds / (self.seconds + max(0.0, grown_ms) / 1000)

    @property
    def late_p99_ms(self) -> float:
        """How late the crowd itself was, but for one in a hundred."""
        return percentile(self.late_ms, 0.99)

    @property
    def shed(self) -> float:
        """The share that was answered with a fault."""
        return self.statuses[FAULT] / self.statuses.total()


class Crowd:
    """One crowd in front of one server. It keeps its connections until it is closed."""

    def __init__(self, url: str, next_request: Next, wires: int = WIRES_MAX) -> None:
        split = urlsplit(url)
        self._host, self._port = split.hostname or "127.0.0.1", split.port or 80
        self._next, self._wires = next_request, wires
        self._idle: list[Wire] = []
        self._due: deque[tuple[float, bytes]] = deque()
        self._busy = 0
        self._seen = Arrivals(0.0)
        self._over = asyncio.Event()

    async def come(self, *, rate_per_s: float, seconds: float) -> Arrivals:
        """Come for so long, and wait for the last answers. Raises Unexpected."""
        self._over.clear()
        self._seen = Arrivals(seconds)
        # Written beforehand: while they come, the crowd takes as little of the machine as it can.
        self._to_come = deque(self._next() for _ in range(max(1, int(rate_per_s * seconds))))
        await self._open()
        gc.collect()
        gc.disable()  # a pause of ours would be told as one of the server's
        try:
            await self._arrive(1 / rate_per_s, seconds)
        finally:
            gc.enable()
        seen = self._seen
        if seen.lost or not set(seen.statuses) <= GOOD | {FAULT}:
            raise Unexpected(f"statuses {dict(seen.statuses)}, {seen.lost} without an answer")
        return seen

    @property
    def has_begun(self) -> bool:
        """Whether the first has come."""
        return bool(self._seen.late_ms)

    def close(self) -> None:
        """End the connections."""
        while self._idle:
            self._idle.pop().close()

    async def _open(self) -> None:
        """Connections that the server has taken in: making them is not what is timed."""
        loop = asyncio.get_running_loop()
        self._idle = [wire for wire in self._idle if wire.is_open]
        while len(self._idle) < self._wires:
            _, wire = await loop.create_connection(Wire, self._host, self._port)
            await wire.send(IDLE)
            self._idle.append(wire)

    async def _arrive(self, every_s: float, seconds: float) -> None:
        self._next_s, self._every_s = time.monotonic() + FIRST_S, every_s
        with closing(Alarm(self._next_s, every_s, self._come_in)):
            async with asyncio.timeout(FIRST_S + seconds + FINISH_S):
                await self._over.wait()

    def _come_in(self) -> None:
        """All who are due by now."""
        while self._to_come and (now_s := time.monotonic()) >= self._next_s:
            self._seen.late_ms.append((now_s - self._next_s) * 1000)
            self._due.append((self._next_s, self._to_come.popleft()))
            self._next_s += self._every_s
            self._send()

    def _send(self) -> None:
        while self._due and self._idle:
            due_s, request = self._due.popleft()
            wire = self._idle.pop()
            self._busy += 1
            wire.send(request).add_done_callback(partial(self._answered, wire, due_s))

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
        if not (self._busy or self._due or self._to_come):
            self._over.set()

    def _note(self, status: int, due_s: float) -> None:
        self._seen.statuses[status] += 1
        took_ms = NEVER_MS if status == FAULT else (time.monotonic() - due_s) * 1000
        self._seen.times_ms.append(took_ms)
