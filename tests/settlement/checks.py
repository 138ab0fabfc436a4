"""What a test asks of the books, and of the database behind them."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import asyncpg

from settlement import Books

EVERYTHING = (
    "select (select count(*) from books.fact) as facts, (select count(*) from books.line) as lines,"
    " (select count(*) from books.orders) as orders, (select count(*) from books.unit) as units,"
    " (select count(*) from books.event) as events"
)


async def counted(books: Books) -> dict[str, int]:
    """How many rows the books have."""
    row = await books.pool.fetchrow(EVERYTHING)
    assert row is not None
    return dict(row)


async def sound(books: Books, sale: str = "cinema") -> None:
    """Nothing is out of balance, nothing differs, nothing is impossible."""
    assert not any((await books.trial_balance()).values())
    assert await books.proof(sale) == []
    assert await books.violations(sale) == []


@asynccontextmanager
async def another(database_url: str) -> AsyncIterator[Any]:
    """A connection of somebody else's, in a transaction."""
    connection = await asyncpg.connect(database_url)
    try:
        async with connection.transaction():
            yield connection
    finally:
        await connection.close()


async def until(condition: Any) -> Any:
    """Ask until the answer is true; the test's own time limit is the end of patience."""
    while not (answer := await condition()):
        await asyncio.sleep(0.005)
    return answer
