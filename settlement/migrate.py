"""Bringing a database to the newest schema. Here: the order of events; the steps are in migrations.

alembic keeps the account of what was done; the steps themselves are plain SQL. All steps that are
due run in one transaction, so a crash leaves the schema as it was.
"""

from pathlib import Path
from typing import TYPE_CHECKING

import asyncpg

if TYPE_CHECKING:
    from sqlalchemy import Connection

STEPS = Path(__file__).parent / "migrations"
LOCK = 0x64726F7067617465  # "dropgate": several processes start at the same moment
CONNECT_TIMEOUT_S = 5.0


async def migrate(url: str) -> None:
    """Bring the database at `url` (asyncpg's form) to the newest schema; repeatable.

    A second caller waits for the first and finds nothing left to do. Raises asyncpg's errors and
    OSError where the server cannot be reached.
    """

    async def connect() -> "asyncpg.Connection[asyncpg.Record]":
        return await asyncpg.connect(url, timeout=CONNECT_TIMEOUT_S)

    # Imported here: most of a command's start would go into what only this function needs.
    from sqlalchemy import text  # noqa: PLC0415
    from sqlalchemy.ext.asyncio import create_async_engine  # noqa: PLC0415
    from sqlalchemy.pool import NullPool  # noqa: PLC0415

    engine = create_async_engine("postgresql+asyncpg://", async_creator=connect, poolclass=NullPool)
    try:
        async with engine.begin() as connection:
            await connection.execute(
                text("select pg_advisory_xact_lock(:lock)").bindparams(lock=LOCK)
            )
            await connection.run_sync(_to_newest)
    finally:
        await engine.dispose()


def newest_revision() -> str:
    """The schema that this program works with."""
    from alembic.script import ScriptDirectory  # noqa: PLC0415  # as above

    newest = ScriptDirectory(str(STEPS)).get_current_head()
    assert newest is not None, "there is no migration"
    return newest


def _to_newest(connection: "Connection") -> None:
    from alembic import command  # noqa: PLC0415  # as above
    from alembic.config import Config  # noqa: PLC0415

    config = Config()
    config.set_main_option("script_location", str(STEPS).replace("%", "%%"))
    config.attributes["connection"] = connection
    command.upgrade(config, "head")
