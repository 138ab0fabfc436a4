"""A partner's allotments, by the id that the partner knows, with offers and seats by their names.

Here belongs translating for the partner; the verbs are inventory's.
"""

import asyncio
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field

from gateway.bodies import ReportLineBody, refuse_twice
from gateway.partner_answers import AllotmentAnswer, UnitCodeAnswer, UnitStatusAnswer
from gateway.problems import Code, FieldError, Problem, Refused, problem
from gateway.shelves import Shelf
from gateway.showing import Showing
from inventory.allotments import (
    Allotment,
    Allotments,
    AllottedUnit,
    Lines,
    LinesOutcome,
    SoldUnit,
)
from inventory.outcomes import KeyReused, NotFound, NotYours

LIVE_STATES = ("allotted", "sold", "redeemed")
"""The units of other states are told without a code: theirs is dead, or somebody else's."""
PIECE_UNITS = 128
"""Units of an export that are made at once: some milliseconds of the loop, which others need."""


@dataclass(frozen=True, slots=True)
class Statuses:
    """One status for each unit, in the order they were sent."""

    results: list[UnitStatusAnswer]
    replayed: bool


@dataclass(frozen=True, slots=True)
class Export:
    """An allotment's units on their way out; `last` is the highest unit that it ever had."""

    last: int
    pieces: AsyncIterator[list[UnitCodeAnswer]]


@dataclass(frozen=True, slots=True)
class AllotmentDesk:
    """Allotments of one process. All its exports together make one piece at a time."""

    allotments: Allotments
    showing: Showing
    _one_piece: asyncio.Lock = field(default_factory=asyncio.Lock)

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
        self, shelf: Shelf, partner: str, name: str, *, after: int, limit: int | None
    ) -> Export:
        """Units above `after` with their codes: all of them, or at most `limit`. Raises Refused."""
        found = await self._find(shelf, partner, name)
        allotment = await self.allotments.export(shelf.view, found.number, partner=partner)
        if not isinstance(allotment, Allotment):
            raise Refused(Code.UNKNOWN_ALLOTMENT)
        return Export(allotment.last, self._pieces(shelf, allotment, after, limit))

    async def _pieces(
        self, shelf: Shelf, allotment: Allotment, after: int, limit: int | None
    ) -> AsyncIterator[list[UnitCodeAnswer]]:
        left = allotment.units if limit is None else limit
        while left > 0:
            async with self._one_piece:
                units = await self.allotments.units(
                    shelf.view, allotment, after=after, limit=min(left, PIECE_UNITS)
                )
                if not units:
                    return
                piece = await self._with_codes(shelf, allotment.offer, units)
            yield piece
            after = units[-1].serial
            left -= len(units)

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
        live = [unit for unit in units if unit.state in LIVE_STATES]
        codes = await self.showing.codes_of(shelf, [(one.serial, one.generation) for one in live])
        return [
            UnitCodeAnswer(
                unit=unit.serial,
                offer=shelf.offer_id(offer),
                seat=shelf.seat(unit.serial),
                state="returned" if unit.state == "back" else unit.state,
                code=codes.get(unit.serial),
            )
            for unit in units
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
