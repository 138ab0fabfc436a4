"""What the lives of visitors run on: how they wait, take turns and reach a server.

Belongs here: the few things that differ between a crowd of coroutines and one of greenlets, and
their form on asyncio. The form on gevent, which locust needs, is `loadtest.load.greenlets`. What
visitors do is written once, against `Engine`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from contextlib import AbstractAsyncContextManager
from typing import Any, Protocol

from loadtest.wire import Wires


class Connections(Protocol):
    """Connections to one server; `loadtest.wire.Wires` says what each call raises."""

    async def ask(self, request: bytes, *, timeout_s: float) -> tuple[int, bytes]:
        """Status and body."""

    async def hang_up(self, request: bytes) -> None:
        """Send, and end the connection without reading the answer."""

    def close(self) -> None:
        """End all idle connections."""


class Engine(Protocol):
    """Waiting and taking turns."""

    async def sleep(self, seconds: float) -> None:
        """Let others go on."""

    def gate(self, at_once: int) -> AbstractAsyncContextManager[object]:
        """A block that so many may be in at once."""

    async def together(self, *lives: Coroutine[Any, Any, Any]) -> list[Any]:
        """Run all of them beside each other; their results in order."""

    def connections(self, url: str) -> Connections:
        """Connections to the server of a URL."""


class Asyncio:
    """Coroutines on the running event loop."""

    async def sleep(self, seconds: float) -> None:
        """Let others go on."""
        await asyncio.sleep(seconds)

    def gate(self, at_once: int) -> AbstractAsyncContextManager[object]:
        """A block that so many may be in at once."""
        return asyncio.Semaphore(at_once)

    async def together(self, *lives: Coroutine[Any, Any, Any]) -> list[Any]:
        """Run all of them beside each other; their results in order."""
        return await asyncio.gather(*lives)

    def connections(self, url: str) -> Connections:
        """Connections to the server of a URL."""
        return Wires(url)
