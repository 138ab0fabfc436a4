"""The bearer keys of partners, kiosks, operators and auditors: made, rotated, revoked.

A key is shown once and kept as a digest. Its text is `dgk_<role>_<id>_<secret>`; the secret has 160
random bits, so a plain SHA-256 protects it as well as a slow hash would. Whether a call may do what
it asks is decided at the edge, with the role and scope that are listed here.
"""

import hashlib
import re
import secrets
from dataclasses import dataclass
from typing import Literal, cast, get_args

from inventory.catalogue.database import Database
from inventory.catalogue.lot_tables import Connection
from inventory.codes import ALPHABET

Role = Literal["partner", "kiosk", "operator", "auditor"]
ROLES: tuple[Role, ...] = get_args(Role)
ID_SYMBOLS, SECRET_SYMBOLS = 8, 32
TITLE_MAX_CHARS = 120
OVERLAP_MAX_S = 90 * 86_400
_SYMBOLS = ALPHABET.lower()
_KEY = re.compile(
    rf"dgk_({'|'.join(ROLES)})_([{_SYMBOLS}]{{{ID_SYMBOLS}}})_([{_SYMBOLS}]{{{SECRET_SYMBOLS}}})",
    re.ASCII,
)
_SLUG = r"[a-z0-9][a-z0-9-]{0,31}"
_SCOPES = {
    "partner": re.compile(_SLUG),
    "kiosk": re.compile(f"{_SLUG}/{_SLUG}"),
    "operator": re.compile(rf"{_SLUG}|\*"),
    "auditor": re.compile(rf"{_SLUG}|\*"),
}
_SCOPE_FORMS = {
    "partner": "a partner's id",
    "kiosk": "<venue>/<kiosk>",
    "operator": "a sale's id, or * for all",
    "auditor": "a sale's id, or * for all",
}


@dataclass(frozen=True, slots=True)
class Credential:
    """A key in force. `expires_at_ms` None: until it is revoked."""

    id: str
    role: Role
    scope: str
    title: str
    secret_sha256: bytes
    expires_at_ms: int | None


@dataclass(frozen=True, slots=True)
class Kiosk:
    """A registered device at a venue."""

    venue: str
    kiosk: str
    title: str


@dataclass(frozen=True, slots=True)
class Issued:
    """A new key. `text` is shown once and kept nowhere."""

    id: str
    text: str


@dataclass(frozen=True, slots=True)
class Rotated:
    """A key made in the place of another by its own bearer; `replayed` when it was made before."""

    id: str
    text: str
    expires_at_ms: int | None
    old_expires_at_ms: int
    replayed: bool


@dataclass(frozen=True, slots=True)
class TooManyKeys:
    """As many keys of the same scope are in force as there may be."""

    limit: int


@dataclass(frozen=True, slots=True)
class NotIssued:
    """Why no key was made."""

    reason: str


@dataclass(frozen=True, slots=True)
class Presented:
    """What a key's text says: compare `secret_sha256` with the credential's, in constant time."""

    role: Role
    id: str
    secret_sha256: bytes


def presented(text: str) -> Presented | None:
    """The parts of a key, or None when the text is not one."""
    found = _KEY.fullmatch(text)
    return Presented(cast("Role", found[1]), found[2], _digest(found[3])) if found else None


