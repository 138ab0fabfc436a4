"""What this process counts of each room's purchases, for the room's brakes.

Here belongs counting alone, at the door and at the till; it costs a purchase two readings of a
clock and asks no store. What is made of it is in `brakes`.
"""

import time
from collections.abc import Awaitable
from typing import TypeVar

from queueing.measures import Meter

Told = TypeVar("Told")


class Meters:
    """What this process counts of each room's purchases."""

    def __init__(self) -> None:
        self._meters: dict[str, Meter] = {}

    def of(self, sale: str) -> Meter:
        """The meter of one sale."""
        found = self._meters.get(sale)
        if found is None:
            found = self._meters[sale] = Meter()
        return found


async def metered(meter: Meter, answer: Awaitable[Told]) -> Told:
    """The answer to one purchase, timed; whatever is raised is a fault of ours, no refusal."""
    begun = time.perf_counter()
    try:
        told = await answer
    except Exception:
        meter.fell()
        raise
    meter.answered(time.perf_counter() - begun)
    return told
