"""The current drop: asking a script with the keys of the drop that is on.

Here belongs the guess and its correction. Which drop is on is decided in the scripts, by the
store's clock: they answer `moved` when the keys they were given are another drop's.
"""

from collections.abc import Callable, Sequence
from typing import Any

from lua.catalogue import Script
from lua.faults import NothingHappened
from lua.store import Argument, Store

_TRIES = 3
"""One for the guess, one for the right drop, one for a drop that began in between."""


class CurrentDrop:
    """Remembers which drop each sale was in when last asked."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._guess: dict[str, int] = {}

    async def run(
        self,
        script: Script,
        sale: str,
        keys: Callable[[int], Sequence[str]],
        args: Callable[[int], Sequence[Argument]],
    ) -> tuple[int, list[Any]]:
        """The drop and the script's reply for it. Faults are the store's."""
        drop = self._guess.get(sale, 1)
        for _ in range(_TRIES):
            reply = await self._store.run(script, keys(drop), args(drop))
            # A batch has one list per record; `moved` stands in each of them.
            words = reply[0] if isinstance(reply[0], list) else reply
            if words[0] != b"moved":
                return drop, reply
            drop = self._guess[sale] = int(words[1])
        raise NothingHappened("the room went from drop to drop while it was asked")
