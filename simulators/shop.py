"""The shop: signs who a shopper is, and that a payment came (the example's two outside signers).

Belongs here: the login issuer, the test payment adapter, their public keys. It keeps no state: a
payment's reference is a function of the order, so asking twice pays once. The pages that a browser
is sent to are in `shop_pages`.
"""

from __future__ import annotations

import hashlib
import json
import time
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click
import jwt
from aiohttp import web
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from simulators.serving import problem, read_object, run
from simulators.shop_pages import pages

LOGIN_LIVES_S = 3600
PROOF_LIVES_S = 3600
USER_MAX_CHARS = 120
AMOUNT_MAX_MINOR = 2**53 - 1
DROPGATE_AUDIENCE = "dropgate"


@dataclass(frozen=True, slots=True)
class Signer:
    """One signing key of the shop: its id, the issuer it signs for, and whom it signs to."""

    kid: str
    issuer: str
    audience: str
    key: Ed25519PrivateKey

    def sign(self, claims: dict[str, object], *, now_s: int, lives_s: int) -> str:
        """The claims as a JWT (EdDSA) with issuer, audience and a life of `lives_s`."""
        whole = {"iss": self.issuer, "aud": self.audience, "iat": now_s, "exp": now_s + lives_s}
        return jwt.encode({**whole, **claims}, self.key, "EdDSA", headers={"kid": self.kid})


@dataclass(frozen=True, slots=True)
class Shop:
    """The two signers and the public half of their keys (a JWK set)."""

    login: Signer
    payment: Signer
    jwks: dict[str, Any]

    def signed_in(self, user: str) -> str:
        """The assertion that a shopper is this user."""
        return self.login.sign({"sub": user}, now_s=int(time.time()), lives_s=LOGIN_LIVES_S)

    def paid(self, order: str, amount_minor: int, currency: str, attempt: int = 1) -> str:
        """The proof that an order was paid."""
        reference = payment_reference(order, attempt)
        claims: dict[str, object] = {
            "order": order,
            "amount_minor": amount_minor,
            "currency": currency,
            "reference": reference,
            "jti": reference,
        }
        return self.payment.sign(claims, now_s=int(time.time()), lives_s=PROOF_LIVES_S)


def load(keys: Path, sale: Path | None) -> Shop:
    """The shop of a key file (a JWK set with the private `d`) and the sale that names its issuers.

    Raises KeyError when a key or an issuer is missing, ValueError when a file does not parse.
    """
    by_kid = {key["kid"]: key for key in json.loads(keys.read_bytes())["keys"]}
    names = tomllib.loads(sale.read_text()) if sale else {}
    login = names.get("login", [{"issuer": "shop-login", "audience": DROPGATE_AUDIENCE}])[0]
    payment = names.get("payment", [{"issuer": "shop-payment"}])[0]
    return Shop(
        login=Signer("login", login["issuer"], login["audience"], _private(by_kid["login"])),
        payment=Signer(
            "payment", payment["issuer"], DROPGATE_AUDIENCE, _private(by_kid["payment"])
        ),
        jwks={"keys": [_public(by_kid["login"]), _public(by_kid["payment"])]},
    )


def _private(jwk: dict[str, str]) -> Ed25519PrivateKey:
    key = jwt.PyJWK(jwk, "EdDSA").key
    if not isinstance(key, Ed25519PrivateKey):
        raise ValueError(f"key {jwk.get('kid')!r} is not a private Ed25519 key")
    return key


def _public(jwk: dict[str, str]) -> dict[str, str]:
    return {name: value for name, value in jwk.items() if name != "d"}


def payment_reference(order: str, attempt: int) -> str:
    """The shop's name for the payment of an order: the same order and attempt pay once."""
    return "pay-" + hashlib.sha256(f"{order}/{attempt}".encode()).hexdigest()[:20]


def application(shop: Shop) -> web.Application:
    """The shop's three calls and two pages."""

    async def log_in(request: web.Request) -> web.Response:
        user = (await read_object(request)).get("user")
        if not isinstance(user, str) or not 0 < len(user) <= USER_MAX_CHARS:
            return problem(422, "bad_user", f"user must be 1..{USER_MAX_CHARS} characters")
        return web.json_response({"token": shop.signed_in(user), "expires_in_s": LOGIN_LIVES_S})

    async def pay(request: web.Request) -> web.Response:
        body = await read_object(request)
        order, amount, attempt = body.get("order"), body.get("amount_minor"), body.get("attempt", 1)
        if not isinstance(order, str) or not 0 < len(order) <= USER_MAX_CHARS:
            return problem(422, "bad_order", "order must be the id of an order")
        if type(amount) is not int or not 0 <= amount <= AMOUNT_MAX_MINOR:
            return problem(422, "bad_amount", "amount_minor must be minor units, an integer")
        if type(attempt) is not int or not 1 <= attempt <= 1000:
            return problem(422, "bad_attempt", "attempt must be 1..1000")
        proof = shop.paid(order, amount, str(body.get("currency", "CNY"))[:3], attempt)
        reference = payment_reference(order, attempt)
        return web.json_response({"payment": proof, "reference": reference})

    async def jwks(_: web.Request) -> web.Response:
        return web.json_response(shop.jwks)

    app = web.Application()
    app.add_routes(
        [
            web.post("/login", log_in),
            web.post("/pay", pay),
            web.get("/.well-known/jwks.json", jwks),
            *pages(shop.signed_in, shop.paid),
        ]
    )
    return app


@click.command(short_help="A shop: login issuer and test payments.")
@click.option("--keys", type=click.Path(exists=True, path_type=Path), required=True)
@click.option("--sale", type=click.Path(exists=True, path_type=Path), help="sale.toml: issuers")
@click.option("--host", default="127.0.0.1", show_default=True)
@click.option("--port", default=8091, show_default=True)
def command(*, keys: Path, sale: Path | None, host: str, port: int) -> None:
    """The example's login issuer and test payment adapter: POST /login and POST /pay.

    A browser is sent to GET /login and GET /pay, and comes back with what was signed.
    """
    run(application(load(keys, sale)), name="shop-sim", host=host, port=port)


if __name__ == "__main__":
    command()
