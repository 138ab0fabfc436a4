"""The wiring of a command: the same parts that a gateway has, without its loops and its ports.

Here and in gateway.services parts are put together, and nowhere else.
"""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass

from gateway.cli.telling import Refusal
from gateway.config import Settings
from gateway.keyring import Keyring
from gateway.sale_desk import SaleDesk
from inventory.catalogue import Catalogue, OutsideCodes, SaleCatalogue
from inventory.codes import CodeKey
from inventory.sales import BadRecord, Sales, SaleView
from inventory.stock import Stock
from lua import Store
from queueing import PassKeys, Rooms
from settlement import Books


@dataclass(frozen=True, slots=True)
class Tools:
    """What commands work with."""

    store: Store
    books: Books
    codes: OutsideCodes
    catalogue: Catalogue
    rooms: Rooms
    desk: SaleDesk
    sales: Sales
    stock: Stock

    async def sale(self, name: str) -> SaleView:
        """The sale of that id. Raises Refusal when the store has none."""
        try:
            view = await self.sales.view(name)
        except BadRecord as error:
            raise Refusal(str(error)) from None
        if view is None:
            known = ", ".join(await self.sales.list()) or "none"
            raise Refusal(f"there is no sale {name!r} (there are: {known})")
        return view

    async def meaning(self, sale: SaleView) -> SaleCatalogue:
        """What the sale's numbers and serials mean. Raises Refusal when it is not published."""
        found = await SaleCatalogue.load(self.store, sale.id, self.codes)
        if found is None:
            raise Refusal(f"the sale {sale.id} is not published; apply its file again")
        return found


@asynccontextmanager
async def opened(settings: Settings) -> AsyncIterator[Tools]:
    """The parts, connected. Raises KeyringFailed, NotDurable, NothingHappened."""
    keyring = Keyring.open(settings.keys)
    async with AsyncExitStack() as stack:
        store = await Store.connect(
            settings.store_url,
            assume_durable=settings.assume_durable,
            replicas=settings.replicas_awaited,
        )
        stack.push_async_callback(store.close)
        books = await Books.connect(settings.database_url)
        stack.push_async_callback(books.close)
        codes = OutsideCodes(
            seal=[CodeKey(key.kid, key.secret) for key in keyring.all("outside_seal")],
            digest_key=keyring.current("outside_hash").secret,
        )
        catalogue = await Catalogue.connect(settings.database_url, codes)
        stack.push_async_callback(catalogue.close)
        rooms = rooms_of(keyring, store)
        yield Tools(
            store=store,
            books=books,
            codes=codes,
            catalogue=catalogue,
            rooms=rooms,
            desk=SaleDesk(store, rooms),
            sales=Sales(store),
            stock=Stock(store),
        )


def rooms_of(keyring: Keyring, store: Store) -> Rooms:
    """The waiting rooms of an installation, by its keys."""
    place, mac, sign = (
        [(key.kid, key.secret) for key in keyring.all(name)]
        for name in ("place", "pass_mac", "pass_sign")
    )
    passes = PassKeys(keyring.current("order").secret, mac, sign)
    return Rooms(store, place, passes, keyring.current("draw").secret)
