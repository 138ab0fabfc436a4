"""Reading the books: counts at a fact number, feeds, orders, alarms, and what guards the tables."""

import json
from datetime import date

import asyncpg
import pytest

from inventory import facts
from settlement import Alarming, Behind, Books, Feed
from tests.settlement.teller import (
    AT_MS,
    Teller,
    confirmed,
    held,
    line,
    refunded,
    sold,
    stocked,
)


async def test_counts_are_those_of_any_fact_number_asked_for(
    teller: Teller, feed: Feed, books: Books
) -> None:
    """The books tell the units of every state after fact n, whatever was posted since."""
    await teller.tell(stocked(0, 10), held("a", line(1, 2)), stocked(100, 5, offer=2))
    await teller.tell(confirmed("a", line(1, 2)), sold("b", line(100, offer=2)))
    await teller.tell(refunded("a", [line(1)], seller="shop"))
    await feed.run_all()

    async def at(number: int) -> list[tuple[int, int, int, int, int]]:
        counts = await books.unit_counts("cinema", {(0, 1): number})
        assert isinstance(counts, dict)
        return [
            (offer, now["released"], now["available"], now["held"], now["sold"])
            for offer, now in sorted(counts.items())
        ]

    assert await at(0) == [(1, 0, 0, 0, 0), (2, 0, 0, 0, 0)]
    assert await at(1) == [(1, 10, 10, 0, 0), (2, 0, 0, 0, 0)]
    assert await at(2) == [(1, 10, 8, 2, 0), (2, 0, 0, 0, 0)]
    assert await at(3) == [(1, 10, 8, 2, 0), (2, 5, 5, 0, 0)]
    assert await at(5) == [(1, 10, 8, 0, 2), (2, 5, 4, 0, 1)]
    assert await at(6) == [(1, 10, 9, 0, 1), (2, 5, 4, 0, 1)]
    assert await books.unit_counts("cinema") == await books.unit_counts("cinema", {(0, 1): 6})
    assert await books.unit_counts("cinema", {(0, 1): 7}) == Behind(0, (1, 6))
    assert await books.unit_counts("cinema", {(1, 1): 1}) == Behind(1, (0, 0))
    assert await books.unit_counts("nowhere") == {}


async def test_a_feed_is_read_on_from_where_one_was(
    teller: Teller, feed: Feed, books: Books
) -> None:
    """Each partner's events are numbered from 1 without a gap, over sales and batches."""
    theatre = await Teller(teller.store, "theatre").announce()
    for each in (teller, theatre):
        await each.tell(stocked(0, 10))
        await each.tell(sold(f"{each.sale}-a", line(1)))
        await each.tell(sold(f"{each.sale}-b", line(2), seller="other"))
    while any(report.state == "posted" for report in await feed.run_all(limit=1)):
        continue
    first = await books.events("market", limit=1)
    rest = await books.events("market", after=first[-1].seq)
    assert [event.seq for event in first + rest] == [1, 2]
    assert [json.loads(event.data)["sale"] for event in first + rest] == ["cinema", "theatre"]
    assert len(await books.events("other")) == 2
    assert await books.events("shop") == []
    assert await books.events("market", after=2) == []


async def test_orders_are_told_with_the_fact_that_touched_them_last(
    teller: Teller, feed: Feed, books: Books
) -> None:
    """An order that is not in the books is missing from the answer."""
    await teller.tell(stocked(0, 10), sold("a", line(1, 2)), refunded("a", [line(2)]))
    await feed.run_all()
    states = await books.order_states("cinema", ["a", "nobody's"])
    assert list(states) == ["a"]
    state = states["a"]
    assert (state.state, state.epoch, state.number) == ("partly_refunded", 1, 3)
    assert (state.quantity, state.amount_minor, state.refunded_minor) == (2, 760, 380)
    assert await books.order_states("theatre", ["a"]) == {}


async def test_alarms_are_told_with_their_facts(teller: Teller, feed: Feed, books: Books) -> None:
    """Two owners, a buyer over the limit: an audit finds each by a question of its own."""
    await teller.tell(stocked(0, 10), sold("a", line(1, 2)), sold("b", line(2, 3)))
    await feed.run_all()
    (twice,) = await books.owners_twice("cinema")
    assert (twice.number, twice.subject) == (3, "2")
    assert twice.detail["found"] == ["sold", "a"]
    assert await books.violations("cinema", ["redeemed_twice"]) == []
    assert await books.over_limit("cinema", 2) == {"b1": 3}
    assert await books.over_limit("cinema", 3) == {}
    differing = {(found.check, found.subject) for found in await books.proof("cinema")}
    assert differing == {("units of an offer", "offer 1 sold"), ("units of an order", "order a")}


async def test_an_offer_without_a_venue_is_booked_and_told(
    teller: Teller, feed: Feed, books: Books
) -> None:
    """Money whose venue the store does not name is owed to nobody known, and somebody must look."""
    await teller.tell(stocked(0, 10, offer=99), sold("a", line(1, offer=99)))
    await feed.run_all()
    assert (await books.balances("payable:"))[("CNY", "payable:unknown")] == -380
    assert [bad.kind for bad in await books.violations("cinema")] == ["offer_unknown"]


