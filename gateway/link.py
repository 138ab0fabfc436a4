"""A server behind us that need not be there when this process starts: connected on first use."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Generic, Protocol, TypeVar


class Closing(Protocol):
    """What can be closed."""

    async def close(self) -> None:
        """Close it."""


T = TypeVar("T", bound=Closing)


class Link(Generic[T]):
    """One connection, made when it is first asked for, and again until it works."""

    def __init__(self, connect: Callable[[], Awaitable[T]]) -> None:
        self._connect = connect
        self._made: T | None = None
        self._making = asyncio.Lock()

    async def get(self) -> T:
        """The connection. Raises what connecting raises, NothingHappened before all."""
        if self._made is None:
            async with self._making:
                if self._made is None:
                    self._made = await self._connect()
        return self._made

    async def close(self) -> None:
        """Close it, if it was ever made."""
        if self._made is not None:
            await self._made.close()
