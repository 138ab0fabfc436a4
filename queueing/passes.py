"""Passes: the right to buy now, as a JWT that any edge can verify.

Here belong minting, reading, and the public keys for others. Who gets a pass is decided by the
claim script; whether one was spent is known at the till.

The signature (EdDSA) is for other edges. Our own gateways check `mac`, a MAC over header and
claims: ten microseconds where the signature takes a hundred. So `read` vouches for these two; a
changed signature below them is, to us, still that pass.

`jti` is what the till knows a pass by, and good for one order. It is a MAC over the place alone, by
a key that never rotates: whatever the room forgot, and whenever the place is let in again, under
whatever keys, it is that one pass. It needs no secrecy: who computes one has no `mac` for it.
"""

import hmac
import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import jwt
import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

ALGORITHM = "EdDSA"
TOKEN_MAX = 1024
_CONTEXT = b"dropgate pass\0"  # this key never vouches for anything but passes
_ID_CONTEXT = b"dropgate pass id\0"  # and this one names orders as well
_BEFORE_MAC = b',"mac":"'
_AFTER_MAC = b'"}'
# 64 bytes in the one way to write them: the last symbol has two bits of them, and four zeros.
_SIGNATURE = re.compile(rb"[A-Za-z0-9_-]{85}[AQgw]")
_BASE32 = "abcdefghijklmnopqrstuvwxyz234567"
_PAIRS = [first + second for first in _BASE32 for second in _BASE32]

Reason = Literal["malformed", "unknown_key", "forged", "other_issuer", "other_sale", "expired"]


@dataclass(frozen=True, slots=True)
class PassKeys:
    """Keys of passes as (key id, secret), current first; the rest is the overlap of a rotation.

    `mac` secrets are any bytes, `signing` secrets are raw Ed25519 seeds of 32 bytes. `names` makes
    the ids and never rotates: with another key a place would have a second pass.
    """

    names: bytes
    mac: Sequence[tuple[int, bytes]]
    signing: Sequence[tuple[int, bytes]]
    issuer: str = "dropgate"


class Pass(msgspec.Struct, frozen=True, gc=False):
    """What a pass says. `id` is what the till knows it by; times are whole seconds in the JWT."""

    id: str
    sale: str
    drop: int
    epoch: int
    lane: int
    number: int
    buyer: str
    issued_at_ms: int
    expires_at_ms: int


@dataclass(frozen=True, slots=True)
class BadPass:
    """The token is no pass for this; `reason` says why."""

    reason: Reason


class _Claims(msgspec.Struct, forbid_unknown_fields=True):
    """The claims in the order in which they are signed and MACed; `mac` must stay the last."""

    iss: str
    aud: str
    sub: str
    drop: int
    epoch: int
    lane: int
    place: int
    iat: int
    nbf: int
    exp: int
    jti: str
    mac: str = ""


