"""The kiosks at the venues: redeem codes, some twice, some at the wrong door, some mistyped.

Belongs here: what people do with codes. What each kiosk was told goes into the journal.
"""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from dataclasses import dataclass
from typing import Any

from loadtest.crowd.calls import Answer, Calls
from loadtest.crowd.journal import Journal

AT_ONCE = 24
WRONG_DOOR, TWICE, AT_THE_SAME_MOMENT = 0.06, 0.06, 0.04
SYMBOLS = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"


@dataclass(frozen=True, slots=True)
class Ticket:
    """A code and the venue it is for."""

    code: str
    venue: str


class Kiosks:
    """One kiosk per venue, each with its credential."""

    def __init__(
        self, *, calls: Calls, gateway: str, keys: dict[str, str], journal: Journal, seed: int
    ) -> None:
        self._calls, self._url = calls, f"{gateway}/v1/kiosk/redemptions"
        self._keys, self._journal = keys, journal
        self._dice = random.Random(seed)
        self.surprises: list[str] = []
        self.done = Counter[str]()
        self._number = 0

    async def redeem_all(self, tickets: list[Ticket]) -> None:
        """Redeem every ticket; whatever is not answered as it must be is a surprise."""
        waiting = iter(tickets)

        async def work() -> None:
            for ticket in waiting:
                await self._visit(ticket)

        async with asyncio.TaskGroup() as group:
            for _ in range(AT_ONCE):
                group.create_task(work())

    async def mistype(self, tickets: list[Ticket]) -> None:
        """One mistyped code at each door: it must be refused, and the true code stay good."""
        doors = {ticket.venue: ticket for ticket in tickets}
        for ticket in doors.values():
            at = self._dice.randrange(len(ticket.code))
            wrong = self._dice.choice([symbol for symbol in SYMBOLS if symbol != ticket.code[at]])
            typed = ticket.code[:at] + wrong + ticket.code[at + 1 :]
            self._expect(await self._at(ticket.venue, typed), typed, {"unknown_code"})

    async def _visit(self, ticket: Ticket) -> None:
        choice = self._dice.random()
        if choice < WRONG_DOOR:
            other = self._dice.choice([door for door in self._keys if door != ticket.venue])
            self._expect(await self._at(other, ticket.code), ticket.code, {"wrong_venue"})
        elif choice < WRONG_DOOR + AT_THE_SAME_MOMENT:
            told = await asyncio.gather(*(self._at(ticket.venue, ticket.code) for _ in range(2)))
            if sorted(status for status, _ in told) != [200, 409]:
                self.surprises.append(f"{ticket.code} twice at once: {told}")
            return
        self._expect(await self._at(ticket.venue, ticket.code), ticket.code, {"redeemed"})
        if choice > 1 - TWICE:
            told_again = await self._at(ticket.venue, ticket.code)
            self._expect(told_again, ticket.code, {"already_redeemed"})

    async def _at(self, venue: str, code: str) -> Answer:
        self._number += 1
        key = f"kiosk-{venue}-{self._number}"
        authorization = f"Bearer {self._keys[venue]}"
        status, body = await self._calls.write(
            "redeem", self._url, authorization, {"code": code}, key=key
        )
        if status == 200:
            self._journal.redeemed(code=code, venue=venue, key=key)
        else:
            why = str(body.get("code", status))
            self._journal.refused(code=code, venue=venue, key=key, why=why)
        self.done[_word(status, body)] += 1
        return status, body

    def _expect(self, told: Answer, code: str, words: set[str]) -> None:
        word = _word(*told)
        if word not in words:
            masked = f"…{code[-4:]}"
            self.surprises.append(f"{masked}: {word} and not {' or '.join(sorted(words))}")


def _word(status: int, body: dict[str, Any]) -> str:
    return "redeemed" if status == 200 else str(body.get("code", status))
