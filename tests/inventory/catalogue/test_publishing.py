"""Publishing: a sale reaches the store whole, once, whatever interrupts it."""

from pathlib import Path

import asyncpg
import pytest

from inventory import keys
from inventory.catalogue import (
    Catalogue,
    OtherRevision,
    Published,
    Refused,
    SaleCatalogue,
    Shelf,
)
from inventory.facts import Allotted, Stocked, decode_entry
from lua import NothingHappened
from tests.inventory.catalogue.published import NOW, counted, everything, facts, view
from tests.inventory.sale_files import CODES, FILES, FIRST_DROP_MS, SALE, sale_of


async def test_a_sale_reaches_the_store_whole(
    catalogue: Catalogue, shelf: Shelf, tmp_path: Path
) -> None:
    """Rules, offers, units and allotments stand in the store as the file says."""
    outcome = await catalogue.publish(sale_of(tmp_path), shelf, actor="ada", now_ms=NOW)
    assert outcome == Published(SALE, 1, 1, 100 + 3 + 9 + 2, changed=True)
    sale = await view(shelf)
    assert (sale.state, sale.revision, sale.limit, sale.hold_ms) == ("announced", 1, 2, 60_000)
    assert [(drop.id, drop.opens_at_ms) for drop in sale.drops] == [
        ("first", FIRST_DROP_MS),
        ("second", FIRST_DROP_MS + 14_400_000),
    ]
    assert await counted(shelf) == {
        1: (100, 80, 20),
        2: (3, 2, 1),
        3: (9, 7, 2),
        4: (2, 2, 0),
        5: (0, 0, 0),
        6: (0, 0, 0),
    }
    allotments = await shelf.allotments.listed(sale)
    assert [(one.number, one.id, one.partner, one.units) for one in allotments] == [
        (1, "market.pool", "market", 20),
        (2, "market.film", "market", 2),
        (3, "club.coded", "club", 1),
    ]
    seats = await shelf.store.read("HGETALL", keys.seats(SALE))
    texts = dict(zip(seats[::2], seats[1::2], strict=True))
    assert texts[b"4"] == b"....|.1|1.."  # B6 and A1 have codes
    assert texts[b"5"] == b"....|..|..."  # bought ahead, not yet there
    stocked = [fact for fact in await facts(shelf) if isinstance(fact, Stocked)]
    assert {fact.lot for fact in stocked} == {"file.1.1", "file.1.2", "file.1.3", "file.1.4"}


async def test_publishing_again_changes_nothing(
    catalogue: Catalogue, shelf: Shelf, tmp_path: Path
) -> None:
    """The same file again is no new revision and writes nothing to the store."""
    file = sale_of(tmp_path)
    await catalogue.publish(file, shelf, actor="ada", now_ms=NOW)
    before = await everything(shelf.store)
    outcome = await catalogue.publish(file, shelf, actor="bob", now_ms=NOW)
    assert outcome == Published(SALE, 1, 1, 0, changed=False)
    assert await everything(shelf.store) == before
    plan = await catalogue.plan(file, shelf, now_ms=NOW)
    assert plan.is_empty


async def test_a_dry_run_says_all_and_writes_nothing(
    catalogue: Catalogue, shelf: Shelf, database_url: str, tmp_path: Path
) -> None:
    """A plan names every addition and leaves store and database as they were."""
    plan = await catalogue.plan(sale_of(tmp_path), shelf, now_ms=NOW)
    assert (plan.is_new, plan.revision, plan.units_added) == (True, 1, 114)
    assert [step.name for step in plan.additions if step.part == "offer"] == [
        *("pool", "coded", "film", "filmx", "ahead", "later")
    ]
    assert not plan.refusals
    assert await shelf.store.read("KEYS", "*") == []
    connection = await asyncpg.connect(database_url)
    assert await connection.fetchval("select count(*) from catalogue.sale") == 0
    await connection.close()


class Crashed(Exception):
    """The process died here."""


