"""A load generator: so many connections, each with one request after the other, timed.

What the bodies say is tested elsewhere; here an answer is a status and how long it took.
"""

from __future__ import annotations

import asyncio
import time
from array import array
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

from loadtest.wire import Wires

Ask = Callable[[], bytes]
"""Makes the bytes of the next request."""

TIMEOUT_S = 10.0


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


async def load(url: str, ask: Ask, *, connections: int, seconds: float) -> Round:
    """Ask on so many connections for so long."""
    seen = Round()
    began_s = time.perf_counter()
    until_s = began_s + seconds

    async def one() -> None:
        wires = Wires(url)
        while (sent_s := time.perf_counter()) < until_s:
            status, _ = await wires.ask(ask(), timeout_s=TIMEOUT_S)
            seen.statuses[status] += 1
            seen.times_ms.append((time.perf_counter() - sent_s) * 1000)
        wires.close()

    await asyncio.gather(*(one() for _ in range(connections)))
    seen.seconds = time.perf_counter() - began_s
    return seen
