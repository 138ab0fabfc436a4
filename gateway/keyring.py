"""The installation's secrets on disk: made once, readable by the owner alone, with ids.

Here: files, permissions, creation that is safe when several processes start at once, rotation that
overlaps (old keys still verify, the newest signs). Not here: what a key is used for; the domain
packages are handed single keys and never the ring.

One file for each name, `<name>.json`, newest key first. A backup of the installation includes this
directory: without `order` and `buyer` nobody finds an order again, without `outside_seal` the
imported codes cannot be read.
"""

import fcntl
import os
import secrets
from base64 import b64decode, b64encode
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import msgspec

SECRET_BYTES = 32
NAMES_OF_RECORDS = ("order", "buyer", "outside_hash", "draw")
"""These make the names of records: with another key the same thing would have another name; and
the secrets of the draws, which were committed to."""
NAMES = (
    *NAMES_OF_RECORDS,
    "place",
    "pass_mac",
    "pass_sign",  # Ed25519 seed
    "code_mac",
    "code_sign",  # Ed25519 seed
    "outside_seal",  # AES-256-GCM
)
_OTHERS = 0o077


class KeyringFailed(Exception):
    """The keys cannot be used or changed as asked; says why and what to do."""


class Key(msgspec.Struct, frozen=True):
    """One secret and its id, a small number that goes into what was made with it."""

    kid: int
    secret: bytes

    def __repr__(self) -> str:
        return f"Key(kid={self.kid})"  # a log line must never show the secret


class _File(msgspec.Struct):
    keys: list["_Stored"]


class _Stored(msgspec.Struct):
    kid: int
    secret: str


@dataclass(frozen=True, slots=True)
class Keyring:
    """All secrets of one installation, as they were when it was loaded."""

    directory: Path
    keys: Mapping[str, tuple[Key, ...]]

    @classmethod
    def load(cls, directory: Path) -> Self:
        """Read the keys, making those that are missing. Raises KeyringFailed."""
        try:
            directory.mkdir(mode=0o700, parents=True, exist_ok=True)
            _owner_alone(directory)
            return cls(directory, {name: _read_or_make(directory, name) for name in NAMES})
        except OSError as error:
            raise KeyringFailed(f"cannot use the keys in {directory}: {error}") from error

    @classmethod
    def open(cls, directory: Path) -> Self:
        """Read the keys that are there and make none. Raises KeyringFailed when one is missing.

        For tools: keys made by mistake, in a wrong directory, would seal what nobody opens again.
        """
        missing = [name for name in NAMES if not (directory / f"{name}.json").exists()]
        if missing:
            raise KeyringFailed(
                f"the keys of the installation are not in {directory} ({missing[0]}.json is not); "
                "say where they are with --keys-dir or --state-dir"
            )
        return cls.load(directory)

    def current(self, name: str) -> Key:
        """The key that signs, seals and names now."""
        return self.keys[name][0]

    def all(self, name: str) -> tuple[Key, ...]:
        """Every key that still verifies and opens, the current one first."""
        return self.keys[name]

    def rotate(self, name: str) -> Self:
        """Add a new current key; what was made with the earlier ones goes on being accepted.

        Running processes take it up when they start next. Raises KeyringFailed for a name whose
        keys are part of the names of records.
        """
        if name not in NAMES or name in NAMES_OF_RECORDS:
            can = ", ".join(other for other in NAMES if other not in NAMES_OF_RECORDS)
            raise KeyringFailed(f"the key {name!r} cannot be rotated; these can: {can}")
        with _locked(self.directory):
            earlier = _read(self.directory / f"{name}.json")
            fresh = Key(1 + max(key.kid for key in earlier), secrets.token_bytes(SECRET_BYTES))
            _write(self.directory, name, (fresh, *earlier)).replace(self.directory / f"{name}.json")
        return self.load(self.directory)

    def retire(self, name: str, kid: int) -> Self:
        """Take an old key away for good; what was made with it is refused from the next start on.

        Raises KeyringFailed when it is the current one, or there is none of that id.
        """
        with _locked(self.directory):
            kept = _read(self.directory / f"{name}.json") if name in NAMES else ()
            if kid not in {key.kid for key in kept[1:]}:
                raise KeyringFailed(f"{name} has no earlier key {kid} (the current one stays)")
            left = tuple(key for key in kept if key.kid != kid)
            _write(self.directory, name, left).replace(self.directory / f"{name}.json")
        return self.load(self.directory)


def _read_or_make(directory: Path, name: str) -> tuple[Key, ...]:
    path = directory / f"{name}.json"
    if not path.exists():
        made = _write(directory, name, (Key(1, secrets.token_bytes(SECRET_BYTES)),))
        # A link, not a rename: whoever comes second must not replace a key already in use.
        with suppress(FileExistsError):
            os.link(made, path)
        made.unlink()
        _sync(directory)
    return _read(path)


def _read(path: Path) -> tuple[Key, ...]:
    _owner_alone(path)
    try:
        stored = msgspec.json.decode(path.read_bytes(), type=_File).keys
        keys = tuple(Key(one.kid, b64decode(one.secret, validate=True)) for one in stored)
    except (msgspec.DecodeError, ValueError) as error:
        raise KeyringFailed(f"{path} is damaged: {error}; restore it from the backup") from error
    if not keys or any(len(key.secret) != SECRET_BYTES for key in keys):
        raise KeyringFailed(f"{path} holds no usable key; restore it from the backup")
    return keys


def _write(directory: Path, name: str, keys: tuple[Key, ...]) -> Path:
    """Write them, on the disk for certain, beside their final name."""
    text = msgspec.json.encode(
        _File([_Stored(key.kid, b64encode(key.secret).decode()) for key in keys])
    )
    path = directory / f".{name}.{os.getpid()}.{secrets.token_hex(4)}"
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    return path


def _owner_alone(path: Path) -> None:
    if path.stat().st_mode & _OTHERS:
        raise KeyringFailed(f"{path} can be read by others: chmod go= {path}, and rotate its keys")


def _sync(directory: Path) -> None:
    descriptor = os.open(directory, os.O_RDONLY)
    os.fsync(descriptor)
    os.close(descriptor)


@contextmanager
def _locked(directory: Path) -> Iterator[None]:
    """One change at a time; the lock is let go when the process ends, however it ends."""
    with (directory / ".lock").open("wb") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
        _sync(directory)
