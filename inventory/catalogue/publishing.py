"""Bringing a sale from the catalogue's tables into the store, so that it can be sold.

Every step is a bounded chunk and repeatable: meaning is written over, offers are put, lots and
allotments are known to the store by name. A publication that was interrupted anywhere is finished
by running it again, and nothing comes twice. Meaning goes first and its `sale` field last, so that
a gateway never sees a unit without knowing what it is.
"""

from inventory import keys
from inventory.allotments import Allotted
from inventory.catalogue.known import Known, KnownOffer
from inventory.catalogue.lot_tables import (
    Connection,
    mark_published,
    unpublished_allotments,
    unpublished_lots,
)
from inventory.catalogue.meaning import (
    FIELDS_AT_ONCE,
    SALE_FIELD,
    PublishedOffer,
    PublishedSale,
    layout_field,
    offer_field,
    packed,
    partner_field,
    venue_field,
)
from inventory.catalogue.planning import Step
from inventory.catalogue.shelving import Progress, Shelf, add_lots, write_codes
from inventory.chunks import chunked
from inventory.sales import DropView, PutRefused, SaleRecord, SaleView
from inventory.stock import OFFERS_AT_ONCE, OfferRecord
from lua import Store


class Publication:
    """Brings one sale to the store. `run` may be repeated after any interruption."""

    def __init__(
        self,
        connection: Connection,
        known: Known,
        shelf: Shelf,
        *,
        actor: str,
        now_ms: int,
        progress: Progress,
    ) -> None:
        self._connection, self._known, self._shelf = connection, known, shelf
        self._actor, self._now_ms, self._progress = actor, now_ms, progress
        self._offers = list(known.offers.values())
        self._refused: list[Step] = []

    async def run(self) -> list[Step]:
        """Publish everything; what the store refused, which is nothing unless a race was lost."""
        known, connection = self._known, self._connection
        lots = await unpublished_lots(connection, known.id)
        meaning = Meaning(known, self._shelf.store, self._progress)
        await meaning.write_parts()
        coded = {offer.number for offer in self._offers if offer.record.codes == "outside"}
        with_codes = [lot for lot in lots if lot.offer in coded]
        await write_codes(connection, self._shelf.store, known.id, with_codes, self._progress)
        await meaning.write_sale()
        sale = await self._put_sale()
        if sale is None:
            return self._refused
        await self._put_offers(sale)
        self._refused += await add_lots(self._shelf, sale, lots, self._now_ms, self._progress)
        allotments = await self._allot(sale)
        if not self._refused:
            async with connection.transaction():
                await mark_published(
                    connection, known.id, known.revision, [lot.id for lot in lots], allotments
                )
        return self._refused

    async def _put_sale(self) -> SaleView | None:
        put = await self._shelf.sales.put(
            sale_record(self._known),
            revision=self._known.revision,
            actor=self._actor,
            now_ms=self._now_ms,
        )
        if isinstance(put, PutRefused):
            self._refused.append(Step("sale", self._known.id, f"{put.reason} {put.what}"))
            return None
        return await self._shelf.sales.view(self._known.id)

    async def _put_offers(self, sale: SaleView) -> None:
        numbers = {drop.id: number for number, drop in enumerate(sale.drops, start=1)}
        done = 0
        for chunk in chunked(self._offers, OFFERS_AT_ONCE):
            records = [offer_record(self._known, offer, numbers) for offer in chunk]
            for stripe in range(sale.stripes):
                for refused in await self._shelf.stock.put_offers(sale, records, stripe):
                    name = chunk[refused.number].record.offer
                    self._refused.append(Step("offer", name, f"{refused.reason} {refused.what}"))
            done += len(chunk)
            self._progress("offers", done, len(self._offers))

    async def _allot(self, sale: SaleView) -> list[int]:
        waiting = await unpublished_allotments(self._connection, self._known.id)
        lines = {one.number: one.line for one in self._known.allotments.values()}
        for done, (number, offer) in enumerate(waiting, start=1):
            line = lines[number]
            outcome = await self._shelf.allotments.allot(
                sale,
                number=number,
                allotment=line.allotment,
                partner=line.partner,
                offer=offer,
                quantity=line.quantity,
                now_ms=self._now_ms,
            )
            if not isinstance(outcome, Allotted):
                self._refused.append(Step("allotment", line.allotment, outcome.code))
            self._progress("allotments", done, len(waiting))
        return [number for number, _ in waiting]


class Meaning:
    """What the store shows of a sale; `write_parts` comes before `write_sale`. Repeatable."""

    def __init__(self, known: Known, store: Store, progress: Progress) -> None:
        self._known, self._store, self._progress = known, store, progress

    async def write_parts(self) -> None:
        """Offers, layouts, venues and partners."""
        known = self._known
        fields: list[tuple[str, object]] = [
            (offer_field(offer.number), _published(offer)) for offer in known.offers.values()
        ]
        fields += [(layout_field(name), hall.runs) for name, hall in known.layouts.items()]
        fields += [(venue_field(name), venue) for name, venue in known.venues.items()]
        fields += [(partner_field(name), partner) for name, partner in known.partners.items()]
        done = 0
        for chunk in chunked(fields, FIELDS_AT_ONCE):
            flat = [part for name, value in chunk for part in (name, packed(value))]
            await self._store.write("HSET", keys.catalogue(known.id), *flat)
            done += len(chunk)
            self._progress("catalogue", done, len(fields))

    async def write_sale(self) -> None:
        """The sale itself, which names all parts."""
        sale = packed(published_sale(self._known))
        await self._store.write("HSET", keys.catalogue(self._known.id), SALE_FIELD, sale)


def offer_record(known: Known, offer: KnownOffer, drops: dict[str, int]) -> OfferRecord:
    """An offer as the scripts know it; `drops` are the numbers of the sale's drops by id."""
    record = offer.record
    layout = known.layouts.get(record.layout)
    return OfferRecord(
        number=offer.number,
        kind=record.kind,
        drop=drops[record.drop],
        price_minor=record.price_minor,
        venue=record.venue,
        together=record.together,
        ends_at_ms=record.ends_at_ms,
        redeem_from_ms=record.redeem_from_ms,
        redeem_until_ms=record.redeem_until_ms,
        codes=record.codes,
        base=offer.base,
        size=offer.size,
        layout=layout.marked(()) if layout else "",
    )


def sale_record(known: Known) -> SaleRecord:
    """The slot record of a sale."""
    rules = known.document.sale
    return SaleRecord(
        id=known.id,
        number=known.number,
        title=rules.title,
        currency=rules.currency,
        timezone=rules.timezone,
        limit=rules.limit_per_buyer,
        hold_ms=rules.hold_s * 1000,
        stripes=rules.stripes,
        buckets=known.buckets,
        carry=rules.carry_over,
        drops=tuple(DropView(drop.id, drop.opens_at_ms) for drop in known.document.drops),
        closes_at_ms=rules.closes_at_ms,
    )


def published_sale(known: Known) -> PublishedSale:
    """What gateways read first."""
    document = known.document
    return PublishedSale(
        revision=known.revision,
        number=known.number,
        rules=document.sale,
        room=document.room,
        drops=document.drops,
        logins=document.logins,
        payments=document.payments,
        offers=len(known.offers),
        venues=sorted(known.venues),
        layouts=sorted(known.layouts),
        partners=sorted(known.partners),
        lanes=document.lanes,
    )


def _published(offer: KnownOffer) -> PublishedOffer:
    return PublishedOffer(offer.number, offer.base, offer.size, offer.record)