class PassTokens:
    """Mints with the first keys, reads with any."""

    def __init__(self, keys: PassKeys) -> None:
        assert keys.mac, "passes need a MAC key"
        assert keys.signing, "passes need a signing key"
        self._issuer = keys.issuer
        self._names = keys.names
        self._macs = dict(keys.mac)
        self._signers = {
            kid: Ed25519PrivateKey.from_private_bytes(seed) for kid, seed in keys.signing
        }
        self._mac = keys.mac[0][1]
        self._sign_kid = keys.signing[0][0]
        # Whole header segments: a header that is not one of ours, letter by letter, is refused,
        # and with it every other algorithm.
        self._headers = {kid: self._header(kid) for kid in self._signers}

    def mint(
        self,
        *,
        sale: str,
        drop: int,
        epoch: int,
        lane: int,
        number: int,
        buyer: str,
        issued_at_ms: int,
        expires_at_ms: int,
    ) -> tuple[str, Pass]:
        """The pass of one place: the same arguments give the same token until keys are rotated.

        Its id is that of the place, whatever the times and the keys are.
        """
        claims: dict[str, Any] = {
            "iss": self._issuer,
            "aud": sale,
            "sub": buyer,
            "drop": drop,
            "epoch": epoch,
            "lane": lane,
            "place": number,
            "iat": issued_at_ms // 1000,
            "nbf": issued_at_ms // 1000,
            "exp": expires_at_ms // 1000,
            "jti": _pass_id(self._names, (sale, drop, epoch, lane, number, buyer)),
        }
        header = self._headers[self._sign_kid]
        claims["mac"] = _mac(self._mac, header, msgspec.json.encode(claims)[: -len(b"}")])
        token = jwt.encode(
            claims,
            self._signers[self._sign_kid],
            algorithm=ALGORITHM,
            headers={"kid": str(self._sign_kid)},
        )
        return token, _as_pass(msgspec.convert(claims, _Claims))

    def read(
        self, token: str, sale: str | None = None, now_ms: int | None = None
    ) -> Pass | BadPass:
        """The pass, or the first refusal in the order of `Reason`.

        Without `sale` any sale's pass is read, without `now_ms` an expired one too: whoever looks
        for the repeat of a purchase must be able to show a pass that has run out since.
        """
        claims_text = self._vouched(token)
        if isinstance(claims_text, BadPass):
            return claims_text
        claims = msgspec.json.decode(claims_text, type=_Claims)
        if claims.iss != self._issuer:
            return BadPass("other_issuer")
        if sale is not None and claims.aud != sale:
            return BadPass("other_sale")
        if now_ms is not None and now_ms >= claims.exp * 1000:
            return BadPass("expired")
        return _as_pass(claims)

    def _vouched(self, token: str) -> bytes | BadPass:
        """The text of the claims when its MAC is right; nothing else of a token is ever parsed."""
        if not (len(token) <= TOKEN_MAX and token.isascii()):
            return BadPass("malformed")
        parts = token.encode().split(b".")
        if len(parts) != 3 or _SIGNATURE.fullmatch(parts[2]) is None:
            return BadPass("malformed")
        if parts[0] not in self._headers.values():
            return BadPass("unknown_key")
        text = _canonical(parts[1])
        if text is None or not text.endswith(_AFTER_MAC):
            return BadPass("malformed")
        claims, _, mac = text[: -len(_AFTER_MAC)].rpartition(_BEFORE_MAC)
        if any(
            hmac.compare_digest(_mac(secret, parts[0], claims).encode(), mac)
            for secret in self._macs.values()
        ):
            return text
        return BadPass("forged")

    def _header(self, kid: int) -> bytes:
        signer = self._signers[kid]
        token = jwt.encode({}, signer, algorithm=ALGORITHM, headers={"kid": str(kid)})
        return token.partition(".")[0].encode()


def public_keys(signing: Sequence[tuple[int, bytes]]) -> dict[str, list[dict[str, str]]]:
    """The public halves of signing keys, in their order, as a JSON Web Key Set (RFC 7517, 8037)."""
    return {"keys": [_public_key(kid, seed) for kid, seed in signing]}


def _public_key(kid: int, seed: bytes) -> dict[str, str]:
    public = Ed25519PrivateKey.from_private_bytes(seed).public_key().public_bytes_raw()
    return {
        "kty": "OKP",
        "crv": "Ed25519",
        "x": _base64url(public).decode("ascii"),
        "kid": str(kid),
        "use": "sig",
        "alg": ALGORITHM,
    }


def _pass_id(secret: bytes, place: tuple[str | int, ...]) -> str:
    """The one id that a place's passes have: no part of a place holds a NUL."""
    return _told(hmac.digest(secret, _ID_CONTEXT + "\0".join(map(str, place)).encode(), "sha256"))


def _mac(secret: bytes, header: bytes, claims: bytes) -> str:
    """The MAC over header and claims as they are written, up to the MAC itself."""
    return _told(hmac.digest(secret, _CONTEXT + header + b"." + claims, "sha256"))


def _told(digest: bytes) -> str:
    """120 bits of it, 24 symbols of base32: by pairs, in half the time of the library's own."""
    n, pairs = int.from_bytes(digest[:15]), _PAIRS
    return (
        f"{pairs[n >> 110]}{pairs[n >> 100 & 1023]}{pairs[n >> 90 & 1023]}{pairs[n >> 80 & 1023]}"
        f"{pairs[n >> 70 & 1023]}{pairs[n >> 60 & 1023]}{pairs[n >> 50 & 1023]}"
        f"{pairs[n >> 40 & 1023]}{pairs[n >> 30 & 1023]}{pairs[n >> 20 & 1023]}"
        f"{pairs[n >> 10 & 1023]}{pairs[n & 1023]}"
    )


def _as_pass(claims: _Claims) -> Pass:
    return Pass(
        id=claims.jti,
        sale=claims.aud,
        drop=claims.drop,
        epoch=claims.epoch,
        lane=claims.lane,
        number=claims.place,
        buyer=claims.sub,
        issued_at_ms=claims.iat * 1000,
        expires_at_ms=claims.exp * 1000,
    )


def _base64url(raw: bytes) -> bytes:
    return urlsafe_b64encode(raw).rstrip(b"=")


def _canonical(segment: bytes) -> bytes | None:
    """What a segment holds, or None unless it is the one way to write those bytes."""
    try:
        raw = urlsafe_b64decode(segment + b"=" * (-len(segment) % 4))
    except ValueError:
        return None
    return raw if _base64url(raw) == segment else None
