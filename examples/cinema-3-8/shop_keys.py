"""Signing keys of the example's shop, from a seed, with the standard library alone."""

import hashlib
from base64 import urlsafe_b64encode


def ed25519_public(secret: bytes) -> bytes:
    """The public key of a 32-byte secret (RFC 8032, section 5.1.5); slow, for this file alone."""
    prime = 2**255 - 19
    d = -121665 * pow(121666, -1, prime) % prime

    def add(p: tuple[int, int], q: tuple[int, int]) -> tuple[int, int]:
        t = d * p[0] * q[0] * p[1] * q[1]
        x = (p[0] * q[1] + q[0] * p[1]) * pow(1 + t, -1, prime)
        y = (p[1] * q[1] + p[0] * q[0]) * pow(1 - t, -1, prime)
        return x % prime, y % prime

    scalar = int.from_bytes(hashlib.sha512(secret).digest()[:32], "little")
    scalar = scalar & ~7 & (2**255 - 1) | 2**254
    base_y = 4 * pow(5, -1, prime) % prime
    square = (base_y**2 - 1) * pow(d * base_y**2 + 1, -1, prime) % prime
    base_x = pow(square, (prime + 3) // 8, prime)
    if (base_x**2 - square) % prime:
        base_x = base_x * pow(2, (prime - 1) // 4, prime) % prime
    point, power = (0, 1), (min(base_x, prime - base_x, key=lambda x: x % 2), base_y)
    while scalar:
        if scalar & 1:
            point = add(point, power)
        power, scalar = add(power, power), scalar >> 1
    return (point[1] | (point[0] & 1) << 255).to_bytes(32, "little")


def make_keys(seed: int) -> tuple[list[dict[str, str]], list[dict[str, str]]]:
    """The shop's two keys as JSON Web Keys: public, and private."""
    public, private = [], []
    for kid in ("login", "payment"):
        secret = hashlib.sha256(f"{seed}/shop/{kid}".encode()).digest()
        key = {"kty": "OKP", "crv": "Ed25519", "kid": kid, "x": _text(ed25519_public(secret))}
        public.append(key)
        private.append(key | {"d": _text(secret)})
    return public, private


def _text(data: bytes) -> str:
    return urlsafe_b64encode(data).rstrip(b"=").decode()
