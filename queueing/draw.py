"""The draw: the order among those who came before the opening, as anybody can compute it again.

Here belong the algorithm and its values alone: leaves, digests, commitment, seed, permutation. When
each step is made, and where it is kept, is in drawing; `examples/verify_draw.py` is the same once
more, in other words, for those who do not believe us.

The list of a lane has a leaf for each number, of 16 bytes, made of the shopper's own join key. Its
digest is a chain over pieces of 4,096 leaves, so it can be published while the list grows. The seed
follows from a secret that was committed to before the lobby, and from the digest; and, where there
is one, from a beacon's value that did not exist when the digest was published.

The permutation is a Feistel network over pairs (left, right) of a x b >= n, as square as can be;
whoever lands beyond n walks on. Its 64 rounds are for the small lists. Computed in full for n <= 6,
two rounds halve the distance to the uniform distribution where they do least (3 x 2): it is 5 %
after 10, and below 1e-9 after 64. A round has only b (or a) different values, so a table of
64 x sqrt(n) hashes gives all n turns.
"""

import hmac
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from hashlib import sha256
from math import isqrt

ALGORITHM = "dropgate-draw-1"
LEAF_BYTES = 16
CHUNK_LEAVES = 4_096
CHUNK_BYTES = LEAF_BYTES * CHUNK_LEAVES
UNKNOWN_LEAF = bytes(LEAF_BYTES)
"""Stands for a number whose leaf a store has lost."""
ROUNDS = 64
_VALUE_BYTES = 6  # below 2^48: exact in JavaScript, and even to 2^-28 among a million
_TABLES_KEPT = 64


@dataclass(frozen=True, slots=True)
class DrawnLine:
    """Whose draw it is: one drop of a sale in one epoch of its room."""

    sale: str
    drop: int
    epoch: int

    def __str__(self) -> str:
        return f"{self.sale}|{self.drop}|{self.epoch}"


def secret_of(key: bytes, line: DrawnLine) -> bytes:
    """The secret of a line, from the installation's draw key: kept nowhere, lost with no store."""
    return hmac.digest(key, _text("secret", line), "sha256")


def commitment(secret: bytes, line: DrawnLine, beacon: str) -> bytes:
    """What is published before the lobby. `beacon` is the beacon's terms, "" for none."""
    return sha256(_text("commitment", line, beacon) + b"|" + secret).digest()


def leaf(line: DrawnLine, join_key: str) -> bytes:
    """What stands in the list of its lane for a shopper, who alone knows the join key."""
    return sha256(_text("leaf", line, join_key)).digest()[:LEAF_BYTES]


class ListDigest:
    """The digest of one lane's list while it grows, a whole piece at a time."""

    def __init__(self, line: DrawnLine, lane: int) -> None:
        self.chunks = 0
        self.unknown = 0
        self.value = sha256(_text("list", line, lane)).digest()

    def add(self, leaves: bytes) -> None:
        """The next piece; one that is not whole must be the last."""
        assert 0 < len(leaves) <= CHUNK_BYTES, "a piece has 1 to 4,096 leaves"
        assert len(leaves) % LEAF_BYTES == 0, "a leaf is whole"
        self.value = sha256(self.value + leaves).digest()
        self.chunks += 1
        if UNKNOWN_LEAF in leaves:
            self.unknown += sum(one == UNKNOWN_LEAF for one in split(leaves))


def split(leaves: bytes) -> Iterator[bytes]:
    """The leaves one by one."""
    return (leaves[at : at + LEAF_BYTES] for at in range(0, len(leaves), LEAF_BYTES))


def digest_of(lanes: Sequence[tuple[int, bytes]]) -> bytes:
    """The one digest of all lanes, from each lane's number of registered shoppers and digest."""
    return sha256(_text("lists", *(f"{drawn}:{value.hex()}" for drawn, value in lanes))).digest()


def seed_of(secret: bytes, line: DrawnLine, digest: bytes, randomness: bytes) -> bytes:
    """The seed. `randomness` is the beacon's value, empty without one."""
    return hmac.digest(secret, _text("seed", line, digest.hex(), randomness.hex()), "sha256")


class Permutation:
    """The turns of a lane's registered shoppers: a bijection of 1..n that the seed chooses."""

    def __init__(self, seed: bytes, lane: int, n: int) -> None:
        assert n >= 1, "somebody was registered"
        self.n = n
        self._a = isqrt(n - 1) + 1
        self._b = -(-n // self._a)
        head = seed + lane.to_bytes(1, "big") + n.to_bytes(8, "big")
        rounds = (self._table(head, number) for number in range(ROUNDS))
        self._pairs = list(zip(rounds, rounds, strict=True))

    def _table(self, head: bytes, number: int) -> list[int]:
        """What a round adds to one half, for each value of the other."""
        others, modulus = (self._b, self._a) if number % 2 == 0 else (self._a, self._b)
        base = sha256(head + number.to_bytes(1, "big"))
        values = []
        for other in range(others):
            hashed = base.copy()
            hashed.update(other.to_bytes(8, "big"))
            values.append(int.from_bytes(hashed.digest()[:_VALUE_BYTES], "big") % modulus)
        return values

    def turn(self, number: int) -> int:
        """The turn of a number."""
        assert 1 <= number <= self.n, "only who was registered is drawn"
        a, b, place = self._a, self._b, number - 1
        while True:
            left, right = divmod(place, b)
            for lefts, rights in self._pairs:
                left = (left + lefts[right]) % a
                right = (right + rights[left]) % b
            place = left * b + right
            if place < self.n:
                return place + 1


@lru_cache(maxsize=_TABLES_KEPT)
def permutation(seed: bytes, lane: int, n: int) -> Permutation:
    """The permutation of a lane, its tables kept: some 0.1 s for a million, then 6 us a turn."""
    return Permutation(seed, lane, n)


def turn_of(seed: str, lane: int, drawn: int, number: int) -> int | None:
    """The turn of a number. None: it was registered, and the seed is not there yet.

    `seed` is 64 hexadecimal digits, "" until it is revealed; who came after the opening is served
    by number.
    """
    if number > drawn:
        return number
    return permutation(bytes.fromhex(seed), lane, drawn).turn(number) if seed else None


def _text(*words: object) -> bytes:
    return "|".join((ALGORITHM, *map(str, words))).encode()
