"""From the stream into the books, exactly once: crashes, repeats, gaps, poison, two workers."""

import asyncio

import msgspec
import pytest

import lua.node
from inventory import facts, keys as inventory_keys
from lua.faults import Fault, MayHaveHappened
from lua.store import Store
from settlement import Books, Feed, keys
from settlement.slot import ACK
from tests.settlement.checks import another, counted, sound, until
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


def test_the_names_of_keys_are_those_of_inventory() -> None:
    """Settlement builds the names of the keys it reads; they are the ones that inventory writes."""
    assert inventory_keys.SALES == keys.SALES
    assert inventory_keys.sale("spring", 2) == keys.record("spring", 2)
    assert inventory_keys.facts("spring", 2) == keys.facts("spring", 2)
    assert inventory_keys.offers("spring", 2) == keys.offers("spring", 2)


async def test_a_batch_is_posted_acknowledged_and_trimmed(
    teller: Teller, feed: Feed, books: Books
) -> None:
    """Facts are in the books, then `settled` says so, then they are gone from the stream."""
    await teller.tell(stocked(0, 10))
    await teller.tell(held("a", line(1)), sold("b", line(2)))
    report = await feed.run_once("cinema")
    assert (report.state, report.posted, report.epoch, report.number) == ("posted", 3, 1, 3)
    assert report.orders == 1, "one is only held"
    assert (await teller.settled(), await teller.left()) == (3, [])
    assert await books.cursor("cinema") == (1, 3)
    again = await feed.run_once("cinema")
    assert (again.state, again.posted, again.number) == ("idle", 0, 3)
    await sound(books)


async def test_a_limit_bounds_a_batch_and_an_entry_is_never_cut(teller: Teller, feed: Feed) -> None:
    """About `limit` facts are posted at once; an entry that is larger goes in one piece."""
    await teller.tell(stocked(0, 50))
    await teller.tell(*[held(f"a{at}", line(at)) for at in range(5)])
    await teller.tell(*[held(f"b{at}", line(10 + at)) for at in range(5)])
    reports = [await feed.run_once("cinema", limit=3) for _ in range(4)]
    assert [report.number for report in reports] == [1, 6, 11, 11]


