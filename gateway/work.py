"""Proof of work for joins: the open protocol ALTCHA (version 2, PBKDF2), with nothing kept of it.

A challenge is signed and says what it is good for: one account's join by one key, from one network,
into one sale, for a while. Solved twice it finds the same place again, so none need be remembered.
Its counter is drawn by us, so the work is bounded, and we check it by a MAC. When to ask for work
is said in `joining`.
"""

import secrets
from dataclasses import dataclass
from hashlib import blake2b
from hmac import digest
from typing import Any, Literal

import altcha

ALGORITHM = "PBKDF2/SHA-256"
COST = 1_000
"""Rounds of one try: 0.2 ms of a desktop's core; making a challenge takes us one of them."""
GOOD_FOR_S = 300
CHEAPER_MAX = 4
"""A challenge stays good while the price has not risen to more than so many times its own; without
this bound a farm would stock up on cheap ones."""
SOLUTION_MAX = 4_096

BadWork = Literal["missing", "malformed", "forged", "expired", "wrong", "other_join", "too_cheap"]


@dataclass(frozen=True, slots=True)
class Errand:
    """What a challenge is good for."""

    sale: str
    network: str
    buyer: str
    join_key: str

    @property
    def mark(self) -> str:
        """Its name in a challenge, which the client reads."""
        told = "\n".join((self.sale, self.network, self.buyer, self.join_key))
        return blake2b(told.encode(), digest_size=16).hexdigest()


class Work:
    """Makes challenges and checks their solutions; any process with the same secret does."""

    def __init__(self, secret: bytes) -> None:
        self._challenge_secret = digest(secret, b"dropgate work\0challenge", "sha256")
        self._key_secret = digest(secret, b"dropgate work\0key", "sha256")

    def challenge(self, errand: Errand, tries: int, now_s: float) -> dict[str, Any]:
        """A challenge that takes `tries` tries to three times as many, twice on average."""
        made = altcha.create_challenge(
            algorithm=ALGORITHM,
            cost=COST,
            counter=tries + secrets.randbelow(2 * tries),
            expires_at=int(now_s) + GOOD_FOR_S,
            data={"for": errand.mark, "tries": tries},
            hmac_secret=self._challenge_secret,
            hmac_key_secret=self._key_secret,
        )
        return made.to_dict()

    def check(self, solution: str | None, errand: Errand, tries: int) -> BadWork | None:
        """What is wrong with a solution for a price of `tries`; None when all is well."""
        if solution is None:
            return "missing"
        try:
            payload = altcha.Payload.from_base64(solution)
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
            return "malformed"
        found = altcha.verify_solution(
            payload, self._challenge_secret, hmac_key_secret=self._key_secret
        )
        if found.expired:
            return "expired"
        if found.invalid_signature:
            return "forged"
        if not found.verified:
            return "wrong"
        signed = payload.challenge.parameters.data or {}
        if signed["for"] != errand.mark:
            return "other_join"
        return "too_cheap" if signed["tries"] * CHEAPER_MAX < tries else None