async def test_what_is_wrong_is_told_of_every_sale(
    teller: Teller, feed: Feed, books: Books
) -> None:
    """Of each sale: its facts in quarantine, whether any contradicts the books, and its cursors."""
    await teller.tell(stocked(0, 10))
    await feed.run_all()
    assert await books.alarming() == {"cinema": Alarming(quarantined=0, violated=False)}
    assert await books.cursors() == {("cinema", 0): (1, 1)}
    await teller.tell(stocked(20, 10, offer=99), sold("a", line(21, offer=99)))
    await feed.run_all()
    await books.pool.execute(
        "insert into books.quarantine (stream, epoch, first, last, reason, detail, digest, content)"
        " select id, 1, 4, 6, 'entry', '', '', '' from books.stream"
    )
    assert await books.alarming() == {"cinema": Alarming(quarantined=3, violated=True)}
    assert await books.cursors() == {("cinema", 0): (1, 3)}


async def test_the_venue_of_an_offer_is_kept(teller: Teller, feed: Feed, books: Books) -> None:
    """Whom the first sale was owed to is whom a refund comes back from, whatever the store says."""
    await teller.tell(stocked(0, 10), sold("a", line(1)))
    await feed.run_all()
    await teller.store.write("DEL", "{cinema:0}:offers")
    await teller.tell(refunded("a", [line(1)]))
    assert (await Feed(teller.store, books).run_once("cinema")).violations == 0
    assert (await books.balances("payable:"))[("CNY", "payable:venue-b")] == 0


async def test_the_rules_of_a_sale_are_those_it_began_with(
    teller: Teller, feed: Feed, books: Books, caplog: pytest.LogCaptureFixture
) -> None:
    """Another zone moves no business day; another currency stops the stripe."""
    await teller.tell(stocked(0, 10))
    await feed.run_all()
    await teller.store.write("HSET", teller.record, "timezone", "Europe/Berlin")
    await teller.tell(sold("z", line(9), at_ms=AT_MS + 15 * 3_600_000))
    await Feed(teller.store, books).run_all()
    assert "not in Europe/Berlin" in caplog.text
    (late,) = (await books.statement("market", date(2014, 3, 9))).lines
    assert late.at == "2014-03-09T01:00:00.000+08:00"

    await teller.store.write("HSET", teller.record, "currency", "EUR")
    await teller.tell(sold("a", line(1)))
    assert "currency is EUR, the books have CNY" in (await feed.run_once("cinema")).why


@pytest.mark.parametrize(
    "tampering",
    [
        "update books.line set amount = amount * 2",
        "delete from books.fact",
        "truncate books.event",
        "update books.refund set amount_minor = 0",
        "delete from books.violation",
        "truncate books.quarantine",
    ],
)
async def test_documents_are_only_ever_added_to(books: Books, tampering: str) -> None:
    """The database itself refuses to change or remove what was booked."""
    with pytest.raises(asyncpg.RestrictViolationError, match="only ever added to"):
        await books.pool.execute(tampering)


async def test_the_database_refuses_an_entry_out_of_balance(books: Books) -> None:
    """Whoever writes lines, an entry that does not sum to zero in each commodity is refused."""
    insert = "insert into books.line values (1, 1, 1, 1, 1, 5), (1, 1, 1, 2, {}, -5)"
    with pytest.raises(asyncpg.CheckViolationError, match="out of balance by"):
        await books.pool.execute(insert.format(2))
    await books.pool.execute(insert.format(1))


@pytest.mark.parametrize(
    ("tampering", "check"),
    [
        ("update books.balance set amount = amount + 1", "balance of an account"),
        ("update books.unit set state = 'held' where serial = 1", "units of an offer"),
        ("update books.unit set owner = 'x' where serial = 1", "units of an order"),
        ("update books.orders set amount_minor = 1", "money receivable"),
        ("update books.stream set number = number + 1", "numbers"),
        ("update books.feed set seq = seq + 1", "feed of a partner"),
        ("delete from books.feed", "feed of a partner"),
        ("insert into books.line values (1, 9, 9, 1, 1, 5), (1, 9, 9, 1, 1, -5)", "lines without"),
        ("update books.account set commodity = 1 where name = 'sold'", "commodity of a line"),
    ],
)
async def test_the_proof_finds_what_somebody_changed(
    teller: Teller, feed: Feed, books: Books, tampering: str, check: str
) -> None:
    """Every sum that is kept can be recounted, and a change in one place shows."""
    await teller.tell(stocked(0, 10), sold("a", line(1, 2)), held("b", line(3)))
    await teller.tell(facts.Redeemed(0, AT_MS, 1, 2, "venue-b", "k", "a"))
    await feed.run_all()
    assert await books.proof("cinema") == []
    await books.pool.execute(tampering)
    assert any(found.check.startswith(check) for found in await books.proof("cinema"))
