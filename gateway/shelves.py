"""The sales as this process knows them: slot records and meaning, kept fresh by a loop.

Everything that an answer needs beyond the store's decision is here, so that neither PostgreSQL nor
a second store call is asked for it. A slot record a moment old does no harm: scripts check states
and limits themselves. Meaning is read again whenever the revision rises.
"""

import logging
import time
from collections.abc import Iterator
from functools import cached_property

import msgspec

from gateway.assertions import PAYMENT_AUDIENCE, Issuer, issuer_of
from gateway.problems import Code, Refused
from gateway.single_flight import SingleFlight
from inventory.catalogue import OfferView, OutsideCodes, SaleCatalogue
from inventory.ids import parse_order_id
from inventory.salefile import KeySet, Venue
from inventory.sales import Sales, SaleView
from lua.faults import Fault
from lua.store import Store

log = logging.getLogger("dropgate.shelves")

UNREADABLE = "What the store has of this sale cannot be read; until it is mended nothing is sold."
LOOK_AGAIN_S = 0.1
"""How soon a sale that was not there is looked for again: a flood of wrong names costs the store
ten readings a second and no more."""


class Shelf:
    """One sale: its slot record and what its numbers mean."""

    def __init__(self, view: SaleView, catalogue: SaleCatalogue) -> None:
        self.view = view
        self.catalogue = catalogue

    @cached_property
    def logins(self) -> tuple[Issuer, ...]:
        """Who may say who a shopper is."""
        return tuple(
            issuer_of(one.name, one.issuer, one.audience, _public(one.jwks))
            for one in self.catalogue.logins
        )

    @cached_property
    def payments(self) -> tuple[Issuer, ...]:
        """Whose proofs of payment count."""
        return tuple(
            issuer_of(one.name, one.issuer, PAYMENT_AUDIENCE, _public(one.jwks), one.kind)
            for one in self.catalogue.payments
        )

    @property
    def has_outside_codes(self) -> bool:
        """Whether any offer's codes are its venue's own."""
        return self.outside_until_ms > 0

    @cached_property
    def outside_offers(self) -> frozenset[int]:
        """The numbers of the offers whose codes are their venue's own."""
        offers = self.catalogue.offers
        return frozenset(one.number for one in offers if one.record.codes == "outside")

    @cached_property
    def outside_until_ms(self) -> int:
        """When the last ticket with a code of its venue's is over; 0 when there is none."""
        offers = (one.record for one in self.catalogue.offers if one.record.codes == "outside")
        return max((offer.redeem_until_ms for offer in offers), default=0)

    @property
    def is_closed(self) -> bool:
        """Whether the sale has ended for good."""
        return self.view.state == "closed"

    @property
    def realm(self) -> str:
        """Changes whenever the issuers may have changed."""
        return f"{self.view.id}:{self.catalogue.revision}"

    def offer(self, number: int) -> OfferView:
        """An offer that a script has named."""
        found = self.catalogue.offer(number)
        assert found is not None, f"{self.view.id} has no offer {number}"
        return found

    def offer_id(self, number: int) -> str:
        """The id of an offer; its number as text when this revision does not know it yet."""
        found = self.catalogue.offer(number)
        return str(number) if found is None else found.id

    def seat(self, serial: int) -> str | None:
        """The seat of a unit, or None for a pooled one."""
        return self.catalogue.seat_label(serial) or None

    def is_outside(self, serial: int) -> bool:
        """Whether the unit's code is its venue's own."""
        offer = self.catalogue.offer_of_serial(serial)
        return offer is not None and offer.record.codes == "outside"


def _public(keys: KeySet) -> list[dict[str, str]]:
    return [msgspec.to_builtins(key) for key in keys.keys]


