"""The bench's parts: requests as templates, ratios by rounds, an open crowd, what is no figure."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from itertools import count
from shutil import which

import pytest
from aiohttp import web

from loadtest.bench import floors, generators, sale
from loadtest.bench.arrivals import NEVER_MS, Crowd
from loadtest.bench.asks import RUN_NUMBERS, Ask, numbers
from loadtest.bench.figures import Figures
from loadtest.bench.floors import FLOORS, OF_THE_LINE, RATIOS, Floor
from loadtest.bench.generators import Unexpected
from loadtest.verdict import percentile

STALL_S = 0.6
Handler = Callable[[web.Request], Awaitable[web.Response]]
GENERATORS: list[generators.Name] = ["python"]
if which("wrk"):
    GENERATORS.append("wrk")
if generators.k6():
    GENERATORS.append("k6")


@asynccontextmanager
async def serving(handler: Handler) -> AsyncIterator[str]:
    """A server that answers every path by one handler; its address."""
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", handler)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    await runner.cleanup()


def test_a_request_is_as_long_as_it_says() -> None:
    """Whatever the number, an order, a batch and a hold have the length of their header."""
    for ask in (sale.single("/x", "k"), sale.batch(3, "k"), sale.hold(["pass-one", "p2"])):
        for number in (0, 7, 123_456_789):
            head, _, body = ask.render(number, at=1 if ask.values else 0).partition(b"\r\n\r\n")
            assert f"Content-Length: {len(body)}".encode() in head.split(b"\r\n")
            assert json.loads(body)


def test_numbers_are_never_given_twice() -> None:
    """Each run has its numbers, and its orders their own buyers and keys."""
    first = numbers()
    assert numbers() - first == RUN_NUMBERS
    orders = json.loads(sale.batch(3, "k").render(first).partition(b"\r\n\r\n")[2])["orders"]
    assert len({order["key"] for order in orders}) == len({order["buyer"] for order in orders}) == 3
    assert len({order["lines"][0]["offer"] for order in orders}) == 3


@pytest.mark.parametrize("name", GENERATORS)
async def test_generators_send_what_templates_say(name: generators.Name) -> None:
    """Each request that a generator sends is whole, and none is like another."""
    bodies: list[bytes] = []
    keys: list[str] = []

    async def take(request: web.Request) -> web.Response:
        bodies.append(await request.read())
        keys.append(request.headers["Idempotency-Key"])
        return web.Response(status=201)

    async with serving(take) as url:
        ask = sale.single("/orders")
        seen = await generators.load(name, url, ask, connections=4, seconds=1)
    buyers = {json.loads(body)["buyer"] for body in bodies}
    assert len(keys) >= seen.answers > 0
    assert len(set(keys)) == len(buyers) == len(keys)
    assert {json.loads(body)["lines"][0]["quantity"] for body in bodies} == {1}


@pytest.mark.parametrize("name", GENERATORS)
async def test_generators_use_each_value_once(name: generators.Name) -> None:
    """A pass is good for one hold: none is sent twice, and the round ends with them."""
    passes = [f"pass-{number}" for number in range(40)]
    used: list[str] = []

    async def take(request: web.Request) -> web.Response:
        if "Authorization" in request.headers:
            used.append(request.headers["Authorization"].removeprefix("Pass "))
        return web.Response(status=201)

    async with serving(take) as url:
        seen = await generators.load(name, url, sale.hold(passes), connections=4, seconds=2)
    assert len(used) == len(set(used))
    assert set(used) <= set(passes)
    assert 0 < seen.answers <= len(passes)


@pytest.mark.parametrize("name", GENERATORS)
@pytest.mark.parametrize("status", [409, 503])
async def test_a_refusal_is_no_figure(name: generators.Name, status: int) -> None:
    """One answer of many that is no success makes the round worthless, and it says so."""
    answered = count(1)

    async def refuse(_: web.Request) -> web.Response:
        return web.Response(status=status if next(answered) == 5 else 201)

    async with serving(refuse) as url:
        with pytest.raises(Unexpected, match="POST /orders"):
            await generators.load(name, url, sale.single("/orders"), connections=2, seconds=1)


async def test_a_stall_is_not_hidden_by_who_waits_for_it() -> None:
    """Of an open crowd, all who came while the server stood still are timed from their coming."""
    answered = count()

    async def stall_once(request: web.Request) -> web.Response:
        if request.path == "/x" and next(answered) == 10:
            gate.clear()
            asyncio.get_running_loop().call_later(STALL_S, gate.set)
        await gate.wait()
        return web.Response()

    gate = asyncio.Event()
    gate.set()
    async with serving(stall_once) as url:
        ask = Ask(method="GET", path="/x")
        crowd = Crowd(url, lambda: ask.render(0))
        seen = await crowd.come(rate_per_s=100, seconds=1, wires=4)
    assert len(seen.times_ms) == 100
    # 60 came during the stall, at even distances: half of them waited more than half of it.
    waited = [each for each in seen.times_ms if each > STALL_S * 500]
    assert len(waited) >= 25
    assert percentile(seen.times_ms, 0.99) >= STALL_S * 900


async def test_who_is_shed_is_not_served_fast() -> None:
    """A quick 503 counts as the longest wait there is; any other refusal ends the measurement."""
    statuses = {"/shed": 503, "/refused": 409}

    async def refuse(request: web.Request) -> web.Response:
        return web.Response(status=statuses.get(request.path, 200))

    async with serving(refuse) as url:
        shed = Crowd(url, lambda: Ask(method="GET", path="/shed").render(0))
        seen = await shed.come(rate_per_s=50, seconds=0.2, wires=2)
        assert set(seen.times_ms) == {NEVER_MS}
        refused = Crowd(url, lambda: Ask(method="GET", path="/refused").render(0))
        with pytest.raises(Unexpected, match="409"):
            await refused.come(rate_per_s=50, seconds=0.2, wires=2)


def test_ratios_are_taken_round_by_round() -> None:
    """A machine that was half as fast in one round does not change the ratio."""
    figures = Figures()
    for speed in (1.0, 0.5, 1.0):
        figures.add("ours", "1/s", 600 * speed)
        figures.add("bare", "1/s", 1000 * speed)
    assert figures.ratio("ours", "bare").values == [0.6, 0.6, 0.6]


def test_floors_are_reached_from_their_own_side() -> None:
    """The bound itself is good; beyond it, more or less is, as the floor says."""
    least, most = Floor("a", "", 0.6), Floor("b", "", 400, at_most=True)
    assert [least.reached(value) for value in (0.59, 0.6, 0.61)] == [False, True, True]
    assert [most.reached(value) for value in (399, 400, 401)] == [True, True, False]


def test_every_floor_has_its_figure() -> None:
    """Each key with a floor is made from figures that are measured."""
    figures = Figures()
    measured = {name for pair in RATIOS.values() for name in pair}
    measured |= {"bytes_per_order", "bytes_per_unsold_unit", "latency_70pct_p99", "poll_commands"}
    measured |= set(OF_THE_LINE.values())
    for name in measured:
        figures.add(name, "x", 2.0)
    assert {floor.key for floor in FLOORS} <= floors.keys(figures).keys()
