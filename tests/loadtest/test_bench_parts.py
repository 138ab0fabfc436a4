"""The bench's parts: requests as templates, ratios by rounds, an open crowd, what is no figure."""

from __future__ import annotations

import asyncio
import json
import os
import time
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from itertools import count
from pathlib import Path
from shutil import which

import pytest
from aiohttp import web

from gateway import collector
from loadtest.bench import __main__ as bench, floors, generators, latency, pairs, sale
from loadtest.bench.arrivals import NEVER_MS, Arrivals, Crowd
from loadtest.bench.asks import RUN_NUMBERS, Ask, numbers
from loadtest.bench.capacity import capacity
from loadtest.bench.figures import Figures, Unmeasured
from loadtest.bench.floors import DOUBTS, FLOORS, KEYS, OF_THE_LINE, RATIOS, Floor
from loadtest.bench.generators import Seen, Unexpected
from loadtest.bench.plan import FULL, QUICK, SHARES
from loadtest.bench.references.serving import YOUNG_OBJECTS
from loadtest.bench.servers import Server
from loadtest.bench.shoppers import Shoppers
from loadtest.bench.stage import Place, References, Stage
from loadtest.installation import Installation
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
        crowd = Crowd(url, lambda: ask.render(0), wires=4)
        seen = await crowd.come(rate_per_s=100, seconds=1)
        crowd.close()
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
        shed = Crowd(url, lambda: Ask(method="GET", path="/shed").render(0), wires=2)
        seen = await shed.come(rate_per_s=50, seconds=0.2)
        shed.close()
        assert set(seen.times_ms) == {NEVER_MS}
        refused = Crowd(url, lambda: Ask(method="GET", path="/refused").render(0), wires=2)
        with pytest.raises(Unexpected, match="409"):
            await refused.come(rate_per_s=50, seconds=0.2)
        refused.close()


async def test_what_the_crowd_is_late_by_is_told_beside() -> None:
    """A crowd that was kept from coming says so; a server that stalls makes no crowd late."""

    async def answer(_: web.Request) -> web.Response:
        return web.Response()

    def stand_still() -> None:
        time.sleep(STALL_S)

    async with serving(answer) as url:
        crowd = Crowd(url, lambda: Ask(method="GET", path="/x").render(0), wires=4)
        again = await crowd.come(rate_per_s=50, seconds=0.2)
        coming = asyncio.create_task(crowd.come(rate_per_s=100, seconds=1))
        await asyncio.sleep(0)
        while not crowd.has_begun:
            await asyncio.sleep(0)
        stand_still()
        seen = await coming
        crowd.close()
    assert len(again.times_ms) == 10
    assert len(seen.late_ms) == len(seen.times_ms) == 100
    assert seen.late_p99_ms > STALL_S * 500
    assert latency.blame(seen) > latency.BLAME_MAX


def test_a_queue_that_grows_is_no_rate_that_was_kept() -> None:
    """Asked 100 a second and served 80, the last of two seconds waits half a second longer."""
    slow, steady = Arrivals(seconds=2), Arrivals(seconds=2)
    slow.times_ms = [5 + 2.5 * number for number in range(200)]
    steady.times_ms = [5.0, 900.0] + [5.0 + number % 7 for number in range(198)]
    assert slow.achieved == pytest.approx(0.8, abs=0.02)
    assert steady.achieved > latency.KEPT_LEAST


@pytest.mark.parametrize("most", [430, 4_400, 9_900])
async def test_capacity_is_the_highest_rate_that_is_kept(most: int) -> None:
    """Found from any guess, also when the machine stalls once for each rate."""
    tried: Counter[float] = Counter()

    async def keeps(rate_per_s: float) -> bool:
        tried[rate_per_s] += 1
        return rate_per_s <= most and tried[rate_per_s] > 1

    found, kept = await capacity(keeps, 6_000)
    assert kept
    assert most - 700 <= found <= most


async def test_a_capacity_that_nothing_shows_is_told_as_none() -> None:
    """No rate was kept: the lowest that was tried, and that it was not."""

    async def never(_: float) -> bool:
        return False

    assert await capacity(never, 6_400) == (400, False)


def test_the_references_are_spared_the_collector_as_the_gateway_is() -> None:
    """Else a quarter of what is told as the gateway's advantage is a setting."""
    assert YOUNG_OBJECTS == collector.YOUNG_OBJECTS


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


