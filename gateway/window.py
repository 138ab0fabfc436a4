"""The shop window: a sale and pages of its shelf, with a rough band of what is left of each offer.

Bands come from counters that are read at most once a second however many look; exact numbers are
for operators. What is left is decided by the scripts alone.
"""

import time

from gateway.answers import Band, DropAnswer, OfferAnswer, SaleAnswer
from gateway.bodies import SaleQuery
from gateway.counting import Counts, Tally
from gateway.shelves import Shelf
from inventory.catalogue import OfferView

LOW_SHARE = 10
"""Below a tenth of what was released an offer is low."""


class Window:
    """Shows sales to shoppers."""

    def __init__(self, counts: Counts) -> None:
        self._counts = counts

    async def show(self, shelf: Shelf, query: SaleQuery) -> SaleAnswer:
        """The sale, with a page of its offers when the query asks for one."""
        view = shelf.view
        offers, following = None, None
        if query.offers:
            tally = await self._counts.recent(shelf)
            page = list(
                shelf.catalogue.page(
                    after=query.after,
                    limit=query.limit,
                    city=query.city or "",
                    venue=query.venue or "",
                    drop=query.drop or "",
                )
            )
            offers = [_offer(offer, tally) for offer in page]
            following = page[-1].number if len(page) == query.limit else None
        return SaleAnswer(
            id=view.id,
            title=view.title,
            state=view.state,
            currency=view.currency,
            timezone=view.timezone,
            limit_per_buyer=view.limit,
            revision=view.revision,
            drops=[DropAnswer(id=drop.id, opens_at_ms=drop.opens_at_ms) for drop in view.drops],
            server_time_ms=int(time.time() * 1000),
            offers_url=f"/v1/sales/{view.id}?offers=1",
            offers=offers,
            next=following,
        )


def band(tally: Tally, offer: int) -> Band:
    """How much of an offer is left, in one word."""
    counts = tally.by_offer.get(offer)
    if counts is None or counts.available + counts.held == 0:
        return "none"
    return "low" if counts.available * LOW_SHARE < counts.released else "plenty"


def _offer(offer: OfferView, tally: Tally) -> OfferAnswer:
    record = offer.record
    return OfferAnswer(
        offer=offer.id,
        number=offer.number,
        title=record.title,
        venue=record.venue,
        venue_title=offer.venue.title,
        city=offer.venue.city,
        drop=record.drop,
        kind=record.kind,
        price_minor=record.price_minor,
        starts_at_ms=record.starts_at_ms,
        ends_at_ms=record.ends_at_ms,
        stock=band(tally, offer.number),
    )
