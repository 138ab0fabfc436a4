"""A partner's allotments, by the id that the partner knows, with offers and seats by their names.

Here belongs translating for the partner; the verbs are inventory's.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from gateway.bodies import ReportLineBody, refuse_twice
from gateway.partner_answers import AllotmentAnswer, UnitCodeAnswer, UnitStatusAnswer
from gateway.problems import Code, FieldError, Problem, Refused, problem
from gateway.shelves import Shelf
from gateway.showing import Showing
from inventory.allotments import (
    LINES_MAX,
    Allotment,
    Allotments,
    AllottedUnit,
    Exported,
    Lines,
    LinesOutcome,
    SoldUnit,
)
from inventory.outcomes import KeyReused, NotFound, NotYours

EXPORTED_STATES = ("allotted", "sold", "redeemed")
"""Units that came back have codes that are dead, or somebody else's."""


@dataclass(frozen=True, slots=True)
class Statuses:
    """One status for each unit, in the order they were sent."""

    results: list[UnitStatusAnswer]
    replayed: bool


@dataclass(frozen=True, slots=True)
class AllotmentDesk:
    """Allotments of one process."""

    allotments: Allotments
    showing: Showing

    async def listed(self, shelf: Shelf, partner: str) -> list[AllotmentAnswer]:
        """The partner's allotments in a sale."""
        return [
            AllotmentAnswer(
                id=one.id,
                sale=shelf.view.id,
                offer=shelf.offer_id(one.offer),
                units=one.units,
                left=one.left,
                sold=one.sold,
                returned=one.back,
                voided=one.voided,
            )
            for one in await self.allotments.listed(shelf.view, partner)
        ]

    async def codes(
        self, shelf: Shelf, partner: str, name: str, *, after: int, limit: int
    ) -> list[UnitCodeAnswer]:
        """Units above `after` with their codes, at most `limit`. Raises Refused."""
        allotment = await self._find(shelf, partner, name)
        page: list[UnitCodeAnswer] = []
        at: int | None = after
        while at is not None and len(page) < limit:
            exported = await self.allotments.export(
                shelf.view, allotment.number, partner=partner, after=at,
                limit=min(limit - len(page), LINES_MAX),
            )  # fmt: skip
            if not isinstance(exported, Exported):
                raise Refused(Code.UNKNOWN_ALLOTMENT)
            page += await self._with_codes(shelf, allotment.offer, exported.units)
            at = exported.after
        return page

    async def report(
        self, shelf: Shelf, partner: str, name: str, key: str, lines: Sequence[ReportLineBody]
    ) -> Statuses | Problem:
        """Hear what was sold of an allotment."""
        refuse_twice("lines", [line.unit for line in lines])
        allotment = await self._find(shelf, partner, name)
        sold = [SoldUnit(line.unit, line.amount_minor, line.reference) for line in lines]
        outcome = await self.allotments.report(
            shelf.view, allotment.number, partner=partner, key=key, lines=sold
        )
        return _told(outcome, [line.unit for line in lines])

    async def take_back(
        self, shelf: Shelf, partner: str, name: str, key: str, units: Sequence[int]
    ) -> Statuses | Problem:
        """Take units that their partner gives back out of its allotment."""
        refuse_twice("units", units)
        allotment = await self._find(shelf, partner, name)
        ascending = sorted(units)
        outcome = await self.allotments.take_back(
            shelf.view, allotment.number, partner=partner, key=key, serials=ascending, by="partner"
        )
        return _told(outcome, ascending)

    async def _find(self, shelf: Shelf, partner: str, name: str) -> Allotment:
        for one in await self.allotments.listed(shelf.view, partner):
            if one.id == name:
                return one
        raise Refused(Code.UNKNOWN_ALLOTMENT)

    async def _with_codes(
        self, shelf: Shelf, offer: int, units: Sequence[AllottedUnit]
    ) -> list[UnitCodeAnswer]:
        live = [unit for unit in units if unit.state in EXPORTED_STATES]
        codes = await self.showing.codes_of(shelf, [(one.serial, one.generation) for one in live])
        return [
            UnitCodeAnswer(
                unit=unit.serial,
                offer=shelf.offer_id(offer),
                seat=shelf.seat(unit.serial),
                state=unit.state,
                code=codes.get(unit.serial),
            )
            for unit in live
        ]


def _told(outcome: LinesOutcome, units: Sequence[int]) -> Statuses | Problem:
    match outcome:
        case Lines(statuses=statuses, replayed=replayed):
            results = [
                UnitStatusAnswer(unit=unit, status=status)
                for unit, status in zip(units, statuses, strict=True)
            ]
            return Statuses(results, replayed)
        case NotFound() | NotYours():
            return problem(Code.UNKNOWN_ALLOTMENT)
        case KeyReused():
            error = FieldError("header", "Idempotency-Key", "It was used for other content before")
            return problem(Code.KEY_REUSED, errors=[error])
