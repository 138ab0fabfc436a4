"""Shoppers who are let in: each joins the line with a login of the shop and claims a pass.

Not measured: what is measured is what they do with the pass.
"""

from __future__ import annotations

import asyncio
import json
import time
from itertools import chain, count
from typing import Any

import jwt
import orjson
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from loadtest.bench.generators import FAULT, GOOD, TIMEOUT_S, Unexpected
from loadtest.bench.sale import AUDIENCE, ISSUER, SALE, SHOP_KEYS
from loadtest.wire import Wires, request

AT_ONCE = 64
LOGIN_LIVES_S = 3600
AGAIN_MAX = 500
NOT_YET = {202, 429, FAULT}
AGAIN_S = 0.1


class Shoppers:
    """The shoppers of one sale; nobody comes twice."""

    def __init__(self, gateway: str) -> None:
        keys = {key["kid"]: key for key in json.loads(SHOP_KEYS.read_bytes())["keys"]}
        key = jwt.PyJWK(keys["login"], "EdDSA").key
        assert isinstance(key, Ed25519PrivateKey)
        self._key, self._numbers = key, count()
        self._wires = Wires(gateway)
        self._url = f"/v1/sales/{SALE}"

    async def passes(self, many: int) -> list[str]:
        """So many passes of new shoppers."""
        wanted = iter(range(many))

        async def work() -> list[str]:
            return [await self._let_in() for _ in wanted]

        had = await asyncio.gather(*(work() for _ in range(min(AT_ONCE, many))))
        return list(chain.from_iterable(had))

    async def _let_in(self) -> str:
        name = f"shopper-{next(self._numbers)}"
        now_s = int(time.time())
        claims = {"iss": ISSUER, "aud": AUDIENCE, "sub": name, "iat": now_s}
        claims["exp"] = now_s + LOGIN_LIVES_S
        login = jwt.encode(claims, self._key, "EdDSA", headers={"kid": "login"})
        place = await self._until("places", f"Bearer {login}", key=f"join-{name}")
        turn = await self._until("passes", f"Place {place['place']}")
        return str(turn["pass"])

    async def _until(self, what: str, authorization: str, *, key: str = "") -> dict[str, Any]:
        """The answer of success; not yet and a fault are asked again, as a page does."""
        status, answer = await self._ask(what, authorization, key=key)
        for _ in range(AGAIN_MAX):
            if status not in NOT_YET:
                break
            await asyncio.sleep(AGAIN_S)
            status, answer = await self._ask(what, authorization, key=key)
        if status not in GOOD:
            raise Unexpected(f"{what} was answered {status}: {answer}")
        return answer

    async def _ask(self, what: str, authorization: str, *, key: str) -> tuple[int, dict[str, Any]]:
        headers = {"Authorization": authorization, "Content-Type": "application/json"}
        if key:
            headers["Idempotency-Key"] = key
        asked = request("POST", f"{self._url}/{what}", headers, b"{}")
        status, body = await self._wires.ask(asked, timeout_s=TIMEOUT_S)
        return status, orjson.loads(body)

    def close(self) -> None:
        """End the connections."""
        self._wires.close()
