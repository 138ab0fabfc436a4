"""The operator's calls that need the database: applying a sale, taking stock in, auditing.

What they do is the catalogue's, the sale desk's and the audit's; here a body becomes a sale file,
and this process looks at the sale again at once.
"""

import asyncio
from dataclasses import dataclass

from gateway.audit import audit
from gateway.audit_checks import Audit
from gateway.bodies import StockBody
from gateway.link import Link
from gateway.problems import wrong_field
from gateway.sale_desk import Applied, Moved, SaleDesk
from gateway.shelves import Shelf, Shelves
from inventory.catalogue import Catalogue, Piece, PublishOutcome, StockOutcome, Supply
from inventory.salefile import Problem, from_json
from inventory.sales import Change, WrongState
from lua.store import Store
from queueing import NoRoom, StaleRevision
from settlement import Books


@dataclass(frozen=True, slots=True)
class NotValid:
    """The body is no valid sale: everything that is wrong with it."""

    problems: tuple[Problem, ...]


class OperatorDesk:
    """Operators' calls of one process."""

    def __init__(
        self,
        store: Store,
        books: Books,
        catalogue: Link[Catalogue],
        desk: SaleDesk,
        shelves: Shelves,
    ) -> None:
        self._store = store
        self._books = books
        self._catalogue = catalogue
        self._desk = desk
        self._shelves = shelves

    async def apply(
        self, sale: str, body: bytes, *, actor: str, expected: int | None
    ) -> Applied | PublishOutcome | NotValid:
        """Create a sale, or bring it from the revision `expected` to the next."""
        # A whole programme takes seconds to check; the calls of others go on meanwhile.
        sale_file = await asyncio.to_thread(from_json, body)
        if isinstance(sale_file, list):
            return NotValid(tuple(sale_file))
        if sale_file.sale.id != sale:
            raise wrong_field("body", "sale/id", "It differs from the sale of the path")
        outcome = await self._desk.apply(
            await self._catalogue.get(), sale_file, actor=actor, expected_revision=expected or 0
        )
        await self._shelves.refresh_sale(sale)
        return outcome

    async def change(
        self, shelf: Shelf, what: Change, *, actor: str, expected: int | None = None
    ) -> Moved | WrongState | StaleRevision | NoRoom:
        """Open, pause, resume, drain or close a sale, whose room is at the revision `expected`."""
        outcome: Moved | WrongState | StaleRevision | NoRoom
        if expected is None:
            outcome = await self._desk.change(shelf.view, what, actor=actor)
        else:
            outcome = await self._desk.change_from(shelf.view, what, expected, actor=actor)
        await self._shelves.refresh_sale(shelf.view.id)
        return outcome

    async def add_stock(self, shelf: Shelf, body: StockBody) -> StockOutcome:
        """Take a lot in and put it on the shelf."""
        pieces = tuple(Piece(one.seat, one.code or "") for one in body.seats or ())
        supply = Supply(body.lot, body.offer, body.units or 0, pieces)
        return await self._desk.add_stock(await self._catalogue.get(), shelf.view, supply)

    async def audit(self, shelf: Shelf) -> Audit:
        """Check every invariant of a sale."""
        return await audit(self._store, self._books, shelf.view)