async def test_a_crash_between_commit_and_acknowledgement_is_absorbed(
    teller: Teller, books: Books, store: Store, valkey_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The store did not hear of the commit: the facts are read again, compared, and not booked."""
    await teller.tell(stocked(0, 10), sold("a", line(1)))
    monkeypatch.setattr(lua.node, "ANSWER_TIMEOUT_S", 1.0)
    impatient = await Store.connect(valkey_url)
    await store.write("CLIENT", "PAUSE", 60_000, "WRITE")
    with pytest.raises(MayHaveHappened):
        await Feed(impatient, books).run_once("cinema")
    await impatient.close()
    async with asyncio.timeout(10):  # until the server has heard of it: else it runs after all
        while b"flags=b" in await store.read("CLIENT", "LIST"):
            await asyncio.sleep(0.01)
    await store.write("CLIENT", "UNPAUSE")
    assert (await teller.settled(), len(await teller.left())) == (0, 1)
    before = await counted(books)
    assert before["facts"] == 2

    await teller.tell(sold("b", line(2)))
    report = await Feed(store, books).run_once("cinema")
    assert (report.posted, report.absorbed, report.quarantined) == (1, 2, 0)
    assert (await teller.settled(), await teller.left()) == (3, [])
    assert (await counted(books))["facts"] == 3
    await sound(books)


async def test_a_crash_before_commit_leaves_nothing(
    teller: Teller, feed: Feed, books: Books, store: Store, database_url: str
) -> None:
    """A connection killed in the middle of a batch leaves no trace; the next try books it all."""
    await teller.tell(stocked(0, 10), sold("a", line(1)))
    async with another(database_url) as elsewhere:
        # The feed is written last: whoever waits for this lock has written everything else.
        await elsewhere.execute("lock table books.feed in access exclusive mode")
        posting = asyncio.create_task(feed.run_once("cinema"))
        victim = await until(
            lambda: books.pool.fetchval(
                "select pid from pg_locks where not granted and database ="
                " (select oid from pg_database where datname = current_database())"
            )
        )
        await elsewhere.execute("select pg_terminate_backend($1)", victim)
        with pytest.raises(Fault):
            await posting
    assert set((await counted(books)).values()) == {0}
    assert (await teller.settled(), len(await teller.left())) == (0, 1)

    report = await feed.run_once("cinema")
    assert (report.posted, report.absorbed) == (2, 0)
    await sound(books)


async def test_a_gap_stops_the_stripe_and_nothing_else(
    store: Store, feed: Feed, books: Books
) -> None:
    """A missing number is never skipped: the stripe stands still, and goes on once it is mended."""
    teller = await Teller(store).announce()
    neighbour = await Teller(store, "theatre").announce()
    await teller.tell(stocked(0, 10))
    await neighbour.tell(stocked(0, 10))
    teller.number += 1
    await teller.tell(sold("b", line(2)))
    await feed.run_once("cinema", limit=1)
    reports = {report.sale: report for report in await feed.run_all()}
    assert reports["theatre"].state == "posted"
    assert reports["cinema"].state == "stopped"
    assert reports["cinema"].why == "fact 1-2 is missing: the next is 3"
    assert await books.stopped() == {("cinema", 0): reports["cinema"].why}
    assert await books.cursor("cinema") == (1, 1)
    assert (await teller.settled(), len(await teller.left())) == (1, 1)

    await store.write("DEL", teller.stream)
    teller.number = 1
    await teller.tell(sold("a", line(1)))
    await teller.tell(sold("b", line(2)))
    assert (await feed.run_once("cinema")).state == "posted"
    assert await books.stopped() == {}
    await sound(books)


async def test_facts_that_were_trimmed_unbooked_are_missed(teller: Teller, feed: Feed) -> None:
    """A stream that ends before the slot's last fact is a gap, even with nothing after it."""
    await teller.tell(stocked(0, 10))
    await feed.run_once("cinema")
    await teller.tell(sold("a", line(1)))
    await teller.store.write("XTRIM", teller.stream, "MAXLEN", 0)
    report = await feed.run_once("cinema")
    assert report.state == "stopped"
    assert "facts 1-2 to 1-2 are not in the stream" in report.why


async def test_a_store_that_went_back_is_not_believed(
    teller: Teller, feed: Feed, store: Store, books: Books
) -> None:
    """A store that knows less than the books stops the stripe, and is told to trim nothing."""
    await teller.tell(stocked(0, 10), sold("a", line(1)))
    await feed.run_once("cinema")
    await store.write("DEL", teller.stream)
    teller.number = 0
    await store.write("HSET", teller.record, "settled", 0)
    await teller.tell(stocked(0, 10))
    report = await feed.run_once("cinema")
    assert report.state == "stopped"
    assert "went back in time: its last fact is 1-1, the books are at 1-2" in report.why
    await store.write("FLUSHALL")
    for worker in (feed, Feed(store, books)):
        (report,) = await worker.run_all()
        assert report.why == "the store does not know the sale; the books are at fact 1-2"
    here = await store.server_of(teller.record)
    await store.write("HSET", teller.record, "epoch", 1, "fact", 1, "settled", 0, "server", here)
    assert (await store.run(ACK, [teller.record, teller.stream], [1, 2]))[0] == b"ahead"


async def test_other_content_under_a_known_number_is_quarantined(
    teller: Teller, feed: Feed, books: Books, store: Store
) -> None:
    """The books keep what they had; the other content is kept beside it and reported, once."""
    await teller.tell(stocked(0, 10), sold("a", line(1)))
    await feed.run_once("cinema")
    before = await counted(books)
    await store.write("DEL", teller.stream)
    await store.write("HSET", teller.record, "settled", 0)
    teller.number = 0
    await teller.tell(stocked(0, 10), sold("x", line(2)))
    await teller.tell(sold("b", line(3)))
    report = await feed.run_once("cinema")
    assert (report.posted, report.absorbed, report.quarantined) == (1, 2, 1)
    (bad,) = await books.quarantined("cinema")
    assert (bad.first, bad.last, bad.reason) == (2, 2, "conflict")
    assert set(await books.order_states("cinema", ["a", "b", "x"])) == {"a", "b"}
    assert (await counted(books))["facts"] == before["facts"] + 1
    await sound(books)


async def test_poison_is_isolated_and_the_rest_goes_on(
    teller: Teller, feed: Feed, books: Books
) -> None:
    """What cannot be read is kept with its numbers, which the proof of completeness counts."""
    await teller.tell(stocked(0, 10))
    teller.number += 3
    await teller.tell_packed(b"\xc1 not msgpack")
    good = msgspec.structs.replace(sold("a", line(1)), number=teller.number + 1)
    teller.number += 2
    await teller.tell_packed(msgspec.msgpack.encode([good, ["unheard-of", teller.number]]))
    await teller.tell(sold("b", line(2)))
    report = await feed.run_once("cinema")
    assert (report.posted, report.quarantined, report.number) == (3, 2, 7)
    assert [(bad.first, bad.last, bad.reason) for bad in await books.quarantined("cinema")] == [
        (2, 4, "entry"),
        (6, 6, "fact"),
    ]
    assert (await teller.settled(), await teller.left()) == (7, [])
    await sound(books)


async def test_facts_of_what_was_quarantined_are_violations_not_silence(
    teller: Teller, feed: Feed, books: Books
) -> None:
    """A confirm whose hold could not be read is booked, and told as impossible."""
    await teller.tell(stocked(0, 10))
    teller.number += 1
    await teller.tell_packed(b"\xc1")
    await teller.tell(confirmed("a", line(1)))
    await feed.run_once("cinema")
    found = await books.violations("cinema")
    assert [(bad.kind, bad.subject) for bad in found] == [
        ("order_unknown", "a"),
        ("unit_state", "1"),
    ]
    assert not any((await books.trial_balance()).values())


@pytest.mark.parametrize("batch", [1, 2, 100])
async def test_what_is_known_from_before_is_the_same_in_any_batches(
    teller: Teller, feed: Feed, books: Books, batch: int
) -> None:
    """State that comes from the tables is the state that came from the same batch."""
    story: list[facts.Fact] = [
        stocked(0, 20),
        held("a", line(1, 2)),
        held("b", line(3), seller="market"),
        confirmed("a", line(1, 2)),
        facts.Redeemed(0, AT_MS, 1, 1, "venue-b", "k", "a"),
        facts.Expired(0, AT_MS, "b", "b1", "market", [line(3)]),
        sold("c", line(3, 4)),
        refunded("c", [line(3)], [line(4)]),
        facts.Allotted(0, AT_MS, "al", "market", 1, [3, 1, 10, 2]),
        facts.Reported(0, AT_MS, "al", "market", 1, [facts.ReportLine(3, 400, "m3")]),
        facts.Redeemed(0, AT_MS, 1, 3, "venue-b", "k", "al"),
        facts.Recalled(0, AT_MS, "al", "market", 1, [10, 1], [11, 1], "market"),
        facts.Returned(0, AT_MS, 1, [5, 6, 12, 8]),
    ]
    for fact in story:
        await teller.tell(fact)
    while (await feed.run_once("cinema", limit=batch)).state == "posted":
        continue
    await sound(books)
    states = await books.order_states("cinema", ["a", "b", "c", "d"])
    assert {name: (state.state, state.number) for name, state in states.items()} == {
        "a": ("confirmed", 4),
        "b": ("expired", 6),
        "c": ("refunded", 8),
    }
    counts = await books.unit_counts("cinema")
    assert counts == {
        1: {"released": 20, "available": 1, "held": 0, "allotted": 0, "sold": 1, "redeemed": 2,
            "voided": 2, "returned": 14, "moving": 0}
    }  # fmt: skip
