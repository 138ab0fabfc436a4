"""Codes that a venue minted: kept sealed, found by a keyed digest, readable nowhere at rest.

A sealed code is bound to its sale and serial, so that rows cannot be swapped. The digest is keyed,
so that whoever has the tables cannot try out codes, which are short.
"""

import hmac
import os
from collections.abc import Sequence

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from inventory.codes import CodeKey, normalised

DIGEST_BYTES = 12
_NONCE_BYTES = 12


class CannotOpen(Exception):
    """A sealed code does not open: its key is not in the ring, or it was moved or changed."""


class OutsideCodes:
    """Seals, opens and names outside codes.

    `seal` holds AES-256 keys, the first seals and all of them open; `digest_key` names codes and
    therefore never changes.
    """

    def __init__(self, *, seal: Sequence[CodeKey], digest_key: bytes) -> None:
        self._kid = seal[0].kid
        self._ciphers = {key.kid: AESGCM(key.secret) for key in seal}
        self._digest_key = digest_key

    def digest(self, sale: str, code: str) -> bytes:
        """The name of a code within its sale; case, spaces and hyphens do not matter."""
        content = f"{sale}\0{normalised(code)}".encode()
        return hmac.digest(self._digest_key, content, "sha256")[:DIGEST_BYTES]

    def seal(self, sale: str, serial: int, code: str) -> bytes:
        """The code as it may be kept: key id, nonce, ciphertext."""
        nonce = os.urandom(_NONCE_BYTES)
        sealed = self._ciphers[self._kid].encrypt(nonce, code.encode(), _place(sale, serial))
        return bytes((self._kid % 256,)) + nonce + sealed

    def open(self, sale: str, serial: int, sealed: bytes) -> str:
        """The code as the venue wrote it. Raises CannotOpen."""
        nonce, rest = sealed[1 : 1 + _NONCE_BYTES], sealed[1 + _NONCE_BYTES :]
        for kid, cipher in self._ciphers.items():
            if kid % 256 == sealed[0]:
                try:
                    return cipher.decrypt(nonce, rest, _place(sale, serial)).decode()
                except InvalidTag as error:
                    raise CannotOpen(f"the code of unit {serial} was moved or changed") from error
        raise CannotOpen(f"the key {sealed[0]} that sealed the code of unit {serial} is gone")


def _place(sale: str, serial: int) -> bytes:
    return f"{sale}\0{serial}".encode()
