"""Buying ahead at the simulated venue, over HTTP, with a real PostgreSQL."""

import asyncio
from collections import Counter
from typing import Any

import aiohttp
import asyncpg
import pytest

from settlement.database import Pool
from settlement.venue import (
    Journal,
    Lot,
    Pace,
    Progress,
    Purchasing,
    VenueClient,
    VenueContradiction,
    VenueUnavailable,
    Wanted,
)
from tests.settlement.venue.conftest import HALLS, SALE, SMALL_HALLS, VenueStarts, scramble
from tests.settlement.venue.kills import KilledAt

NEVER = 10**9
EVERYTHING = [Wanted(offer, seats_max=1000) for offer in HALLS]


class Shelf:
    """What stock does with a lot: takes it once by its id. Lives on when the run dies."""

    def __init__(self) -> None:
        self.lots: dict[str, Lot] = {}
        self.taken: Counter[str] = Counter()

    async def take(self, lot: Lot) -> None:
        """Repeatable by the lot's id, like Stock.add."""
        self.taken[lot.id] += 1
        assert self.lots.setdefault(lot.id, lot) == lot
        await asyncio.sleep(0)

    def seats(self) -> list[tuple[str, str]]:
        """Every (offer, seat) that came in."""
        return sorted((lot.offer, seat) for lot in self.lots.values() for seat, _ in lot.seats)


def all_seats(*offers: str) -> list[tuple[str, str]]:
    """Every seat of the offers."""
    return sorted((offer, seat) for offer in offers for seat in HALLS[offer])


def quick() -> Pace:
    """A pace that does not matter."""
    return Pace(ceiling_per_s=100_000.0, burst=1000)


async def report(url: str) -> dict[str, Any]:
    """What the venue saw."""
    async with aiohttp.ClientSession() as session, session.get(f"{url}/report") as answer:
        body: dict[str, Any] = await answer.json()
        return body


async def test_everything_is_bought_once_and_taken_in(
    journal: Journal, start_venue: VenueStarts
) -> None:
    """A run buys every free seat of every offer with its code; a second run changes nothing."""
    shelf = Shelf()
    async with start_venue() as venue, aiohttp.ClientSession() as session:
        client = VenueClient(session, venue.url, quick())
        purchasing = Purchasing(journal, client, shelf.take, seats_per_purchase=10)
        assert await purchasing.run(EVERYTHING) == 96
        assert await purchasing.run(EVERYTHING) == 0
        seen = await report(venue.url)
    assert shelf.seats() == all_seats(*HALLS)
    assert (seen["seats_sold"], seen["sold_more_than_once"]) == (96, {})
    assert set(shelf.taken.values()) == {1}
    codes = [code for lot in shelf.lots.values() for _, code in lot.seats]
    assert len(set(codes)) == 96
    assert await journal.progress() == Progress(0, 0, stocked=96, taken_by_others=0)


async def test_killed_between_every_two_steps_nothing_is_lost_or_bought_twice(
    database_url: str, start_venue: VenueStarts
) -> None:
    """Killed at its n-th await, for every n, and started again, an offer is bought exactly once."""
    lives = 0
    async with start_venue() as venue:
        ended = False
        while not ended:
            lives += 1
            offer, shelf = f"k{lives}", Shelf()
            ended = await one_life(database_url, venue.url, offer, shelf, killed_at=lives)
            assert await one_life(database_url, venue.url, offer, shelf, killed_at=NEVER)
            bought = [(offer, seat) for seat in SMALL_HALLS[offer]]
            assert shelf.seats() == bought, f"killed at await {lives}"
        seen = await report(venue.url)
    assert (seen["seats_sold"], seen["sold_more_than_once"]) == (3 * lives, {})
    assert lives > 30


