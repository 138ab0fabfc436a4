"""Rooms that their store may have forgotten: seen, told, and given back.

The scripts refuse a room whose record names another server. Here belong how often this process
copies what a room is, and that it hands its copy in when the room is fenced or gone. Who else does
so need not be known: what all of them saw is put together in the store, by the highest.
"""

import logging
import time
from typing import TYPE_CHECKING

from gateway.loops import for_each
from gateway.shelves import Shelf
from queueing import Missing, Recovering, Whole

if TYPE_CHECKING:
    from gateway.services import Services

log = logging.getLogger("dropgate.rooms")

COPY_S = 0.5
"""How old the copy of a room may be: what happened since is what a wiped store costs it."""


class RoomKeeping:
    """The rooms' memory of one process, and its part in giving them back."""

    def __init__(self, services: "Services") -> None:
        self._services = services
        self._copied_at = float("-inf")
        self.fenced: set[str] = set()
        """Sales whose room lets nobody in until it is given back."""

    async def turn(self) -> int:
        """Copy every room when that is due; one that is fenced, or that a call met so, at once."""
        shelves = list(self._services.shelves)
        due = time.monotonic() - self._copied_at >= COPY_S
        if due:
            self._services.rooms.recovery.forget_all_but({one.view.id for one in shelves})
            self._copied_at = time.monotonic()
        wanted = [one for one in shelves if due or self._is_met(one.view.id)]
        await for_each(wanted, self._look)
        return len(self.fenced)

    def _is_met(self, sale: str) -> bool:
        return sale in self.fenced or self._services.rooms.recovery.is_met(sale)

    async def _look(self, shelf: Shelf) -> None:
        sale = shelf.view.id
        match await self._services.rooms.recovery.look(sale):
            case Recovering():
                if sale not in self.fenced:
                    log.error("the room of %s lets nobody in: its store may have gone back", sale)
                self.fenced.add(sale)
            case Whole():
                if sale in self.fenced:
                    log.warning("the room of %s lets people in again", sale)
                self.fenced.discard(sale)
            case Missing():  # a sale that is only just being published; frames say so if it stays
                pass
        self._services.metrics.room_fenced.labels(sale).set(sale in self.fenced)
