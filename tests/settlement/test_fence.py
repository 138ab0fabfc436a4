"""The worker posts nothing of a slot that is fenced: it may be about to be built anew."""

import pytest

from lua import NothingHappened
from settlement import Books, Feed
from settlement.worker import FENCED
from tests.reopening import reopen
from tests.settlement.teller import Teller, line, sold, stocked

OTHER = "0" * 40


async def test_a_fenced_slot_is_not_posted_and_the_others_are(
    teller: Teller, feed: Feed, books: Books
) -> None:
    """It stands still with the reason, and goes on where it was once the slot is open again."""
    other = await Teller(teller.store, "autumn").announce()
    for one in (teller, other):
        await one.tell(stocked(0, 10))
        await feed.run_once(one.sale)
        await one.tell(sold("a", line(1)))
    await teller.store.write("HSET", teller.record, "server", OTHER)
    reports = {report.sale: report for report in await feed.run_all()}
    assert (reports["cinema"].state, reports["cinema"].why) == ("stopped", FENCED)
    assert (reports["autumn"].state, reports["autumn"].number) == ("posted", 2)
    assert await books.cursor("cinema") == (1, 1)
    assert await reopen(teller.store) == 2
    assert (await feed.run_once("cinema")).number == 2


async def test_a_fence_between_the_books_and_the_store_is_no_harm(
    teller: Teller, feed: Feed, books: Books
) -> None:
    """What is in the books already is acknowledged after the reopening, and not posted twice."""
    await teller.tell(stocked(0, 10), sold("a", line(1)))
    run = teller.store.run

    async def too_late(*_args: object) -> list[bytes]:
        await teller.store.write("HSET", teller.record, "server", OTHER)
        raise NothingHappened("the store was killed")

    teller.store.run = too_late  # type: ignore[method-assign,assignment]  # once, by hand
    with pytest.raises(NothingHappened):
        await feed.run_once("cinema")
    teller.store.run = run  # type: ignore[method-assign]  # and back
    assert await books.cursor("cinema") == (1, 2)
    assert (await feed.run_once("cinema")).why == FENCED
    assert await teller.settled() == 0
    await reopen(teller.store)
    report = await feed.run_once("cinema")
    assert (report.posted, report.absorbed) == (0, 2)
    assert await teller.settled() == 2
