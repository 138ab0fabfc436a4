"""Assertions that somebody else signed: who a shopper is, and that a payment came.

Here belongs checking a JWT against the issuers of a sale and remembering for a while that it was
good. Which issuers a sale has is in its catalogue; what the claims allow belongs to `auth` and
`payments`. Places and passes are our own and belong to queueing.
"""

import hashlib
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import jwt

LEEWAY_S = 2
"""Clocks of well-kept servers differ by less; a larger difference is refused."""
REMEMBERED_MAX = 50_000
PAYMENT_AUDIENCE = "dropgate"


@dataclass(frozen=True, slots=True)
class Issuer:
    """Somebody who signs: its short `name` in the sale, what it calls itself, and its keys."""

    name: str
    issuer: str
    audience: str
    keys: Mapping[str, jwt.PyJWK]
    kind: str = "jwt"


def issuer_of(name: str, issuer: str, audience: str, jwks: Any, kind: str = "jwt") -> Issuer:
    """The issuer of a JSON Web Key set. Each key's algorithm is its own, whatever a token says."""
    keys = {str(key["kid"]): jwt.PyJWK(key) for key in jwks}
    return Issuer(name, issuer, audience, keys, kind)


@dataclass(frozen=True, slots=True)
class Assertion:
    """A checked assertion: who signed it, what it claims, and until when (Unix seconds)."""

    issuer: Issuer
    claims: Mapping[str, Any]
    expires_s: float


@dataclass(frozen=True, slots=True)
class BadAssertion:
    """Why an assertion is refused; `expired` when time alone is what is wrong with it."""

    reason: str
    expired: bool = False


def check(
    token: str, issuers: Sequence[Issuer], required: Sequence[str]
) -> Assertion | BadAssertion:
    """The assertion in `token`, if one of `issuers` signed it for us and it is in its time."""
    try:
        header = jwt.get_unverified_header(token)
        claimed = jwt.decode(token, options={"verify_signature": False}).get("iss")
    except (jwt.PyJWTError, ValueError, RecursionError):
        return BadAssertion("It is not a JWT.")
    for issuer in issuers:
        if issuer.issuer == claimed:
            return _checked(token, issuer, str(header.get("kid", "")), required)
    return BadAssertion("Nobody this sale trusts has issued it.")


def _checked(
    token: str, issuer: Issuer, kid: str, required: Sequence[str]
) -> Assertion | BadAssertion:
    key = issuer.keys.get(kid)
    if key is None:
        return BadAssertion("It is signed with a key that this sale does not know.")
    try:
        claims = jwt.decode(
            token,
            key,
            audience=issuer.audience,
            issuer=issuer.issuer,
            leeway=LEEWAY_S,
            options={"require": ["exp", "iat", "iss", "aud", *required], "strict_aud": False},
        )
        expires_s = float(claims["exp"]) + LEEWAY_S
        _require_text(claims)
    except jwt.ExpiredSignatureError:
        return BadAssertion("It has expired.", expired=True)
    except jwt.ImmatureSignatureError:
        return BadAssertion("It is not valid yet.")
    except jwt.InvalidAudienceError:
        return BadAssertion("It is for another audience.")
    except jwt.MissingRequiredClaimError as error:
        return BadAssertion(f"It lacks the claim {error.claim}.")
    except (jwt.PyJWTError, ValueError, TypeError, OverflowError):
        return BadAssertion("Its signature or its claims are not valid.")
    return Assertion(issuer, claims, expires_s)


def _require_text(claims: Mapping[str, Any]) -> None:
    """JSON can write half a character, which is no text: names are made into bytes later on."""
    for claim in claims.values():
        if isinstance(claim, str):
            claim.encode()


class Memory:
    """Assertions found good, so that a shopper's hundredth call need not check a signature again.

    Bounded; the least lately used is forgotten. Only good ones are kept: a flood of forgeries
    must not push out the honest.
    """

    def __init__(self, size: int = REMEMBERED_MAX) -> None:
        self._size = size
        self._known: OrderedDict[bytes, Assertion] = OrderedDict()

    def check(
        self, token: str, issuers: Sequence[Issuer], required: Sequence[str], *,
        realm: str, now_s: float,
    ) -> Assertion | BadAssertion:  # fmt: skip
        """As `check`. `realm` names the issuers: it changes whenever they do."""
        key = hashlib.blake2b(f"{realm}\n{token}".encode(), digest_size=16).digest()
        known = self._known.get(key)
        if known is not None and now_s < known.expires_s:
            self._known.move_to_end(key)
            return known
        found = check(token, issuers, required)
        if isinstance(found, Assertion):
            self._known[key] = found
            if len(self._known) > self._size:
                self._known.popitem(last=False)
        return found
