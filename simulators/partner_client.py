"""How the partner calls Dropgate: every write by a key of its own, repeated until it is answered.

Belongs here: retries and the ways a clumsy partner misbehaves on the wire. What to buy is
`partner_work`'s.
"""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

import aiohttp

ATTEMPTS_MAX = 40
TIMEOUT_S = 10.0
WAIT_FIRST_S, WAIT_MAX_S = 0.05, 2.0


@dataclass(slots=True)
class Behaviour:
    """What the partner can be told to be. Shares are of its calls, 0..1."""

    slow_ms: int = 0
    fail_share: float = 0.0
    twice_share: float = 0.0
    lies: dict[str, int] = field(default_factory=dict)


class Unanswered(Exception):
    """No answer after all attempts; the intent stays in the book."""


class GatewayClient:
    """Dropgate's partner interface, with one partner's credential."""

    def __init__(
        self, session: aiohttp.ClientSession, url: str, credential: str, seed: int
    ) -> None:
        self._session, self._url = session, url.rstrip("/")
        self._headers = {"Authorization": f"Bearer {credential}"}
        self._dice = random.Random(seed)
        self.behaviour = Behaviour()
        self.counts: Counter[str] = Counter()

    async def get(self, path: str, **query: str | int) -> Any:
        """A read's JSON. Raises Unanswered, and ClientResponseError for a refusal."""
        status, body = await self._until_answered("GET", path, query, None, "")
        if status != 200:
            raise Unanswered(f"GET {path}: {status} {body}")
        return body

    async def get_lines(self, path: str, **query: str | int) -> list[str]:
        """The lines of an NDJSON answer; repeated whole when it is cut off."""
        for attempt in range(ATTEMPTS_MAX):
            try:
                headers = {**self._headers, "Accept": "application/x-ndjson"}
                async with self._session.get(
                    self._url + path, params=query, headers=headers, timeout=_timeout()
                ) as answer:
                    if answer.status == 200:
                        return (await answer.text()).splitlines()
            except (aiohttp.ClientError, TimeoutError):
                self.counts["lost"] += 1
            await self._wait(attempt, None)
        raise Unanswered(f"GET {path}")

    async def write(
        self, path: str, body: object, key: str, **query: str | int
    ) -> tuple[int, dict[str, Any]]:
        """Status and JSON of a write that is safe to repeat by its key: a success or a refusal.

        Raises Unanswered. As told, it is slow, cuts the line before the answer and repeats, or
        sends the same write twice at once, as clumsy partners do.
        """
        behaviour, dice = self.behaviour, self._dice
        if behaviour.slow_ms:
            await asyncio.sleep(behaviour.slow_ms * dice.uniform(0.5, 1.5) / 1000)
        if dice.random() < behaviour.fail_share:
            self.counts["cut"] += 1
            await self._cut("POST", path, query, body, key)
        if dice.random() >= behaviour.twice_share:
            return await self._until_answered("POST", path, query, body, key)
        self.counts["twice"] += 1
        first, second = await asyncio.gather(
            self._until_answered("POST", path, query, body, key),
            self._until_answered("POST", path, query, body, key),
        )
        if (first[0] < 300, first[1].get("id")) != (second[0] < 300, second[1].get("id")):
            self.counts["contradictions"] += 1
        return first if first[0] < 300 else second

    async def _until_answered(
        self, method: str, path: str, query: dict[str, Any], body: object, key: str
    ) -> tuple[int, dict[str, Any]]:
        for attempt in range(ATTEMPTS_MAX):
            try:
                async with self._request(method, path, query, body, key) as answer:
                    if answer.status not in (429, 500, 502, 503, 504):
                        self.counts["answered"] += 1
                        return answer.status, await answer.json(content_type=None)
                    retry_after = answer.headers.get("Retry-After")
                    self.counts[f"status_{answer.status}"] += 1
            except (aiohttp.ClientError, TimeoutError, ValueError):
                self.counts["lost"] += 1
                retry_after = None
            await self._wait(attempt, retry_after)
        raise Unanswered(f"{method} {path}")

    async def _cut(
        self, method: str, path: str, query: dict[str, Any], body: object, key: str
    ) -> None:
        """Send and hang up without reading: it may have happened."""
        try:
            async with self._request(method, path, query, body, key) as answer:
                answer.close()
        except (aiohttp.ClientError, TimeoutError):
            self.counts["lost"] += 1

    def _request(
        self, method: str, path: str, query: dict[str, Any], body: object, key: str
    ) -> Any:
        headers = {**self._headers, "Idempotency-Key": key} if key else self._headers
        return self._session.request(
            method, self._url + path, params=query, json=body, headers=headers, timeout=_timeout()
        )

    async def _wait(self, attempt: int, retry_after: str | None) -> None:
        backoff_s = min(WAIT_MAX_S, WAIT_FIRST_S * 2.0**attempt) * self._dice.uniform(0.5, 1.0)
        told_s = float(retry_after) if retry_after and retry_after.isdecimal() else 0.0
        await asyncio.sleep(max(backoff_s, min(told_s, WAIT_MAX_S)))


def _timeout() -> aiohttp.ClientTimeout:
    return aiohttp.ClientTimeout(total=TIMEOUT_S)
