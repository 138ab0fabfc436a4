"""The operator's view of allotments: all partners', and calling unsold units back.

The verbs are inventory's; a partner's own view is in `allotment_desk`.
"""

from dataclasses import dataclass

from gateway.operator_answers import AllotmentOfPartnerAnswer
from gateway.problems import Code, Refused
from gateway.shelves import Shelf
from inventory.allotments import LINES_MAX, Allotment, Allotments
from inventory.outcomes import KeyReused


@dataclass(frozen=True, slots=True)
class RecallDesk:
    """Allotments of one process, as operators see them."""

    allotments: Allotments

    async def listed(self, shelf: Shelf) -> list[AllotmentOfPartnerAnswer]:
        """All allotments of a sale."""
        return [_answer(shelf, one) for one in await self.allotments.listed(shelf.view)]

    async def recall(
        self, shelf: Shelf, name: str, *, key: str, actor: str
    ) -> AllotmentOfPartnerAnswer:
        """Take every unit that is unsold back, and tell how the allotment stands then.

        In bounded steps, each with a key of its own made of `key`: what a lost one has not done,
        its repeat does. Raises Refused when there is no such allotment.
        """
        allotment = await self._find(shelf, name)
        after = -1
        while page := await self.allotments.units(
            shelf.view, allotment, after=after, limit=LINES_MAX
        ):
            unsold = [unit.serial for unit in page if unit.state == "allotted"]
            if unsold:
                told = await self.allotments.take_back(
                    shelf.view, allotment.number, partner="", key=f"{key}:{page[0].serial}",
                    serials=unsold, by=actor,
                )  # fmt: skip
                if isinstance(told, KeyReused):  # units that came since: a recall of their own
                    raise Refused(Code.KEY_REUSED)
            after = page[-1].serial
        return _answer(shelf, await self._find(shelf, name))

    async def _find(self, shelf: Shelf, name: str) -> Allotment:
        for one in await self.allotments.listed(shelf.view):
            if one.id == name:
                return one
        raise Refused(Code.UNKNOWN_ALLOTMENT)


def _answer(shelf: Shelf, one: Allotment) -> AllotmentOfPartnerAnswer:
    partner = shelf.catalogue.partners.get(one.partner)
    return AllotmentOfPartnerAnswer(
        id=one.id,
        partner=one.partner,
        partner_title=partner.title if partner is not None else one.partner,
        offer=shelf.offer_id(one.offer),
        units=one.units,
        left=one.left,
        sold=one.sold,
        returned=one.back,
        voided=one.voided,
        exported=one.exported,
    )
