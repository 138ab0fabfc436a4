"""The current line: asking a script with the keys of the drop and epoch that are on.

Here belongs the guess and its correction. Which line is on is decided in the scripts, by the
store's clock and the operator's resets: they answer `moved` when their keys are another line's.
"""

from collections.abc import Callable, Sequence
from typing import Any

from lua.catalogue import Script
from lua.faults import NothingHappened
from lua.store import Argument, Store
from queueing.keys import Line

_TRIES = 3
"""One for the guess, one for the right line, one for a line that began in between."""


class CurrentLine:
    """Remembers which line each sale was at when last asked."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._guess: dict[str, Line] = {}

    async def run(
        self,
        script: Script,
        sale: str,
        keys: Callable[[Line], Sequence[str]],
        args: Callable[[Line], Sequence[Argument]],
    ) -> tuple[Line, list[Any]]:
        """The line and the script's reply for it. Faults are the store's."""
        on = self._guess.get(sale, Line(1, 1))
        for _ in range(_TRIES):
            reply = await self._store.run(script, keys(on), args(on))
            if reply[0] != b"moved":
                return on, reply
            on = self._guess[sale] = Line(int(reply[1]), int(reply[2]))
        raise NothingHappened("the room went from line to line while it was asked")
