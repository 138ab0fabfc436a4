"""The public keys of those who sign for a sale: login issuers and payment adapters.

Only public keys may stand in a sale file: it is shown, copied and stored unsealed.
"""

import warnings
from typing import Any

import jwt

from inventory.salefile.problems import Place, Problems, shown

KEYS_MAX = 16
KID_MAX_CHARS = 100
ALGORITHMS = {
    "OKP": ("EdDSA",),
    "EC": ("ES256", "ES384", "ES512"),
    "RSA": ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512"),
}
RSA_BITS_MIN = 2048
_PRIVATE = ("d", "p", "q", "dp", "dq", "qi", "oth", "k")


def check_key_set(raw: object, place: Place, problems: Problems) -> None:
    """Tell every key of the set that cannot verify a signature, or that should be secret."""
    keys = raw.get("keys") if isinstance(raw, dict) else None
    if not isinstance(keys, list) or not keys:
        problems.add(place, 'expected a JSON Web Key set: {"keys": [{"kty": "OKP", "kid": …}]}')
        return
    if len(keys) > KEYS_MAX:
        problems.add(place, f"has {len(keys)} keys; at most {KEYS_MAX} may stand in a set")
        return
    seen: set[str] = set()
    for number, key in enumerate(keys, start=1):
        wrong = _wrong(key, seen)
        if wrong:
            problems.add(place, f"key {number}: {wrong}")


def _wrong(key: Any, seen: set[str]) -> str | None:
    if not isinstance(key, dict):
        return "is not an object"
    kid = key.get("kid")
    if not isinstance(kid, str) or not 0 < len(kid) <= KID_MAX_CHARS:
        return f"needs a kid of 1 to {KID_MAX_CHARS} visible ASCII characters"
    if kid in seen:
        return f"the kid {shown(kid)} stands twice"
    seen.add(kid)
    if any(name in key for name in _PRIVATE):
        return f"{shown(kid)} holds a private key; a sale file takes public keys alone"
    allowed = ALGORITHMS.get(str(key.get("kty")))
    if allowed is None:
        return f"{shown(kid)} has kty {shown(key.get('kty'))}; expected OKP, EC or RSA"
    if "alg" in key and key["alg"] not in allowed:
        return f"{shown(kid)} has alg {shown(key['alg'])}; expected {' or '.join(allowed)}"
    return _unusable(key, kid)


def _unusable(key: dict[str, Any], kid: str) -> str | None:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            loaded = jwt.PyJWK(key).key
    except (jwt.PyJWTError, ValueError, TypeError, KeyError) as error:
        return f"{shown(kid)} is not a usable key: {error}"
    if key["kty"] == "RSA" and loaded.key_size < RSA_BITS_MIN:
        return f"{shown(kid)} has {loaded.key_size} bits; at least {RSA_BITS_MIN} are safe"
    return None
