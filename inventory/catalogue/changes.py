"""What operators changed in rooms, kept where a lost store does not take it along.

Here belongs the table alone; what is noted, and when it is brought here, belongs to others.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from inventory.catalogue.database import Database

CHANGES_MAX = 1_000
KEEP = """
    insert into catalogue.change (sale, entry, at_ms, what, actor, detail)
    select $1, new.* from unnest($2::text[], $3::bigint[], $4::text[], $5::text[], $6::text[])
      as new
    on conflict do nothing"""
NEWEST = """
    select entry, at_ms, what, actor, detail from catalogue.change where sale = $1
    order by at_ms desc, entry desc limit $2"""


@dataclass(frozen=True, slots=True)
class KeptChange:
    """One change: what was asked for, by whom, its values as text. `entry` is the store's id."""

    entry: str
    at_ms: int
    what: str
    actor: str
    detail: str


class KeptChanges:
    """The changes of one installation."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def keep(self, sale: str, changes: Sequence[KeptChange]) -> None:
        """Keep these; one that is kept already stays as it is. Raises MayHaveHappened."""
        columns = (
            [one.entry for one in changes],
            [one.at_ms for one in changes],
            [one.what for one in changes],
            [one.actor for one in changes],
            [one.detail for one in changes],
        )
        async with self._database.writing() as connection:
            await connection.execute(KEEP, sale, *columns)

    async def newest(self, sale: str, limit: int = CHANGES_MAX) -> list[KeptChange]:
        """The newest changes of a sale first. Raises NothingHappened."""
        async with self._database.reading() as connection:
            rows = await connection.fetch(NEWEST, sale, limit)
        return [KeptChange(*row) for row in rows]
