"""The shop window: what is on, a sale and pages of its shelf, with a rough band of what is left.

Bands come from counters that are read at most once a second however many look; exact numbers are
for operators. What is left is decided by the scripts alone.
"""

import time
from collections import Counter

from gateway import payments
from gateway.answers import (
    Band,
    DropAnswer,
    OfferAnswer,
    SaleAnswer,
    SaleCardAnswer,
    SalesAnswer,
    VenueAnswer,
    VenuesAnswer,
)
from gateway.bodies import SaleQuery
from gateway.counting import Counts, Tally
from gateway.frames import Frames
from gateway.problems import Code, Refused
from gateway.shelves import Shelf, Shelves
from inventory.catalogue import OfferView

LOW_SHARE = 10
"""Below a tenth of what was released an offer is low."""
SALES_MAX = 100
_ORDER = ("open", "paused", "draining", "announced", "closed")


class Window:
    """Shows sales to shoppers."""

    def __init__(self, counts: Counts, frames: Frames, *, test_mode: bool) -> None:
        self._counts = counts
        self._frames = frames
        self._test_mode = test_mode

    def sales(self, shelves: Shelves) -> SalesAnswer:
        """What is on, from memory: at most a hundred sales, the most interesting first."""
        now_ms = int(time.time() * 1000)
        cards = [self._card(shelf, now_ms) for shelf in shelves]
        cards.sort(key=lambda card: (_ORDER.index(card.state), _when(card), card.id))
        return SalesAnswer(sales=cards[:SALES_MAX], server_time_ms=now_ms)

    def _card(self, shelf: Shelf, now_ms: int) -> SaleCardAnswer:
        view, frame = shelf.view, self._frames.latest(shelf.view.id)
        low, high = shelf.catalogue.prices
        openings = [drop.opens_at_ms for drop in view.drops]
        return SaleCardAnswer(
            id=view.id,
            title=view.title,
            state=view.state,
            room=frame.state if frame and frame.drop > 0 else None,
            stock=frame.stock if frame else "unknown",
            currency=view.currency,
            timezone=view.timezone,
            price_min_minor=low,
            price_max_minor=high,
            offers=len(shelf.catalogue.offers),
            venues=len(shelf.catalogue.venues),
            cities=len({venue.city for venue in shelf.catalogue.venues.values()}),
            first_opens_at_ms=openings[0] if openings else 0,
            next_opens_at_ms=next((at for at in openings if at > now_ms), None),
            closes_at_ms=view.closes_at_ms,
        )

    async def show(self, shelf: Shelf, query: SaleQuery) -> SaleAnswer:
        """The sale, with a page of its offers when the query asks for one."""
        view = shelf.view
        offers, following = None, None
        if query.offers:
            offers = await self._page(shelf, query)
            following = offers[-1].number if len(offers) == query.limit else None
        return SaleAnswer(
            id=view.id,
            title=view.title,
            state=view.state,
            currency=view.currency,
            timezone=view.timezone,
            limit_per_buyer=view.limit,
            revision=view.revision,
            drops=[DropAnswer(id=drop.id, opens_at_ms=drop.opens_at_ms) for drop in view.drops],
            closes_at_ms=view.closes_at_ms,
            server_time_ms=int(time.time() * 1000),
            offers_url=f"/v1/sales/{view.id}?offers=1",
            login=next((one.page for one in shelf.catalogue.logins if one.page), None),
            payment=self._payment_page(shelf),
            offers=offers,
            next=following,
        )

    async def _page(self, shelf: Shelf, query: SaleQuery) -> list[OfferAnswer]:
        tally = await self._counts.recent(shelf)
        page = shelf.catalogue.page(
            after=query.after,
            limit=query.limit,
            city=query.city or "",
            venue=query.venue or "",
            drop=query.drop or "",
            text=query.text or "",
            fits=(lambda offer: band(tally, offer.number) != "none") if query.left else None,
        )
        return [_offer(offer, tally) for offer in page]

    def _payment_page(self, shelf: Shelf) -> str | None:
        heard = {one.name for one in payments.heard(shelf.payments, test_mode=self._test_mode)}
        pages = (one.page for one in shelf.catalogue.payments if one.name in heard)
        return next((page for page in pages if page), None)

    async def offer(self, shelf: Shelf, offer_id: str) -> OfferAnswer:
        """One offer. Raises Refused."""
        return _offer(offer_of(shelf, offer_id), await self._counts.recent(shelf))

    def venues(self, shelf: Shelf) -> VenuesAnswer:
        """The sale's venues in the order of its offers."""
        offers = Counter(offer.record.venue for offer in shelf.catalogue.offers)
        return VenuesAnswer(
            venues=[
                VenueAnswer(
                    venue=venue.venue,
                    title=venue.title,
                    city=venue.city,
                    timezone=venue.timezone,
                    offers=offers[venue.venue],
                )
                for venue in shelf.catalogue.venues.values()
            ]
        )


def offer_of(shelf: Shelf, offer_id: str) -> OfferView:
    """The offer of a path. Raises Refused."""
    offer = shelf.catalogue.offer(shelf.catalogue.number_of(offer_id) or 0)
    if offer is None:
        raise Refused(Code.UNKNOWN_OFFER, offer=offer_id)
    return offer


def band(tally: Tally, offer: int) -> Band:
    """How much of an offer is left, in one word."""
    counts = tally.by_offer.get(offer)
    if counts is None or counts.available + counts.held == 0:
        return "none"
    return "low" if counts.available * LOW_SHARE < counts.released else "plenty"


def _when(card: SaleCardAnswer) -> int:
    """What comes next stands first; what is over, by how lately it ended."""
    if card.state == "closed":
        return -card.closes_at_ms
    return card.next_opens_at_ms or card.closes_at_ms


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
