"""A partner's allotments, by the id that the partner knows.

An allotment of several offers is several records in the store, one for each offer. Here belongs
putting them together for the partner and taking its lists apart; the verbs are inventory's.
"""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass

from gateway.answers import AllotmentAnswer, AllotmentOfferAnswer, UnitCodeAnswer, UnitStatusAnswer
from gateway.bodies import ReportLineBody
from gateway.problems import Code, FieldError, Problem, Refused, problem
from gateway.shelves import Shelf
from gateway.showing import Showing
from inventory.allotments import (
    Allotment,
    Allotments,
    AllottedUnit,
    Exported,
    Lines,
    LinesOutcome,
    SoldUnit,
)
from inventory.outcomes import KeyReused, NotFound, NotYours

PAGE = 1_000
NOT_YOURS = "not_yours"
EXPORTED_STATES = ("allotted", "sold", "redeemed")


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
        by_id: dict[str, list[Allotment]] = {}
        for one in await self.allotments.listed(shelf.view, partner):
            by_id.setdefault(one.id, []).append(one)
        return [
            AllotmentAnswer(
                id=name,
                sale=shelf.view.id,
                offers=[
                    AllotmentOfferAnswer(
                        offer=shelf.offer_id(part.offer),
                        units=part.units,
                        allotted=part.left,
                        sold=part.sold,
                        returned=part.back + part.voided,
                    )
                    for part in parts
                ],
            )
            for name, parts in by_id.items()
        ]

    async def parts(self, shelf: Shelf, partner: str, name: str) -> list[Allotment]:
        """The records of an allotment. Raises Refused when the partner has none of that id."""
        mine = await self.allotments.listed(shelf.view, partner)
        found = [one for one in mine if one.id == name]
        if not found:
            raise Refused(Code.UNKNOWN_ALLOTMENT)
        return sorted(found, key=lambda one: one.ranges[:1])

    async def codes(
        self, shelf: Shelf, parts: Sequence[Allotment], *, after: int, limit: int
    ) -> AsyncIterator[list[UnitCodeAnswer]]:
        """The units above `after` with their codes, at most `limit`, page by page."""
        left = limit
        for part in parts:
            at: int | None = after
            while at is not None and left > 0:
                exported = await self.allotments.export(
                    shelf.view, part.number, partner=part.partner, after=at, limit=min(left, PAGE)
                )
                if not isinstance(exported, Exported):
                    raise Refused(Code.UNKNOWN_ALLOTMENT)
                page = await self._with_codes(shelf, part.offer, exported.units)
                left -= len(page)
                yield page
                at = exported.after

    async def report(
        self, shelf: Shelf, parts: Sequence[Allotment], key: str, lines: Sequence[ReportLineBody]
    ) -> Statuses | Problem:
        """Hear what was sold of the allotment."""
        _refuse_twice("lines", [line.unit for line in lines])
        statuses: dict[int, str] = {}
        replayed = True
        for part in parts:
            mine = [
                SoldUnit(line.unit, line.amount_minor, line.reference)
                for line in lines
                if _holds(part, line.unit)
            ]
            if mine:
                outcome = await self.allotments.report(
                    shelf.view, part.number, partner=part.partner, key=f"{key}/{part.number}",
                    lines=mine,
                )  # fmt: skip
                told = _told(outcome)
                if isinstance(told, Problem):
                    return told
                statuses |= zip((one.serial for one in mine), told.statuses, strict=True)
                replayed = replayed and told.replayed
        return _statuses([line.unit for line in lines], statuses, replayed)

    async def take_back(
        self, shelf: Shelf, parts: Sequence[Allotment], key: str, units: Sequence[int], by: str
    ) -> Statuses | Problem:
        """Take units that were not sold out of the allotment."""
        _refuse_twice("units", units)
        statuses: dict[int, str] = {}
        replayed = True
        for part in parts:
            mine = sorted(unit for unit in units if _holds(part, unit))
            if mine:
                outcome = await self.allotments.take_back(
                    shelf.view, part.number, partner=part.partner, key=f"{key}/{part.number}",
                    serials=mine, by=by,
                )  # fmt: skip
                told = _told(outcome)
                if isinstance(told, Problem):
                    return told
                statuses |= zip(mine, told.statuses, strict=True)
                replayed = replayed and told.replayed
        return _statuses(units, statuses, replayed)

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
                code=codes[unit.serial],
            )
            for unit in live
        ]


def _holds(part: Allotment, unit: int) -> bool:
    pairs = zip(part.ranges[::2], part.ranges[1::2], strict=True)
    return any(first <= unit < first + count for first, count in pairs)


def _told(outcome: LinesOutcome) -> Lines | Problem:
    match outcome:
        case Lines():
            return outcome
        case NotFound() | NotYours():
            return problem(Code.UNKNOWN_ALLOTMENT)
        case KeyReused():
            error = FieldError("header", "Idempotency-Key", "It was used for other content before")
            return problem(Code.KEY_REUSED, errors=[error])


def _statuses(units: Sequence[int], found: dict[int, str], replayed: bool) -> Statuses:
    results = [UnitStatusAnswer(unit=unit, status=found.get(unit, NOT_YOURS)) for unit in units]
    return Statuses(results, replayed and bool(found))


def _refuse_twice(field: str, units: Sequence[int]) -> None:
    if len(set(units)) < len(units):
        errors = [FieldError("body", field, "A unit is named twice")]
        raise Refused(Code.INVALID, f"{field}: a unit is named twice", errors=errors)
