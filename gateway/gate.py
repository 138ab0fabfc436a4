"""Whether this process takes calls: how many are in flight, and whether it is on its way out.

Here belongs the state that a stopping process needs to lose nothing; the order of the steps is in
`gateway.process`. Zero failed calls need three things together: `/readyz` says no, the listening
socket closes while calls go on, and every answer closes its connection (`Connection: close`, set
before the headers are made, which only a wrapper around the handler can do).
"""

import asyncio
from dataclasses import dataclass, field

IN_FLIGHT_MAX = 4_096
"""More at once only grow the queue before the store; they are told to come back instead."""
NEW_MAX = 3_072
"""So many in flight, and whoever is new waits outside: the rest is kept for those who have units
already, to pay for them and to redeem them, and for answers from memory."""
LARGE_BODY = 4 * 1024 * 1024
LARGE_BODIES_AT_ONCE = 2
"""A body of this size or more becomes ten times as much memory while it is read."""


@dataclass(slots=True)
class Gate:
    """The door of one process."""

    in_flight: int = 0
    draining: bool = False
    large_bodies: asyncio.Semaphore = field(
        default_factory=lambda: asyncio.Semaphore(LARGE_BODIES_AT_ONCE)
    )
    _idle: asyncio.Event = field(default_factory=asyncio.Event)

    def __post_init__(self) -> None:
        self._idle.set()

    @property
    def is_full(self) -> bool:
        """Whether one more call would be too many."""
        return self.in_flight >= IN_FLIGHT_MAX

    @property
    def is_busy(self) -> bool:
        """Whether one more newcomer would be too many."""
        return self.in_flight >= NEW_MAX

    def enter(self) -> None:
        """One more call is being answered."""
        if self.in_flight == 0:
            self._idle.clear()
        self.in_flight += 1

    def leave(self) -> None:
        """One call is answered."""
        self.in_flight -= 1
        if self.in_flight == 0:
            self._idle.set()

    def drain(self) -> None:
        """Say no to `/readyz` and close every connection with its next answer."""
        self.draining = True

    async def idle(self) -> None:
        """Return when no call is in flight."""
        await self._idle.wait()
