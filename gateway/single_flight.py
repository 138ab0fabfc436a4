"""Reading again without going back: one reading at a time, and each who asks gets a newer one.

Two readings at once may end in the other order, and the older one would overwrite what the newer
one has told: a key that had just worked would be unknown again. What is read, and where it is kept,
belongs to those who read.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Generic, TypeVar

T = TypeVar("T")


class SingleFlight(Generic[T]):
    """Readings of one thing, one after the other.

    All who ask while one is under way share the next: it begins after they have asked, so it
    tells everything that was so by then. A fault is shared too, or each would wait for its own.
    """

    def __init__(self) -> None:
        self._lock = asyncio.Lock()
        self._begun = 0
        self._ended: tuple[int, T | Exception] | None = None

    async def run(self, read: Callable[[], Awaitable[T]]) -> T:
        """What a reading told that began after this call. Raises what it raised."""
        asked = self._begun
        async with self._lock:
            if self._ended is None or self._ended[0] <= asked:
                self._begun += 1
                try:
                    self._ended = self._begun, await read()
                except Exception as error:  # noqa: BLE001  # raised below, to all who share it
                    self._ended = self._begun, error
            told = self._ended[1]
        if isinstance(told, Exception):
            raise told
        return told
