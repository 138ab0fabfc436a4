"""The operator's desk: a sale is applied, opened, throttled and closed, at till and room alike.

The sale's stock and its room are two things in the store that know nothing of each other; here they
are moved together, the till first where it must be quicker. Routes and the command line both come
through here. Every verb may be repeated.
"""

from dataclasses import dataclass

from inventory.catalogue import (
    Catalogue,
    Progress,
    Published,
    PublishOutcome,
    Shelf as StoreShelf,
    StockOutcome,
    Supply,
)
from inventory.salefile import Drop, LaneLine, RoomLine, SaleFile, all_lanes
from inventory.sales import Change, Sales, SaleView, State, WrongState
from inventory.stock import Stock
from lua.store import Store
from queueing import (
    DropBegun,
    Lane,
    NoRoom,
    RoomRules,
    Rooms,
    RoomSet,
    SetState,
    StaleRevision,
)

CLOSE_OUT_AT_ONCE = 256
_ROOM_STATES: dict[Change, SetState] = {
    "open": "open",
    "pause": "paused",
    "resume": "open",
    "drain": "draining",
    "close": "closed",
}
_ROOM_OF: dict[State, SetState] = {
    "announced": "paused",
    "open": "open",
    "paused": "paused",
    "draining": "draining",
    "closed": "closed",
}


def _silent(_phase: str, _done: int, _total: int) -> None:
    """No progress is shown."""


@dataclass(frozen=True, slots=True)
class Applied:
    """The sale is in the store, and its room is configured.

    `room_kept` is the drop that has begun, so that the openings of the room stay as they were.
    """

    published: Published
    room_kept: int | None = None


@dataclass(frozen=True, slots=True)
class Moved:
    """Sale and room are in this state; `already`: the sale was so before.

    `revision` is the room's; None where the store has no room of the sale.
    """

    state: State
    already: bool
    revision: int | None


def room_rules(room: RoomLine, drops: list[Drop], lanes: list[LaneLine]) -> RoomRules:
    """The rules of a room as its sale file says them."""
    return RoomRules(
        rate_per_s=room.rate_per_s,
        openings_ms=tuple(drop.opens_at_ms for drop in drops),
        burst=room.burst,
        pass_ms=room.pass_s * 1000,
        lobby_ms=room.lobby_s * 1000,
        active_max=room.active_max,
        grace_ms=room.grace_s * 1000,
        lanes=tuple(Lane(lane.name, lane.weight) for lane in all_lanes(lanes)),
    )


class SaleDesk:
    """Runs the sales of one store."""

    def __init__(self, store: Store, rooms: Rooms) -> None:
        self._rooms = rooms
        self._sales = Sales(store)
        self._stock = Stock(store)
        self._shelf = StoreShelf.of(store)

    async def apply(
        self,
        catalogue: Catalogue,
        sale_file: SaleFile,
        *,
        actor: str,
        expected_revision: int | None = None,
        progress: Progress = _silent,
    ) -> Applied | PublishOutcome:
        """Bring a sale to what its file says, with its room.

        Anything but Applied has changed nothing, or is finished by applying again.
        """
        outcome = await catalogue.publish(
            sale_file,
            self._shelf,
            actor=actor,
            expected_revision=expected_revision,
            progress=progress,
        )
        if not isinstance(outcome, Published):
            return outcome
        rules = room_rules(sale_file.room, sale_file.drops, sale_file.lanes)
        configured = await self._rooms.configure(sale_file.sale.id, rules, actor)
        return Applied(outcome, configured.drop if isinstance(configured, DropBegun) else None)

    async def change(self, sale: SaleView, what: Change, *, actor: str) -> Moved | WrongState:
        """Open, pause, resume, drain or close the sale and its room."""
        outcome = await self._sales.change(sale, what, actor=actor)
        if isinstance(outcome, WrongState):
            return outcome
        room = await self._rooms.set_state(sale.id, _ROOM_STATES[what], actor)
        revision = room.revision if isinstance(room, RoomSet) else None
        return Moved(outcome.state, outcome.already, revision)

    async def change_from(
        self, sale: SaleView, what: Change, revision: int, *, actor: str
    ) -> Moved | WrongState | StaleRevision | NoRoom:
        """The same, if nobody has changed the room since this revision of it.

        The room goes first: its one step decides which of two operators came first, and a repeat
        after a lost answer finds it made, and goes on with the till.
        """
        trial = await self._sales.change(sale, what, actor=actor, is_trial=True)
        if isinstance(trial, WrongState):
            return trial
        room = await self._rooms.set_state(sale.id, _ROOM_STATES[what], actor, revision)
        if not isinstance(room, RoomSet):
            return room
        outcome = await self.change(sale, what, actor=actor)
        if isinstance(outcome, WrongState):  # somebody who named no revision came in between
            await self._rooms.set_state(sale.id, _ROOM_OF[outcome.state], actor)
        return outcome

    async def add_stock(self, catalogue: Catalogue, sale: SaleView, supply: Supply) -> StockOutcome:
        """Take a lot in and put it on the shelf."""
        return await catalogue.add_stock(sale.id, supply, self._shelf)

    async def close_out(self, sale: SaleView) -> int:
        """Give what is left of a closed sale back to its venues; how many units.

        Holds that still run give theirs back later, so a loop asks again until nothing is left.
        """
        returned = 0
        for stripe in range(sale.stripes):
            left = [
                counts.offer
                for counts in await self._stock.counts(sale, stripe)
                if counts.available
            ]
            for at in range(0, len(left), CLOSE_OUT_AT_ONCE):
                some = left[at : at + CLOSE_OUT_AT_ONCE]
                returned += await self._stock.take_off(sale, some, stripe)
        return returned
