"""Loans in the books: a unit moves between stripes, and no order of posting confuses its owner."""

import random

from inventory import facts
from inventory.facts import BackUnit, Lent, Received
from lua.store import Store
from settlement import Books, Feed
from tests.settlement.checks import sound
from tests.settlement.folding import folded, kinds
from tests.settlement.teller import AT_MS, Teller, line, refunded, sold, stocked

SEEDS = range(4)


def lent(receiver: int, ranges: list[int], backs: list[BackUnit] | None = None) -> Lent:
    """Units that leave a stripe."""
    return Lent(0, AT_MS, 1, receiver, 1, 0, ranges, backs or [])


def received(
    lender: int, fact: int, ranges: list[int], backs: list[BackUnit] | None = None
) -> Received:
    """Units that arrive in another."""
    return Received(0, AT_MS, 1, lender, 1, fact, ranges, backs or [])


def test_units_between_two_stripes_have_an_account_of_their_own() -> None:
    """Available → moving → available; nobody owns them meanwhile."""
    batch = folded(stocked(0, 10), lent(1, [4, 3]), received(1, 9, [4, 3]))
    assert kinds(batch) == []
    entries = dict(batch.entries)
    assert entries[2] == {(1, "available"): -3, (1, "moving"): 3}
    assert entries[3] == {(1, "moving"): -3, (1, "available"): 3}


def test_what_is_sold_or_unknown_cannot_be_lent() -> None:
    """A loan of a unit that somebody has, or that never was, is a violation."""
    batch = folded(stocked(0, 3), sold("a", line(1)), lent(1, [0, 3], [BackUnit(7, 1)]))
    assert {(number, subject) for number, _, subject in kinds(batch)} == {(3, "1"), (3, "7")}


async def test_a_receiver_waits_for_its_lender(store: Store, feed: Feed, books: Books) -> None:
    """What was sold after a loan is posted after the loan, whichever stripe is read first.

    The unit was refunded by its lender first, so the books must not meet its second buyer early.
    """
    tellers = [await Teller(store, stripe=at).announce(stripes=2) for at in (0, 1)]
    await tellers[1].tell(stocked(100, 5), sold("a", line(100)), refunded("a", [line(100)]))
    [loan] = await tellers[1].tell(lent(0, [103, 2], [BackUnit(100, 1)]))
    await tellers[0].tell(stocked(0, 1), sold("c", line(0)))
    await tellers[0].tell(
        received(1, loan.number, [103, 2], [BackUnit(100, 1)]),
        sold("b", line(100, 103)),
    )
    report = await feed.run_once("cinema", 0)
    assert (report.state, report.number) == ("posted", 2)
    assert (await feed.run_once("cinema", 0)).state == "idle"
    assert (await feed.run_once("cinema", 1)).state == "posted"
    report = await feed.run_once("cinema", 0)
    assert (report.state, report.number, report.violations) == ("posted", 4, 0)
    await sound(books)
    counts = await books.unit_counts("cinema")
    assert isinstance(counts, dict)
    assert (counts[1]["sold"], counts[1]["moving"], counts[1]["released"]) == (3, 0, 6)


async def test_a_loan_that_nobody_made_is_not_waited_for(
    store: Store, feed: Feed, books: Books
) -> None:
    """A lender that knows no such fact holds nobody up; the contradiction is on record."""
    tellers = [await Teller(store, stripe=at).announce(stripes=2) for at in (0, 1)]
    await tellers[1].tell(stocked(100, 5))
    await tellers[0].tell(received(1, 99, [300, 2]), received(0, 7, [300, 2]))
    report = await feed.run_once("cinema", 0)
    assert (report.state, report.number) == ("posted", 2)
    assert report.violations > 0


async def test_a_random_story_of_loans_is_sound_in_any_order_of_posting(
    store: Store, feed: Feed, books: Books
) -> None:
    """Units that wander between four stripes are sold and refunded: not one violation."""
    for seed in SEEDS:
        rng = random.Random(seed)
        sale = f"sale-{seed}"
        tellers = [await Teller(store, sale, at).announce(stripes=4) for at in range(4)]
        home: dict[int, int] = {}
        owner: dict[int, str] = {}
        for at, teller in enumerate(tellers):
            await teller.tell(stocked(10 * at, 10))
            home |= dict.fromkeys(range(10 * at, 10 * at + 10), at)
        for number in range(60):
            serial = rng.choice(list(home))
            at = home[serial]
            told: list[facts.Fact]
            if serial in owner:
                told = [refunded(owner.pop(serial), [line(serial)])]
            elif rng.random() < 0.5:
                owner[serial] = f"{sale}-{number}"
                told = [sold(owner[serial], line(serial))]
            else:
                receiver = rng.choice([other for other in range(4) if other != at])
                [loan] = await tellers[at].tell(lent(receiver, [serial, 1]))
                told = [received(at, loan.number, [serial, 1])]
                at = home[serial] = receiver
            await tellers[at].tell(*told)
            if rng.random() < 0.3:
                await feed.run_once(sale, rng.randrange(4), limit=rng.randint(1, 8))
        while any(report.state == "posted" for report in await feed.run_all()):
            pass
        assert [await teller.settled() for teller in tellers] == [one.number for one in tellers]
        assert await books.violations(sale, None) == []
    await sound(books)
