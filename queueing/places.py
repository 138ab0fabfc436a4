"""Places: the signed position that a waiting shopper holds, and the store does not.

Here belong minting and reading the token. Whether its turn has come is not known here.

A token is 65 bytes (for a buyer key of 24), base64url without padding, 87 characters:
version 1 · key id 2 · sale 6 · drop 2 · epoch 2 · lane 1 · number 5 · issued_ms 6 · buyer · MAC 16.
Everything before the MAC is under it; a hash of the sale binds the place to it.
"""

import hmac
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Literal

VERSION = 2
BUYER_MAX = 64
TOKEN_MAX = 140
NUMBER_MAX = 2**40 - 1
AGE_MAX_MS = 60 * 24 * 3_600_000
"""A place's life. The store remembers joins and turns for longer (see KEEP_S of the scripts), so
it never meets a place whose turn it has forgotten."""

_MAC_BYTES = 16
_HEAD_BYTES = 25
_CONTEXT = b"dropgate place\0"  # this key never vouches for anything but places

Reason = Literal["malformed", "unknown_key", "forged", "other_sale", "stale"]


@dataclass(frozen=True, slots=True)
class Place:
    """One position in a lane of one line, as its token says it. Numbers begin at 1."""

    sale: str
    drop: int
    epoch: int
    lane: int
    number: int
    buyer: str
    issued_ms: int


@dataclass(frozen=True, slots=True)
class BadPlace:
    """The token is no place of this sale; `reason` says why."""

    reason: Reason


class PlaceTokens:
    """Mints with the first key, reads with any: the others are the overlap of a rotation."""

    def __init__(self, keys: Sequence[tuple[int, bytes]]) -> None:
        assert keys, "places need a key"
        assert all(0 < kid < 2**16 for kid, _ in keys), "a key id takes two bytes"
        self._kid = keys[0][0]
        self._secrets = dict(keys)

    def mint(self, place: Place) -> str:
        """The token of a place."""
        buyer = place.buyer.encode("ascii")
        assert 0 < len(buyer) <= BUYER_MAX, "a buyer key has 1 to 64 ASCII characters"
        assert 0 < place.number <= NUMBER_MAX, "a number takes five bytes"
        body = b"".join(
            (
                VERSION.to_bytes(1, "big"),
                self._kid.to_bytes(2, "big"),
                _sale_mark(place.sale),
                place.drop.to_bytes(2, "big"),
                place.epoch.to_bytes(2, "big"),
                place.lane.to_bytes(1, "big"),
                place.number.to_bytes(5, "big"),
                place.issued_ms.to_bytes(6, "big"),
                buyer,
            )
        )
        return _text(body + _mac(self._secrets[self._kid], body))

    def read(self, token: str, sale: str, now_ms: int) -> Place | BadPlace:
        """The place, or the first refusal in the order of `Reason`.

        `other_sale` needs a right MAC: a shopper who opened the page of another sale, no forger.
        """
        raw = _bytes(token)
        if raw is None or raw[0] != VERSION:
            return BadPlace("malformed")
        secret = self._secrets.get(int.from_bytes(raw[1:3], "big"))
        if secret is None:
            return BadPlace("unknown_key")
        body = raw[:-_MAC_BYTES]
        if not hmac.compare_digest(_mac(secret, body), raw[-_MAC_BYTES:]):
            return BadPlace("forged")
        if body[3:9] != _sale_mark(sale):
            return BadPlace("other_sale")
        issued_ms = int.from_bytes(body[19:25], "big")
        if now_ms - issued_ms > AGE_MAX_MS:
            return BadPlace("stale")
        return Place(
            sale=sale,
            drop=int.from_bytes(body[9:11], "big"),
            epoch=int.from_bytes(body[11:13], "big"),
            lane=body[13],
            number=int.from_bytes(body[14:19], "big"),
            buyer=body[25:].decode("ascii"),
            issued_ms=issued_ms,
        )


def _text(raw: bytes) -> str:
    return urlsafe_b64encode(raw).rstrip(b"=").decode("ascii")


def _bytes(token: str) -> bytes | None:
    """What the token holds, or None unless it is the one way to write those bytes."""
    if not (len(token) <= TOKEN_MAX and token.isascii()):
        return None
    try:
        raw = urlsafe_b64decode(token + "=" * (-len(token) % 4))
    except ValueError:
        return None
    # The decoder passes over stray characters and spare bits: a second spelling is refused.
    if _text(raw) != token or len(raw) <= _HEAD_BYTES + _MAC_BYTES:
        return None
    return raw


def _mac(secret: bytes, body: bytes) -> bytes:
    return hmac.digest(secret, _CONTEXT + body, "sha256")[:_MAC_BYTES]


def _sale_mark(sale: str) -> bytes:
    return sha256(sale.encode()).digest()[:6]
