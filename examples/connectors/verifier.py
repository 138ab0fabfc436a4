"""Lets only holders of a Dropgate pass through to another system: copy this file and go on.

A proxy asks it about each call (nginx: `auth_request`, see nginx.conf beside this file), or an
application uses `Passes` itself. A pass is a JWT that anybody verifies with the published keys;
nothing is asked of Dropgate per call, and an outage of Dropgate locks nobody out. Needs PyJWT with
`cryptography`, and aiohttp.

    python3 verifier.py --dropgate https://tickets.example --sale spring --port 9300

    GET  /check   200 with who may pass, or 401 with where to wait (`Location`)
    POST /enter   takes the pass of a form (field `pass`) into a cookie of this host, and goes to /
"""

import argparse
import asyncio
import sys
import time
from dataclasses import dataclass, field
from typing import Any

import aiohttp
import jwt
from aiohttp import web

ISSUER = "dropgate"
ALGORITHMS = ["EdDSA"]  # never what the token says
CLAIMS = ["iss", "aud", "sub", "exp", "nbf", "jti", "drop", "place"]
COOKIE = "__Host-dropgate-pass"
LEEWAY_S = 2
TOKEN_MAX = 2_048
TIMEOUT = aiohttp.ClientTimeout(total=3)
UNREADABLE = (
    *(aiohttp.ClientError, TimeoutError, jwt.PyJWTError),
    *(ValueError, TypeError, AttributeError, RecursionError),  # JSON, but of another shape
)


class NoPass(Exception):
    """Nobody is let in by this; its text says why."""


@dataclass(slots=True)
class Keys:
    """The published keys of a Dropgate: read again now and then, and when an unknown one signs.

    While Dropgate is away they stay as they are. A key that was withdrawn there is refused here
    `fresh_s` later at the most.
    """

    url: str
    http: aiohttp.ClientSession
    fresh_s: float
    pause_s: float = 5.0  # a flood of made-up key ids must not become a flood of requests
    _known: dict[str, jwt.PyJWK] = field(default_factory=dict)
    _asked_at: float = float("-inf")
    _reading: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def get(self, kid: str) -> jwt.PyJWK | None:
        """The key of an id, or None."""
        if kid not in self._known:
            async with self._reading:  # who comes meanwhile waits for what is being read
                now = time.monotonic()
                if kid not in self._known and now - self._asked_at > self.pause_s:
                    self._asked_at = now
                    await self.read()
        return self._known.get(kid)

    async def stay_fresh(self) -> None:
        """Read them every `fresh_s`."""
        while True:
            await asyncio.sleep(self.fresh_s)
            await self.read()

    async def read(self) -> None:
        """Read them now; what cannot be read changes nothing."""
        try:
            async with self.http.get(self.url, timeout=TIMEOUT) as answer:
                answer.raise_for_status()
                told = jwt.PyJWKSet.from_dict(await answer.json())
            self._known = {key.key_id: key for key in told.keys if key.key_id}
        except UNREADABLE as error:
            print(f"the keys stay as they are: {error!r}", file=sys.stderr)


@dataclass(slots=True)
class Passes:
    """The passes of one sale; of certain drops of it, where `drops` names any."""

    keys: Keys
    sale: str
    drops: frozenset[int] = frozenset()

    async def claims(self, token: str) -> dict[str, Any]:
        """What a pass claims, once all of it is proved. Raises NoPass."""
        if not token or len(token) > TOKEN_MAX:
            raise NoPass("There is no pass.")
        try:
            kid = jwt.get_unverified_header(token).get("kid", "")
            key = await self.keys.get(str(kid))
            if key is None:
                raise NoPass("It is signed with an unknown key.")
            claims: dict[str, Any] = jwt.decode(
                token,
                key,
                algorithms=ALGORITHMS,
                audience=self.sale,
                issuer=ISSUER,
                leeway=LEEWAY_S,
                options={"require": CLAIMS, "strict_aud": True},
            )
        except (jwt.PyJWTError, ValueError, RecursionError) as error:
            raise NoPass(str(error)) from None
        if self.drops and claims["drop"] not in self.drops:
            raise NoPass("It is for another drop.")
        return claims


def token_of(request: web.Request) -> str:
    """The pass of a call: `Authorization: Pass <token>`, else the cookie. Never from the URL."""
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    return token.strip() if scheme.lower() == "pass" else request.cookies.get(COOKIE, "")


def application(arguments: argparse.Namespace) -> web.Application:
    """The two calls."""
    passes = web.AppKey("passes", Passes)
    waiting_room = arguments.waiting_room or f"{arguments.dropgate}/sales/{arguments.sale}"

    async def reach_dropgate(app: web.Application) -> Any:
        async with aiohttp.ClientSession() as http:
            keys = Keys(f"{arguments.dropgate}/.well-known/jwks.json", http, arguments.fresh_s)
            await keys.read()
            app[passes] = Passes(keys, arguments.sale, frozenset(arguments.drop))
            refreshing = asyncio.create_task(keys.stay_fresh())
            yield
            refreshing.cancel()

    async def check(request: web.Request) -> web.Response:
        try:
            claims = await request.app[passes].claims(token_of(request))
        except NoPass as error:
            return web.Response(status=401, headers={"Location": waiting_room}, text=str(error))
        who = {name: str(claims[name]) for name in ("sub", "drop", "place", "jti", "exp")}
        return web.Response(headers={f"Dropgate-{name}": text for name, text in who.items()})

    async def enter(request: web.Request) -> web.Response:
        token = str((await request.post()).get("pass", ""))
        try:
            claims = await request.app[passes].claims(token)
        except NoPass:
            return web.Response(status=303, headers={"Location": waiting_room})
        entered = web.Response(status=303, headers={"Location": "/"})
        left_s = max(0, int(claims["exp"] - time.time()))
        bound = f"Path=/; Secure; HttpOnly; SameSite=Lax; Max-Age={left_s}"
        entered.headers["Set-Cookie"] = f"{COOKIE}={token}; {bound}"
        return entered

    app = web.Application(client_max_size=16 * 1024)
    app.cleanup_ctx.append(reach_dropgate)
    app.add_routes([web.get("/check", check), web.post("/enter", enter)])
    return app


def main() -> None:
    """Serve, on loopback: only the proxy beside it asks."""
    parser = argparse.ArgumentParser(description="Verifies Dropgate's passes for a proxy.")
    parser.add_argument("--dropgate", required=True, help="https://tickets.example")
    parser.add_argument("--sale", required=True)
    parser.add_argument("--drop", type=int, action="append", default=[], help="only this one")
    parser.add_argument("--waiting-room", help="where to go without a pass; the sale's page")
    parser.add_argument("--fresh-s", type=float, default=300.0, help="how long keys are kept")
    parser.add_argument("--port", type=int, default=9300)
    arguments = parser.parse_args()
    web.run_app(application(arguments), host="127.0.0.1", port=arguments.port, print=None)


if __name__ == "__main__":
    main()
