"""What a gateway knows of a sale: loaded from the store alone, held in memory, searched and paged.

Belongs here: the published meaning as values with look-ups by number, id, serial and seat. It never
asks the database. Stock is not in it: what is left changes all the time, this does not.
"""

from bisect import bisect_right
from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cached_property
from typing import Self

from inventory import keys
from inventory.catalogue.loading import OfferView, read_parts, read_sale
from inventory.catalogue.meaning import CODES_PER_CHUNK, PublishedSale, chunk_decoder
from inventory.catalogue.sealing import OutsideCodes
from inventory.salefile import (
    Drop,
    LaneLine,
    Login,
    Partner,
    Payment,
    RoomLine,
    SaleRules,
    Venue,
    all_lanes,
)
from lua import NothingHappened, Store

CHUNKS_REMEMBERED_MAX = 64
"""Chunks of sealed codes kept in memory: about 1.5 MB."""
READ_TRIES = 3
PAGE_MAX = 500
WORDS_MAX = 8
"""Words of a search that count: each is a pass over the sale, a millisecond for 20,000 offers."""


class SaleCatalogue:
    """A sale's meaning at one revision. Load it again when the sale's revision has changed."""

    def __init__(
        self,
        sale: PublishedSale,
        offers: Sequence[OfferView],
        partners: Mapping[str, Partner],
        store: Store,
        codes: OutsideCodes,
    ) -> None:
        self._sale, self._offers, self.partners = sale, tuple(offers), partners
        self._store, self._codes = store, codes
        self._bases = [offer.base for offer in self._offers]
        self._numbers = {offer.id: offer.number for offer in self._offers}
        self._sealed: OrderedDict[int, dict[int, bytes]] = OrderedDict()

    @classmethod
    async def load(cls, store: Store, sale_id: str, codes: OutsideCodes) -> Self | None:
        """The sale as it is published now, or None when the store has none. Raises Fault."""
        for _ in range(READ_TRIES):
            sale = await read_sale(store, sale_id)
            if sale is None:
                return None
            offers, partners = await read_parts(store, sale_id, sale)
            # The field `sale` is written last; the same before and after means that all is one.
            if await read_sale(store, sale_id) == sale:
                return cls(sale, offers, partners, store, codes)
        raise NothingHappened(f"the sale {sale_id} is being published again and again")

    @property
    def id(self) -> str:
        """The sale's id."""
        return self._sale.rules.id

    @property
    def number(self) -> int:
        """The sale's number."""
        return self._sale.number

    @property
    def revision(self) -> int:
        """The revision that was loaded."""
        return self._sale.revision

    @property
    def rules(self) -> SaleRules:
        """The rules of the sale."""
        return self._sale.rules

    @property
    def room(self) -> RoomLine:
        """The rules of its room as the file has them; the rate may have been changed since."""
        return self._sale.room

    @property
    def drops(self) -> Sequence[Drop]:
        """Its openings in order; drop 1 is the first."""
        return self._sale.drops

    @property
    def lanes(self) -> Sequence[LaneLine]:
        """The lanes of its room by their numbers, with the login claim that each of them needs."""
        return all_lanes(self._sale.lanes)

    @property
    def logins(self) -> Sequence[Login]:
        """Who may say who a shopper is."""
        return self._sale.logins

    @property
    def payments(self) -> Sequence[Payment]:
        """Who may say that a payment came."""
        return self._sale.payments

    @property
    def offers(self) -> Sequence[OfferView]:
        """All offers; number n is at n - 1."""
        return self._offers

    @cached_property
    def venues(self) -> Mapping[str, Venue]:
        """The venues that have offers, by id."""
        return {offer.venue.venue: offer.venue for offer in self._offers}

    @cached_property
    def prices(self) -> tuple[int, int]:
        """The lowest and the highest price of an offer in minor units; zeros without offers."""
        found = [offer.record.price_minor for offer in self._offers]
        return min(found, default=0), max(found, default=0)

    def offer(self, number: int) -> OfferView | None:
        """An offer by its number."""
        return self._offers[number - 1] if 0 < number <= len(self._offers) else None

    def number_of(self, offer_id: str) -> int | None:
        """The number of an offer, by its id."""
        return self._numbers.get(offer_id)

    def offer_of_serial(self, serial: int) -> OfferView | None:
        """The offer that a serial was reserved for."""
        at = bisect_right(self._bases, serial) - 1
        if at < 0 or serial >= self._bases[at] + self._offers[at].size:
            return None
        return self._offers[at]

    def seat_label(self, serial: int) -> str:
        """The seat of a unit, such as F7; empty for a pooled one and for what is no unit."""
        offer = self.offer_of_serial(serial)
        if offer is None or offer.layout is None:
            return ""
        return offer.layout.labels[serial - offer.base]

    def serial_of_seat(self, offer: int, label: str) -> int | None:
        """The unit of a seat of an offer, or None when the hall has no such seat."""
        found = self.offer(offer)
        if found is None or found.layout is None:
            return None
        position = found.layout.positions.get(label)
        return None if position is None else found.base + position

    def page(
        self, *, after: int = 0, limit: int = PAGE_MAX, city: str = "", venue: str = "",
        drop: str = "", text: str = "", fits: Callable[[OfferView], bool] | None = None,
    ) -> Iterator[OfferView]:  # fmt: skip
        """Offers with numbers above `after` that fit all that is given, at most `limit`.

        Every word of `text` (the first eight) must stand in the title, the venue's title or the
        city.
        """
        left = min(limit, PAGE_MAX)
        for at in self._worded(max(after, 0), text):
            if left <= 0:
                return
            offer = self._offers[at]
            if (
                (not city or offer.venue.city == city)
                and (not venue or offer.venue.venue == venue)
                and (not drop or offer.record.drop == drop)
                and (fits is None or fits(offer))
            ):
                left -= 1
                yield offer

    def _worded(self, after: int, text: str) -> Sequence[int]:
        """The positions from `after` on whose offers have all words; a plain pass for each word."""
        found: Sequence[int] = range(after, len(self._offers))
        for word in list(dict.fromkeys(text.casefold().split()))[:WORDS_MAX]:
            found = [at for at in found if word in self._texts[at]]
        return found

    @cached_property
    def _texts(self) -> Sequence[str]:
        """What a search reads of each offer."""
        return [
            f"{one.record.title}\n{one.venue.title}\n{one.venue.city}".casefold()
            for one in self._offers
        ]

    async def outside_code(self, serial: int) -> str | None:
        """The code that the venue minted for a unit, in clear; None when it has none."""
        chunk = serial // CODES_PER_CHUNK
        sealed = self._sealed.get(chunk, {}).get(serial)
        if sealed is None:
            # Units that came since the chunk was remembered are not in it.
            raw = await self._store.read("HGET", keys.outside(self.id), chunk)
            self._sealed[chunk] = chunk_decoder.decode(raw) if raw else {}
            if len(self._sealed) > CHUNKS_REMEMBERED_MAX:
                self._sealed.popitem(last=False)
            sealed = self._sealed[chunk].get(serial)
        self._sealed.move_to_end(chunk)
        return self._codes.open(self.id, serial, sealed) if sealed else None

    async def serial_of_code(self, code: str) -> int | None:
        """The unit that a venue's code is for; case, spaces and hyphens do not matter."""
        name = self._codes.digest(self.id, code).hex()
        raw = await self._store.read("HGET", keys.outside_lookup(self.id, name), name)
        return int(raw) if raw is not None else None