class Shelves:
    """All sales of the store."""

    def __init__(self, store: Store, codes: OutsideCodes) -> None:
        self._store = store
        self._codes = codes
        self._sales = Sales(store)
        self._known: dict[str, Shelf] = {}
        self._by_number: dict[int, str] = {}
        self._reading_all: SingleFlight[int] = SingleFlight()
        self._reading: dict[str, SingleFlight[Shelf | None]] = {}
        self._looked_at = float("-inf")
        self.unreadable: frozenset[str] = frozenset()
        """The sales whose records cannot be read. They are refused; the others go on."""
        self.refreshed_at: float | None = None
        """When all was read last, by time.monotonic(); None before the first time."""

    def __iter__(self) -> Iterator[Shelf]:
        return iter(list(self._known.values()))

    async def refresh(self) -> int:
        """Read the slot records again, and the meaning of those that changed; how many sales."""
        return await self._reading_all.run(self._read_all)

    async def _read_all(self) -> int:
        # Nobody takes a sale out of the store: one that is not there any more was lost. Until it is
        # built anew its slot is fenced, and nobody hears that there is no such sale or order.
        names = await self._sales.list()
        unreadable = {name for name in names if not await self._is_readable(name)}
        for name in self.unreadable - unreadable:
            log.info("sale %s can be read again, or is gone", name)
        self.unreadable = frozenset(unreadable)
        self.refreshed_at = time.monotonic()
        return len(self._known)

    async def _is_readable(self, sale: str) -> bool:
        """Read one sale again; one that cannot be read is put aside, and said once."""
        try:
            await self.refresh_sale(sale)
        except Fault:
            raise
        except Exception:  # whatever is wrong with one sale, the others must go on selling
            self._known.pop(sale, None)
            if sale not in self.unreadable:
                log.exception("sale %s is refused: what the store has of it cannot be read", sale)
            return False
        return True

    async def refresh_sale(self, sale: str) -> Shelf | None:
        """Read one sale again; None while the store has not got all of it."""
        reading = self._reading.setdefault(sale, SingleFlight())
        return await reading.run(lambda: self._read(sale))

    async def _read(self, sale: str) -> Shelf | None:
        view = await self._sales.view(sale)
        if view is None:
            return None
        known = self._known.get(sale)
        catalogue = known.catalogue if known is not None else None
        # The meaning is written before the slot record, so it may be newer, but never older.
        if catalogue is None or catalogue.revision < view.revision:
            catalogue = await SaleCatalogue.load(self._store, sale, self._codes)
            if catalogue is None:
                return None
            if known is not None:
                log.info("sale %s is at revision %d", sale, catalogue.revision)
        if known is not None and known.catalogue is catalogue:
            known.view = view  # issuers and look-ups stay
            return known
        shelf = self._known[sale] = Shelf(view, catalogue)
        self._by_number[view.number] = sale
        return shelf

    def standing(self, sale: str) -> Shelf:
        """A sale that an outcome has named."""
        return self._known[sale]

    def of_number(self, number: int) -> Shelf | None:
        """The sale of a number, if this process knows it."""
        return self._known.get(self._by_number.get(number, ""))

    def venue(self, venue: str) -> Venue | None:
        """A venue by its id, as the newest sale that has it says it."""
        for shelf in sorted(self, key=lambda one: one.view.number, reverse=True):
            found = shelf.catalogue.venues.get(venue)
            if found is not None:
                return found
        return None

    def at_hand(self, sale: str) -> Shelf | None:
        """The sale of an id, if this process knows it."""
        return self._known.get(sale)

    async def of_sale(self, sale: str) -> Shelf:
        """The sale of an id, looked for once more when it is not known. Raises Refused."""
        known = self._known.get(sale)
        if known is None:
            await self._look_again()
            known = self._known.get(sale)
        if known is None and sale in self.unreadable:
            raise Refused(Code.NOT_READY, UNREADABLE)
        if known is None:
            raise Refused(Code.UNKNOWN_SALE)
        return known

    async def of_order(self, order: str) -> Shelf:
        """The sale of an order's id. Raises Refused."""
        address = parse_order_id(order)
        if address is None:
            raise Refused(Code.UNKNOWN_ORDER)
        known = self.of_number(address.sale_number)
        if known is None:
            await self._look_again()
            known = self.of_number(address.sale_number)
        if known is None and self.unreadable:
            raise Refused(Code.NOT_READY, UNREADABLE)  # it may well be an order of that sale
        if known is None or address.stripe >= known.view.stripes:
            raise Refused(Code.UNKNOWN_ORDER)
        if address.bucket >= known.view.buckets:
            raise Refused(Code.UNKNOWN_ORDER)
        return known

    async def for_partner(self, sale: str, partner: str) -> Shelf:
        """The sale of an id, for a partner of that sale. Raises Refused."""
        shelf = await self.of_sale(sale)
        if partner not in shelf.catalogue.partners:
            raise Refused(Code.OUT_OF_SCOPE, "You are no partner of this sale.")
        return shelf

    async def _look_again(self) -> None:
        now = time.monotonic()
        if now - self._looked_at >= LOOK_AGAIN_S:
            self._looked_at = now
            await self.refresh()
