"""The connectors: a shop behind the real nginx and the verifier, with real passes."""

import asyncio
import importlib.util
import json
import shutil
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from pathlib import Path
from types import ModuleType

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from gateway import published_keys
from gateway.keyring import Keyring
from gateway.services import Services
from tests.examples.edge import CONNECTORS, Edge, claims_of, edge, forgeries
from tests.gateway.conftest import (
    state_directory as state_directory,  # noqa: PLC0414  # a fixture
    world as world,  # noqa: PLC0414  # a fixture
)
from tests.gateway.world import World, serve, settings_for
from tests.patience import patiently
from tests.programs import program

PATIENCE_S = 90.0


@pytest.fixture
async def ahead(world: World, tmp_path: Path) -> AsyncIterator[Edge]:
    """The edge of a shop that wants passes of the first drop, beside a running Dropgate."""
    async with edge(world.url, tmp_path, "--drop", "1") as found:
        yield found


@pytest.fixture
def verifier(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The verifier as a module, for what is hard to see from outside."""
    spec = importlib.util.spec_from_file_location("verifier", CONNECTORS / "verifier.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    monkeypatch.setitem(sys.modules, "verifier", module)  # its dataclasses look there
    spec.loader.exec_module(module)
    return module


async def token(world: World, name: str) -> str:
    """A real pass."""
    return (await world.pass_(name)).removeprefix("Pass ")


def the_edges(pass_: str) -> dict[str, str]:
    """The headers by which the edge says whose a pass is."""
    claims = claims_of(pass_)
    names = ("drop", "place", "sub", "jti", "exp")
    return {f"Dropgate-{name.title()}": str(claims[name]) for name in names}


def said(headers: dict[str, str]) -> dict[str, str]:
    """The headers of ours that reached the shop."""
    return {name.title(): text for name, text in headers.items() if "dropgate-" in name.lower()}


async def until(seen: Callable[[], Awaitable[bool]], what: str) -> None:
    """Wait for a condition."""
    deadline = time.monotonic() + PATIENCE_S
    while not await seen():
        assert time.monotonic() < deadline, what
        await asyncio.sleep(0.05)


def test_nginx_reads_the_configuration_as_it_is(tmp_path: Path) -> None:
    """`nginx -t` finds nothing to complain of in the shipped file."""
    path = shutil.copy(CONNECTORS / "nginx.conf", tmp_path)
    words = [program("nginx", "nginx"), "-t", "-e", "stderr", "-p", str(tmp_path), "-c", path]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    assert "syntax is ok" in done.stderr
    assert "[warn]" not in done.stderr


async def test_the_shop_is_reached_with_a_pass_and_not_without(world: World, ahead: Edge) -> None:
    """Who has none is sent to the waiting room; who has one is let in, and the shop hears who."""
    assert await ahead.ask() == 303
    assert await ahead.ask(path="/deep/down?and=more") == 303
    assert ahead.through == []
    pass_ = await token(world, "a")
    assert await ahead.ask(pass_) == 200
    assert said(ahead.through[0]) == the_edges(pass_)


async def test_nobody_says_for_the_edge_who_they_are(world: World, ahead: Edge) -> None:
    """The headers that the shop believes are the edge's own, whatever a visitor sends."""
    pass_ = await token(world, "a")
    assert await ahead.ask(pass_, **dict.fromkeys(the_edges(pass_), "forged")) == 200
    assert said(ahead.through[0]) == the_edges(pass_)


async def test_the_inner_question_cannot_be_asked_from_outside(world: World, ahead: Edge) -> None:
    """The verifier's check is nginx's own business."""
    pass_ = await token(world, "a")
    assert await ahead.ask(pass_, path="/dropgate/check") == 404
    assert ahead.through == []


async def test_no_forgery_reaches_the_shop(world: World, ahead: Edge) -> None:
    """Whatever is not, to the letter, a pass of this sale and drop in its time stays outside."""
    ring = Keyring.open(world.services.settings.keys)
    for what, forged in forgeries(await token(world, "a"), ring).items():
        assert await ahead.ask(forged) == 303, what
        assert await ahead.enter(forged) == {}, what
    assert ahead.through == []


async def test_a_form_brings_the_pass_into_a_cookie(world: World, ahead: Edge) -> None:
    """The waiting room's page hands the pass over; the cookie ends with it, and lets in."""
    pass_ = await token(world, "a")
    cookie = await ahead.enter(pass_)
    assert cookie["value"] == pass_
    assert (cookie["path"], cookie["samesite"]) == ("/", "Lax")
    assert cookie["secure"] is cookie["httponly"] is True
    assert 0 < int(cookie["max-age"]) <= 600
    assert await ahead.ask(Cookie=f"__Host-dropgate-pass={pass_}") == 200
    assert await ahead.ask(path=f"/?pass={pass_}") == 303, "never from a URL"


async def test_an_outage_of_dropgate_locks_nobody_out(world: World, tmp_path: Path) -> None:
    """With the keys that it has read the edge goes on, however often it fails to read them."""
    services = world.services
    shared, url, own, _ = await serve(services)
    async with edge(url, tmp_path, "--fresh-s", "0.05") as ahead:
        pass_ = await token(world, "a")
        assert await ahead.ask(pass_) == 200
        await shared.cleanup()
        await own.cleanup()
        verifier = ahead.verifier
        failed = lambda: verifier.said().count("the keys stay as they are") > 2  # noqa: E731
        await asyncio.to_thread(verifier.until, failed)
        assert await ahead.ask(pass_) == 200


@pytest.mark.parametrize(
    "odd",
    ["[]", "7", '{"keys": 7}', '{"keys": [7]}', '{"keys": {"a": 7}}', "[" * 100_000, "<html>"],
)
async def test_an_answer_that_holds_no_keys_changes_nothing(verifier: ModuleType, odd: str) -> None:
    """Whatever comes in the place of the keys is not read, and the reading goes on."""
    jwk = {"kty": "OKP", "crv": "Ed25519", "x": "A" * 43, "kid": "1", "alg": "EdDSA"}
    answers = [json.dumps({"keys": [jwk]}), odd]

    async def told(_: web.Request) -> web.Response:
        return web.Response(text=answers.pop(0), content_type="application/json")

    app = web.Application()
    app.router.add_get("/", told)
    async with TestServer(app) as server, aiohttp.ClientSession() as http:
        keys = verifier.Keys(str(server.make_url("/")), http, 300.0)
        await keys.read()
        assert await keys.get("1") is not None
        await keys.read()
        assert answers == []
        assert await keys.get("1") is not None


async def test_nobody_gets_in_when_the_verifier_is_gone(world: World, ahead: Edge) -> None:
    """What cannot be checked is not let through."""
    pass_ = await token(world, "a")
    ahead.verifier.stop(15, 10.0)
    assert await ahead.ask(pass_) == 500
    assert await ahead.ask() == 500
    assert ahead.through == []


async def test_keys_are_rotated_without_an_outage(
    valkey_url: str,
    database_url: str,
    world: World,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Old and new passes work from the first to the last; a retired key's end with it."""
    monkeypatch.setattr(published_keys, "READ_AGAIN_S", 0.0)
    keys = tmp_path / "state" / "keys"
    shutil.copytree(world.services.settings.keys, keys)
    settings = settings_for(tmp_path / "state", valkey_url, database_url)
    async with AsyncExitStack() as ends:

        async def gateway() -> tuple[World, str]:
            services = await patiently(lambda: Services.open(settings))
            ends.push_async_callback(services.close)
            shared, url, own, own_url = await serve(services)
            ends.push_async_callback(own.cleanup)
            ends.push_async_callback(shared.cleanup)
            return World(services, world.http, url, own_url, world.keys), url

        older, url = await gateway()
        slow = await ends.enter_async_context(edge(url, _made(tmp_path / "slow")))
        words = ("--fresh-s", "0.2")
        quick = await ends.enter_async_context(edge(url, _made(tmp_path / "quick"), *words))
        first = await token(older, "a")
        assert [await one.ask(first) for one in (slow, quick)] == [200, 200]
        kid = Keyring.open(keys).rotate("pass_sign").current("pass_sign").kid
        newer, _ = await gateway()  # the first process that was started again
        second, third = await token(newer, "b"), await token(older, "c")
        for ahead in (slow, quick):
            assert [await ahead.ask(one) for one in (first, second, third)] == [200, 200, 200]
        Keyring.open(keys).retire("pass_sign", kid - 1)

        async def refused() -> bool:
            return await quick.ask(first) == 303

        await until(refused, "the retired key still opens")
        assert await quick.ask(second) == 200


def _made(directory: Path) -> Path:
    directory.mkdir()
    return directory
