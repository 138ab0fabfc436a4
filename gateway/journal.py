"""The operators' journal of each room, for good.

The scripts note every change in the store, in the step that makes it. Here it is brought to
PostgreSQL, which a lost store does not take along: at once by the gateway that was asked for the
change, and within a second by any. It fails open: no change depends on the database.
"""

import asyncio
import logging
from dataclasses import astuple
from typing import TYPE_CHECKING

from gateway.loops import for_each
from gateway.shelves import Shelf
from inventory.catalogue import KeptChange
from lua.faults import Fault
from queueing import Change

if TYPE_CHECKING:
    from gateway.services import Services

log = logging.getLogger("dropgate.journal")

NOTED_MAX = 1_000
"""So many the store remembers."""
NOTED_S = 0.5
"""An operator who pauses a room hears so, whatever the database does."""


class Journal:
    """The part of one process in keeping what operators did."""

    def __init__(self, services: "Services") -> None:
        self._services = services
        self._kept: dict[str, frozenset[str]] = {}
        self._revisions: dict[str, int] = {}

    async def turn(self) -> int:
        """Bring what is new of every room whose revision has changed; how many rooms."""
        shelves = list(self._services.shelves)
        for gone in self._kept.keys() - {shelf.view.id for shelf in shelves}:
            del self._kept[gone]
            self._revisions.pop(gone, None)
        moved = [one for one in shelves if self._revision(one) != self._seen(one)]
        await for_each(moved, self._bring)
        return len(moved)

    async def noted(self, sale: str) -> None:
        """A change was made here: bring it now; where that fails, a loop does it later."""
        try:
            async with asyncio.timeout(NOTED_S):
                await self._keep(sale)
        except (Fault, TimeoutError) as fault:
            log.warning("a change of %s is not in the database yet: %s", sale, fault)

    async def newest(self, sale: str, limit: int) -> list[Change]:
        """What operators did, the newest first; from one source alone while the other is away."""
        found: dict[tuple[str, str], Change] = {}
        faults: list[Fault] = []
        try:
            catalogue = await self._services.catalogue.get()
            for kept in await catalogue.changes.newest(sale, limit):
                found[kept.entry, kept.what] = Change(*astuple(kept))
        except Fault as fault:
            faults.append(fault)
        try:
            for noted in await self._services.rooms.changes(sale, limit):
                found[noted.entry, noted.what] = noted
        except Fault as fault:
            faults.append(fault)
        if len(faults) == 2:
            raise faults[1]
        newest = sorted(found.values(), key=lambda one: (one.at_ms, one.entry), reverse=True)
        return newest[:limit]

    def _revision(self, shelf: Shelf) -> int:
        return self._services.rooms.recovery.revision(shelf.view.id)

    def _seen(self, shelf: Shelf) -> int:
        return self._revisions.get(shelf.view.id, 0)

    async def _bring(self, shelf: Shelf) -> None:
        revision = self._revision(shelf)
        await self._keep(shelf.view.id)
        self._revisions[shelf.view.id] = revision

    async def _keep(self, sale: str) -> None:
        noted = await self._services.rooms.changes(sale, NOTED_MAX)
        known = self._kept.get(sale, frozenset())
        fresh = [KeptChange(*astuple(one)) for one in noted if one.entry not in known]
        if fresh:
            await (await self._services.catalogue.get()).changes.keep(sale, fresh)
        self._kept[sale] = frozenset(one.entry for one in noted)
