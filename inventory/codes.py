"""Pickup codes that we mint: 16 symbols, easy to type and never guessable.

Fifteen symbols of five bits hold version and key (2 bits), sale (11), serial (25), generation (5)
and 32 bits of a MAC over all that; a serial means one unit of the whole sale, in whatever stripe.
The sixteenth symbol is a check over GF(32): every single wrong symbol and every two
symbols swapped, wherever they stand, are caught before anything is asked. Outside codes, which a
venue minted, belong to `catalogue`. The QR form carries an Ed25519 signature on top, so that a
kiosk without a line can verify it.
"""

import base64
import re
import struct
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from hashlib import blake2b
from hmac import compare_digest
from typing import NamedTuple

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from inventory.facts import SERIAL_MAX

ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
LENGTH = 16
_LOOK_ALIKES = str.maketrans({"O": "0", "I": "1", "L": "1", "U": "V"})
_SEPARATORS = re.compile(r"[\s\-‐-―]+")
_SALE_BITS, _SERIAL_BITS, _GENERATION_BITS, _MAC_BITS = 11, 25, 5, 32
_BLOCK_BITS, _MAC_BYTES = 4, 4
_LATER_BITS = 8  # of a serial: key, sale and its first 17 bits fill six symbols
_SALES, _GENERATIONS = 1 << _SALE_BITS, 1 << _GENERATION_BITS
_IN_BLOCK, _LATER = (1 << _BLOCK_BITS) - 1, (1 << _LATER_BITS) - 1
_halves = struct.Struct(f">{2 << _BLOCK_BITS}H").unpack
BLOCKS_REMEMBERED_MAX = 1_024
"""Blocks of neighbouring units whose MACs are kept in memory: about 1.5 MB."""
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


def _checks(place: int) -> bytes:
    """What two neighbouring symbols, the first of them at `place`, add to the check symbol."""
    first, second = _WEIGHTS[LENGTH - 1 - place], _WEIGHTS[LENGTH - 2 - place]
    return bytes(_times(pair >> 5, first) ^ _times(pair & 31, second) for pair in range(1024))


_WEIGHTS = _powers()
_CHECKS = tuple(_checks(place) for place in range(0, LENGTH - 2, 2))
_CHECK_3, _CHECK_4, _CHECK_5, _CHECK_6 = _CHECKS[3:]
_LAST_CHECKS = bytes(_times(value, _WEIGHTS[1]) for value in range(32))
_PAIRS = [first + second for first in ALPHABET for second in ALPHABET]
_BASE32 = str.maketrans(ALPHABET, "0123456789ABCDEFGHIJKLMNOPQRSTUV")


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
        self._blocks = {key.kid % 4: _blocks_of(key.secret) for key in reversed(keys)}
        self._kid = keys[0].kid % 4
        self._minting = self._blocks[self._kid]
        self._signer = Ed25519PrivateKey.from_private_bytes(signing_seed)
        self._signing_kid = signing_kid

    def mint(self, sale_number: int, serial: int, generation: int) -> str:
        """The code of a unit: sixteen symbols in groups of four."""
        assert 0 < sale_number < _SALES, "a sale's number has 11 bits"
        assert 0 <= serial <= SERIAL_MAX, "a serial has 25 bits"
        assert 0 <= generation < _GENERATIONS, "a generation has 5 bits"
        block = (self._kid << _SALE_BITS | sale_number) << _SERIAL_BITS | serial
        text, check, _, halves = self._minting(block >> _BLOCK_BITS, generation)
        at = (serial & _IN_BLOCK) * 2
        high, low = halves[at], halves[at + 1]
        # What follows the first six symbols, in pieces of ten bits: the rest of the serial (8),
        # generation (5) and MAC (32). Put together first, it is an integer that Python is slow at.
        return _ended(
            text,
            check,
            (
                (serial & _LATER) << 2 | generation >> 3,
                (generation & 7) << 7 | high >> 9,
                (high & 511) << 1 | low >> 15,
                low >> 5 & 1023,
                low & 31,
            ),
        )

    def check(self, typed: str) -> Checked:
        """What a typed or scanned code is, without asking the store."""
        text = normalised(typed)
        if text.startswith("DG1."):
            text = text.split(".")[1] if text.count(".") >= 2 else text
        folded = text.translate(_LOOK_ALIKES)
        if len(folded) != LENGTH or any(symbol not in ALPHABET for symbol in folded):
            return Foreign(text)
        number = int(folded.translate(_BASE32), 32) >> 5
        if _written(number)[-1] != folded[-1]:
            return Typo()
        head, mac = number >> _MAC_BITS, number & (1 << _MAC_BITS) - 1
        blocks = self._blocks.get(head >> _SALE_BITS + _SERIAL_BITS + _GENERATION_BITS)
        if blocks is None or not compare_digest(_mac(blocks, head), mac.to_bytes(_MAC_BYTES)):
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


class _Block(NamedTuple):
    """What the codes of sixteen neighbouring units share."""

    text: str
    check: int
    macs: bytes
    halves: tuple[int, ...]
    """The MACs, each as two numbers."""


def _blocks_of(secret: bytes) -> Callable[[int, int], _Block]:
    """Makes what neighbours share, and their MACs at once: units are mostly sold side by side."""
    keyed = blake2b(key=secret, digest_size=_MAC_BYTES << _BLOCK_BITS)

    @lru_cache(maxsize=BLOCKS_REMEMBERED_MAX)
    def block(number: int, generation: int) -> _Block:
        """Of the units whose key, sale and serial begin with `number`."""
        mac = keyed.copy()
        mac.update((number << _GENERATION_BITS | generation).to_bytes(6))
        macs = mac.digest()
        return _Block(*_begun(number >> _LATER_BITS - _BLOCK_BITS), macs, _halves(macs))

    return block


def _mac(blocks: Callable[[int, int], _Block], head: int) -> bytes:
    serial, generation = head >> _GENERATION_BITS, head & (1 << _GENERATION_BITS) - 1
    at = (serial & (1 << _BLOCK_BITS) - 1) * _MAC_BYTES
    return blocks(serial >> _BLOCK_BITS, generation).macs[at : at + _MAC_BYTES]


def _written(number: int) -> str:
    """The fifteen symbols of a number and the one that checks them, in groups of four.

    The check makes the weighted sum of all sixteen zero; the last one has weight one.
    """
    a, b, c, d = (number >> bits & 1023 for bits in (35, 25, 15, 5))
    return _ended(*_begun(number >> 45), (a, b, c, d, number & 31))


def _begun(number: int) -> tuple[str, int]:
    """The first six symbols, and what they add to the check symbol."""
    a, b, c = number >> 20, number >> 10 & 1023, number & 1023
    text = f"{_PAIRS[a]}{_PAIRS[b]}-{_PAIRS[c]}"
    return text, _CHECKS[0][a] ^ _CHECKS[1][b] ^ _CHECKS[2][c]


def _ended(text: str, check: int, rest: tuple[int, int, int, int, int]) -> str:
    """A code from its beginning and the nine symbols that follow: four pairs and one."""
    a, b, c, d, last = rest
    check ^= _CHECK_3[a] ^ _CHECK_4[b] ^ _CHECK_5[c] ^ _CHECK_6[d] ^ _LAST_CHECKS[last]
    tail = _PAIRS[last << 5 | check]
    return f"{text}{_PAIRS[a]}-{_PAIRS[b]}{_PAIRS[c]}-{_PAIRS[d]}{tail}"