async def test_a_publication_that_died_anywhere_is_finished_by_the_next(
    catalogue: Catalogue, shelf: Shelf, tmp_path: Path
) -> None:
    """Killed after any chunk and run again, the end is the same and nothing is there twice."""
    file = sale_of(tmp_path)
    chunks: list[tuple[str, int, int]] = []
    await catalogue.publish(
        file, shelf, actor="ada", now_ms=NOW, progress=lambda *chunk: chunks.append(chunk)
    )
    whole = await counted(shelf)
    assert {phase for phase, _, _ in chunks} == {
        *("catalogue", "codes", "offers", "units", "allotments")
    }
    for died_after in range(len(chunks)):
        sale = f"s{died_after}"
        told = FILES["sale.toml"].replace('id = "spring"', f'id = "{sale}"')
        other = sale_of(tmp_path / sale, ("sale.toml", FILES["sale.toml"], told))
        left = died_after

        def die(_phase: str, _done: int, _total: int) -> None:
            nonlocal left
            left -= 1
            if left < 0:
                raise Crashed

        with pytest.raises(Crashed):
            await catalogue.publish(other, shelf, actor="ada", now_ms=NOW, progress=die)
        plan = await catalogue.plan(other, shelf, now_ms=NOW)
        assert plan.is_pending
        assert not plan.refusals
        outcome = await catalogue.publish(other, shelf, actor="ada", now_ms=NOW)
        assert outcome == Published(sale, died_after + 2, 1, 0, changed=False)
        found = await shelf.sales.view(sale)
        assert found is not None
        counts = await shelf.stock.counts(found)
        assert {one.offer: (one.released, one.available, one.allotted) for one in counts} == whole
        entries = await shelf.store.read("XRANGE", keys.facts(sale), "-", "+")
        told_facts = [fact for _, fields in entries for fact in decode_entry(fields[1])]
        lots = [fact.lot for fact in told_facts if isinstance(fact, Stocked)]
        assert sorted(lots) == ["file.1.1", "file.1.2", "file.1.3", "file.1.4"]
        assert sum(isinstance(fact, Allotted) for fact in told_facts) == 3
        assert [fact.number for fact in told_facts] == list(range(1, len(told_facts) + 1))


async def test_a_new_file_after_a_crash_finishes_the_old_one_first(
    catalogue: Catalogue, shelf: Shelf, tmp_path: Path
) -> None:
    """An interrupted revision is brought home before the next one is planned."""

    def die(phase: str, _done: int, _total: int) -> None:
        if phase == "offers":
            raise Crashed

    with pytest.raises(Crashed):
        await catalogue.publish(sale_of(tmp_path), shelf, actor="a", now_ms=NOW, progress=die)
    more = sale_of(
        tmp_path,
        ("offers.csv", ",,100,380,", ",,150,380,"),
        ("allotments.csv", "club.coded,", "club.pool,club,pool,120\nclub.coded,"),
    )
    outcome = await catalogue.publish(more, shelf, actor="a", now_ms=NOW)
    assert outcome == Published(SALE, 1, 2, 50, changed=True)
    assert (await counted(shelf))[1] == (150, 10, 140)


async def test_the_revision_that_was_seen_must_still_be_there(
    catalogue: Catalogue, shelf: Shelf, tmp_path: Path
) -> None:
    """An update against another revision changes nothing, but a repeat of a success is one."""
    file = sale_of(tmp_path)
    renamed = sale_of(tmp_path, ("sale.toml", '"Spring"', '"Summer"'))
    missing = await catalogue.publish(file, shelf, actor="a", expected_revision=3, now_ms=NOW)
    assert missing == OtherRevision(0)
    assert await shelf.store.read("KEYS", "*") == []
    first = await catalogue.publish(file, shelf, actor="a", expected_revision=0, now_ms=NOW)
    assert isinstance(first, Published)
    late = await catalogue.publish(renamed, shelf, actor="a", expected_revision=0, now_ms=NOW)
    assert late == OtherRevision(1)
    await catalogue.publish(renamed, shelf, actor="a", expected_revision=1, now_ms=NOW)
    again = await catalogue.publish(renamed, shelf, actor="a", expected_revision=1, now_ms=NOW)
    assert again == Published(SALE, 1, 2, 0, changed=False)
    assert (await view(shelf)).title == "Summer"


