"""The partner takes codes of its allotments, sells some by itself, reports them, returns the rest.

Belongs here: the jobs about allotments. A report or return is given its key in the book before it
is sent, so a partner that died sends the same one again.
"""

from __future__ import annotations

import json
import random
from collections.abc import Mapping, Sequence, Set
from itertools import groupby
from typing import Any

from simulators.jobs import groups_of
from simulators.partner_book import AllottedUnit, Book
from simulators.partner_client import GatewayClient
from simulators.partner_orders import now_ms

CODES_PAGE = 500
UNITS_PER_CALL = 200
ACCEPTED = {"sold", "sold_before", "back", "voided", "returned", "reported"}
"""What Dropgate may say of a unit that was reported or returned as it should be."""


class Allotments:
    """The partner's allotments in one sale."""

    def __init__(self, book: Book, client: GatewayClient, sale: str, seed: int) -> None:
        self._book, self._client, self._sale = book, client, sale
        self._dice = random.Random(seed)

    async def take(self, offers: Set[str]) -> None:
        """Take over the codes of every allotment of these offers, page by page."""
        listed = await self._client.get("/v1/partner/allotments", sale=self._sale)
        for allotment in listed["allotments"]:
            if allotment["offer"] in offers:
                await self._take_one(allotment["id"])

    async def _take_one(self, allotment: str) -> None:
        path, after = f"/v1/partner/allotments/{allotment}/codes", -1
        while lines := await self._client.get_lines(
            path, sale=self._sale, after=after, limit=CODES_PAGE
        ):
            units = [json.loads(line) for line in lines]
            self._book.write(*(_taken(allotment, unit) for unit in units if "code" in unit))
            after = units[-1]["unit"]

    async def sell(self, share: float, prices: Mapping[str, int], currency: str) -> None:
        """Sell a share of what was taken, and report it."""
        taken = self._book.units("taken")
        chosen = self._dice.sample(taken, round(len(taken) * share))
        for batch, group in _batches("report", chosen):
            for unit in group:
                known = {"batch": batch, "reference": f"A{unit.unit}", "currency": currency}
                amount = {"amount_minor": prices[unit.offer]}
                self._book.write(_step([unit], "selling", set=known | amount))
        await self._report()

    async def give_back(self) -> None:
        """Return everything unsold."""
        for batch, group in _batches("return", self._book.units("taken")):
            self._book.write(_step(group, "returning", set={"batch": batch}))
        await self._return()

    async def resume(self) -> None:
        """Send the reports and returns again whose outcome is unknown."""
        await self._report()
        await self._return()

    async def _report(self) -> None:
        for batch, group in _by_batch(self._book.units("selling")):
            lines = [
                {"unit": u.unit, "amount_minor": u.amount_minor, "reference": u.reference}
                for u in group
            ]
            await self._send("sales", {"lines": lines}, batch, group, "reported")

    async def _return(self) -> None:
        for batch, group in _by_batch(self._book.units("returning")):
            units = [unit.unit for unit in group]
            await self._send("returns", {"units": units}, batch, group, "returned")

    async def _send(
        self, what: str, body: object, batch: str, group: Sequence[AllottedUnit], state: str
    ) -> None:
        path = f"/v1/partner/allotments/{group[0].allotment}/{what}"
        status, answer = await self._client.write(path, body, batch, sale=self._sale)
        if status >= 300:
            detail = f"{what} {batch}: {status} {answer.get('code')}"
            refused = _step(group, "refused", at_ms=now_ms())
            self._book.write({"what": "contradiction", "detail": detail}, refused)
            return
        said = {result["unit"]: result["status"] for result in answer["results"]}
        good = [unit for unit in group if said.get(unit.unit) in ACCEPTED]
        bad = [unit for unit in group if said.get(unit.unit) not in ACCEPTED]
        self._book.write(_step(good, state, at_ms=now_ms()))
        if bad:
            detail = f"{what} {batch}: {[(u.unit, said.get(u.unit)) for u in bad[:5]]}"
            refused = _step(bad, "refused", at_ms=now_ms())
            self._book.write({"what": "contradiction", "detail": detail}, refused)


def _taken(allotment: str, unit: Mapping[str, Any]) -> dict[str, Any]:
    kept = {name: unit[name] for name in ("unit", "offer", "code")}
    return {"what": "taken", "unit": {"allotment": allotment, **kept}}


def _step(units: Sequence[AllottedUnit], state: str, **more: object) -> dict[str, Any]:
    """A line of the book: units of one allotment came to a state."""
    allotment = units[0].allotment if units else ""
    numbers = [unit.unit for unit in units]
    return {"what": "units", "allotment": allotment, "units": numbers, "state": state, **more}


def _batches(what: str, units: Sequence[AllottedUnit]) -> list[tuple[str, list[AllottedUnit]]]:
    """Units in bounded groups of one allotment, each with the key it will be sent by."""
    in_order = sorted(units, key=lambda unit: (unit.allotment, unit.unit))
    groups = [
        group
        for _, mine in groupby(in_order, key=lambda unit: unit.allotment)
        for group in groups_of(UNITS_PER_CALL, list(mine))
    ]
    return [
        (f"{what}-{group[0].allotment}-{group[0].unit}-{len(group)}", group) for group in groups
    ]


def _by_batch(units: Sequence[AllottedUnit]) -> list[tuple[str, list[AllottedUnit]]]:
    in_order = sorted(units, key=lambda unit: (unit.batch, unit.unit))
    return [(batch, list(group)) for batch, group in groupby(in_order, key=lambda u: u.batch)]
