"""Fenced slots: seen, told, and let go on once it is known that their store forgot nothing.

The scripts refuse a slot whose record names another server. Here belongs what follows: every living
gateway hands in how far it has seen the slot to be, and one of them decides. PostgreSQL is where
they meet; while it is gone a fenced slot stays fenced.
"""

import asyncio
import logging
import time
from collections.abc import Iterable
from contextlib import suppress
from typing import TYPE_CHECKING
from uuid import uuid4

from gateway.rebuilding import Rebuilt
from gateway.recovering import Parts, fence_of, recover_slot
from gateway.shelves import Shelf
from inventory import keys
from inventory.fencing import Fences, SlotState
from inventory.restore import LostToAnother
from lua.faults import Fault
from lua.memory import Mark, slot_of
from settlement import HandedIn, Recovery, Standing

if TYPE_CHECKING:
    from gateway.services import Services

log = logging.getLogger("dropgate.fencing")

LOOK_S = 1.0
"""How often every slot is looked at, and the heart beats, while nothing is fenced."""
Place = tuple[str, int]
"""A sale's id and the number of a stripe."""


class Fencing:
    """The fences as one process sees them, and its part in opening them."""

    def __init__(self, services: "Services") -> None:
        self._services = services
        self._memory = services.store.memory
        self._fences = Fences(services.store)
        self._recovery = Recovery(services.books.pool, uuid4().hex)
        self._settled: dict[Place, Mark] = {}  # PostgreSQL's last; (0, 0) where it has none yet
        self._told: dict[Place, Mark] = {}  # what the last heartbeat said
        self._handed: dict[Place, str] = {}
        self._open: dict[Place, Mark] = {}
        self._beaten_at = float("-inf")
        self._rebuilding: dict[Place, asyncio.Task[None]] = {}
        self.fenced: dict[Place, str] = {}
        """The slots that sell nothing, and what is waited for."""

    async def turn(self) -> int:
        """One look at all slots when one is due, and a step for each that is fenced; how many.

        Due at once when a call met a fence, always while a slot is fenced, else now and then.
        """
        if time.monotonic() - self._beaten_at >= LOOK_S:
            try:
                await self._beat()
            finally:  # what the store says is told though the database is gone
                await self.look()
            self._beaten_at = time.monotonic()  # a turn that failed is due again at once
        elif self._memory.woken.is_set() or self.fenced:
            await self.look()
        return len(self.fenced)

    async def read_marks(self) -> int:
        """Read how far the books are, and which sales the store must have. Raises Fault."""
        known = await (await self._services.catalogue.get()).published()
        cursors = await self._services.books.cursors()
        self._settled = {(sale, 0): (0, 0) for sale in known} | cursors
        await self._recovery.bury(self._open)
        return len(self._settled)

    async def close(self) -> None:
        """Say goodbye, if the others need nothing from here any more."""
        for task in list(self._rebuilding.values()):
            task.cancel()
        await asyncio.gather(*self._rebuilding.values(), return_exceptions=True)
        if any(known.facts or known.unanswered for known in self._memory.slots.values()):
            return
        with suppress(Fault):
            await self._recovery.leave()

    def warnings(self) -> list[str]:
        """A sentence for each slot that sells nothing."""
        return [
            f"the sale {sale} (stripe {stripe}) sells nothing: {why}"
            for (sale, stripe), why in sorted(self.fenced.items())
        ]

    async def _beat(self) -> None:
        seen = {place: self._memory.seen(_slot(place)) for place in self._open}
        marks = {place: mark for place, mark in seen.items() if self._told.get(place) != mark}
        await self._recovery.beat(marks)
        self._told |= marks

    async def look(self) -> None:
        """Look at every slot once, and take one step for each that is fenced. Raises Fault."""
        self._memory.woken.clear()
        for place in [place for place, task in self._rebuilding.items() if task.done()]:
            self._rebuilding.pop(place).result()  # a bug is raised here
        for place in _places(self._services.shelves) | self._settled.keys() | self.fenced.keys():
            seen = max(self._memory.seen(_slot(place)), self._settled.get(place, (0, 0)))
            state = await self._fences.state(*place)
            if state is None and place not in self._settled and seen == (0, 0):
                self._tell(place, "")  # a sale that is only just being published
                continue
            if state is not None and state.is_open and state.mark < seen:
                await self._fences.stop(*place, seen)
                state = await self._fences.state(*place)
            if state is not None and state.is_open:
                self._goes_on(place, state)
            else:
                await self._mend(place, state)

    def _goes_on(self, place: Place, state: SlotState) -> None:
        slot = _slot(place)
        self._memory.reopen(slot, state.mark)
        self._memory.settled(slot, (state.epoch, state.settled))
        self._open[place] = state.mark
        self._handed.pop(place, None)
        self._tell(place, "")

    async def _mend(self, place: Place, state: SlotState | None) -> None:
        """One step for a slot that is fenced or missing. Raises Fault."""
        slot = _slot(place)
        self._memory.fence(slot)
        self._open.pop(place, None)
        self._tell(place, self.fenced.get(place) or "its store may have gone back in time")
        if state is not None and await self._was_moved(slot, state):
            await self._fences.reopen(*place, state)
            return
        fence = await fence_of(self._services.store, place, state)
        try:
            await self._meet(place, state, fence)
        except Fault:
            self._tell(place, "its store may have gone back in time, and the database is gone")
            raise

    async def _was_moved(self, slot: str, state: SlotState) -> bool:
        """Whether the slot left a server that still works: a planned move loses nothing."""
        whole = state.mark >= self._memory.seen(slot)
        return whole and bool(state.server) and await self._services.store.works(state.server)

    async def _meet(self, place: Place, state: SlotState | None, fence: str) -> None:
        if self._handed.get(place) != fence:
            await self._recovery.hand_in(self._handed_in(place, state, fence))
            self._handed[place] = fence
        async with self._recovery.leading(place) as lead:
            if lead is None:
                return
            standing = await lead.standing(fence)
            if standing.awaited:
                self._tell(place, f"{standing.awaited} gateways have not said what they have seen")
            elif state is not None and standing.seen <= state.mark:
                if await self._fences.reopen(*place, state):
                    log.warning("%s stripe %d sells again: nothing is missing", *place)
                    await lead.forget()
                    self._memory.reopen(_slot(place), state.mark)
                    self._tell(place, "")
            else:
                self._tell(place, f"it is built anew: {_missing(state, standing)}")
                self._rebuild(place, fence)

    def _rebuild(self, place: Place, fence: str) -> None:
        """Build a slot anew beside the loop: hearts beat, other slots are looked at meanwhile."""
        if place not in self._rebuilding:
            self._rebuilding[place] = asyncio.create_task(self._rebuilt(place, fence))

    async def _rebuilt(self, place: Place, fence: str) -> None:
        services = self._services
        try:
            catalogue = await services.catalogue.get()
            parts = Parts(services.store, services.books, catalogue, services.rooms)
            found = await recover_slot(parts, self._recovery, place, fence)
        except (Fault, LostToAnother) as error:
            log.warning("%s stripe %d could not be built anew: %s", *place, error)
            return
        if isinstance(found, Rebuilt):
            log.warning("%s", found.told())
            for epoch, last, blob in found.blobs:
                self._memory.rebuilt(_slot(place), (epoch, last), blob)
            self._memory.woken.set()

    def _handed_in(self, place: Place, state: SlotState | None, fence: str) -> HandedIn:
        """What this process knows; the facts only if the store does not have them."""
        slot = _slot(place)
        seen = self._memory.seen(slot)
        known = self._memory.slots[slot]
        lost = state is None or seen > state.mark or known.is_behind
        return HandedIn(place, fence, seen, list(known.facts) if lost else [], known.unanswered)

    def _tell(self, place: Place, why: str) -> None:
        sale, stripe = place
        self._services.metrics.fenced.labels(sale, str(stripe)).set(bool(why))
        if why:
            if place not in self.fenced:
                log.error("%s stripe %d sells nothing: %s", *place, why)
            self.fenced[place] = why
        else:
            self.fenced.pop(place, None)


def _missing(state: SlotState | None, standing: Standing) -> str:
    seen = f"fact {standing.seen[0]}-{standing.seen[1]} was seen"
    if state is None:
        return f"its store does not know it, and {seen}"
    return f"its store ends at fact {state.epoch}-{state.fact}, and {seen}"


def _slot(place: Place) -> str:
    return slot_of(keys.sale(*place))


def _places(shelves: Iterable[Shelf]) -> set[Place]:
    return {(one.view.id, stripe) for one in shelves for stripe in range(one.view.stripes)}
