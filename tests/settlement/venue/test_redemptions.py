"""Telling the venue what was used: from facts in a real stream, through the books, over HTTP."""

from __future__ import annotations

import asyncio
from typing import Any

import aiohttp

from inventory.facts import Redeemed
from settlement import Feed
from settlement.database import Pool
from settlement.venue import Pace, Redemptions, VenueClient
from tests.settlement.teller import AT_MS, Teller, line, sold, stocked
from tests.settlement.venue.conftest import HALLS, VenueStarts
from tests.settlement.venue.kills import KilledAt

SALE = "cinema"
OTHERS_OFFER = 2


def seat_of(offer: int, serial: int) -> tuple[str, str] | None:
    """Offer 1 is the venue's s1, serial n its n-th seat; offer 2 is another venue's."""
    return None if offer == OTHERS_OFFER else ("s1", HALLS["s1"][serial - 1])


async def redeem(teller: Teller, *serials: int, offer: int = 1) -> None:
    """Units are sold and used."""
    order = f"order-{offer}-{serials[0]}"
    await teller.tell(sold(order, line(*serials, offer=offer)))
    for serial in serials:
        await teller.tell(Redeemed(0, AT_MS + serial, offer, serial, "venue-a", "kiosk-1", order))


async def posted(feed: Feed) -> None:
    """Everything that was told is in the books."""
    while (await feed.run_once(SALE)).posted:
        pass


async def bought_and_used(teller: Teller, feed: Feed, url: str) -> None:
    """The venue sold us 24 seats; 10 of them are used, and 3 units of another venue."""
    async with aiohttp.ClientSession() as session:
        asked = {"request_id": "all", "seats": HALLS["s1"]}
        await session.post(f"{url}/screenings/s1/purchases", json=asked)
    await teller.announce()
    await teller.tell(stocked(1, 24, offer=1), stocked(101, 24, offer=2))
    await redeem(teller, *range(1, 6))
    await redeem(teller, 101, 102, 103, offer=OTHERS_OFFER)
    await redeem(teller, *range(6, 11))
    await posted(feed)


def client(session: aiohttp.ClientSession, url: str) -> VenueClient:
    """A client in no hurry to be slow."""
    return VenueClient(session, url, Pace(ceiling_per_s=100_000.0, burst=1000))


async def report(url: str) -> dict[str, Any]:
    """What the venue knows."""
    async with aiohttp.ClientSession() as session, session.get(f"{url}/report") as answer:
        body: dict[str, Any] = await answer.json()
        return body


async def test_what_was_used_goes_back_once(
    teller: Teller, feed: Feed, pool: Pool, start_venue: VenueStarts
) -> None:
    """The venue hears of its own used seats, once; a second run tells nothing, a later one more."""
    async with start_venue() as venue, aiohttp.ClientSession() as session:
        await bought_and_used(teller, feed, venue.url)
        redemptions = Redemptions(pool, client(session, venue.url), SALE, seat_of)
        first = await redemptions.run()
        assert (first.told, first.new, first.disputed, first.read) == (10, 10, 0, 13)
        assert (await redemptions.run()).read == 0
        await redeem(teller, 11, 12)
        await posted(feed)
        assert (await redemptions.run()).new == 2
        seen = await report(venue.url)
    assert (seen["redeemed"], seen["redemption_repeats"]) == (12, 0)


async def test_killed_at_every_await_nothing_is_left_untold(
    teller: Teller, feed: Feed, pool: Pool, start_venue: VenueStarts
) -> None:
    """However often the telling dies, the venue ends with every used seat and no other."""
    async with start_venue() as venue:
        await bought_and_used(teller, feed, venue.url)

        async def life(step: int) -> bool:
            async with aiohttp.ClientSession() as session:
                redemptions = Redemptions(pool, client(session, venue.url), SALE, seat_of)
                return await KilledAt(redemptions.run_once(limit=4), step)

        for step in range(1, 12):
            await asyncio.create_task(life(step))
        while (await asyncio.create_task(untold(pool, venue.url))).read:
            pass
        seen = await report(venue.url)
    assert seen["redeemed"] == 10


async def untold(pool: Pool, url: str) -> Any:
    """One more batch, to its end."""
    async with aiohttp.ClientSession() as session:
        return await Redemptions(pool, client(session, url), SALE, seat_of).run_once(limit=4)


async def test_a_seat_the_venue_never_sold_is_kept_for_a_person(
    teller: Teller, feed: Feed, pool: Pool, start_venue: VenueStarts
) -> None:
    """What the venue disputes is written down once, and the telling goes on behind it."""
    async with start_venue() as venue, aiohttp.ClientSession() as session:
        asked = {"request_id": "some", "seats": HALLS["s1"][:2]}
        await session.post(f"{venue.url}/screenings/s1/purchases", json=asked)
        await teller.announce()
        await teller.tell(stocked(1, 24))
        await redeem(teller, 1, 2, 3)
        await posted(feed)
        redemptions = Redemptions(pool, client(session, venue.url), SALE, seat_of)
        told = await redemptions.run()
    assert (told.told, told.new, told.disputed) == (3, 2, 1)
    rows = await pool.fetch("SELECT sale, offer, seat FROM venue_disputed")
    assert [tuple(row) for row in rows] == [(SALE, "s1", "A3")]
