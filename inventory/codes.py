"""Pickup codes that we mint: 16 symbols, easy to type and never guessable.

Fifteen symbols of five bits hold version and key (2 bits), sale (11), serial (25), generation (5)
and 32 bits of a MAC over all that; a serial means one unit of the whole sale, in whatever stripe.
The sixteenth symbol is a check over GF(32): every single wrong symbol and every two
symbols swapped, wherever they stand, are caught before anything is asked. Outside codes, which a
venue minted, belong to `catalogue`. The QR form carries an Ed25519 signature on top, so that a
kiosk without a line can verify it.
"""

import base64
import hmac
import re
from collections.abc import Sequence
from dataclasses import dataclass

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from inventory.facts import SERIAL_MAX

ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
LENGTH = 16
_LOOK_ALIKES = str.maketrans({"O": "0", "I": "1", "L": "1", "U": "V"})
_SEPARATORS = re.compile(r"[\s\-‐-―]+")
_SALE_BITS, _SERIAL_BITS, _GENERATION_BITS, _MAC_BITS = 11, 25, 5, 32
_FIELD_POLYNOMIAL = 0b100101  # x^5 + x^2 + 1, primitive over GF(2): its powers have order 31


def _powers() -> list[int]:
    power, powers = 1, []
    for _ in range(LENGTH):
        powers.append(power)
        power <<= 1
        if power & 32:
            power ^= _FIELD_POLYNOMIAL
    return powers


def _times(left: int, right: int) -> int:
    product = 0
    while right:
        if right & 1:
            product ^= left
        left <<= 1
        if left & 32:
            left ^= _FIELD_POLYNOMIAL
        right >>= 1
    return product


_WEIGHTS = _powers()
_PRODUCTS = [[_times(value, weight) for value in range(32)] for weight in _WEIGHTS]


@dataclass(frozen=True, slots=True)
class CodeKey:
    """A secret that codes are made with. Only the lowest two bits of `kid` stand in a code."""

    kid: int
    secret: bytes


@dataclass(frozen=True, slots=True)
class Minted:
    """What a genuine code says."""

    sale_number: int
    serial: int
    generation: int


@dataclass(frozen=True, slots=True)
class Typo:
    """Sixteen of our symbols, but the check symbol is wrong: mistyped."""


@dataclass(frozen=True, slots=True)
class Forged:
    """Well-formed, but its MAC is not ours: guessed, or made with a key that is gone."""


@dataclass(frozen=True, slots=True)
class Foreign:
    """Not of our form; it may be a venue's own code. `text` is normalised."""

    text: str


Checked = Minted | Typo | Forged | Foreign


class Codes:
    """Mints and checks codes. The first key mints, all of them verify."""

    def __init__(self, keys: Sequence[CodeKey], signing_seed: bytes, signing_kid: int = 1) -> None:
        self._keys = {key.kid % 4: key.secret for key in reversed(keys)}
        self._kid = keys[0].kid % 4
        self._signer = Ed25519PrivateKey.from_private_bytes(signing_seed)
        self._signing_kid = signing_kid

    def mint(self, sale_number: int, serial: int, generation: int) -> str:
        """The code of a unit: sixteen symbols in groups of four."""
        assert 0 < sale_number < 1 << _SALE_BITS, "a sale's number has 11 bits"
        assert 0 <= serial <= SERIAL_MAX, "a serial has 25 bits"
        assert 0 <= generation < 1 << _GENERATION_BITS, "a generation has 5 bits"
        head = self._kid << _SALE_BITS | sale_number
        head = (head << _SERIAL_BITS | serial) << _GENERATION_BITS | generation
        number = head << _MAC_BITS | _mac(self._keys[self._kid], head)
        values = [number >> 5 * place & 31 for place in range(LENGTH - 2, -1, -1)]
        values.append(_check_value(values))
        text = "".join(ALPHABET[value] for value in values)
        return "-".join(text[at : at + 4] for at in range(0, LENGTH, 4))

    def check(self, typed: str) -> Checked:
        """What a typed or scanned code is, without asking the store."""
        text = normalised(typed)
        if text.startswith("DG1."):
            text = text.split(".")[1] if text.count(".") >= 2 else text
        folded = text.translate(_LOOK_ALIKES)
        if len(folded) != LENGTH or any(symbol not in ALPHABET for symbol in folded):
            return Foreign(text)
        values = [ALPHABET.index(symbol) for symbol in folded]
        if _check_value(values[:-1]) != values[-1]:
            return Typo()
        number = 0
        for value in values[:-1]:
            number = number << 5 | value
        head, mac = number >> _MAC_BITS, number & (1 << _MAC_BITS) - 1
        secret = self._keys.get(head >> _SALE_BITS + _SERIAL_BITS + _GENERATION_BITS)
        if secret is None or not _same(_mac(secret, head), mac):
            return Forged()
        return Minted(
            sale_number=head >> _SERIAL_BITS + _GENERATION_BITS & (1 << _SALE_BITS) - 1,
            serial=head >> _GENERATION_BITS & SERIAL_MAX,
            generation=head & (1 << _GENERATION_BITS) - 1,
        )

    def qr_text(self, code: str) -> str:
        """The text of a code's QR: `DG1.<code>.<key id>.<signature>`, the signature in base32."""
        plain = normalised(code)
        content = f"DG1.{plain}.{self._signing_kid}"
        signature = base64.b32encode(self._signer.sign(content.encode())).decode().rstrip("=")
        return f"{content}.{signature}"


def normalised(typed: str) -> str:
    """Upper case, without spaces and hyphens; the form that outside codes are looked up by."""
    return _SEPARATORS.sub("", typed).upper()


def masked(code: str) -> str:
    """A code as it may stand in a log."""
    return f"••••-{normalised(code)[-2:]}"


def _mac(secret: bytes, head: int) -> int:
    return int.from_bytes(hmac.digest(secret, head.to_bytes(6), "sha256")[:4])


def _same(ours: int, theirs: int) -> bool:
    return hmac.compare_digest(ours.to_bytes(4), theirs.to_bytes(4))


def _check_value(values: Sequence[int]) -> int:
    """The symbol that makes the weighted sum of all sixteen zero; the last one has weight one."""
    check = 0
    for place, value in enumerate(values):
        check ^= _PRODUCTS[LENGTH - 1 - place][value]
    return check
