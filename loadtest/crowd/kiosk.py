"""The kiosks at the venues: redeem codes, some twice, some at the wrong door, some mistyped.

Belongs here: what people do with codes. What each kiosk was told goes into the journal.
"""

from __future__ import annotations

import random
from collections import Counter
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Any

from loadtest.crowd.calls import Answer, Calls
from loadtest.crowd.journal import Journal

WRONG_DOOR, TWICE, AT_THE_SAME_MOMENT = 0.06, 0.06, 0.04
SYMBOLS = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"


@dataclass(frozen=True, slots=True)
class Door:
    """One kiosk."""

    venue: str
    key: str
    free: AbstractAsyncContextManager[object]


@dataclass(frozen=True, slots=True)
class Ticket:
    """A code and the venue it is for."""

    code: str
    venue: str


class Kiosks:
    """The kiosks of each venue, with their credentials; each takes one code after the other."""

    def __init__(
        self, *, calls: Calls, gateway: str, keys: dict[str, list[str]], journal: Journal, seed: int
    ) -> None:
        self._calls, self._url = calls, f"{gateway}/v1/kiosk/redemptions"
        self._journal = journal
        self._doors = {
            venue: [Door(venue, key, calls.engine.gate(1)) for key in mine]
            for venue, mine in keys.items()
        }
        self._dice = random.Random(seed)
        self.surprises: list[str] = []
        self.done = Counter[str]()
        self._number = 0

    async def mistype(self, tickets: list[Ticket]) -> None:
        """One mistyped code at each venue: it must be refused, and the true code stay good."""
        first_of = {ticket.venue: ticket for ticket in tickets}
        for ticket in first_of.values():
            at = self._dice.randrange(len(ticket.code))
            wrong = self._dice.choice([symbol for symbol in SYMBOLS if symbol != ticket.code[at]])
            typed = ticket.code[:at] + wrong + ticket.code[at + 1 :]
            self._expect(await self._at(self._door(ticket.venue), typed), typed, "unknown_code")

    async def visit(self, ticket: Ticket) -> None:
        """Redeem a ticket; whatever is not answered as it must be is a surprise."""
        choice, doors = self._dice.random(), self._doors[ticket.venue]
        if choice < WRONG_DOOR and len(self._doors) > 1:
            other = self._dice.choice([venue for venue in self._doors if venue != ticket.venue])
            told = await self._at(self._door(other), ticket.code)
            self._expect(told, ticket.code, "wrong_venue")
        elif choice < WRONG_DOOR + AT_THE_SAME_MOMENT and len(doors) > 1:
            both = await self._calls.engine.together(
                *(self._at(door, ticket.code) for door in doors[:2])
            )
            if sorted(status for status, _ in both) != [200, 409]:
                self.surprises.append(f"{_masked(ticket.code)} at two kiosks at once: {both}")
            return
        self._expect(await self._at(self._door(ticket.venue), ticket.code), ticket.code, "redeemed")
        if choice > 1 - TWICE:
            told = await self._at(self._door(ticket.venue), ticket.code)
            self._expect(told, ticket.code, "already_redeemed")

    def _door(self, venue: str) -> Door:
        return self._dice.choice(self._doors[venue])

    async def _at(self, door: Door, code: str) -> Answer:
        self._number += 1
        key = f"kiosk-{door.venue}-{self._number}"
        async with door.free:
            status, body = await self._calls.write(
                "redeem", self._url, f"Bearer {door.key}", {"code": code}, key=key
            )
        if status == 200:
            self._journal.redeemed(code=code, venue=door.venue, key=key)
        else:
            why = str(body.get("code", status))
            self._journal.refused(code=code, venue=door.venue, key=key, why=why)
        self.done[_word(status, body)] += 1
        return status, body

    def _expect(self, told: Answer, code: str, expected: str) -> None:
        word = _word(*told)
        if word != expected:
            self.surprises.append(f"{_masked(code)}: {word} and not {expected}")


def _masked(code: str) -> str:
    return f"…{code[-4:]}"


def _word(status: int, body: dict[str, Any]) -> str:
    return "redeemed" if status == 200 else str(body.get("code", status))
