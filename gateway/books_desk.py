"""The partner's view of the books: events, statements, and what differs from its own.

The books are settlement's and know offers by number; here the sale's own names are added. Nothing
is decided.
"""

import asyncio
from collections.abc import Iterator
from datetime import date
from typing import Any

import msgspec
from aiohttp import web

from gateway.exports import CSV
from gateway.partner_answers import BreakAnswer, EventAnswer, EventsAnswer, RunAnswer
from gateway.problems import Code, Refused, wrong_field
from gateway.responses import body_of, raw
from gateway.shelves import Shelves
from settlement import Books, TooManyLines
from settlement.partner_file import NotAStatement
from settlement.reconcile import Run, reconcile

LINES_MAX = 200_000
"""A longer one is for `dropgate statement` and `reconcile`, which keep no other caller waiting."""
RETRY_AFTER_S = 5


class BooksDesk:
    """Events, statements and reconciliation of one process."""

    def __init__(self, books: Books, shelves: Shelves) -> None:
        self._books = books
        self._shelves = shelves
        self._reconciling: set[str] = set()

    async def events(
        self, partner: str, *, after: int, limit: int, last: int | None
    ) -> EventsAnswer:
        """What happened to a partner's orders, allotments and codes after an event, or at last."""
        if last is None:
            found = await self._books.events(partner, after, limit)
        else:
            found = await self._books.last_events(partner, last)
        events = [
            EventAnswer(
                seq=event.seq,
                type=event.type,
                at_ms=event.at_ms,
                data=self._named(msgspec.json.decode(event.data)),
            )
            for event in found
        ]
        return EventsAnswer(events=events, next=events[-1].seq if events else after)

    async def statement(self, partner: str, day: str, *, as_csv: bool) -> web.Response:
        """Our statement of a day. Raises Refused for a day that is none."""
        try:
            asked = day_of(day, "path")
            found = await self._books.statement(partner, asked, lines_max=LINES_MAX)
        except TooManyLines as error:
            detail = f"{error}; its operator can write it with `dropgate statement`."
            raise Refused(Code.TOO_LARGE, detail) from None
        # What is made of that many lines is made off the loop.
        if as_csv:
            lines = await asyncio.to_thread(lambda: found.csv().encode())
            return raw(lines, f"{CSV}; charset=utf-8")
        return raw(await asyncio.to_thread(lambda: body_of(found.data())), "application/json")

    async def reconcile(self, partner: str, day: str, body: bytes) -> web.Response:
        """Match the partner's own statement of a day with ours, and keep the run.

        One at a time for each partner. Raises Refused for a second one, and for what is no
        statement, naming what is wrong with it.
        """
        if partner in self._reconciling:
            raise Refused(Code.STILL_RECONCILING, retry_after_s=RETRY_AFTER_S)
        self._reconciling.add(partner)
        try:
            return await self._reconcile(partner, day_of(day, "query"), body)
        finally:
            self._reconciling.discard(partner)

    async def _reconcile(self, partner: str, day: date, body: bytes) -> web.Response:
        try:
            text = await asyncio.to_thread(body.decode, "utf-8-sig")
        except UnicodeDecodeError:
            raise wrong_field("body", "", "The text is not valid UTF-8") from None
        try:
            found = await reconcile(self._books, partner, day, text, lines_max=LINES_MAX)
        except TooManyLines as error:
            raise Refused(Code.TOO_LARGE, f"{error}") from None
        match found:
            case NotAStatement(why=why):
                raise wrong_field("body", "", why, Code.INVALID_STATEMENT)
            case Run():
                told = await asyncio.to_thread(lambda: body_of(_run(found)))
                return raw(told, "application/json", status=201)

    def _named(self, data: dict[str, Any]) -> dict[str, Any]:
        try:
            shelf = self._shelves.standing(str(data.get("sale")))
        except KeyError:
            return data  # a sale that this store does not hold any more
        for one in _parts(data):
            if "offer_number" in one:
                one["offer"] = shelf.offer_id(one.pop("offer_number"))
            seat = shelf.seat(one["unit"]) if isinstance(one.get("unit"), int) else None
            if seat is not None:
                one["seat"] = seat
        return data


def _run(found: Run) -> RunAnswer:
    return RunAnswer(
        run=found.run_id,
        digest=found.digest,
        lines_ours=found.lines_ours,
        lines_theirs=found.lines_theirs,
        lines_matched=found.lines_matched,
        counts=found.counts,
        cut=found.cut,
        breaks=[
            BreakAnswer(
                class_=one.class_,
                order=one.order,
                line=one.line,
                ours=one.ours,
                theirs=one.theirs,
                detail=one.detail,
                owner=one.owner,
                default_action=one.default_action,
            )
            for one in found.breaks
        ],
    )


def _parts(data: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield data
    for value in list(data.values()):
        if isinstance(value, list):
            yield from (one for one in value if isinstance(one, dict))


def day_of(text: str, where: str) -> date:
    """The day of a text of the form YYYY-MM-DD. Raises Refused, naming it."""
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise wrong_field(where, "date", "There is no such day") from None
