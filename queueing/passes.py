"""Passes: the right to buy now, as a JWT that any edge can verify.

Here belong minting, reading, and the public keys for others. Who gets a pass is decided by the
claim script; whether one was spent is known at the till.

The signature (EdDSA) is for other edges. Our own gateways check `mac`, a MAC over header and
claims: a microsecond where the signature takes a hundred. So `read` vouches for these two; a
changed signature below them is, to us, still that pass.

The MAC is that of the segments as they are written, and is the last claim, in as many symbols each
time. So a token is proved before anything of it is decoded, and there is one way to write it.

`jti` is what the till knows a pass by, and good for one order. It is a MAC over the place alone, by
a key that never rotates: whatever the room forgot, and whenever the place is let in again, under
whatever keys, it is that one pass. It needs no secrecy: who computes one has no `mac` for it.
"""

from base64 import urlsafe_b64encode
from binascii import a2b_base64, b2a_base64
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import blake2b
from hmac import compare_digest
from typing import Literal

import jwt
import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

ALGORITHM = "EdDSA"
TOKEN_MAX = 1024
_CONTEXT = b"dropgate pass"  # this key never vouches for anything but passes
_ID_CONTEXT = b"dropgate pass id"  # and this one names orders as well
# Before it stands a multiple of three bytes, and these are 36, so that the last 48 symbols of the
# claims are the MAC's and no others; the symbols that base64url writes in its own way are not
# among them.
_MAC_CLAIM = b', "mac": "%b"}'
_MAC_SYMBOLS = 48
_AS_BASE64 = bytes.maketrans(b"-_", b"+/")
_SYMBOLS = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
# 64 bytes in the one way to write them: the last symbol has two bits of them, and four zeros.
_SIGNATURE_SYMBOLS, _SIGNATURE_ENDS = 86, b"AQgw"
_ID_LENGTH = 24
# A byte of a MAC becomes the symbol of its lower five bits: 120 bits in one call.
_SYMBOL_OF_BYTE = b"abcdefghijklmnopqrstuvwxyz234567" * 8

Reason = Literal["malformed", "unknown_key", "forged", "other_issuer", "other_sale", "expired"]


@dataclass(frozen=True, slots=True)
class PassKeys:
    """Keys of passes as (key id, secret), current first; the rest is the overlap of a rotation.

    `mac` secrets and `names` are of 64 bytes at most, `signing` secrets are raw Ed25519 seeds of 32
    bytes. `names` makes the ids and never rotates: with another key a place would have a second
    pass.
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


class _Claims(msgspec.Struct, forbid_unknown_fields=True, gc=False):
    """The claims in the order in which they are written; `mac` comes behind them."""

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


_decode = msgspec.json.Decoder(_Claims).decode
_jws = jwt.PyJWS()


class PassTokens:
    """Mints with the first keys, reads with any."""

    def __init__(self, keys: PassKeys) -> None:
        assert keys.mac, "passes need a MAC key"
        assert keys.signing, "passes need a signing key"
        self._issuer = keys.issuer
        # Copied for each token: the key is worked in once.
        self._names = blake2b(key=keys.names, person=_ID_CONTEXT, digest_size=_ID_LENGTH)
        macs = [
            blake2b(key=secret, person=_CONTEXT, digest_size=_ID_LENGTH) for _, secret in keys.mac
        ]
        self._signers = {
            kid: Ed25519PrivateKey.from_private_bytes(seed) for kid, seed in keys.signing
        }
        self._sign_kid = keys.signing[0][0]
        # Whole header segments: a header that is not one of ours, letter by letter, is refused,
        # and with it every other algorithm.
        self._header = self._header_of(self._sign_kid)
        headers = map(self._header_of, self._signers)
        # Each with its MACs, which have begun with it.
        self._macs = {header: [_begun(mac, header + b".") for mac in macs] for header in headers}

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
        issued_at_s, place = issued_at_ms // 1000, (sale, drop, epoch, lane, number, buyer)
        claims = _Claims(
            iss=self._issuer,
            aud=sale,
            sub=buyer,
            drop=drop,
            epoch=epoch,
            lane=lane,
            place=number,
            iat=issued_at_s,
            nbf=issued_at_s,
            exp=expires_at_ms // 1000,
            # No part of a place holds a NUL.
            jti=_told(self._names, "\0".join(map(str, place)).encode()).decode(),
        )
        text = msgspec.json.encode(claims).removesuffix(b"}")
        text += b" " * (-len(text) % 3)
        mac = _told(self._macs[self._header][0], urlsafe_b64encode(text))
        return self._written(text + _MAC_CLAIM % mac, self._sign_kid), _as_pass(claims)

    def read(
        self, token: str, sale: str | None = None, now_ms: int | None = None
    ) -> Pass | BadPass:
        """The pass, or the first refusal in the order of `Reason`.

        Without `sale` any sale's pass is read, without `now_ms` an expired one too: whoever looks
        for the repeat of a purchase must be able to show a pass that has run out since.
        """
        written = self._vouched(token)
        if isinstance(written, BadPass):
            return written
        if b"-" in written or b"_" in written:
            written = written.translate(_AS_BASE64)
        claims = _decode(a2b_base64(written) + b"}")
        if claims.iss != self._issuer:
            return BadPass("other_issuer")
        if sale is not None and claims.aud != sale:
            return BadPass("other_sale")
        if now_ms is not None and now_ms >= claims.exp * 1000:
            return BadPass("expired")
        return _as_pass(claims)

    def _vouched(self, token: str) -> bytes | BadPass:
        """The claims as written, when their MAC is right; nothing else is ever decoded."""
        if not (len(token) <= TOKEN_MAX and token.isascii()):
            return BadPass("malformed")
        parts = token.encode().split(b".")
        if len(parts) != 3 or not _is_signature(parts[2]):
            return BadPass("malformed")
        macs = self._macs.get(parts[0])
        if macs is None:
            return BadPass("unknown_key")
        claims, mac = parts[1][:-_MAC_SYMBOLS], parts[1][-_MAC_SYMBOLS:]
        for key in macs:
            right = b2a_base64(_MAC_CLAIM % _told(key, claims), newline=False)
            if compare_digest(right, mac):
                return claims
        return BadPass("forged")

    def _header_of(self, kid: int) -> bytes:
        return self._written(b"", kid).partition(".")[0].encode()

    def _written(self, payload: bytes, kid: int) -> str:
        signer = self._signers[kid]
        return _jws.encode(payload, signer, algorithm=ALGORITHM, headers={"kid": str(kid)})


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


def _is_signature(text: bytes) -> bool:
    """Whether it is written as a signature is; what it says is for others."""
    return (
        len(text) == _SIGNATURE_SYMBOLS
        and not text.translate(None, _SYMBOLS)
        and text[-1] in _SIGNATURE_ENDS
    )


def _begun(key: blake2b, content: bytes) -> blake2b:
    """The MAC of all that begins with this content."""
    mac = key.copy()
    mac.update(content)
    return mac


def _told(key: blake2b, content: bytes) -> bytes:
    """The MAC over a content: 120 bits, as symbols."""
    mac = key.copy()
    mac.update(content)
    return mac.digest().translate(_SYMBOL_OF_BYTE)


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
