"""Wrong input over every route: a clear 4xx that names what is wrong, never a 500, no change."""

from typing import Any

import pytest

from gateway.endpoint import Keyed
from gateway.routes import SHARED_PORT
from tests.gateway.every_route import Credentials, credentials, is_keyed, ready, takes_json
from tests.gateway.world import SALE, Answer, World

BODIES: dict[str, tuple[bytes, dict[str, str], int]] = {
    "broken JSON": (b'{"lines": [', {}, 422),
    "an array": (b"[]", {}, 422),
    "null": (b"null", {}, 422),
    "a NUL byte": (b"\x00", {}, 422),
    "bad UTF-8": (b'{"\xff": "\xfe"}', {}, 422),
    "an escaped NUL as a name": (b'{"a\\u0000": 1}', {}, 422),
    "an unknown field": (b'{"surprise": 1}', {}, 422),
    "deep nesting": (b'{"lines":' + b"[" * 50_000, {}, 422),
    "another media type": (b"lines=1", {"Content-Type": "text/plain"}, 415),
    "a form": (b"a=1", {"Content-Type": "application/x-www-form-urlencoded"}, 415),
    "a compressed body": (b"\x1f\x8b", {"Content-Encoding": "gzip"}, 415),
}
IDS = ["!", "UPPER", "a" * 200, "%00", "a%0Ab", "%FF", "ключ", "'; drop table", "..%2f..", "-"]
KEYS = ["a b", "k" * 129, "ключ", "é"]


async def state_of(world: World) -> Any:
    """All that selling could have changed."""
    shelf = await world.services.shelves.refresh_sale(SALE)
    assert shelf is not None
    tally = await world.services.counts.read(shelf)
    return shelf.view.state, shelf.view.revision, shelf.view.fact, tally.by_offer


def is_clear(answer: Answer, status: int) -> bool:
    """Whether the answer is a problem of that status that says something."""
    assert answer.data is not None, answer.body[:200]
    said = answer.data["detail"] and answer.data["title"] and answer.data["type"]
    return bool(said) and answer.status == status == answer.data["status"]


@pytest.fixture
async def known(world: World) -> Credentials:
    """A credential of each kind."""
    return await credentials(world)


async def test_wrong_bodies_are_refused_by_every_route(world: World, known: Credentials) -> None:
    """Whatever bytes come as a body, every route that reads JSON refuses them alike."""
    before = await state_of(world)
    for endpoint in filter(takes_json, SHARED_PORT):
        call = ready(endpoint, known)
        for what, (body, headers, status) in BODIES.items():
            given = {"Content-Type": "application/json", **headers}
            told = await world.call(
                endpoint.method, call.url, data=body, auth=call.auth, headers=given
            )
            assert is_clear(told, status), (endpoint.name, what, told.status, told.data)
            if what == "an unknown field":
                assert told.data["errors"][0]["field"] == "surprise"
    assert await state_of(world) == before


async def test_a_huge_body_is_refused_before_it_is_read(world: World, known: Credentials) -> None:
    """Every route that reads a body says 413 to one above its limit."""
    before = await state_of(world)
    for endpoint in SHARED_PORT:
        if endpoint.body is not None and endpoint.body_max <= 4 * 1024 * 1024:
            call = ready(endpoint, known)
            body = b'{"a":"' + b"x" * endpoint.body_max + b'"}'
            headers = {"Content-Type": endpoint.body_media}
            told = await world.call(
                endpoint.method, call.url, data=body, auth=call.auth, headers=headers
            )
            assert is_clear(told, 413), (endpoint.name, told.status)
    assert await state_of(world) == before


async def test_wrong_ids_are_refused_by_every_route(world: World, known: Credentials) -> None:
    """An id that is none is refused by its name, or there is nothing at that path."""
    before = await state_of(world)
    for endpoint in SHARED_PORT:
        if "{" not in endpoint.path:
            continue
        call = ready(endpoint, known)
        for wrong in IDS:
            names = {"sale": SALE, "order": known.order, "allotment": "box", "position": "1"}
            names |= {"date": "2014-03-08", "offer": "hall"}
            for name in [one for one in names if f"{{{one}}}" in endpoint.path]:
                path = endpoint.path.format(**{**names, name: wrong})
                url = f"{path}?{call.query}" if call.query else path
                told = await world.call(
                    endpoint.method, url, call.body, data=call.data, auth=call.auth
                )
                assert told.status in (404, 422), (endpoint.name, wrong, told.status, told.data)
                if told.status == 422:
                    assert told.data["errors"][0]["field"] == name, (endpoint.name, told.data)
    assert await state_of(world) == before


