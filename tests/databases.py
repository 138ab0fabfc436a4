"""Databases for tests, each with every migration and no row, as good as new.

To copy the template and to connect to the copy for the first time takes PostgreSQL a third of a
second of its time, to empty a database that a test is done with a tenth of that. One whose schema
or settings a test has changed, or that has grown, is thrown away instead.
"""

from contextlib import suppress
from itertools import count

import asyncpg

TEMPLATE = "dropgate_template"
GROWN_BYTES = 8_000_000
"""What deleted rows leave behind slows the next test."""
_SHAPE = """
select 'pg_attribute', count(*), max(xmin::text::bigint) from pg_attribute
union all select 'pg_class', count(*), max(xmin::text::bigint) from pg_class
union all select 'pg_constraint', count(*), max(xmin::text::bigint) from pg_constraint
union all select 'pg_namespace', count(*), max(xmin::text::bigint) from pg_namespace
union all select 'pg_proc', count(*), max(xmin::text::bigint) from pg_proc
union all select 'pg_trigger', count(*), max(xmin::text::bigint) from pg_trigger
union all select 'pg_type', count(*), max(xmin::text::bigint) from pg_type
union all select 'settings', count(*), null from pg_db_role_setting
  where setdatabase = (select oid from pg_database where datname = current_database())
union all select version_num, 1, null from alembic_version
"""
"""Rows of the catalogs and the newest change to them: a copy has those of its template."""
_HANG_UP = (
    "select pg_terminate_backend(pid, 5000) from pg_stat_activity"
    " where datname = current_database() and pid <> pg_backend_pid()"
)
_EMPTY = """
do $$
declare
  name text;
  is_used boolean;
begin
  perform set_config('session_replication_role', 'replica', true);  -- no trigger, no order of keys
  for name in
    select oid::regclass from pg_class
    where relkind = 'r' and relnamespace::regnamespace::text not like 'pg\\_%'
      and relnamespace::regnamespace::text <> 'information_schema' and relname <> 'alembic_version'
  loop
    execute 'select exists (select from ' || name || ')' into is_used;
    if is_used then execute 'delete from ' || name; end if;
  end loop;
  perform setval(format('%I.%I', schemaname, sequencename)::regclass, start_value, false)
    from pg_sequences where last_value is not null;
end $$
"""
Shape = list[tuple[object, ...]]


class Databases:
    """Those of one server."""

    def __init__(self, server_url: str) -> None:
        self._server_url = server_url
        self._spare: list[str] = []
        self._numbers = count(1)
        self._shape: Shape = []
        self._size = 0

    async def take(self) -> str:
        """The URL of one that nobody else has."""
        if self._spare:
            return self._spare.pop()
        name = f"test_{next(self._numbers)}"
        await command(self._server_url, f"create database {name} template {TEMPLATE}")
        url = other_database(self._server_url, name)
        if not self._shape:
            connection = await asyncpg.connect(url)
            self._shape, self._size = await _seen(connection)
            await connection.close()
        return url

    async def give_back(self, url: str) -> None:
        """A test is done with it, and with all its connections."""
        is_new = False
        with suppress(asyncpg.PostgresError):  # it has not even what is asked of it
            is_new = await self._emptied(url)
        if is_new:
            self._spare.append(url)
        else:
            name = url.partition("@/")[2].partition("?")[0]
            await command(self._server_url, f"drop database {name} with (force)")

    async def _emptied(self, url: str) -> bool:
        """Whether it is without a row now, and else as it was made."""
        connection = await asyncpg.connect(url)
        try:
            await connection.execute(_HANG_UP)
            shape, size = await _seen(connection)
            if shape != self._shape or size > self._size + GROWN_BYTES:
                return False
            await connection.execute(_EMPTY)
        finally:
            await connection.close()
        return True


async def _seen(connection: "asyncpg.Connection[asyncpg.Record]") -> tuple[Shape, int]:
    shape = [tuple(row) for row in await connection.fetch(_SHAPE)]
    return shape, await connection.fetchval("select pg_database_size(current_database())")


async def command(url: str, text: str) -> None:
    """One statement on a connection of its own."""
    connection = await asyncpg.connect(url)
    try:
        await connection.execute(text)
    finally:
        await connection.close()


def other_database(url: str, name: str) -> str:
    """The same server's URL with another database: postgresql://role@/<name>?host=directory."""
    server, _, rest = url.partition("@/")
    return f"{server}@/{name}?{rest.partition('?')[2]}"
