"""What tests get for a database: empty and as migrated, whatever the test before did to it."""

import asyncpg
import pytest

from tests.databases import Databases

USED = """
insert into books.feed (partner, seq) values ('market', 1);
select setval(format('%I.%I', schemaname, sequencename)::regclass, 9) from pg_sequences
"""


@pytest.fixture
async def fresh(databases: Databases, postgres_url: str) -> Databases:
    """As `databases`, with none to spare."""
    own = Databases(postgres_url)
    own._numbers = databases._numbers
    return own


async def counted(url: str) -> tuple[int, int]:
    """Rows of all tables but the schema's own number, and sequences that were used."""
    connection = await asyncpg.connect(url)
    tables = await connection.fetch(
        "select oid::regclass::text as name from pg_class where relkind = 'r'"
        " and relnamespace::regnamespace::text not in ('pg_catalog', 'information_schema')"
    )
    rows = [
        await connection.fetchval(f"select count(*) from {table['name']}")  # noqa: S608
        for table in tables
        if "alembic_version" not in table["name"]
    ]
    used = await connection.fetchval(
        "select count(*) from pg_sequences where last_value is not null"
    )
    await connection.close()
    return sum(rows), used


async def test_rows_and_connections_are_gone(fresh: Databases) -> None:
    """It is the same database again, without a row; who was left in it is gone, locks and all."""
    url = await fresh.take()
    left = await asyncpg.connect(url)
    await left.execute(USED)
    assert all(await counted(url)), "the test sees what is left"
    await left.execute("begin; lock table books.feed in access exclusive mode")
    await fresh.give_back(url)
    with pytest.raises((asyncpg.PostgresError, asyncpg.InterfaceError)):
        await left.execute("select")
    assert await fresh.take() == url
    assert await counted(url) == (0, 0)
    await fresh.give_back(url)


@pytest.mark.parametrize(
    "change",
    [
        "create table public.mine (it int)",
        "drop table books.feed cascade",
        "alter table books.feed add mine int",
        "update alembic_version set version_num = '0001'",
        "drop table alembic_version",
        "alter database {name} set synchronous_commit = off",
        "set session_replication_role = replica; truncate books.feed",
    ],
)
async def test_what_was_changed_is_thrown_away(fresh: Databases, change: str) -> None:
    """A schema, a setting or a version that is another one is nobody else's matter."""
    url = await fresh.take()
    name = url.partition("@/")[2].partition("?")[0]
    connection = await asyncpg.connect(url)
    await connection.execute(change.format(name=name))
    await connection.close()
    await fresh.give_back(url)
    with pytest.raises(asyncpg.InvalidCatalogNameError):
        await asyncpg.connect(url)