class Credentials:
    """The keys of one installation."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def issue(
        self, role: Role, scope: str, title: str, *, expires_at_ms: int | None = None
    ) -> Issued | NotIssued:
        """Make a key; a kiosk's also registers the kiosk."""
        if not _SCOPES[role].fullmatch(scope):
            return NotIssued(f"the scope of a {role} is {_SCOPE_FORMS[role]}")
        if not 0 < len(title) <= TITLE_MAX_CHARS or not title.isprintable():
            return NotIssued(f"a title has 1 to {TITLE_MAX_CHARS} printable characters")
        async with self._database.writing() as connection, connection.transaction():
            if role == "kiosk":
                venue, kiosk = scope.split("/")
                await connection.execute(
                    "insert into catalogue.kiosk (venue, id, title) values ($1, $2, $3)"
                    " on conflict (venue, id) do update set title = excluded.title",
                    venue,
                    kiosk,
                    title,
                )
            return await _insert(connection, role, scope, title, expires_at_ms)

    async def in_force(self) -> list[Credential]:
        """All keys that are neither revoked nor expired."""
        async with self._database.reading() as connection:
            rows = await connection.fetch(
                "select id, role, scope, title, secret_sha256,"
                " floor(extract(epoch from expires_at) * 1000)::bigint as expires_at_ms"
                " from catalogue.credential where revoked_at is null"
                " and (expires_at is null or expires_at > now()) order by id"
            )
        return [Credential(**dict(row)) for row in rows]

    async def rotate(self, credential: str, overlap_s: int) -> Issued | NotIssued:
        """Make a key in the place of another, which stays good for `overlap_s` more."""
        if not 0 <= overlap_s <= OVERLAP_MAX_S:
            return NotIssued(f"an overlap is 0 to {OVERLAP_MAX_S} seconds")
        async with self._database.writing() as connection, connection.transaction():
            row = await connection.fetchrow(
                "select role, scope, title,"
                " floor(extract(epoch from expires_at) * 1000)::bigint as expires_at_ms"
                " from catalogue.credential where id = $1 and revoked_at is null"
                " and (expires_at is null or expires_at > now()) for update",
                credential,
            )
            if row is None:
                return NotIssued(f"there is no key {credential} in force")
            await _end_within(connection, credential, overlap_s)
            return await _insert(connection, **dict(row), replaces=credential)

    async def rotate_own(
        self, credential: str, overlap_s: int, *, seed: bytes, keys_max: int
    ) -> "Rotated | TooManyKeys | NotIssued":
        """The same for the key's own bearer; the same `seed` of 32 bytes is the same new key.

        At most `keys_max` keys of its scope are in force. A key that ends makes none that lasts.
        """
        name, secret = _of_seed(seed)
        async with self._database.writing() as connection, connection.transaction():
            # Two statements: whoever waited for the lock must see what the one before has made.
            await connection.execute(_LOCK_SCOPE, credential)
            rows = await connection.fetch(_OF_SCOPE, credential, name)
            keys = {row["id"]: row for row in rows}
            old, made = keys.get(credential), keys.get(name)
            if old is None or not old["in_force"]:
                return NotIssued("it is not in force any more")
            if made is not None and not made["in_force"]:
                return NotIssued("the key that it made has ended")
            if made is None and sum(row["in_force"] for row in rows) >= keys_max:
                return TooManyKeys(keys_max)
            old_expires_at_ms = await _end_within(connection, credential, overlap_s)
            if made is None:
                about = {part: old[part] for part in ("role", "scope", "title", "expires_at_ms")}
                await _insert(connection, **about, parts=(name, secret), replaces=credential)
        return Rotated(
            name,
            f"dgk_{old['role']}_{name}_{secret}",
            (made or old)["expires_at_ms"],
            old_expires_at_ms,
            replayed=made is not None,
        )

    async def revoke(self, credential: str) -> bool:
        """End a key at once; False when there is none of that id. Repeatable."""
        async with self._database.writing() as connection:
            done = await connection.execute(
                "update catalogue.credential set revoked_at = coalesce(revoked_at, now())"
                " where id = $1",
                credential,
            )
        return bool(done == "UPDATE 1")

    async def heirs(self, credential: str) -> list[str]:
        """The keys in force that were made in the place of a key, or of one that was, and so on."""
        async with self._database.reading() as connection:
            rows = await connection.fetch(_HEIRS, credential)
        return [row["id"] for row in rows]

    async def kiosks(self) -> list[Kiosk]:
        """All registered kiosks."""
        async with self._database.reading() as connection:
            rows = await connection.fetch(
                "select venue, id, title from catalogue.kiosk order by venue, id"
            )
        return [Kiosk(row["venue"], row["id"], row["title"]) for row in rows]


_LOCK_SCOPE = """
    select 1 from catalogue.credential
    where (role, scope) = (select role, scope from catalogue.credential where id = $1)
    order by id for update"""
_OF_SCOPE = """
    select id, role, scope, title,
        floor(extract(epoch from expires_at) * 1000)::bigint as expires_at_ms,
        revoked_at is null and (expires_at is null or expires_at > now()) as in_force
    from catalogue.credential
    where (role, scope) = (select role, scope from catalogue.credential where id = $1)
        and (id = $2 or revoked_at is null and (expires_at is null or expires_at > now()))"""


_HEIRS = """
    with recursive heir as (
        select id, revoked_at, expires_at from catalogue.credential where replaces = $1
        union
        select next.id, next.revoked_at, next.expires_at
        from catalogue.credential next join heir on next.replaces = heir.id)
    select id from heir
    where revoked_at is null and (expires_at is null or expires_at > now()) order by id"""


async def _end_within(connection: Connection, credential: str, overlap_s: int) -> int:
    """Let a key end after `overlap_s`, or when it would have before; when that is."""
    ends: int = await connection.fetchval(
        "update catalogue.credential set expires_at ="
        " least(expires_at, now() + make_interval(secs => $2)) where id = $1"
        " returning floor(extract(epoch from expires_at) * 1000)::bigint",
        credential,
        float(overlap_s),
    )
    return ends


async def _insert(
    connection: Connection,
    role: Role,
    scope: str,
    title: str,
    expires_at_ms: int | None,
    *,
    replaces: str | None = None,
    parts: tuple[str, str] | None = None,
) -> Issued:
    name, secret = parts or (_random(ID_SYMBOLS), _random(SECRET_SYMBOLS))
    await connection.execute(
        "insert into catalogue.credential"
        " (id, role, scope, title, secret_sha256, expires_at, replaces)"
        " values ($1, $2, $3, $4, $5, to_timestamp($6::double precision / 1000), $7)",
        name,
        role,
        scope,
        title,
        _digest(secret),
        expires_at_ms,
        replaces,
    )
    return Issued(name, f"dgk_{role}_{name}_{secret}")


def _random(symbols: int) -> str:
    return "".join(secrets.choice(_SYMBOLS) for _ in range(symbols))


def _of_seed(seed: bytes) -> tuple[str, str]:
    """Id and secret of a key, five bits of the seed a symbol."""
    bits = int.from_bytes(seed)
    text = "".join(_SYMBOLS[bits >> 5 * at & 31] for at in range(ID_SYMBOLS + SECRET_SYMBOLS))
    return text[:ID_SYMBOLS], text[ID_SYMBOLS:]


def _digest(secret: str) -> bytes:
    return hashlib.sha256(secret.encode()).digest()
