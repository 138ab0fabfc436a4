"""The catalogue's connections to PostgreSQL, and what it means when one of them fails.

This package alone in inventory knows asyncpg; above it there are only the two faults of `lua`.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Self

import asyncpg

from inventory.catalogue.lot_tables import Connection
from lua import MayHaveHappened, NothingHappened

POOL_MAX = 4
ANSWER_TIMEOUT_S = 30.0
CONNECT_TIMEOUT_S = 5.0
LOCK_WAIT_S = 60.0
_LOST = (
    OSError,
    TimeoutError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,  # a connection that the server ended while nobody used it
    asyncpg.PostgresConnectionError,
    asyncpg.OperatorInterventionError,  # shutting down, starting up, crashed, cancelled
    asyncpg.InsufficientResourcesError,  # disk full, too many connections
    asyncpg.TransactionRollbackError,  # deadlock: roll back and repeat
    asyncpg.ReadOnlySQLTransactionError,  # a standby that was not promoted yet
)


class Database:
    """A small pool of connections."""

    def __init__(self, pool: "asyncpg.Pool[asyncpg.Record]") -> None:
        self._pool = pool

    @classmethod
    async def connect(cls, url: str) -> Self:
        """Connect to `postgresql://…`. Raises NothingHappened when nobody answers."""
        try:
            pool = await asyncpg.create_pool(
                url,
                min_size=0,
                max_size=POOL_MAX,
                timeout=CONNECT_TIMEOUT_S,
                command_timeout=ANSWER_TIMEOUT_S,
            )
            async with pool.acquire() as connection:
                await connection.execute("select 1")
        except _LOST as error:
            raise NothingHappened(f"the database gives no answer: {error}") from error
        return cls(pool)

    async def close(self) -> None:
        """Close all connections."""
        await self._pool.close()

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[Connection]:
        """A connection for reads alone. Raises NothingHappened."""
        try:
            async with self._pool.acquire(timeout=CONNECT_TIMEOUT_S) as connection:
                yield connection
        except _LOST as error:
            raise NothingHappened(f"the database gives no answer: {error}") from error

    @asynccontextmanager
    async def writing(self) -> AsyncIterator[Connection]:
        """A connection for a repeatable write. Raises MayHaveHappened."""
        try:
            async with self._pool.acquire(timeout=CONNECT_TIMEOUT_S) as connection:
                yield connection
        except _LOST as error:
            raise MayHaveHappened(f"the database gave no answer: {error}") from error

    @asynccontextmanager
    async def publishing(self, sale: str) -> AsyncIterator[Connection]:
        """A connection that alone publishes this sale; a second caller waits for the first."""
        async with self.writing() as connection:
            # The pool gives all locks of a connection back when it gets the connection back.
            await connection.execute(
                "select pg_advisory_lock(hashtextextended('catalogue ' || $1, 0))",
                sale,
                timeout=LOCK_WAIT_S,
            )
            yield connection
