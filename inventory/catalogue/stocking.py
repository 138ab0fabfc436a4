"""Stock that comes after the sale file: lots that a venue sold us, or that an operator adds.

A lot has a name that its bringer made and keeps; the same lot again adds nothing. It is written to
the tables, codes sealed, before the store hears of it, so an interruption anywhere is mended by
bringing the lot again or by applying the sale again.
"""

from dataclasses import dataclass

from inventory.catalogue.lot_tables import (
    Connection,
    find_lot,
    find_outside,
    mark_lots,
    ranges_of_offer,
    unpublished_lots,
    write_lots,
)
from inventory.catalogue.sealing import OutsideCodes
from inventory.catalogue.shelving import Shelf, add_lots, silent, write_codes
from inventory.catalogue.supplies import Check, Supply
from inventory.catalogue.tables import read_offer
from inventory.facts import Ranges, spread


@dataclass(frozen=True, slots=True)
class Taken:
    """The lot's units are on the shelf; `replayed` when it was brought before."""

    units: int
    replayed: bool


@dataclass(frozen=True, slots=True)
class NotTaken:
    """Nothing was changed; all that is wrong with the lot."""

    problems: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class UnknownSale:
    """There is no sale of that id."""


@dataclass(frozen=True, slots=True)
class LotReused:
    """A lot of this name was brought before, with other content."""


StockOutcome = Taken | NotTaken | UnknownSale | LotReused


async def take_in(
    connection: Connection,
    sale: str,
    supply: Supply,
    shelf: Shelf,
    codes: OutsideCodes,
    *,
    now_ms: int,
) -> StockOutcome:
    """Take a lot in, on a connection that alone publishes the sale."""
    view = await shelf.sales.view(sale)
    if view is None:
        return UnknownSale()
    found = await read_offer(connection, sale, supply.offer)
    if found is None:
        return NotTaken((f"there is no offer {supply.offer[:64]!r}",))
    offer, layout = found
    check = Check(
        sale=sale,
        supply=supply,
        offer=offer,
        layout=layout,
        codes=codes,
        present=_serials_in(await ranges_of_offer(connection, sale, offer.number)),
        outside=await find_outside(connection, sale, _digests(sale, supply, codes)),
    )
    lot = await find_lot(connection, sale, supply.lot)
    replayed = lot is not None
    if lot is not None:
        if not check.is_repeat_of(lot):
            return LotReused()
    else:
        problems = ["the sale is closed"] if view.state == "closed" else check.problems()
        if problems:
            return NotTaken(tuple(problems))
        lot, coded = check.lot()
        async with connection.transaction():
            await write_lots(connection, sale, [lot], coded, codes)
    # A pooled offer takes lots in the order of their serials, so earlier ones go first.
    lots = [one for one in await unpublished_lots(connection, sale) if one.offer == offer.number]
    if offer.record.codes == "outside":
        await write_codes(connection, shelf.store, sale, lots, silent)
    refused = await add_lots(shelf, view, lots, now_ms, silent)
    if refused:
        return NotTaken(tuple(f"the store refused {step}" for step in refused))
    await mark_lots(connection, sale, [one.id for one in lots])
    return Taken(lot.units, replayed)


def _digests(sale: str, supply: Supply, codes: OutsideCodes) -> list[bytes]:
    return [codes.digest(sale, piece.code) for piece in supply.pieces if piece.code]


def _serials_in(lots: list[Ranges]) -> set[int]:
    return {serial for ranges in lots for serial in spread(ranges)}