async def test_sales_have_numbers_of_their_own(
    catalogue: Catalogue, shelf: Shelf, tmp_path: Path
) -> None:
    """Each sale of an installation has its number, from 1, kept over revisions."""
    for number, name in enumerate(["one", "two", "three"], start=1):
        edit = ("sale.toml", 'id = "spring"', f'id = "{name}"')
        outcome = await catalogue.publish(sale_of(tmp_path, edit), shelf, actor="a", now_ms=NOW)
        assert isinstance(outcome, Published)
        assert outcome.number == number


async def test_a_store_that_forgot_the_sale_is_not_filled_again(
    catalogue: Catalogue, shelf: Shelf, tmp_path: Path
) -> None:
    """Units may have been sold: a wiped store gets nothing from a sale file."""
    await catalogue.publish(sale_of(tmp_path), shelf, actor="a", now_ms=NOW)
    await shelf.store.write("FLUSHALL")
    more = sale_of(tmp_path, ("offers.csv", ",,100,380,", ",,150,380,"))
    outcome = await catalogue.publish(more, shelf, actor="a", now_ms=NOW)
    assert isinstance(outcome, Refused)
    assert "restore the store first" in str(outcome.plan.refusals[0])
    assert await shelf.store.read("KEYS", "*") == []


async def test_a_pooled_sale_is_dealt_to_its_stripes(
    catalogue: Catalogue, shelf: Shelf, tmp_path: Path
) -> None:
    """Each stripe of a sale gets a share of its own of every pooled lot."""
    pool = FILES["offers.csv"].splitlines()[1]
    header = FILES["offers.csv"].splitlines()[0]
    file = sale_of(
        tmp_path,
        ("sale.toml", "hold_s = 60", "hold_s = 60\nstripes = 3"),
        ("offers.csv", FILES["offers.csv"], f"{header}\n{pool}\n"),
        ("codes.csv", FILES["codes.csv"], "offer,seat,code\n"),
        ("allotments.csv", FILES["allotments.csv"], "allotment,partner,offer,quantity\n"),
    )
    assert isinstance(await catalogue.publish(file, shelf, actor="a", now_ms=NOW), Published)
    sale = await view(shelf)
    shares = [(await shelf.stock.counts(sale, stripe))[0].available for stripe in range(3)]
    assert shares == [33, 33, 34]


async def test_a_database_that_is_gone_is_a_fault(tmp_path: Path) -> None:
    """Without the database nothing happens, and it is said so."""
    url = f"postgresql://nobody@/none?host={tmp_path}"
    with pytest.raises(NothingHappened):
        await Catalogue.connect(url, CODES)


async def test_no_code_can_be_read_at_rest(
    catalogue: Catalogue, shelf: Shelf, database_url: str, tmp_path: Path
) -> None:
    """Neither the store nor the database holds an outside code that one could read."""
    await catalogue.publish(sale_of(tmp_path), shelf, actor="a", now_ms=NOW)
    browsed = await SaleCatalogue.load(shelf.store, SALE, CODES)
    assert browsed is not None
    plain = ["1111-AAAA", "1111AAAA", "2222-bbbb", "2222BBBB", "AA-0001", "AA0001"]
    stored = repr(await everything(shelf.store))
    connection = await asyncpg.connect(database_url)
    for table in ("sale", "offer", "lot", "outside", "allotment", "layout"):
        rows = await connection.fetch(f"select * from catalogue.{table}")  # noqa: S608 - our names
        stored += "\n".join(str(dict(row)) for row in rows)
    await connection.close()
    assert stored.count("club.coded") > 1
    assert not [code for code in plain if code in stored]
    assert await browsed.outside_code(browsed.offers[1].base) == "1111-AAAA"
