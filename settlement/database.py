"""The door to PostgreSQL: the pool, its limits, and telling 'gone for now' from a bug.

Nothing here knows a table. A lost COMMIT is no problem of this module: whoever writes reads the
cursor again, and the cursor was written in the same transaction.
"""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import asyncpg

from lua.faults import MayHaveHappened, NothingHappened

if TYPE_CHECKING:
    Connection = (
        asyncpg.Connection[asyncpg.Record] | asyncpg.pool.PoolConnectionProxy[asyncpg.Record]
    )
    Pool = asyncpg.Pool[asyncpg.Record]
else:  # asyncpg's classes are generic only in its stubs
    Connection = asyncpg.Connection
    Pool = asyncpg.Pool

POOL_MAX = 8
CONNECT_TIMEOUT_S = 2.0
IDLE_IN_TRANSACTION = "30s"  # a worker that was frozen must not keep its stripe from the others
_GONE = (
    OSError,
    TimeoutError,
    asyncpg.PostgresConnectionError,
    asyncpg.OperatorInterventionError,  # shutting down, starting up, crashed, cancelled
    asyncpg.InsufficientResourcesError,  # disk full, too many connections
    asyncpg.TransactionRollbackError,  # deadlock, serialisation: roll back and repeat
    asyncpg.IdleInTransactionSessionTimeoutError,
    asyncpg.ReadOnlySQLTransactionError,  # a standby that was not promoted yet
)


async def open_pool(url: str, *, answer_timeout_s: float) -> Pool:
    """A pool that connects on first use, so that it may be opened before the server is there."""
    return await asyncpg.create_pool(
        url,
        min_size=0,
        max_size=POOL_MAX,
        timeout=CONNECT_TIMEOUT_S,
        command_timeout=answer_timeout_s,
        server_settings={
            "application_name": "dropgate",
            "idle_in_transaction_session_timeout": IDLE_IN_TRANSACTION,
            "timezone": "UTC",
            "jit": "off",
        },
    )


@contextmanager
def answering(*, writes: bool = False) -> Iterator[None]:
    """Turn 'the database is gone' into a fault: NothingHappened, or MayHaveHappened if it `writes`.

    Anything else, a constraint that was violated or a wrong argument, is a bug and passes through.
    """
    fault = MayHaveHappened if writes else NothingHappened
    try:
        yield
    except _GONE as error:
        raise fault(f"the books gave no answer: {type(error).__name__}: {error}") from error
    except asyncpg.InterfaceError as error:
        # The driver says this of a connection that was lost before the call, and of our own misuse.
        if "clos" not in str(error):
            raise
        raise fault(f"the books gave no answer: {error}") from error


async def copy_rows(
    connection: Connection, table: str, columns: Sequence[str], rows: Sequence[tuple[Any, ...]]
) -> None:
    """COPY new rows into a table of the schema `books`."""
    if rows:
        await connection.copy_records_to_table(
            table, schema_name="books", columns=list(columns), records=rows
        )


def columns_of(rows: Iterable[tuple[Any, ...]], width: int) -> list[list[Any]]:
    """Rows of `width` values as one list for each column, for unnest."""
    columns = [list(column) for column in zip(*rows, strict=True)]
    return columns or [[] for _ in range(width)]
