"""The CDN in front of the crowd: it answers polls of the frame from a copy up to a second old.

Belongs here: doing what the frame's `Cache-Control: public, max-age=1` allows, as every CDN does.
A crowd behind a thousand edges asks the origin a thousand times a second at most, however large.
"""

from __future__ import annotations

import time
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from typing import Any

from loadtest.crowd.calls import Calls

EDGES = 100
"""Places of the CDN for one crowd process; each shopper always comes to the same."""

MAX_AGE_S = 1.0


@dataclass(slots=True)
class _Copy:
    reading: AbstractAsyncContextManager[object]
    frame: dict[str, Any] = field(default_factory=dict)
    read_at_s: float = float("-inf")


class Edges:
    """The frame of one sale, as its shoppers get to see it."""

    def __init__(self, calls: Calls, sale_url: str) -> None:
        self._calls, self._url = calls, f"{sale_url}/frame"
        self._copies = [_Copy(calls.engine.gate(1)) for _ in range(EDGES)]

    async def frame(self, visitor: int) -> dict[str, Any]:
        """The frame for a visitor's poll; those who poll an edge at once share one request."""
        copy = self._copies[visitor % EDGES]
        self._calls.counts["polls"] += 1
        async with copy.reading:
            if time.monotonic() - copy.read_at_s > MAX_AGE_S:
                status, frame = await self._calls.get("frame", self._url)
                if status == 200:
                    copy.frame, copy.read_at_s = frame, time.monotonic()
        return copy.frame