def measured() -> Figures:
    """Each figure that a key is made from, of two rounds."""
    figures = Figures()
    names = {name for pair in RATIOS.values() for name in pair} | set(OF_THE_LINE.values())
    names |= {"bytes_per_order", "bytes_per_unsold_unit", "poll_commands"}
    names |= {f"latency_{share}pct_p99" for share in SHARES}
    for name in names:
        figures.add(name, "x", 2.0)
        figures.add(name, "x", 4.0)
    for share in SHARES:
        for word in DOUBTS:
            figures.add(f"latency_{share}pct_{word}", "times", 0)
            figures.add(f"latency_{share}pct_{word}", "times", 0)
    return figures


def test_every_floor_has_its_figure() -> None:
    """Each key with a floor is made from figures that are measured, and is asked for."""
    found = floors.keys(measured())
    assert set(KEYS) == found.keys()
    assert {floor.key for floor in FLOORS} <= found.keys()


@pytest.mark.parametrize("name", sorted(measured().by_name))
def test_a_key_that_was_not_measured_is_an_error(name: str) -> None:
    """Without one of its figures a run has no result, whichever it is."""
    figures = measured()
    del figures.by_name[name]
    of_doubts = name.endswith(tuple(DOUBTS))
    with pytest.raises(Unmeasured, match=name):
        floors.doubts(figures) if of_doubts else floors.keys(figures)


async def test_a_run_without_a_key_writes_nothing(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """A run that left something out ends in an error, and its document is not there."""

    async def only_batches(run: bench.Run) -> None:
        run.figures.add("batch_500", "1/s", 25_000)

    monkeypatch.setattr(bench, "OUT", tmp_path / "bench.json")
    monkeypatch.setattr(bench.Run, "measure", only_batches)
    with pytest.raises(Unmeasured, match="is missing"):
        await bench.bench(QUICK)
    assert not (tmp_path / "bench.json").exists()


def test_what_is_no_number_is_not_taken_for_one() -> None:
    """None and NaN are not measured; nor is a share of nothing."""
    figures = Figures()
    for nothing in (None, float("nan"), float("inf")):
        with pytest.raises(Unmeasured, match="line_eta"):
            figures.add("line_eta", "share", nothing)
    figures.add("ours", "1/s", 5)
    figures.add("bare", "1/s", 0)
    with pytest.raises(Unmeasured, match="bare is 0"):
        figures.ratio("ours", "bare")


def test_a_figure_of_the_crowd_is_told_as_doubtful() -> None:
    """The round in which the crowd was late is named with the key that it went into."""
    figures = measured()
    assert floors.doubts(figures) == {}
    figures.by_name["latency_70pct_crowd_was_late"].values[1] = 1
    told = floors.doubts(figures)
    assert list(told) == ["p99_ms_at_70pct"]
    assert told["p99_ms_at_70pct"].startswith("in 1 of 2 rounds the crowd itself was late")


async def test_holds_are_measured_while_there_are_passes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Not longer: what a gateway's loops take once they are used up is no part of a hold."""
    lasted: dict[str, float] = {}

    async def load(_: str, url: str, ask: Ask, *, connections: int, seconds: float) -> Seen:
        lasted[ask.path] = seconds
        return Seen(answers=connections, seconds=seconds, p50_ms=1.0, p99_ms=1.0)

    async def passes(_: Shoppers, many: int) -> list[str]:
        return ["pass"] * many

    for name in ("_facts", "_commands"):
        monkeypatch.setattr(pairs.Pairs, name, lambda _: 0)
    monkeypatch.setattr(pairs, "load", load)
    monkeypatch.setattr(Shoppers, "passes", passes)
    here = Place("http://127.0.0.1:1", os.getpid(), 0)
    stage = Stage(Installation(Path("nowhere")), "none", here, "", "")
    others = References(here, here, here, Server("", 0))
    measured = pairs.Pairs(stage, others, FULL, Figures(), "wrk")
    for one in measured.contestants():
        if one.name in ("single_sell", "shopper_hold"):
            await measured.measure(one)
    measured.close()
    assert lasted == {pairs.ORDERS: FULL.seconds, f"/v1/sales/{sale.SALE}/orders": pairs.HOLDS_S}
    assert FULL.passes >= 5_000 * pairs.HOLDS_S