async def test_a_seat_sold_at_the_counter_is_left_out(
    journal: Journal, start_venue: VenueStarts
) -> None:
    """When some seats go at the box office between planning and buying, the rest is bought."""
    shelf = Shelf()
    async with start_venue() as venue, aiohttp.ClientSession() as session:
        client = VenueClient(session, venue.url, quick())
        await journal.plan("s1", HALLS["s1"], 10)
        gone = {"offer": "s1", "seats": ["A3", "B1"]}
        await session.post(f"{venue.url}/box-office", json=gone)
        await Purchasing(journal, client, shelf.take).run([Wanted("s1", 1000)])
    left = [(offer, seat) for offer, seat in all_seats("s1") if seat not in gone["seats"]]
    assert shelf.seats() == left
    assert await journal.progress() == Progress(0, 0, stocked=22, taken_by_others=2)


async def test_no_more_than_wanted(journal: Journal, start_venue: VenueStarts) -> None:
    """An offer's bound is kept: the first seats of the hall and no others are bought."""
    shelf = Shelf()
    async with start_venue() as venue, aiohttp.ClientSession() as session:
        client = VenueClient(session, venue.url, quick())
        await Purchasing(journal, client, shelf.take).run([Wanted("s2", 5)])
        assert (await report(venue.url))["seats_sold"] == 5
    assert shelf.seats() == [("s2", f"A{seat}") for seat in range(1, 6)]


async def test_two_runs_at_once_buy_once(journal: Journal, start_venue: VenueStarts) -> None:
    """Two operators who start the same run get the seats once, between them."""
    shelf = Shelf()
    async with start_venue() as venue, aiohttp.ClientSession() as session:
        client = VenueClient(session, venue.url, quick())
        purchasing = Purchasing(journal, client, shelf.take, seats_per_purchase=7)
        await asyncio.gather(purchasing.run(EVERYTHING), purchasing.run(EVERYTHING))
        seen = await report(venue.url)
    assert shelf.seats() == all_seats(*HALLS)
    assert (seen["seats_sold"], seen["sold_more_than_once"]) == (96, {})


async def test_a_venue_that_fails_and_cuts_lines_sells_once(
    journal: Journal, start_venue: VenueStarts
) -> None:
    """With 500s and cut lines, before and after the effect, every seat comes in once."""
    shelf = Shelf()
    faults = ("--error-share", "0.2", "--drop-share", "0.2", "--seed", "7")
    async with start_venue(*faults) as venue, aiohttp.ClientSession() as session:
        client = VenueClient(session, venue.url, quick())
        await Purchasing(journal, client, shelf.take, seats_per_purchase=8).run(EVERYTHING)
        seen = await report(venue.url)
    assert shelf.seats() == all_seats(*HALLS)
    assert (seen["seats_sold"], seen["sold_more_than_once"]) == (96, {})
    assert seen["errors"] + seen["dropped"] > 0
    assert seen["replays"] > 0


async def test_the_venues_limit_is_borne(journal: Journal, start_venue: VenueStarts) -> None:
    """Paced below the limit the venue never refuses; its highest rate stays within pace + burst."""
    shelf = Shelf()
    limits = ("--rate-per-s", "40", "--burst", "8")
    async with start_venue(*limits) as venue, aiohttp.ClientSession() as session:
        client = VenueClient(session, venue.url, Pace(ceiling_per_s=36.0, burst=4))
        await Purchasing(journal, client, shelf.take, seats_per_purchase=4).run(EVERYTHING)
        seen = await report(venue.url)
    assert seen["too_fast"] == 0
    assert seen["highest_in_1_s"] <= 40
    assert len(shelf.seats()) == 96


