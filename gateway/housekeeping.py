"""The loops of a gateway process, by name: what is kept fresh, and what the store is owed.

Here belongs which loops there are and how often they turn; how a loop turns is in `loops`.
"""

import asyncio
import time
from typing import TYPE_CHECKING

from gateway.loops import Loop, for_each, measure_lag
from gateway.problems import Refused
from gateway.shelves import Shelf
from gateway.streams import TELL_S
from lua.faults import Fault

if TYPE_CHECKING:
    from gateway.services import Services

SHELVES_S = 0.25
FRAMES_S = 0.2
PUMP_S = 0.2
BRAKES_S = 1.0
DRAWS_S = 0.2
EXPIRE_S = 0.5
FREED_S = 0.1
CREDENTIALS_S = 1.0
CLOSE_OUT_S = 2.0
LENDING_S = 1.0
HISTORY_S = 1.0
JOURNAL_S = 0.5
LAG_S = 0.5
WATCH_S = 2.0
FENCE_S = 0.1
"""How soon a fence that a call met is looked at; what nothing has met is looked for each second."""
MARKS_S = 5.0
EXPIRE_AT_ONCE = 256
EXPIRE_ROUNDS_MAX = 8
"""Batches of due holds in one turn for one sale; what is left waits for the next turn."""
STOP_S = 5.0


class Housekeeping:
    """Starts, holds and stops the loops."""

    def __init__(self, services: "Services") -> None:
        self._services = services
        self._stop = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []
        steps = (
            ("shelves", SHELVES_S, services.shelves.refresh),
            ("frames", FRAMES_S, self._frames),
            ("streams", TELL_S, services.streams.tell),
            ("pump", PUMP_S, self._pump),
            ("brakes", BRAKES_S, services.brakes.turn),
            ("draws", DRAWS_S, self._draws),
            ("expiry", EXPIRE_S, self._expire),
            ("freed", FREED_S, services.till.tell_room),
            ("credentials", CREDENTIALS_S, services.credentials.refresh),
            ("close_out", CLOSE_OUT_S, self._close_out),
            ("lending", LENDING_S, self._even_out),
            ("history", HISTORY_S, self._history),
            ("watch", WATCH_S, services.watch.look),
            ("fence", FENCE_S, services.fencing.turn),
            ("marks", MARKS_S, services.fencing.read_marks),
            ("rooms", FENCE_S, services.room_keeping.turn),
            ("journal", JOURNAL_S, services.journal.turn),
            ("lag", LAG_S, lambda: measure_lag(services.metrics)),
        )
        self.loops = {
            name: Loop(name, interval_s, step, services.metrics) for name, interval_s, step in steps
        }

    async def start(self) -> None:
        """Turn each loop that others read from once, then start them all."""
        for name in ("shelves", "frames", "credentials"):
            await self.loops[name].turn()
        self._tasks = [
            asyncio.create_task(loop.run(self._stop), name=f"loop {name}")
            for name, loop in self.loops.items()
        ]

    async def stop(self) -> None:
        """Let every loop finish its turn."""
        self._stop.set()
        if self._tasks:
            _, late = await asyncio.wait(self._tasks, timeout=STOP_S)
            for task in late:
                task.cancel()
            await asyncio.gather(*late, return_exceptions=True)

    async def _frames(self) -> int:
        shelves, frames = list(self._services.shelves), self._services.frames
        names = {shelf.view.id for shelf in shelves}
        frames.forget_all_but(names)
        self._services.room_watch.forget_all_but(names)
        await for_each(shelves, self._frame)
        return len(shelves)

    async def _frame(self, shelf: Shelf) -> None:
        kept = await self._services.frames.refresh(shelf.view.id)
        self._services.room_watch.saw(kept.frame)

    async def _history(self) -> int:
        return self._services.board.note(list(self._services.shelves))

    async def _draws(self) -> None:
        await for_each(self._services.shelves, self._services.drawer.turn_one)

    async def _pump(self) -> int:
        selling = [one for one in self._services.shelves if one.view.state != "closed"]
        await for_each(selling, self._pump_one)
        return len(selling)

    async def _pump_one(self, shelf: Shelf) -> None:
        services, view = self._services, shelf.view
        try:
            tally = await services.counts.recent(shelf)
            left = tally.of_drop(shelf, services.frames.of(view.id).frame.drop)
        except (Fault, Refused):
            left = None  # not known now; the room goes on
        await services.rooms.pump(
            view.id,
            None if left is None else left.available,
            may_return=0 if left is None else left.held,
            ceiling=services.brakes.ceiling(view.id),
            supply=services.brakes.supply(shelf, left),
        )

    async def _expire(self) -> int:
        ended = await for_each(self._services.shelves, self._expire_one)
        return sum(ended)

    async def _expire_one(self, shelf: Shelf) -> int:
        ended = 0
        for _ in range(EXPIRE_ROUNDS_MAX):
            some = await self._services.orders.expire_due(shelf.view, EXPIRE_AT_ONCE)
            ended += some
            if some < EXPIRE_AT_ONCE:
                break
        if ended:
            self._services.metrics.expired.labels(shelf.view.id).inc(ended)
        return ended

    async def _even_out(self) -> int:
        """Move units to stripes that run dry, and finish what a gateway that died has begun."""
        striped = [shelf for shelf in self._services.shelves if shelf.view.stripes > 1]
        return sum(await for_each(striped, self._even_out_one))

    async def _even_out_one(self, shelf: Shelf) -> int:
        return await self._services.lending.even_out(shelf.view, len(shelf.catalogue.offers))

    async def _close_out(self) -> int:
        services, now_ms = self._services, int(time.time() * 1000)
        for shelf in services.shelves:
            if shelf.view.is_over(now_ms) and shelf.view.state != "closed":
                await services.sale_desk.change(shelf.view, "close", actor="closes_at")
        closed = [one for one in services.shelves if one.view.state == "closed"]
        returned = await for_each(closed, self._close_out_one)
        return sum(returned)

    async def _close_out_one(self, shelf: Shelf) -> int:
        tally = await self._services.counts.recent(shelf)
        if tally.total.available == 0:
            return 0
        return await self._services.sale_desk.close_out(shelf.view)
