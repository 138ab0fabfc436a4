"""One error shape, whoever makes the error: handlers, aiohttp, the parser, a bug."""

import asyncio
import logging
from dataclasses import replace
from json import loads
from typing import Any

import aiohttp
import pytest
from aiohttp import web

from gateway.app import Runner
from gateway.call import Call
from gateway.endpoint import Endpoint
from gateway.openapi import codes_of
from gateway.problems import TYPE_PREFIX, Code, problem
from gateway.routes import SHARED_PORT, shopper
from tests.gateway.world import SALE, World

RAW = {
    "no HTTP at all": b"hello\r\n\r\n",
    "a wrong version": b"GET / HTTP/9.9\r\n\r\n",
    "a bare line feed": b"GET /livez HTTP/1.1\nHost: a\n\n",
    "two lengths": (
        b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab"
    ),
    "a negative length": b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: -1\r\n\r\n",
    "length and chunks": (
        b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n"
        b"0\r\n\r\n"
    ),
    "a broken chunk": (
        b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nabc\r\n"
    ),
    "two hosts": b"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
    "a NUL in a header": b"GET / HTTP/1.1\r\nHost: a\r\nX: a\x00b\r\n\r\n",
    "a huge line": b"GET /" + b"a" * 20_000 + b" HTTP/1.1\r\nHost: a\r\n\r\n",
    "a huge header": b"GET / HTTP/1.1\r\nHost: a\r\nX: " + b"a" * 20_000 + b"\r\n\r\n",
    "many headers": b"GET / HTTP/1.1\r\nHost: a\r\n" + b"X: 1\r\n" * 500 + b"\r\n",
    "an odd expectation": b"POST / HTTP/1.1\r\nHost: a\r\nExpect: miracles\r\n\r\n",
}