async def test_a_limit_that_nobody_told_is_found(
    journal: Journal, start_venue: VenueStarts
) -> None:
    """Asked too fast, the venue's Retry-After is waited for, and everything comes in at last."""
    shelf = Shelf()
    limits = ("--rate-per-s", "30", "--burst", "3")
    async with start_venue(*limits) as venue, aiohttp.ClientSession() as session:
        client = VenueClient(session, venue.url, Pace(ceiling_per_s=300.0, burst=5))
        await Purchasing(journal, client, shelf.take, seats_per_purchase=6).run(EVERYTHING)
        seen = await report(venue.url)
    assert 0 < seen["too_fast"] <= 12
    assert len(shelf.seats()) == 96


async def test_a_venue_that_is_gone_leaves_the_plan(
    journal: Journal, start_venue: VenueStarts, monkeypatch: pytest.MonkeyPatch
) -> None:
    """When no attempt is answered the run ends with an error, and a later run goes on."""
    shelf = Shelf()
    monkeypatch.setattr("settlement.venue.client.ATTEMPTS_MAX", 2)
    async with aiohttp.ClientSession() as session:
        async with start_venue() as venue:
            await Purchasing(journal, VenueClient(session, venue.url, quick()), shelf.take).run(
                [Wanted("s1", 1000)]
            )
            await journal.plan("s2", HALLS["s2"], 24)
        with pytest.RaisesGroup(VenueUnavailable):
            await Purchasing(journal, VenueClient(session, venue.url, quick()), shelf.take).run(
                [Wanted("s2", 1000)]
            )
        assert await journal.progress() == Progress(24, 0, stocked=24, taken_by_others=0)
        async with start_venue() as venue:
            await Purchasing(journal, VenueClient(session, venue.url, quick()), shelf.take).run(
                [Wanted("s2", 1000)]
            )
    assert shelf.seats() == all_seats("s1", "s2")


async def test_a_screening_the_venue_does_not_know_is_said(
    journal: Journal, start_venue: VenueStarts
) -> None:
    """An unknown screening is a contradiction that a person must see, not an empty hall."""
    async with start_venue() as venue, aiohttp.ClientSession() as session:
        client = VenueClient(session, venue.url, quick())
        with pytest.raises(VenueContradiction, match="unknown_screening"):
            await Purchasing(journal, client, Shelf().take).run_once(Wanted("nowhere", 10))
    assert not await journal.is_planned("nowhere")


async def test_codes_are_not_readable_at_rest(
    journal: Journal, pool: Pool, start_venue: VenueStarts
) -> None:
    """Between buying and taking in, the database holds codes only sealed; afterwards none."""
    held: list[Lot] = []

    async def look(lot: Lot) -> None:
        sealed = await pool.fetchval(
            "SELECT sealed FROM venue_purchase WHERE request_id=$1", lot.id
        )
        assert all(code.encode() not in sealed for _, code in lot.seats)
        assert all(code.encode() in scramble(sealed) for _, code in lot.seats)
        held.append(lot)

    async with start_venue() as venue, aiohttp.ClientSession() as session:
        await Purchasing(journal, VenueClient(session, venue.url, quick()), look).run(EVERYTHING)
    assert held
    assert await pool.fetchval("SELECT count(*) FROM venue_purchase WHERE sealed IS NOT NULL") == 0


async def one_life(
    database_url: str, venue_url: str, offer: str, shelf: Shelf, *, killed_at: int
) -> bool:
    """One process's life, with its own pool and session; whether it came to its own end."""
    pool = await asyncpg.create_pool(database_url, min_size=1, max_size=2)
    session = aiohttp.ClientSession()
    try:
        journal = Journal(pool, SALE, seal=scramble, unseal=scramble)
        client = VenueClient(session, venue_url, quick())
        purchasing = Purchasing(journal, client, shelf.take, seats_per_purchase=2)
        life = KilledAt(purchasing.run_once(Wanted(offer, 1000)), killed_at)
        return await asyncio.create_task(in_a_task_of_its_own(life))
    finally:
        pool.terminate()
        await session.close()


async def in_a_task_of_its_own(life: KilledAt) -> bool:
    """So that a timer which a killed life left behind can cancel nobody else."""
    return await life
