"""The public keys of passes as they are published: those of the files, not those of this process.

A new key signs only after its process has been started again, one after the other. Published by all
of them as soon as it is made, it is known to every edge before the first pass is signed with it.
"""

import time
from contextlib import suppress

import msgspec

from gateway.keyring import Keyring, KeyringFailed
from queueing import public_keys

READ_AGAIN_S = 5.0


class PublishedKeys:
    """The key set of one installation, from its files every `READ_AGAIN_S`."""

    def __init__(self, keyring: Keyring) -> None:
        self._keyring = keyring
        self._body = b""
        self._read_at = float("-inf")

    def body(self) -> bytes:
        """The JSON Web Key Set; the last one that could be read while the files cannot be."""
        now = time.monotonic()
        if now - self._read_at >= READ_AGAIN_S:
            self._read_at = now
            self._body = msgspec.json.encode(public_keys(self._pairs()))
        return self._body

    def _pairs(self) -> list[tuple[int, bytes]]:
        with suppress(KeyringFailed):  # what was published stays; whoever starts next is told
            self._keyring = Keyring.open(self._keyring.directory)
        return [(key.kid, key.secret) for key in self._keyring.all("pass_sign")]