async def exchange(
    url: str,
    sent: bytes,
    *,
    patience_s: float = 12.0,  # an idle connection would end after 15
) -> tuple[int, dict[str, str], Any]:
    """Status, headers and body of what a server answers to these bytes, and that it hangs up."""
    host, port = url.removeprefix("http://").split(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    try:
        writer.write(sent)
        await writer.drain()
        async with asyncio.timeout(patience_s):
            answer = await reader.read()
    finally:
        writer.close()
        await writer.wait_closed()
    head, _, body = answer.partition(b"\r\n\r\n")
    first, *lines = head.decode().split("\r\n")
    headers = {name.lower(): text for name, _, text in (line.partition(": ") for line in lines)}
    return int(first.split()[1]), headers, loads(body)


def is_problem(status: int, headers: dict[str, str], body: dict[str, Any]) -> bool:
    """Whether an answer has the one error shape."""
    assert headers["content-type"] == "application/problem+json"
    assert body["status"] == status
    assert body["type"] == TYPE_PREFIX + body["code"]
    return bool(body["title"] and body["detail"])


@pytest.mark.parametrize("what", RAW)
async def test_bytes_that_are_no_http(world: World, what: str) -> None:
    """Whatever bytes come, the answer is problem details, and the connection is closed."""
    status, headers, body = await exchange(world.url, RAW[what])
    assert is_problem(status, headers, body)
    assert status in (400, 404, 405, 417)
    assert 400 <= status < 500


async def test_a_body_that_trickles_is_given_up(world: World) -> None:
    """A body that does not come in time is told 408, and its connection is closed."""
    hasty = [replace(one, body_timeout_s=0.2) for one in shopper.ROUTES]
    runner = await listening(Runner(world.services, hasty))
    pass_ = await world.pass_("ann")
    head = (
        f"POST /v1/sales/{SALE}/orders HTTP/1.1\r\nHost: a\r\nAuthorization: {pass_}\r\n"
        "Idempotency-Key: k\r\nContent-Length: 50\r\n\r\n"
    )
    status, headers, body = await exchange(url_of(runner), head.encode() + b'{"lines":')
    assert (status, body["code"], headers["connection"]) == (408, "slow_body", "close")
    await runner.cleanup()


async def test_a_visitor_who_hangs_up_is_no_bug(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    """A connection that ends inside a body is not logged as a bug of ours."""
    host, port = world.url.removeprefix("http://").split(":")
    pass_ = await world.pass_("ann")
    with caplog.at_level(logging.ERROR):
        _, writer = await asyncio.open_connection(host, int(port))
        writer.write(
            f"POST /v1/sales/{SALE}/orders HTTP/1.1\r\nHost: a\r\nAuthorization: {pass_}\r\n"
            'Idempotency-Key: k\r\nContent-Length: 50\r\n\r\n{"lin'.encode()
        )
        await writer.drain()
        while world.services.gate.in_flight == 0:
            await asyncio.sleep(0)
        writer.transport.abort()
        await world.services.gate.idle()
    assert not caplog.records


async def test_a_bug_is_told_without_its_inside(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    """A bug is 500 in the one shape, says nothing of itself, and stands in the log."""

    async def broken(call: Call) -> web.Response:
        raise RuntimeError("the secret is 42")

    endpoint = Endpoint(method="GET", path="/broken", handler=broken, summary="")
    runner = await listening(Runner(world.services, [endpoint]))
    with caplog.at_level(logging.ERROR):
        async with world.http.get(url_of(runner) + "/broken") as response:
            body = await response.json(content_type="application/problem+json")
            headers = {name.lower(): text for name, text in response.headers.items()}
            assert is_problem(response.status, headers, body)
    assert (response.status, body["code"]) == (500, "internal")
    assert "42" not in str(body)
    assert "the secret is 42" in caplog.text
    await runner.cleanup()


async def test_too_many_at_once_are_told_to_come_back(world: World) -> None:
    """Above the limit of calls in flight the answer is 503 with Retry-After, at once."""
    world.services.gate.in_flight = 5_000
    told = await world.call("GET", f"/v1/sales/{SALE}/frame")
    assert (told.status, told.code, told.headers["Retry-After"]) == (503, "overloaded", "1")


async def test_few_large_bodies_are_read_at_once(world: World) -> None:
    """While as many large bodies as may be are worked on, the next is told to come back."""
    async with world.services.gate.large_bodies, world.services.gate.large_bodies:
        told = await world.call(
            "PUT", f"/v1/operator/sales/{SALE}", {}, auth=world.keys["operator"]
        )
        assert (told.status, told.code, told.headers["Retry-After"]) == (503, "overloaded", "1")
        assert (await world.sell("ann")).status == 201, "other calls go on"
    told = await world.call("PUT", f"/v1/operator/sales/{SALE}", {}, auth=world.keys["operator"])
    assert told.status == 422


async def test_a_draining_process_closes_connections_and_is_not_ready(world: World) -> None:
    """While it drains, calls are answered, connections closed, and readiness is told false."""
    before = await world.call("GET", "/readyz")
    assert (before.status, before.headers.get("Connection")) == (200, None)
    world.services.gate.drain()
    served = await world.call("GET", f"/v1/sales/{SALE}/frame")
    unknown = await world.call("GET", "/nothing")
    assert (served.status, served.headers["Connection"]) == (200, "close")
    assert (unknown.status, unknown.headers["Connection"]) == (404, "close")
    told = await world.call("GET", "/readyz")
    assert (told.status, told.code) == (503, "not_ready")
    assert (await world.call("GET", "/livez")).status == 200


async def test_head_is_answered_as_get_without_a_body(world: World) -> None:
    """HEAD has the status and headers of GET."""
    told = await world.call("HEAD", f"/v1/sales/{SALE}/frame")
    assert (told.status, told.body) == (200, b"")
    assert told.headers["Content-Type"] == "application/json"


def test_codes_are_unique_and_have_one_status() -> None:
    """A code names one problem; its status is one that the design knows."""
    codes = [code.code for code in Code]
    assert len(set(codes)) == len(codes)
    known = {400, 401, 403, 404, 405, 408, 409, 410, 412, 413, 415, 417, 422, 428, 429, 500, 503}
    assert {code.status for code in Code} <= known
    for code in Code:
        told = problem(code)
        assert told.type == TYPE_PREFIX + told.code
        assert (told.retry_after_s is not None) == (told.status in (429, 503))


def test_every_code_is_one_that_a_route_may_answer() -> None:
    """No code is left over from a route that is gone."""
    told = {code for endpoint in SHARED_PORT for code in codes_of(endpoint)}
    unrouted = {Code.NOT_FOUND, Code.METHOD_NOT_ALLOWED}
    assert set(Code) - told == unrouted


async def listening(runner: Runner) -> Runner:
    """The runner, on a free port."""
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    return runner


def url_of(runner: Runner) -> str:
    """Where it listens."""
    return f"http://127.0.0.1:{runner.addresses[0][1]}"


async def test_a_pipelined_call_behind_a_bad_one_is_not_answered(world: World) -> None:
    """After bytes that are no HTTP nothing of that connection is believed any more."""
    sent = (
        b"GET /livez HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\nGET /livez HTTP/1.1\r\nHost: a\r\n\r\n"
    )
    status, _, body = await exchange(world.url, sent)
    assert (status, body["code"]) == (400, "bad_http")


async def test_the_client_gives_up_and_nothing_breaks(world: World) -> None:
    """A client that stops waiting leaves its purchase to be finished and found by its key."""
    pass_ = await world.pass_("ann")
    body = {"lines": [{"offer": "pool", "quantity": 1}]}
    path = f"/v1/sales/{SALE}/orders"
    with pytest.raises((TimeoutError, aiohttp.ClientError)):
        async with world.http.post(
            world.url + path,
            json=body,
            headers={"Authorization": pass_, "Idempotency-Key": "k"},
            timeout=aiohttp.ClientTimeout(total=0.0001),
        ):
            pass  # fmt: skip
    told = await world.call("POST", path, body, auth=pass_, key="k")
    assert told.status in (200, 201)
