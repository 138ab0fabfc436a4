"""Bringing a database to the newest schema: once, from many processes, and never half."""

import asyncio

import asyncpg

from settlement import Books, migrate


async def test_several_processes_migrate_at_once(postgres_url: str) -> None:
    """The second caller waits for the first and finds nothing left to do."""
    connection = await asyncpg.connect(postgres_url)
    await connection.execute("create database migrated_at_once")
    url = postgres_url.replace("@/dropgate", "@/migrated_at_once")
    await asyncio.gather(*[migrate(url) for _ in range(3)])
    await migrate(url)
    books = await Books.connect(url)
    assert await books.trial_balance() == {}
    assert await books.pool.fetchval("select count(*) from alembic_version") == 1
    await books.close()
    await connection.execute("drop database migrated_at_once with (force)")
    await connection.close()
