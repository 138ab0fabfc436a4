"""Leaving the line, or the room: one verb of the room, and where a pass works one of the stock.

The order is what keeps the room's cap: the slot is free only once the pass surely buys nothing. A
fault in between leaves the lease to end by itself, or a repeat to free it.
"""

from gateway.shelves import Shelf
from inventory.ids import Identities
from inventory.leaving import Leaving, PassLeft
from lua.store import Store
from queueing import Inside, Place, Rooms


class Leavers:
    """Takes places out of the rooms of one store."""

    def __init__(self, store: Store, identities: Identities, rooms: Rooms) -> None:
        self._passes = Leaving(store, identities)
        self._rooms = rooms

    async def leave(self, shelf: Shelf, place: Place) -> None:
        """Give a place up, with the pass that it has. One that an order has stays as it is."""
        sale = shelf.view
        found = await self._rooms.leave(sale.id, place)
        if not isinstance(found, Inside):
            return
        spent = await self._passes.leave(sale, buyer=place.buyer, pass_id=found.pass_claims.id)
        if isinstance(spent, PassLeft):
            await self._rooms.leave(sale.id, place, is_spent=True)
