"""Those who want in by another way, or only to keep others out. None of them may get anything.

What a bot got that it must not have gets into the journal as a limit that was broken.
"""

from __future__ import annotations

import itertools
import random
from typing import Any

from loadtest.crowd.calls import Answer
from loadtest.crowd.kiosk import SYMBOLS
from loadtest.crowd.shopper import Shopper, Town

BROKEN_LIMIT = "limit"
CODE_SYMBOLS = 16
ACCOUNTS = 1_000
ACCOUNTS_AT_ONCE = 10
NEVER_PAYS = 1.0


class Bots:
    """The bots of one process. `name` tells processes apart."""

    def __init__(self, town: Town, name: str, *, stolen_kiosk: str, limit: int) -> None:
        self._town, self._name, self._limit = town, name, limit
        self._kiosk = f"Bearer {stolen_kiosk}"
        self._dice = random.Random(name)
        self._numbers = itertools.count()

    async def without_pass(self) -> None:
        """Holds without a pass, with an invented one, and with a login or place in its stead."""
        login = await self._log_in(f"{self._name}-impatient")
        for token in ("", f"Pass {self._token()}", login, login.replace("Bearer", "Pass"),
                      f"Pass {self._token()}.{self._token()}.{self._token()}"):  # fmt: skip
            self._must_not(await self._hold(token), "bought without a pass")

    async def with_stolen_pass(self) -> None:
        """Another's pass, which has bought already."""
        if not self._town.spent:
            return
        pass_ = self._dice.choice(self._town.spent)
        status, told = await self._hold(pass_)
        self._must_not((status, told), "bought with a pass that was spent")

    async def with_guessed_codes(self) -> None:
        """Codes out of the air, at a kiosk whose key got into bad hands."""
        code = "".join(self._dice.choices(SYMBOLS, k=CODE_SYMBOLS))
        told = await self._town.calls.write(
            "redeem",
            f"{self._town.gateway}/v1/kiosk/redemptions",
            self._kiosk,
            {"code": code},
            key=self._key(),
        )
        self._must_not(told, f"redeemed the guessed code {code}")

    async def with_many_accounts(self) -> None:
        """One person with a thousand accounts: each has one place, however often it joins."""
        for _ in range(ACCOUNTS_AT_ONCE):
            account = f"{self._name}-{self._dice.randrange(ACCOUNTS)}"
            login = await self._log_in(account)
            places = [await self._join(login) for _ in range(2)]
            numbers = {place["number"] for status, place in places if status in (200, 201)}
            if len(numbers) > 1:
                self._town.journal.seen(BROKEN_LIMIT, f"{account} has the places {numbers}")

    async def with_holds_never_paid(self) -> None:
        """Waits as a shopper does, and keeps from others what it never pays."""
        name = f"{self._name}-hoarder-{next(self._numbers)}"
        await Shopper(self._town, name, name, walks_off=NEVER_PAYS).visit()

    async def _log_in(self, account: str) -> str:
        url = f"{self._town.shop}/login"
        _, told = await self._town.calls.write("login", url, "", {"user": account})
        return f"Bearer {told['token']}"

    async def _join(self, login: str) -> Answer:
        url = f"{self._town.sale_url}/places"
        return await self._town.calls.write("join", url, login, {}, key=self._key())

    async def _hold(self, token: str) -> Answer:
        offers = await self._town.shelf.offers()
        if not offers:
            return 0, {}
        lines = [{"offer": self._dice.choice(offers).id, "quantity": self._limit}]
        return await self._town.calls.write(
            "hold", f"{self._town.sale_url}/orders", token, {"lines": lines}, key=self._key()
        )

    def _key(self) -> str:
        return f"{self._name}-{next(self._numbers)}"

    def _token(self) -> str:
        return "".join(self._dice.choices(SYMBOLS, k=40))

    def _must_not(self, told: Answer, what: str) -> None:
        status, body = told
        if 200 <= status < 300:
            named: Any = body.get("id", "")
            self._town.journal.seen(BROKEN_LIMIT, f"a bot {what}: {status} {named}")
