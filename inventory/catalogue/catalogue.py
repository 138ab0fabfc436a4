"""The door of this package: sales in PostgreSQL and in the store, stock that comes later, keys.

It takes values and returns values. Each verb is repeatable; one that writes holds its sale's lock
in the database for as long as it works. Faults are `NothingHappened` and `MayHaveHappened`.
"""

from typing import Self

from inventory.catalogue.applying import Application, PublishOutcome
from inventory.catalogue.changes import KeptChanges
from inventory.catalogue.credentials import (
    Credential,
    Credentials,
    Issued,
    Kiosk,
    NotIssued,
    Role,
    Rotated,
    TooManyKeys,
)
from inventory.catalogue.database import Database
from inventory.catalogue.planning import Plan
from inventory.catalogue.restoring import Restorable, republish, restorable
from inventory.catalogue.sealing import OutsideCodes
from inventory.catalogue.shelving import Progress, Shelf, silent
from inventory.catalogue.stocking import StockOutcome, take_in
from inventory.catalogue.supplies import Supply
from inventory.catalogue.tables import published_sales, read_known
from inventory.salefile import SaleFile


class Catalogue:
    """The catalogue of one installation."""

    def __init__(self, database: Database, codes: OutsideCodes) -> None:
        self._database, self._codes = database, codes
        self._credentials = Credentials(database)
        self.changes = KeptChanges(database)

    @classmethod
    async def connect(cls, url: str, codes: OutsideCodes) -> Self:
        """Connect to the database at `url`. Raises NothingHappened when nobody answers."""
        return cls(await Database.connect(url), codes)

    async def close(self) -> None:
        """Close all connections."""
        await self._database.close()

    async def plan(self, sale_file: SaleFile, shelf: Shelf, *, now_ms: int = 0) -> Plan:
        """What publishing this file would do; nothing is written. `now_ms` 0: the database's."""
        async with self._database.reading() as connection:
            known = await read_known(connection, sale_file.sale.id)
            application = Application(connection, sale_file, shelf, self._codes, now_ms)
            _, plan = await application.plan(known)
        return plan

    async def publish(
        self,
        sale_file: SaleFile,
        shelf: Shelf,
        *,
        actor: str,
        expected_revision: int | None = None,
        progress: Progress = silent,
        now_ms: int = 0,
    ) -> PublishOutcome:
        """Bring the sale to what the file says, all of it or nothing. Repeatable after any crash.

        With `expected_revision` (0: the sale must be new) the sale must have that revision, or say
        already what the file says.
        """
        async with self._database.publishing(sale_file.sale.id) as connection:
            return await Application(connection, sale_file, shelf, self._codes, now_ms).run(
                actor=actor, expected_revision=expected_revision, progress=progress
            )

    async def published(self) -> list[str]:
        """The ids of all sales that the store has had whole."""
        async with self._database.reading() as connection:
            return await published_sales(connection)

    async def restorable(self, sale: str) -> Restorable | None:
        """The rules that a lost slot is rebuilt with; None for a sale that was never published."""
        async with self._database.reading() as connection:
            known = await read_known(connection, sale)
        return restorable(known) if known and known.published else None

    async def republish(self, sale: str, shelf: Shelf, *, progress: Progress = silent) -> None:
        """Write what the store shows of a published sale once more, its venues' codes too."""
        async with self._database.publishing(sale) as connection:
            known = await read_known(connection, sale)
            assert known is not None, f"the sale {sale} is in no table"
            await republish(connection, known, shelf.store, progress)

    async def add_stock(
        self, sale: str, supply: Supply, shelf: Shelf, *, now_ms: int = 0
    ) -> StockOutcome:
        """Take a lot in. Repeatable: the same lot again adds nothing."""
        async with self._database.publishing(sale) as connection:
            return await take_in(connection, sale, supply, shelf, self._codes, now_ms=now_ms)

    async def issue_credential(
        self, role: Role, scope: str, title: str, *, expires_at_ms: int | None = None
    ) -> Issued | NotIssued:
        """Make a bearer key, whose text is shown once; a kiosk's also registers the kiosk."""
        return await self._credentials.issue(role, scope, title, expires_at_ms=expires_at_ms)

    async def credentials(self) -> list[Credential]:
        """All keys in force."""
        return await self._credentials.in_force()

    async def rotate_credential(self, credential: str, overlap_s: int) -> Issued | NotIssued:
        """Make a key in the place of another, which stays good for `overlap_s` more."""
        return await self._credentials.rotate(credential, overlap_s)

    async def rotate_own_credential(
        self, credential: str, overlap_s: int, *, seed: bytes, keys_max: int
    ) -> Rotated | TooManyKeys | NotIssued:
        """The same for the key's own bearer; the same `seed` is the same new key."""
        return await self._credentials.rotate_own(
            credential, overlap_s, seed=seed, keys_max=keys_max
        )

    async def revoke_credential(self, credential: str) -> bool:
        """End a key at once; False when there is none of that id."""
        return await self._credentials.revoke(credential)

    async def credential_heirs(self, credential: str) -> list[str]:
        """The keys in force that come from a key by rotations."""
        return await self._credentials.heirs(credential)

    async def kiosks(self) -> list[Kiosk]:
        """All registered kiosks."""
        return await self._credentials.kiosks()
