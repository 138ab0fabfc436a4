"""Several workers, and several stripes: nobody posts a fact twice or overwrites an owner unseen."""

import asyncio

import asyncpg
import pytest

from lua.faults import Fault
from lua.store import Store
from settlement import Books, Feed
from tests.settlement.checks import another, counted, sound, until
from tests.settlement.teller import Teller, line, refunded, sold, stocked


async def test_a_stripe_has_one_worker_and_the_other_takes_another_stripe(
    store: Store, books: Books, database_url: str
) -> None:
    """Who cannot have a stripe's row is told so at once, and posts the next stripe."""
    tellers = [await Teller(store, stripe=at).announce(stripes=2) for at in (0, 1)]
    for at, teller in enumerate(tellers):
        await teller.tell(stocked(100 * at, 10))
    feed = Feed(store, books)
    await feed.run_all()
    for at, teller in enumerate(tellers):
        await teller.tell(sold(f"o{at}", line(100 * at)))
    async with another(database_url) as elsewhere:
        await elsewhere.execute("select from books.stream where stripe = 0 for update")
        reports = {report.stripe: report.state for report in await feed.run_all()}
        assert reports == {0: "busy", 1: "posted"}
    reports = {report.stripe: report.state for report in await feed.run_all()}
    assert reports == {0: "posted", 1: "idle"}
    await sound(books)


async def test_two_workers_at_once_book_every_fact_once(
    store: Store, books: Books, database_url: str
) -> None:
    """Two workers on the same stripes share the work; each fact is in the books once."""
    tellers = [await Teller(store, stripe=at).announce(stripes=2) for at in (0, 1)]
    for at, teller in enumerate(tellers):
        await teller.tell(stocked(1000 * at, 500))
        for number in range(0, 200, 4):
            await teller.tell(
                *[
                    sold(f"o{at}-{number + each}", line(1000 * at + number + each))
                    for each in range(4)
                ]
            )
    rival_books = await Books.connect(database_url)
    stop = asyncio.Event()
    workers = [Feed(store, books), Feed(store, rival_books)]

    async def drained() -> None:
        while [await teller.settled() for teller in tellers] != [201, 201]:
            await asyncio.sleep(0.005)
        stop.set()

    async with asyncio.timeout(30), asyncio.TaskGroup() as together:
        for each in (*[worker.run(stop) for worker in workers], drained()):
            together.create_task(each)
    assert (await counted(books))["facts"] == 402
    assert (await counted(books))["orders"] == 400
    events = await rival_books.events("market", limit=1000)
    assert [event.seq for event in events] == list(range(1, 401))
    await rival_books.close()
    await sound(books)


async def test_a_worker_that_comes_back_knows_what_another_posted(
    teller: Teller, store: Store, books: Books
) -> None:
    """What is remembered of a stripe is dropped when another worker has moved the cursor."""
    first, second = Feed(store, books), Feed(store, books)
    await teller.tell(stocked(0, 10))
    await first.run_once("cinema")
    await teller.tell(stocked(10, 10), sold("a", line(1)))
    await second.run_once("cinema")
    await teller.tell(sold("b", line(15)), refunded("a", [line(1)]))
    assert (await first.run_once("cinema")).posted == 2
    await sound(books)


async def test_a_unit_that_two_stripes_sell_has_two_owners_on_record(
    store: Store, feed: Feed, books: Books, database_url: str
) -> None:
    """Even when both are posted at the same moment, neither owner overwrites the other unseen."""
    tellers = [await Teller(store, stripe=at).announce(stripes=2) for at in (0, 1)]
    await tellers[0].tell(stocked(0, 10))
    await feed.run_all()
    await tellers[1].tell(sold("b", line(5)))
    elsewhere = await asyncpg.connect(database_url)
    async with elsewhere.transaction():
        await elsewhere.execute(
            "insert into books.unit"
            " select sale, 5, 1, 'sold', 'a', id, 1, 9 from books.stream where stripe = 0"
        )
        posting = asyncio.create_task(feed.run_once("cinema", 1))
        await until(lambda: books.pool.fetchval("select count(*) from pg_locks where not granted"))
    await elsewhere.close()
    with pytest.raises(Fault, match="another stripe took one of these units"):
        await posting
    assert (await feed.run_once("cinema", 1)).violations == 1
    (twice,) = await books.owners_twice("cinema")
    assert (twice.stripe, twice.subject, twice.detail["found"]) == (1, "5", ["sold", "a"])


async def test_a_row_that_another_stripe_changed_is_read_again(
    store: Store, feed: Feed, books: Books, database_url: str
) -> None:
    """A unit's row that changed after it was read makes the batch start over."""
    teller = await Teller(store).announce()
    await teller.tell(stocked(0, 10), sold("a", line(5)))
    await feed.run_all()
    await teller.tell(refunded("a", [line(5)]))
    async with another(database_url) as elsewhere:
        await elsewhere.execute("update books.unit set stream = 99 where serial = 5")
        posting = asyncio.create_task(feed.run_once("cinema"))
        await until(lambda: books.pool.fetchval("select count(*) from pg_locks where not granted"))
    with pytest.raises(Fault, match="another stripe changed one of these units"):
        await posting
    assert (await feed.run_once("cinema")).posted == 1
    await sound(books)


async def test_a_bug_in_one_stripe_starves_no_other(store: Store, feed: Feed, books: Books) -> None:
    """What nobody foresaw is raised, never swallowed, but only after every other stripe's turn."""
    for name in ("first", "second", "third"):
        await (await Teller(store, name).announce()).tell(stocked(0, 10))
    await feed.run_all(limit=1)
    await books.pool.execute(
        "insert into books.fact select stream, epoch, 2, kind, subject, at_ms, business_date,"
        " digest, body from books.fact where stream = 1"
    )
    for name in ("first", "second", "third"):
        teller = Teller(store, name)
        teller.number = 1
        await teller.tell(sold(name, line(1)))
    with pytest.raises(ExceptionGroup) as raised:
        await feed.run_all()
    assert isinstance(raised.value.exceptions[0], asyncpg.UniqueViolationError)
    cursors = [await books.cursor(name) for name in ("first", "second", "third")]
    assert cursors == [(1, 1), (1, 2), (1, 2)]
