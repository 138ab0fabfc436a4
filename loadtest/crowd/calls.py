"""One HTTP call at a time: bounded connections, repeats by the same key, and how long each took.

Belongs here: what every visitor's client does. What visitors want is in `shopper` and `kiosk`.
"""

from __future__ import annotations

import asyncio
import random
import time
from array import array
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import orjson

CONNECTIONS_MAX = 96
"""Sockets of one crowd process; shoppers share them, as they share a CDN's towards an origin."""

ATTEMPTS_MAX = 60
TIMEOUT_S = 15.0
WAIT_FIRST_S, WAIT_MAX_S = 0.1, 2.0
REPEATED = frozenset({429, 500, 502, 503, 504})
LOST_SHARE = 0.01
"""Writes whose first answer is thrown away unread, and that are then repeated by the same key."""

Answer = tuple[int, dict[str, Any]]


class GaveUp(Exception):
    """No answer after all attempts."""


class Calls:
    """The connections of one crowd process, and its counts and times."""

    def __init__(self, session: aiohttp.ClientSession, seed: int) -> None:
        self._session = session
        self._free = asyncio.Semaphore(CONNECTIONS_MAX)
        self._dice = random.Random(seed)
        self.counts: Counter[str] = Counter()
        self.refusals: Counter[str] = Counter()
        self.times_ms: dict[str, array[float]] = {}

    async def get(self, kind: str, url: str, authorization: str = "") -> Answer:
        """A read."""
        return await self._until_answered(kind, "GET", url, {"Authorization": authorization}, None)

    async def write(
        self, kind: str, url: str, authorization: str, body: object, *, key: str = ""
    ) -> Answer:
        """A write that is safe to repeat: sometimes its first answer is lost on purpose."""
        headers = {"Authorization": authorization, "Content-Type": "application/json"}
        if key:
            headers["Idempotency-Key"] = key
        data = orjson.dumps(body)
        if self._dice.random() < LOST_SHARE:
            self.counts["lost_on_purpose"] += 1
            await self._hang_up(url, headers, data)
        return await self._until_answered(kind, "POST", url, headers, data)

    async def delete(self, kind: str, url: str, authorization: str) -> Answer:
        """A write without a body."""
        headers = {"Authorization": authorization}
        return await self._until_answered(kind, "DELETE", url, headers, None)

    async def _until_answered(
        self, kind: str, method: str, url: str, headers: dict[str, str], data: bytes | None
    ) -> Answer:
        for attempt in range(ATTEMPTS_MAX):
            try:
                status, body = await self._once(kind, method, url, headers, data)
            except (aiohttp.ClientError, TimeoutError, OSError):
                self.counts["lost"] += 1
            else:
                if status >= 400:
                    self.refusals[str(body.get("code", status))] += 1
                if status not in REPEATED or body.get("code") == "too_many_attempts":
                    return status, body
                self.counts[f"status_{status}"] += 1
            await asyncio.sleep(self._backoff_s(attempt))
        raise GaveUp(f"{method} {url}")

    async def _once(
        self, kind: str, method: str, url: str, headers: dict[str, str], data: bytes | None
    ) -> Answer:
        async with self._free:
            began = time.perf_counter()
            async with self._session.request(method, url, headers=headers, data=data) as answer:
                raw = await answer.read()
            took_ms = (time.perf_counter() - began) * 1000
        self.counts["calls"] += 1
        self.times_ms.setdefault(kind, array("d")).append(took_ms)
        body = orjson.loads(raw) if "json" in answer.content_type else {}
        return answer.status, body

    async def _hang_up(self, url: str, headers: dict[str, str], data: bytes) -> None:
        """Send, and close the connection without reading: it may have happened."""
        try:
            async with (
                self._free,
                self._session.request("POST", url, headers=headers, data=data) as answer,
            ):
                answer.close()
        except (aiohttp.ClientError, TimeoutError, OSError):
            self.counts["lost"] += 1

    def _backoff_s(self, attempt: int) -> float:
        wait_s: float = min(WAIT_MAX_S, WAIT_FIRST_S * 2.0**attempt)
        return wait_s * self._dice.uniform(0.5, 1.0)


@asynccontextmanager
async def connected(seed: int) -> AsyncIterator[Calls]:
    """Calls with a session of their own."""
    connector = aiohttp.TCPConnector(limit=CONNECTIONS_MAX, keepalive_timeout=60)
    timeout = aiohttp.ClientTimeout(total=TIMEOUT_S)
    jar = aiohttp.DummyCookieJar()
    async with aiohttp.ClientSession(
        connector=connector, timeout=timeout, cookie_jar=jar, auto_decompress=False
    ) as session:
        yield Calls(session, seed)
