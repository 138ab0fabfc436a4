"""Outside signers for the tests: a login issuer and a payment adapter with keys of their own."""

import json
import time
from dataclasses import dataclass, field
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey


@dataclass(frozen=True, slots=True)
class Signer:
    """Somebody who signs JWTs."""

    issuer: str
    audience: str = "dropgate"
    kid: str = "k1"
    key: Ed25519PrivateKey = field(default_factory=Ed25519PrivateKey.generate)

    @property
    def jwk(self) -> dict[str, Any]:
        """The public key."""
        public = jwt.algorithms.OKPAlgorithm.to_jwk(self.key.public_key())
        return {**json.loads(public), "kid": self.kid, "alg": "EdDSA", "use": "sig"}

    def sign(self, *, headers: dict[str, Any] | None = None, **claims: Any) -> str:
        """A token of these claims, valid for an hour unless they say otherwise."""
        now = int(time.time())
        whole = {"iss": self.issuer, "aud": self.audience, "iat": now, "exp": now + 3600, **claims}
        present = {name: value for name, value in whole.items() if value is not None}
        return jwt.encode(present, self.key, "EdDSA", headers={"kid": self.kid, **(headers or {})})
