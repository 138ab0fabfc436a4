"""One HTTP call at a time: bounded connections, repeats by the same key, and how long each took.

Belongs here: what every visitor's client does. What visitors want is in `shopper` and `kiosk`.
"""

from __future__ import annotations

import random
import time
from collections import Counter
from dataclasses import dataclass
from typing import Any, Protocol
from urllib.parse import urlsplit

import orjson

from loadtest.crowd.engine import Asyncio, Connections, Engine
from loadtest.wire import Lost, request

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


@dataclass(frozen=True, slots=True)
class Ask:
    """One call that a visitor makes; `kind` is its name in figures."""

    kind: str
    method: str
    url: str


class Ear(Protocol):
    """Hears of every single answer, also of those that are asked for again."""

    def answered(self, ask: Ask, status: int, body: dict[str, Any], took_ms: float) -> None:
        """An answer came."""

    def lost(self, ask: Ask, why: Exception) -> None:
        """None came."""


class Calls:
    """The connections of one crowd process, and its counts and times."""

    def __init__(self, seed: int, engine: Engine | None = None) -> None:
        self.engine = engine or Asyncio()
        self._connections: dict[str, Connections] = {}
        self._free = self.engine.gate(CONNECTIONS_MAX)
        self._dice = random.Random(seed)
        self.ears: list[Ear] = []
        self.counts: Counter[str] = Counter()
        self.refusals: Counter[str] = Counter()

    async def get(self, kind: str, url: str, authorization: str = "") -> Answer:
        """A read."""
        return await self._until_answered(Ask(kind, "GET", url), _headers(authorization), b"")

    async def write(
        self,
        kind: str,
        url: str,
        authorization: str,
        body: object,
        *,
        key: str = "",
        method: str = "POST",
    ) -> Answer:
        """A write that is safe to repeat: sometimes its first answer is lost on purpose."""
        headers = {**_headers(authorization), "Content-Type": "application/json"}
        if key:
            headers["Idempotency-Key"] = key
        ask, data = Ask(kind, method, url), orjson.dumps(body)
        if self._dice.random() < LOST_SHARE:
            self.counts["lost_on_purpose"] += 1
            await self._hang_up(ask, headers, data)
        return await self._until_answered(ask, headers, data)

    async def delete(self, kind: str, url: str, authorization: str) -> Answer:
        """A write without a body."""
        return await self._until_answered(Ask(kind, "DELETE", url), _headers(authorization), b"")

    async def _until_answered(self, ask: Ask, headers: dict[str, str], data: bytes) -> Answer:
        connections, path = self._to(ask.url)
        asked = request(ask.method, path, headers, data)
        for attempt in range(ATTEMPTS_MAX):
            try:
                status, body = await self._once(ask, connections, asked)
            except (Lost, TimeoutError, OSError) as lost:
                self.counts["lost"] += 1
                for ear in self.ears:
                    ear.lost(ask, lost)
            else:
                if status >= 400:
                    self.refusals[str(body.get("code", status))] += 1
                if status not in REPEATED or body.get("code") == "too_many_attempts":
                    return status, body
                self.counts[f"status_{status}"] += 1
            await self.engine.sleep(self._backoff_s(attempt))
        raise GaveUp(f"{ask.method} {ask.url}")

    async def _once(self, ask: Ask, connections: Connections, asked: bytes) -> Answer:
        async with self._free:
            began = time.perf_counter()
            status, raw = await connections.ask(asked, timeout_s=TIMEOUT_S)
            took_ms = (time.perf_counter() - began) * 1000
        self.counts["calls"] += 1
        body = orjson.loads(raw) if raw.startswith(b"{") else {}
        for ear in self.ears:
            ear.answered(ask, status, body, took_ms)
        return status, body

    async def _hang_up(self, ask: Ask, headers: dict[str, str], data: bytes) -> None:
        connections, path = self._to(ask.url)
        async with self._free:
            try:
                await connections.hang_up(request(ask.method, path, headers, data))
            except OSError:
                self.counts["lost"] += 1

    def _to(self, url: str) -> tuple[Connections, str]:
        """The connections to the URL's server, and the path there."""
        split = urlsplit(url)
        connections = self._connections.get(split.netloc)
        if connections is None:
            connections = self._connections[split.netloc] = self.engine.connections(url)
        return connections, f"{split.path}?{split.query}" if split.query else split.path

    def _backoff_s(self, attempt: int) -> float:
        wait_s: float = min(WAIT_MAX_S, WAIT_FIRST_S * 2.0**attempt)
        return wait_s * self._dice.uniform(0.5, 1.0)

    def close(self) -> None:
        """End all connections."""
        for connections in self._connections.values():
            connections.close()


def _headers(authorization: str) -> dict[str, str]:
    return {"Authorization": authorization} if authorization else {}
