"""Stock that comes after the sale file: whole lots, each once, codes sealed."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import asyncpg
import pytest

from inventory import keys
from inventory.catalogue import (
    Catalogue,
    LotReused,
    NotTaken,
    Piece,
    Published,
    SaleCatalogue,
    Shelf,
    Supply,
    Taken,
    UnknownSale,
)
from inventory.facts import Stocked
from inventory.sales import SaleView
from inventory.stock import Lot, Stock, StockRefused
from tests.inventory.catalogue.published import NOW, counted, everything, facts, view
from tests.inventory.sale_files import CODES, SALE, sale_of

AHEAD = (Piece("B1", "V-0001"), Piece("B2", "V-0002"), Piece("A3", "V-0003"))


@pytest.fixture(autouse=True)
async def published(catalogue: Catalogue, shelf: Shelf, tmp_path: Path) -> None:
    """The small sale, in which two offers wait for their venue."""
    outcome = await catalogue.publish(sale_of(tmp_path), shelf, actor="ada", now_ms=NOW)
    assert isinstance(outcome, Published)


async def test_seats_that_a_venue_sold_come_on_the_shelf(
    catalogue: Catalogue, shelf: Shelf
) -> None:
    """Bought seats are free, their codes are sealed and found, and a fact names the lot."""
    supply = Supply("v-1", "ahead", pieces=AHEAD)
    assert await catalogue.add_stock(SALE, supply, shelf, now_ms=NOW) == Taken(3, replayed=False)
    assert (await counted(shelf))[5] == (3, 3, 0)
    assert await shelf.store.read("HGET", keys.seats(SALE), "5") == b"11..|..|..1"
    browsed = await SaleCatalogue.load(shelf.store, SALE, CODES)
    assert browsed is not None
    for piece in AHEAD:
        serial = browsed.serial_of_seat(5, piece.seat)
        assert serial is not None
        assert await browsed.serial_of_code(piece.code) == serial
        assert await browsed.outside_code(serial) == piece.code
    assert [one.lot for one in await facts(shelf) if isinstance(one, Stocked)][-1] == "v-1"


async def test_a_gateway_finds_codes_that_came_later(catalogue: Catalogue, shelf: Shelf) -> None:
    """A chunk of codes that was remembered is read again for a unit that is not in it."""
    browsed = await SaleCatalogue.load(shelf.store, SALE, CODES)
    assert browsed is not None
    first, second = (browsed.serial_of_seat(5, seat) for seat in ("B1", "B2"))
    assert first is not None
    assert second is not None
    await catalogue.add_stock(SALE, Supply("v-1", "ahead", pieces=AHEAD[:1]), shelf)
    assert await browsed.outside_code(first) == "V-0001"
    assert await browsed.outside_code(second) is None
    await catalogue.add_stock(SALE, Supply("v-2", "ahead", pieces=AHEAD[1:]), shelf)
    assert await browsed.outside_code(second) == "V-0002"


async def test_a_lot_comes_once(catalogue: Catalogue, shelf: Shelf) -> None:
    """The same lot again adds nothing, and other content under its name is refused."""
    lots = [
        Supply("v-1", "ahead", pieces=AHEAD),
        Supply("v-2", "later", pieces=(Piece(code="L-0001"), Piece(code="L-0002"))),
        Supply("v-3", "pool", units=7),
    ]
    for lot in lots:
        first = await catalogue.add_stock(SALE, lot, shelf, now_ms=NOW)
        assert first == Taken(len(lot.pieces) or lot.units, replayed=False)
    before = await everything(shelf.store)
    for lot in lots:
        again = await catalogue.add_stock(SALE, lot, shelf, now_ms=NOW)
        assert again == Taken(len(lot.pieces) or lot.units, replayed=True)
    for lot in (
        Supply("v-1", "ahead", pieces=AHEAD[:2]),
        Supply("v-1", "ahead", pieces=(*AHEAD[:2], Piece("A3", "V-0009"))),
        Supply("v-1", "ahead", pieces=(*AHEAD[:2], Piece("A2", "V-0003"))),
        Supply("v-1", "later", pieces=(Piece(code="L-0001"), Piece(code="L-0002"))),
        Supply("v-2", "later", pieces=(Piece(code="L-0002"), Piece(code="L-0001"))),
        Supply("v-3", "pool", units=8),
    ):
        assert await catalogue.add_stock(SALE, lot, shelf, now_ms=NOW) == LotReused()
    assert await everything(shelf.store) == before
    assert (await counted(shelf))[1] == (107, 87, 20)


WRONG = [
    (Supply("", "pool", units=1), "lot: expected 1 to 64"),
    (Supply("file.9", "pool", units=1), "not beginning with file."),
    (Supply("a\n", "pool", units=1), "lot: expected 1 to 64"),
    (Supply("a", "none", units=1), "there is no offer 'none'"),
    (Supply("a", "pool"), "say either units or seats"),
    (Supply("a", "pool", units=-3), "say either units or seats"),
    (Supply("a", "pool", units=1, pieces=AHEAD), "say either units or seats"),
    (Supply("a", "pool", units=1_001), "room for 1,100 units"),
    (Supply("a", "later", pieces=(Piece(code="L-0001"),) * 11), "room for 10 units"),
    (Supply("a", "pool", pieces=(Piece(),)), "neither seats nor codes: say units"),
    (Supply("a", "ahead", units=3), "needs each unit's seat or code"),
    (Supply("a", "coded", pieces=(Piece(code="NEW-1"),)), "its codes from the sale file"),
    (Supply("a", "film", pieces=(Piece("A1"),)), "seat A1: it was brought before"),
    (Supply("a", "ahead", pieces=(Piece("Z9", "V-1111"),)), "the hall has no such seat"),
    (Supply("a", "ahead", pieces=(Piece("", "V-1111"),)), "the hall has no such seat"),
    (Supply("a", "ahead", pieces=(Piece("B1"),)), "seat B1: a code is missing"),
    (Supply("a", "ahead", pieces=(AHEAD[0], Piece("B1", "V-1"))), "it was brought before"),
    (Supply("a", "ahead", pieces=(AHEAD[0], Piece("B2", "v0001"))), "belongs to another unit"),
    (Supply("a", "ahead", pieces=(Piece("B1", "1111-aaaa"),)), "belongs to another unit"),
    (Supply("a", "ahead", pieces=(Piece("B1", "x"),)), "not 4 to 64 ASCII characters"),
    (Supply("a", "ahead", pieces=(Piece("B1", "ко-дддд"),)), "not 4 to 64 ASCII characters"),
    (Supply("a", "later", pieces=(Piece("A1", "L-0001"),)), "the offer is pooled"),
    (Supply("a", "ahead", pieces=AHEAD * 1_334), "a lot has at most 4,000"),
]


async def test_a_wrong_lot_is_refused_whole(
    catalogue: Catalogue, shelf: Shelf, database_url: str
) -> None:
    """What is wrong with a lot is told, and neither store nor database changes."""
    before = await everything(shelf.store)
    for supply, told in WRONG:
        outcome = await catalogue.add_stock(SALE, supply, shelf, now_ms=NOW)
        assert isinstance(outcome, NotTaken), told
        assert any(told in problem for problem in outcome.problems), outcome
    assert await everything(shelf.store) == before
    connection = await asyncpg.connect(database_url)
    assert await connection.fetchval("select count(*) from catalogue.lot") == 4
    await connection.close()


async def test_an_unknown_or_closed_sale_takes_nothing(catalogue: Catalogue, shelf: Shelf) -> None:
    """Stock goes to sales that still sell."""
    supply = Supply("v-1", "pool", units=1)
    assert await catalogue.add_stock("none", supply, shelf) == UnknownSale()
    await shelf.sales.change(await view(shelf), "close", actor="ada", now_ms=NOW)
    assert await catalogue.add_stock(SALE, supply, shelf) == NotTaken(("the sale is closed",))


class Crashed(Exception):
    """The process died here."""


class DyingStock(Stock):
    """The process dies when the lot is in the tables and the store has not heard of it."""

    async def add(
        self, sale: SaleView, lots: Sequence[Lot], stripe: int = 0, now_ms: int = 0
    ) -> list[StockRefused]:
        """Never come to it."""
        raise Crashed


async def test_a_lot_that_was_interrupted_is_finished_by_its_repeat(
    catalogue: Catalogue, shelf: Shelf, tmp_path: Path
) -> None:
    """In the tables and not on the shelf: the lot again, the next lot or the sale again mend it."""
    dying = replace(shelf, stock=DyingStock(shelf.store))
    lots = [Supply(f"v-{n}", "later", pieces=(Piece(code=f"L-000{n}"),)) for n in range(5)]
    for dies, lives, units in ((lots[0], lots[0], 1), (lots[1], lots[2], 3)):
        with pytest.raises(Crashed):
            await catalogue.add_stock(SALE, dies, dying, now_ms=NOW)
        outcome = await catalogue.add_stock(SALE, lives, shelf, now_ms=NOW)
        assert outcome == Taken(1, replayed=dies is lives)
        assert (await counted(shelf))[6] == (units, units, 0)
    for lot in lots[3:]:
        with pytest.raises(Crashed):
            await catalogue.add_stock(SALE, lot, dying, now_ms=NOW)
    summer = sale_of(tmp_path, ("sale.toml", "Spring", "Summer"))
    assert isinstance(await catalogue.publish(summer, shelf, actor="a", now_ms=NOW), Published)
    assert (await counted(shelf))[6] == (5, 5, 0)
    for lot in lots:
        outcome = await catalogue.add_stock(SALE, lot, shelf, now_ms=NOW)
        assert outcome == Taken(1, replayed=True)
    assert (await counted(shelf))[6] == (5, 5, 0)


async def test_stock_that_came_later_does_not_disturb_the_file(
    catalogue: Catalogue, shelf: Shelf, tmp_path: Path
) -> None:
    """After lots from elsewhere the same file is still the same sale, and may still bring more."""
    await catalogue.add_stock(SALE, Supply("op-1", "pool", units=5), shelf, now_ms=NOW)
    await catalogue.add_stock(SALE, Supply("v-1", "ahead", pieces=AHEAD), shelf, now_ms=NOW)
    same = await catalogue.publish(sale_of(tmp_path), shelf, actor="a", now_ms=NOW)
    assert same == Published(SALE, 1, 1, 0, changed=False)
    more = sale_of(tmp_path, ("offers.csv", ",,100,380,", ",,110,380,"))
    outcome = await catalogue.publish(more, shelf, actor="a", now_ms=NOW)
    assert isinstance(outcome, Published)
    assert outcome.units_added == 10
    assert (await counted(shelf))[1] == (115, 95, 20)
