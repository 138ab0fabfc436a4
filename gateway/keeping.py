"""The operator's view of units that are kept back after a rebuilding, and letting them go.

The verbs are inventory's; here numbers become names.
"""

import logging
from dataclasses import dataclass

from gateway.operator_answers import FreedAnswer, WithheldAnswer, WithheldOffer
from gateway.problems import Code, Refused
from gateway.shelves import Shelf
from inventory.withheld import Withheld

log = logging.getLogger("dropgate.withheld")


@dataclass(frozen=True, slots=True)
class KeepingDesk:
    """Withheld units of one process's sales."""

    units: Withheld

    async def withheld(self, shelf: Shelf) -> WithheldAnswer:
        """All that is withheld of a sale, by offer."""
        offers: dict[int, WithheldOffer] = {}
        for one in await self.units.listed(shelf.view):
            known = offers.get(one.offer) or WithheldOffer(shelf.offer_id(one.offer), 0, [])
            ranges = [*known.ranges, *one.ranges]
            offers[one.offer] = WithheldOffer(known.offer, known.units + one.units, ranges)
        units = sum(one.units for one in offers.values())
        return WithheldAnswer(id=shelf.view.id, units=units, offers=list(offers.values()))

    async def free(self, shelf: Shelf, offer: str, *, actor: str) -> FreedAnswer:
        """Put an offer's withheld units on sale. Raises Refused for an offer that is none."""
        number = shelf.catalogue.number_of(offer)
        if number is None:
            raise Refused(Code.UNKNOWN_OFFER, offer=offer)
        units = await self.units.free(shelf.view, number, actor=actor)
        if units:
            log.warning("%s freed %d units of %s", actor, units, offer)
        return FreedAnswer(id=shelf.view.id, offer=offer, units=units)
