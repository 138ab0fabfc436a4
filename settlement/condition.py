"""What a database is like, for who checks an installation: version, schema, promises, clock.

Here: reading it, at one moment. Not here: what is good and what is bad of it.
"""

import time
from dataclasses import dataclass
from typing import Self

import asyncpg

from lua.faults import NothingHappened
from settlement.migrate import CONNECT_TIMEOUT_S, newest_revision

_TRIES = 5
_FACTS = """
select current_setting('server_version') as version,
       current_setting('server_version_num')::int / 10000 as major,
       pg_is_in_recovery() as is_standby,
       current_setting('fsync') = 'on' as fsync,
       current_setting('full_page_writes') = 'on' as full_page_writes,
       current_setting('synchronous_commit') <> 'off' as synchronous_commit,
       current_setting('max_connections')::int as connections_max,
       (select count(*) from pg_stat_activity where backend_type = 'client backend') as connections,
       to_regclass('alembic_version') is not null as has_schema
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class DatabaseCondition:
    """One database at one moment. `revision` None: it has no schema of ours.

    `clock_ahead_ms`: how far its clock is before ours, as exactly as `answer_ms` allows.
    """

    version: str
    major: int
    is_standby: bool
    fsync: bool
    full_page_writes: bool
    synchronous_commit: bool
    connections: int
    connections_max: int
    revision: str | None
    newest: str
    clock_ahead_ms: float
    answer_ms: float

    @classmethod
    async def read(cls, url: str) -> Self:
        """Ask for everything. Raises NothingHappened when it does not let us."""
        try:
            connection = await asyncpg.connect(
                url, timeout=CONNECT_TIMEOUT_S, command_timeout=CONNECT_TIMEOUT_S
            )
            try:
                return await cls._read(connection)
            finally:
                await connection.close(timeout=CONNECT_TIMEOUT_S)
        except (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
            raise NothingHappened(str(error) or type(error).__name__) from error

    @classmethod
    async def _read(cls, connection: "asyncpg.Connection[asyncpg.Record]") -> Self:
        facts = dict(await connection.fetchrow(_FACTS) or {})
        revision = None
        if facts.pop("has_schema"):
            revision = await connection.fetchval("select version_num from alembic_version")
        answer_ms, ahead_ms = await _clock(connection)
        return cls(
            **facts,
            revision=revision,
            newest=newest_revision(),
            clock_ahead_ms=ahead_ms,
            answer_ms=answer_ms,
        )


async def _clock(connection: "asyncpg.Connection[asyncpg.Record]") -> tuple[float, float]:
    """The quickest answer's time, and how far the database's clock is ahead by it."""
    best: tuple[float, float] | None = None
    for _ in range(_TRIES):
        begun, wall = time.perf_counter(), time.time()
        told = await connection.fetchval("select extract(epoch from clock_timestamp())::float8")
        spent = time.perf_counter() - begun
        if best is None or spent < best[0]:
            best = (spent, told - wall - spent / 2)
    assert best is not None
    return best[0] * 1000, best[1] * 1000
