"""Reading a sale's published meaning out of the store, in bounded reads.

Belongs here: how the fields of `meaning` become the values that `browsing` holds.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from inventory import keys
from inventory.catalogue.meaning import (
    FIELDS_AT_ONCE,
    SALE_FIELD,
    PublishedOffer,
    PublishedSale,
    layout_field,
    offer_decoder,
    offer_field,
    partner_decoder,
    partner_field,
    runs_decoder,
    sale_decoder,
    venue_decoder,
    venue_field,
)
from inventory.salefile import Layout, Offer, Partner, Venue
from lua import NothingHappened, Store

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class OfferView:
    """An offer as it is shown: its number and serials, what the file says of it, and where it is.

    `drop` is the number of its drop, from 1. `layout` is None for a pooled offer.
    """

    number: int
    base: int
    size: int
    drop: int
    record: Offer
    venue: Venue
    layout: Layout | None

    @property
    def id(self) -> str:
        """The offer's id."""
        return self.record.offer


async def read_sale(store: Store, sale_id: str) -> PublishedSale | None:
    """The sale's own field, or None when the store has no such sale."""
    raw = await store.read("HGET", keys.catalogue(sale_id), SALE_FIELD)
    return sale_decoder.decode(raw) if raw else None


async def read_parts(
    store: Store, sale_id: str, sale: PublishedSale
) -> tuple[list[OfferView], dict[str, Partner]]:
    """Offers by number and partners by id, in bounded reads. Raises NothingHappened."""

    async def fields(names: Sequence[str], decode: Callable[[bytes], T]) -> list[T]:
        found: list[Any] = []
        for first in range(0, len(names), FIELDS_AT_ONCE):
            chunk = names[first : first + FIELDS_AT_ONCE]
            found += await store.read("HMGET", keys.catalogue(sale_id), *chunk)
        if None in found:
            raise NothingHappened(f"the catalogue of {sale_id} in the store is not whole")
        return [decode(raw) for raw in found]

    venues = await fields([venue_field(name) for name in sale.venues], venue_decoder.decode)
    halls = await fields([layout_field(name) for name in sale.layouts], runs_decoder.decode)
    partners = await fields([partner_field(name) for name in sale.partners], partner_decoder.decode)
    offers = await fields(
        [offer_field(number + 1) for number in range(sale.offers)], offer_decoder.decode
    )
    place = {venue.venue: venue for venue in venues}
    layouts = {name: Layout.of(name, runs) for name, runs in zip(sale.layouts, halls, strict=True)}
    drops = {drop.id: number for number, drop in enumerate(sale.drops, start=1)}
    views = [_view(offer, place, layouts, drops) for offer in offers]
    return views, {partner.partner: partner for partner in partners}


def _view(
    offer: PublishedOffer,
    venues: Mapping[str, Venue],
    layouts: Mapping[str, Layout],
    drops: Mapping[str, int],
) -> OfferView:
    record = offer.record
    return OfferView(
        number=offer.number,
        base=offer.base,
        size=offer.size,
        drop=drops[record.drop],
        record=record,
        venue=venues[record.venue],
        layout=layouts.get(record.layout),
    )
