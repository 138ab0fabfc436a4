"""Somebody else's edge: the real nginx, the verifier beside it, and a shop behind them."""

import asyncio
import json
import sys
import time
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from http.cookies import SimpleCookie
from pathlib import Path
from typing import Any

import aiohttp
import jwt
from aiohttp import web
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from gateway.keyring import Keyring
from tests.deploy.processes import Running, listens, running
from tests.gateway.world import SALE
from tests.house.sources import HOUSE
from tests.programs import program
from tests.servers import free_port

CONNECTORS = HOUSE / "examples" / "connectors"
HOST = "127.0.0.1"
COOKIE = "__Host-dropgate-pass"
TEMPORARY = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")


@dataclass(slots=True)
class Edge:
    """The edge, and the calls that came through it to the shop."""

    url: str
    http: aiohttp.ClientSession
    dropgate: str
    verifier: Running
    through: list[dict[str, str]] = field(default_factory=list)

    async def ask(self, token: str = "", path: str = "/", **headers: str) -> int:
        """The status of a call with a pass; a redirection must be to the waiting room."""
        if token:
            headers["Authorization"] = f"Pass {token}"
        async with self.http.get(self.url + path, headers=headers, allow_redirects=False) as told:
            if told.status == 303:
                assert told.headers["Location"] == f"{self.dropgate}/sales/{SALE}"
                assert told.headers["Cache-Control"] == "no-store"
            return told.status

    async def enter(self, token: str) -> dict[str, Any]:
        """The cookie that a form with a pass gets, as its attributes; nothing when it gets none."""
        url = f"{self.url}/dropgate/enter"
        async with self.http.post(url, data={"pass": token}, allow_redirects=False) as told:
            assert told.status == 303
            jar = SimpleCookie(told.headers.get("Set-Cookie", ""))
            return {"value": jar[COOKIE].value, **jar[COOKIE]} if COOKIE in jar else {}


@asynccontextmanager
async def edge(dropgate: str, directory: Path, *words: str) -> AsyncIterator[Edge]:
    """Everything, as the files of the example say it but for the addresses."""
    nginx = program("nginx", "nginx")
    verifier_port, shop_port, own_port = free_port(), free_port(), free_port()
    ports = {9300: verifier_port, 9400: shop_port, 9500: own_port}
    async with (
        _verifier(dropgate, directory, verifier_port, *words) as verifier,
        _nginx(nginx, directory, ports),
        aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar()) as http,
    ):
        made = Edge(f"http://{HOST}:{own_port}", http, dropgate, verifier)
        async with _shop(made, shop_port):
            yield made


@asynccontextmanager
async def _verifier(
    dropgate: str, directory: Path, port: int, *words: str
) -> AsyncIterator[Running]:
    told = ["--dropgate", dropgate, "--sale", SALE, "--port", str(port), *words]
    command = [sys.executable, str(CONNECTORS / "verifier.py"), *told]
    with running("verifier", command, directory, {}, directory) as process:
        # Dropgate, whom it asks at once, runs in this very thread.
        await asyncio.to_thread(process.until, lambda: listens(HOST, port))
        yield process


@asynccontextmanager
async def _nginx(nginx: str, directory: Path, ports: dict[int, int]) -> AsyncIterator[None]:
    text = (CONNECTORS / "nginx.conf").read_text(encoding="utf-8")
    for written, here in ports.items():
        assert text.count(f"{HOST}:{written}") == 1
        text = text.replace(f"{HOST}:{written}", f"{HOST}:{here}")
    # Where an ordinary user may write too.
    paths = "".join(f"{name}_temp_path {directory}/{name};\n" for name in TEMPORARY)
    text = text.replace("http {\n", "http {\n" + paths, 1)
    (directory / "nginx.conf").write_text(text, encoding="utf-8")
    words = [nginx, "-e", "stderr", "-p", str(directory), "-c", "nginx.conf", "-g", "daemon off;"]
    with running("nginx", words, directory, {}, directory) as process:
        await asyncio.to_thread(process.until, lambda: listens(HOST, ports[9500]))
        yield
        process.stop(15, 10.0)


@asynccontextmanager
async def _shop(made: Edge, port: int) -> AsyncIterator[None]:
    async def serve(request: web.Request) -> web.Response:
        made.through.append(dict(request.headers))
        return web.Response(text="the shop")

    app = web.Application()
    app.router.add_route("*", "/{path:.*}", serve)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, HOST, port).start()
    try:
        yield
    finally:
        await runner.cleanup()


def claims_of(token: str) -> dict[str, Any]:
    """What a pass claims, unverified."""
    found: dict[str, Any] = jwt.decode(token, options={"verify_signature": False})
    return found


def forgeries(token: str, ring: Keyring) -> dict[str, str]:
    """Tokens like a good pass that nobody may come in with, by what is wrong with them."""
    current = ring.current("pass_sign")
    kid, ours = str(current.kid), Ed25519PrivateKey.from_private_bytes(current.secret)
    claims, now = claims_of(token), int(time.time())
    head, body, signature = token.split(".")

    def signed(key: Any = ours, name: str = kid, **changes: Any) -> str:
        whole = {name: value for name, value in (claims | changes).items() if value is not None}
        return jwt.encode(whole, key, "EdDSA", headers={"kid": name})

    assert claims_of(signed()) == claims
    other = Ed25519PrivateKey.generate()
    public = ours.public_key().public_bytes_raw()
    return {
        "claims changed": ".".join((head, _with(body, sub="thief"), signature)),
        "a bit of the signature": f"{head}.{body}.{_flipped(signature)}",
        "the signature cut": token[:-2],
        "no signature": f"{_with(head, alg='none')}.{body}.",
        "the public key as a shared secret": jwt.encode(claims, public, headers={"kid": kid}),
        "signed by another key": signed(other),
        "a key nobody knows": signed(other, "77"),
        "no key named": jwt.encode(claims, ours, "EdDSA"),
        "expired": signed(exp=now - 60),
        "not valid yet": signed(nbf=now + 60),
        "without an end": signed(exp=None),
        "without its number": signed(jti=None),
        "another sale": signed(aud="autumn"),
        "several sales": signed(aud=[SALE, "autumn"]),
        "another issuer": signed(iss="elsewhere"),
        "another drop": signed(drop=claims["drop"] + 1),
        "no JWT": "x.y.z",
        "much too deep": urlsafe_b64encode(b"[" * 1_200).decode().rstrip("=") + ".e30.x",
    }


def _with(segment: str, **changes: Any) -> str:
    told = json.loads(urlsafe_b64decode(segment + "=" * (-len(segment) % 4)))
    return urlsafe_b64encode(json.dumps(told | changes).encode()).decode().rstrip("=")


def _flipped(signature: str) -> str:
    return ("A" if signature[0] != "A" else "B") + signature[1:]
