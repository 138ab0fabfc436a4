"""Publishing beside others, without answers, and against a store that says no."""

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import asyncpg
import pytest

from inventory.catalogue import Catalogue, Piece, Published, Shelf, Supply, Taken, Unfinished
from inventory.sales import SaleView
from inventory.stock import OfferRecord, Stock, StockRefused
from lua import Fault, Store
from tests.inventory.catalogue.published import NOW, counted, view
from tests.inventory.sale_files import CODES, FILES, SALE, sale_of


async def test_one_publication_at_a_time(
    catalogue: Catalogue, shelf: Shelf, database_url: str, tmp_path: Path
) -> None:
    """Of several at once one does it and the others find it done; new sales share no number."""
    other = await Catalogue.connect(database_url, CODES)
    file = sale_of(tmp_path)
    outcomes = await asyncio.gather(
        *(one.publish(file, shelf, actor="a", now_ms=NOW) for one in (catalogue, other) * 2)
    )
    assert sorted(isinstance(one, Published) and one.changed for one in outcomes) == [
        *(False, False, False, True)
    ]
    assert (await counted(shelf))[1] == (100, 80, 20)
    edits = [("sale.toml", 'id = "spring"', f'id = "s{number}"') for number in range(4)]
    files = [sale_of(tmp_path, edit) for edit in edits]
    outcomes = await asyncio.gather(
        *(catalogue.publish(one, shelf, actor="a", now_ms=NOW) for one in files)
    )
    numbers = {one.number for one in outcomes if isinstance(one, Published)}
    assert numbers == {2, 3, 4, 5}
    await other.close()


async def test_lots_at_once_are_all_taken_in(
    catalogue: Catalogue, shelf: Shelf, tmp_path: Path
) -> None:
    """Several bringers of one offer do not take one another's serials."""
    await catalogue.publish(sale_of(tmp_path), shelf, actor="a", now_ms=NOW)
    lots = [Supply(f"v-{n}", "later", pieces=(Piece(code=f"L-000{n}"),)) for n in range(8)]
    outcomes = await asyncio.gather(
        *(catalogue.add_stock(SALE, lot, shelf, now_ms=NOW) for lot in lots)
    )
    assert outcomes == [Taken(1, replayed=False)] * 8
    assert (await counted(shelf))[6] == (8, 8, 0)


async def test_a_lost_connection_is_a_fault_and_the_next_call_goes_on(
    catalogue: Catalogue, shelf: Shelf, database_url: str, tmp_path: Path
) -> None:
    """When the database ends our connections a call may fail as a fault, and then all is well."""
    file = sale_of(tmp_path)
    await catalogue.publish(file, shelf, actor="a", now_ms=NOW)
    connection = await asyncpg.connect(database_url)
    await connection.execute(
        "select pg_terminate_backend(pid) from pg_stat_activity"
        " where datname = current_database() and pid <> pg_backend_pid()"
    )
    await connection.close()
    with suppress(Fault):
        await catalogue.publish(file, shelf, actor="a", now_ms=NOW)
    outcome = await catalogue.publish(file, shelf, actor="a", now_ms=NOW)
    assert outcome == Published(SALE, 1, 1, 0, changed=False)


async def test_a_store_without_an_answer_is_a_fault_and_is_mended(
    catalogue: Catalogue, shelf: Shelf, tmp_path: Path
) -> None:
    """Published into a store that is gone, the sale is finished when there is one."""
    gone = await Store.connect(f"unix://{tmp_path}/none", check_durability=False)
    with pytest.raises(Fault):
        await catalogue.publish(sale_of(tmp_path), Shelf.of(gone), actor="a", now_ms=NOW)
    await gone.close()
    outcome = await catalogue.publish(sale_of(tmp_path), shelf, actor="a", now_ms=NOW)
    assert outcome == Published(SALE, 1, 1, 0, changed=False)
    assert (await counted(shelf))[1] == (100, 80, 20)


class ClosingStock(Stock):
    """Somebody closes the sale in the middle of its publication."""

    async def put_offers(
        self, sale: SaleView, offers: Sequence[OfferRecord], stripe: int = 0
    ) -> list[StockRefused]:
        """Close the sale first."""
        await Shelf.of(self._store).sales.change(sale, "close", actor="bob", now_ms=NOW)
        return await super().put_offers(sale, offers, stripe)


async def test_what_the_store_refuses_is_told(
    catalogue: Catalogue, shelf: Shelf, tmp_path: Path
) -> None:
    """A race that was lost leaves the revision unfinished, and says which parts are missing."""
    racing = replace(shelf, stock=ClosingStock(shelf.store))
    lone = ("allotments.csv", FILES["allotments.csv"], "allotment,partner,offer,quantity\n")
    file = sale_of(tmp_path, lone)
    outcome = await catalogue.publish(file, racing, actor="a", now_ms=NOW)
    assert isinstance(outcome, Unfinished)
    assert [str(step) for step in outcome.refusals] == [
        f"lot file.1.{number}: closed " for number in (1, 2, 3, 4)
    ]
    assert (await view(shelf)).state == "closed"
    assert isinstance(await catalogue.publish(file, shelf, actor="a", now_ms=NOW), Unfinished)
