"""One HTTP call at a time: bounded connections, repeats by the same key, and how long each took.

Belongs here: what every visitor's client does. What visitors want is in `shopper` and `kiosk`.
"""

from __future__ import annotations

import asyncio
import random
import time
from array import array
from collections import Counter
from typing import Any
from urllib.parse import urlsplit

import orjson

from loadtest.wire import Lost, Wires, request

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

    def __init__(self, seed: int) -> None:
        self._wires: dict[str, Wires] = {}
        self._free = asyncio.Semaphore(CONNECTIONS_MAX)
        self._dice = random.Random(seed)
        self.counts: Counter[str] = Counter()
        self.refusals: Counter[str] = Counter()
        self.times_ms: dict[str, array[float]] = {}

    async def get(self, kind: str, url: str, authorization: str = "") -> Answer:
        """A read."""
        return await self._until_answered(kind, "GET", url, _headers(authorization), b"")

    async def write(
        self, kind: str, url: str, authorization: str, body: object, *, key: str = ""
    ) -> Answer:
        """A write that is safe to repeat: sometimes its first answer is lost on purpose."""
        headers = {**_headers(authorization), "Content-Type": "application/json"}
        if key:
            headers["Idempotency-Key"] = key
        data = orjson.dumps(body)
        if self._dice.random() < LOST_SHARE:
            self.counts["lost_on_purpose"] += 1
            await self._hang_up(url, headers, data)
        return await self._until_answered(kind, "POST", url, headers, data)

    async def delete(self, kind: str, url: str, authorization: str) -> Answer:
        """A write without a body."""
        return await self._until_answered(kind, "DELETE", url, _headers(authorization), b"")

    async def _until_answered(
        self, kind: str, method: str, url: str, headers: dict[str, str], data: bytes
    ) -> Answer:
        wires, path = self._to(url)
        asked = request(method, path, headers, data)
        for attempt in range(ATTEMPTS_MAX):
            try:
                status, body = await self._once(kind, wires, asked)
            except (Lost, TimeoutError, OSError):
                self.counts["lost"] += 1
            else:
                if status >= 400:
                    self.refusals[str(body.get("code", status))] += 1
                if status not in REPEATED or body.get("code") == "too_many_attempts":
                    return status, body
                self.counts[f"status_{status}"] += 1
            await asyncio.sleep(self._backoff_s(attempt))
        raise GaveUp(f"{method} {url}")

    async def _once(self, kind: str, wires: Wires, asked: bytes) -> Answer:
        async with self._free:
            began = time.perf_counter()
            status, raw = await wires.ask(asked, timeout_s=TIMEOUT_S)
            took_ms = (time.perf_counter() - began) * 1000
        self.counts["calls"] += 1
        times = self.times_ms.get(kind)
        if times is None:
            times = self.times_ms[kind] = array("d")
        times.append(took_ms)
        return status, orjson.loads(raw) if raw.startswith(b"{") else {}

    async def _hang_up(self, url: str, headers: dict[str, str], data: bytes) -> None:
        wires, path = self._to(url)
        async with self._free:
            try:
                await wires.hang_up(request("POST", path, headers, data))
            except OSError:
                self.counts["lost"] += 1

    def _to(self, url: str) -> tuple[Wires, str]:
        """The connections to the URL's server, and the path there."""
        split = urlsplit(url)
        wires = self._wires.get(split.netloc)
        if wires is None:
            wires = self._wires[split.netloc] = Wires(url)
        return wires, f"{split.path}?{split.query}" if split.query else split.path

    def _backoff_s(self, attempt: int) -> float:
        wait_s: float = min(WAIT_MAX_S, WAIT_FIRST_S * 2.0**attempt)
        return wait_s * self._dice.uniform(0.5, 1.0)

    def close(self) -> None:
        """End all connections."""
        for wires in self._wires.values():
            wires.close()


def _headers(authorization: str) -> dict[str, str]:
    return {"Authorization": authorization} if authorization else {}
