"""`dropgate venue`: buying seats ahead from a venue's back end, and telling it what was used."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import aiohttp
import click

from gateway.cli.options import on_the_loop, with_servers
from gateway.cli.teaching import Noun, epilog
from gateway.cli.telling import Refusal, progress
from gateway.cli.tools import Tools, opened
from gateway.config import Settings
from inventory.catalogue import (
    LotReused,
    NotTaken,
    OfferView,
    Piece,
    SaleCatalogue,
    Supply,
    Taken,
    UnknownSale,
)
from inventory.sales import SaleView
from settlement.venue import (
    Journal,
    Lot,
    OfferReport,
    Pace,
    Purchasing,
    Redemptions,
    VenueClient,
    Wanted,
)

_NO_SERIAL = 0
"""A purchase is sealed as the code of this unit, which no sale has: serials begin at 1."""

_url = click.option("--url", required=True, help="The venue's back end.")
_rate = click.option(
    "--rate-per-s", default=15.0, show_default=True, help="The most requests it can bear."
)
_burst = click.option("--burst", default=3, show_default=True, help="As many at once.")


@click.group(cls=Noun, short_help="Buy seats ahead from a venue; report what was used.")
def venue() -> None:
    """Offers of `supply` venue are not in the sale file: their seats are bought here."""


@venue.command(
    short_help="Buy the seats of SALE's offers that a venue supplies.",
    epilog=epilog(
        "dropgate venue buy cinema-3-8 --url http://10.0.0.9:8092 --rate-per-s 15",
        then=(("dropgate sale counts cinema-3-8", "they are on the shelf"),),
    ),
)
@click.argument("name", metavar="SALE")
@click.option("--venue", "only", help="Of this venue alone.")
@_url
@_rate
@_burst
@with_servers("keys_dir", "assume_durable")
@on_the_loop
async def buy(
    settings: Settings, name: str, *, only: str | None, url: str, rate_per_s: float, burst: int
) -> None:
    """Buy the seats of SALE's offers that a venue supplies, and put them on the shelf.

    Never faster than --rate-per-s. Start it again after any interruption: it goes on where it was
    and buys nothing twice.
    """
    async with opened(settings) as tools, _client(url, rate_per_s, burst) as client:
        sale = await tools.sale(name)
        meaning = await tools.meaning(sale)
        wanted = [
            Wanted(offer.id, offer.layout.seats if offer.layout else offer.record.units)
            for offer in meaning.offers
            if offer.record.supply == "venue" and only in (None, offer.record.venue)
        ]
        if not wanted:
            raise Refusal(f"no offer of {name} is supplied by {only or 'a venue'}")
        journal = _journal(tools, sale)
        with progress() as step:
            done: list[OfferReport] = []

            def told(report: OfferReport) -> None:
                done.append(report)
                step("offers", len(done), len(wanted))

            purchasing = Purchasing(journal, client, lambda lot: _take(tools, sale, lot))
            seats = await purchasing.run(wanted, told=told)
        have = await journal.progress()
    click.echo(
        f"{seats:,} seats bought and on the shelf, {have.stocked:,} in all; "
        f"{have.taken_by_others:,} were taken by others"
    )


@venue.command(
    short_help="Tell the venue which of the seats it sold were used.",
    epilog=epilog("dropgate venue report cinema-3-8 --url http://10.0.0.9:8092"),
)
@click.argument("name", metavar="SALE")
@click.option("--venue", "only", help="Of this venue alone.")
@_url
@_rate
@_burst
@with_servers("keys_dir", "assume_durable")
@on_the_loop
async def report(
    settings: Settings, name: str, *, only: str | None, url: str, rate_per_s: float, burst: int
) -> None:
    """Tell the venue which of the seats that it sold us were used; each counts once."""
    async with opened(settings) as tools, _client(url, rate_per_s, burst) as client:
        sale = await tools.sale(name)
        meaning = await tools.meaning(sale)
        told = await Redemptions(
            tools.books.pool, client, sale.id, lambda *unit: _seat(meaning, only, *unit)
        ).run()
    click.echo(
        f"{told.told:,} used seats told, {told.new:,} of them news; "
        f"{told.disputed:,} the venue says it never sold"
    )


@asynccontextmanager
async def _client(url: str, rate_per_s: float, burst: int) -> AsyncIterator[VenueClient]:
    async with aiohttp.ClientSession() as session:
        yield VenueClient(session, url, Pace(ceiling_per_s=rate_per_s, burst=burst))


def _journal(tools: Tools, sale: SaleView) -> Journal:
    codes = tools.codes
    return Journal(
        tools.books.pool,
        sale.id,
        seal=lambda content: codes.seal(sale.id, _NO_SERIAL, content.decode()),
        unseal=lambda sealed: codes.open(sale.id, _NO_SERIAL, sealed).encode(),
    )


async def _take(tools: Tools, sale: SaleView, lot: Lot) -> None:
    """Put a bought lot on the shelf, repeatably. Raises Refusal when the catalogue does not."""
    pieces = tuple(Piece(seat, code) for seat, code in lot.seats)
    outcome = await tools.desk.add_stock(
        tools.catalogue, sale, Supply(lot.id, lot.offer, pieces=pieces)
    )
    match outcome:
        case Taken():
            return
        case NotTaken():
            raise Refusal(f"{lot.offer}: {'; '.join(outcome.problems)}")
        case UnknownSale() | LotReused():
            raise Refusal(f"{lot.offer}: lot {lot.id} does not fit the catalogue: {outcome}")


def _seat(
    meaning: SaleCatalogue, only: str | None, offer: int, serial: int
) -> tuple[str, str] | None:
    """The venue's own names of a unit that it supplied."""
    found: OfferView | None = meaning.offer(offer)
    if found is None or found.record.supply != "venue" or only not in (None, found.record.venue):
        return None
    return found.id, meaning.seat_label(serial)