async def test_unknown_ids_are_not_found(world: World, known: Credentials) -> None:
    """A well-formed id of nothing: 404 with the code that says of what."""
    for endpoint in SHARED_PORT:
        call = ready(endpoint, known)
        if endpoint.path.startswith("/v1/sales/{sale}"):
            path = endpoint.path.format(sale="nothing", offer="hall")
            told = await world.call(endpoint.method, path, call.body, auth=call.auth)
            assert (told.status, told.code) == (404, "unknown_sale"), endpoint.name
        if endpoint.path.startswith("/v1/orders/{order}"):
            path = endpoint.path.format(order="0" * 24, position=1)
            told = await world.call(endpoint.method, path, call.body, auth=call.auth)
            assert (told.status, told.code) == (404, "unknown_order"), endpoint.name


async def test_unknown_parameters_are_refused(world: World, known: Credentials) -> None:
    """A query that a route does not know is refused where it takes one."""
    for endpoint in SHARED_PORT:
        if endpoint.query is None:
            continue
        call = ready(endpoint, known)
        for extra in ("surprise=1", "%00=1", "limit=1&limit=2"):
            url = f"{call.url}{'&' if call.query else '?'}{extra}"
            told = await world.call(endpoint.method, url, call.body, data=call.data, auth=call.auth)
            assert is_clear(told, 422), (endpoint.name, extra, told.data)


async def test_a_wrong_key_is_refused_by_every_write(world: World, known: Credentials) -> None:
    """A write without the key that it needs, or with one that is none, changes nothing."""
    before = await state_of(world)
    for endpoint in SHARED_PORT:
        if endpoint.key is Keyed.NO:
            continue
        call = ready(endpoint, known)
        if is_keyed(endpoint):
            told = await world.call(
                endpoint.method, call.url, call.body, data=call.data, auth=call.auth, key=""
            )
            assert is_clear(told, 422), endpoint.name
            assert told.data["errors"][0] == {
                "where": "header",
                "field": "Idempotency-Key",
                "detail": "This write needs a key of your own",
            }
        for wrong in KEYS:
            headers = {"Idempotency-Key": wrong}
            told = await world.call(
                endpoint.method, call.url, call.body, data=call.data, auth=call.auth, key="",
                headers=headers,
            )  # fmt: skip
            assert is_clear(told, 422), (endpoint.name, wrong, told.status)
    assert await state_of(world) == before


async def test_wrong_methods_and_paths(world: World) -> None:
    """A method that a path does not take is told with those it does; other paths are nothing."""
    by_path: dict[str, set[str]] = {}
    for endpoint in SHARED_PORT:
        by_path.setdefault(endpoint.path, set()).add(endpoint.method)
    for path, methods in by_path.items():
        names = {"sale": SALE, "order": "0" * 24, "allotment": "box", "position": 1}
        url = path.format(**names, date="2014-03-08", offer="hall")
        for method in {"GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE"} - methods:
            told = await world.call(method, url, key="")
            assert is_clear(told, 405), (method, path, told.status)
            assert set(told.headers["Allow"].split(",")) >= methods
    for path in ("/v1", "/v1/nothing", "/v1/sales/", "//", "/%00", "/v2/sales/spring"):
        assert is_clear(await world.call("GET", path), 404), path


async def test_another_sales_token_is_none_here(world: World) -> None:
    """Places and passes of another sale, and expired or garbled ones, are refused by name."""
    good = await world.place("ann")
    path = f"/v1/sales/{SALE}/places/me"
    for token in (good[:-1] + ("A" if good[-1] != "A" else "B"), "Place x", "Place " + "é" * 9):
        told = await world.call("GET", path, auth=token)
        assert (told.status, told.code) == (401, "bad_credential"), token[:9]
    other = await world.services.rooms.frame(SALE)
    assert other.drop == 1
    expired = await world.call(
        "POST", f"/v1/sales/{SALE}/places", {}, auth=world.login("ann", exp=1_000_000)
    )
    assert (expired.status, expired.code) == (401, "expired_credential")
