"""Calls that go straight are answered as all others are, in their order, and lose nobody."""

import asyncio
import json
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import urlsplit

import pytest

from gateway import connection, straight
from lua.faults import MayHaveHappened
from queueing import Pass
from tests.gateway.world import SALE, World

ORDERS = "/v1/partner/orders"
PATIENCE_S = 60.0


@pytest.fixture
def taken(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The paths of the calls that went straight."""
    paths: list[str] = []
    takes = straight.StraightWay.takes

    def noted(self: straight.StraightWay, message: Any, *rest: Any) -> bool:
        went = takes(self, message, *rest)
        if went:
            paths.append(message.path)
        return went

    monkeypatch.setattr(straight.StraightWay, "takes", noted)
    return paths


class Wire:
    """One connection, byte by byte."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer

    async def answer(self) -> tuple[int, dict[str, str], Any]:
        """The next answer: status, headers, JSON."""
        async with asyncio.timeout(PATIENCE_S):
            head = (await self.reader.readuntil(b"\r\n\r\n")).decode()
            if head.startswith("HTTP/1.1 100 "):
                head = (await self.reader.readuntil(b"\r\n\r\n")).decode()
            line, *rows = head.strip().split("\r\n")
            headers = {name.lower(): value for name, _, value in (r.partition(": ") for r in rows)}
            body = await self.reader.readexactly(int(headers["content-length"]))
        return int(line.split()[1]), headers, json.loads(body)

    async def is_closed(self) -> bool:
        """Whether the server hangs up, with nothing more to say."""
        async with asyncio.timeout(PATIENCE_S):
            return await self.reader.read() == b""


@asynccontextmanager
async def wired(world: World) -> AsyncIterator[Wire]:
    """A connection to the gateway."""
    place = urlsplit(world.url)
    reader, writer = await asyncio.open_connection(place.hostname, place.port)
    try:
        yield Wire(reader, writer)
    finally:
        writer.close()


def asked(
    world: World,
    buyer: str,
    *,
    offer: str = "pool",
    auth: str = "",
    more: str = "",
    version: str = "1.1",
) -> bytes:
    """A partner's purchase of one unit, as bytes."""
    body = json.dumps(
        {"sale": SALE, "buyer": buyer, "lines": [{"offer": offer, "quantity": 1}]}
    )  # fmt: skip
    return (
        f"POST {ORDERS} HTTP/{version}\r\nHost: here\r\nIdempotency-Key: {buyer}\r\n"
        f"Authorization: {auth or world.keys['partner']}\r\n{more}"
        f"Content-Length: {len(body)}\r\n\r\n{body}"
    ).encode()


async def test_a_straight_call_is_answered_as_an_ordinary_one(
    world: World, taken: list[str]
) -> None:
    """The same status, headers and fields; and its repeat finds the order of the other way."""
    async with wired(world) as wire:
        wire.writer.write(asked(world, "ann"))
        ordinary = await wire.answer()
        assert taken == [], "the path was not known yet"
        wire.writer.write(asked(world, "bob"))
        went_straight = await wire.answer()
        assert taken == [ORDERS]
        wire.writer.write(asked(world, "ann"))
        repeated = await wire.answer()
    assert ordinary[0] == went_straight[0] == 201
    assert ordinary[1].keys() == went_straight[1].keys()
    assert ordinary[2].keys() == went_straight[2].keys()
    assert went_straight[2]["units"][0]["code"], "its code is shown"
    assert (repeated[0], repeated[1]["idempotent-replayed"]) == (200, "true")
    assert repeated[2] == ordinary[2]


async def test_a_shoppers_hold_goes_straight_and_frees_its_slot(
    world: World, taken: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The room is told of the slot that its pass had."""
    freed: list[Pass] = []

    async def finish(_: str, passes: Sequence[Pass]) -> int:
        freed.extend(passes)
        return len(passes)

    monkeypatch.setattr(world.services.rooms, "finish", finish)
    for name in ("ann", "bob"):
        held = await world.hold(name)
        assert held.status == 201, held.data
    assert taken == [f"/v1/sales/{SALE}/orders"]
    await world.services.till.tell_room()  # its loop may have been first
    assert len(freed) == 2


@pytest.mark.parametrize(
    ("changes", "status", "code"),
    [
        ({"auth": "Bearer dgk_partner_nobody_0"}, 401, "bad_credential"),
        ({"offer": "nothing"}, 422, "unknown_offer"),
        ({"offer": "later"}, 409, "offer_not_open"),
        ({"more": "Content-Encoding: gzip\r\n"}, 415, "wrong_media_type"),
    ],
)
async def test_a_refusal_of_a_straight_call(
    world: World, taken: list[str], changes: dict[str, str], status: int, code: str
) -> None:
    """Problem details, counted, and the connection serves on."""
    async with wired(world) as wire:
        wire.writer.write(asked(world, "ann"))
        await wire.answer()
        wire.writer.write(asked(world, "bob", **changes))
        told = await wire.answer()
        assert (told[0], told[2]["code"]) == (status, code)
        assert told[1]["content-type"] == "application/problem+json"
        wire.writer.write(asked(world, "cyd"))
        assert (await wire.answer())[0] == 201
    assert taken == [ORDERS] * 2
    assert world.services.gate.in_flight == 0
    page = world.services.own_metrics().decode()
    assert f'dropgate_refusals_total{{code="{code}"}} 1.0' in page


async def test_a_fault_of_its_batch_is_told(
    world: World, taken: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """503, may have happened: the same as on the ordinary way."""

    async def lost(*_: Any) -> None:
        raise MayHaveHappened("no answer")

    async with wired(world) as wire:
        wire.writer.write(asked(world, "ann"))
        await wire.answer()
        monkeypatch.setattr(world.services.orders, "hold", lost)
        wire.writer.write(asked(world, "bob"))
        status, _, problem = await wire.answer()
    assert (status, problem["code"], taken) == (503, "may_have_happened", [ORDERS])


async def test_what_comes_at_once_is_answered_in_its_order(world: World, taken: list[str]) -> None:
    """Straight and ordinary calls in one packet, refusals among them: one after the other."""
    sale = f"GET /v1/sales/{SALE} HTTP/1.1\r\nHost: here\r\n\r\n".encode()
    async with wired(world) as wire:
        wire.writer.write(asked(world, "first"))
        await wire.answer()
        calls = [asked(world, f"more-{n}", offer="nothing") for n in range(100)]
        calls += [asked(world, "ann"), sale, asked(world, "bob", offer="nothing"), sale]
        wire.writer.write(b"".join([*calls, asked(world, "cyd")]))
        statuses = [(await wire.answer())[0] for _ in range(len(calls) + 1)]
    assert statuses == [*[422] * 100, 201, 200, 422, 200, 201]
    assert len(taken) >= 101


@pytest.mark.parametrize(
    ("more", "version"),
    [("Connection: close\r\n", "1.1"), ("Expect: 100-continue\r\n", "1.1"), ("", "1.0")],
)
async def test_whoever_asks_something_of_the_connection_goes_the_ordinary_way(
    world: World, taken: list[str], more: str, version: str
) -> None:
    """Closing, waiting for a body, an old client: aiohttp knows how."""
    async with wired(world) as wire:
        wire.writer.write(asked(world, "ann"))
        await wire.answer()
        wire.writer.write(asked(world, "bob", more=more, version=version))
        assert (await wire.answer())[0] == 201
        assert "Expect" in more or await wire.is_closed()
    assert taken == []


async def test_a_body_that_comes_later_is_waited_for(world: World, taken: list[str]) -> None:
    """A head without its body goes the ordinary way, and the next call straight again."""
    async with wired(world) as wire:
        wire.writer.write(asked(world, "ann"))
        await wire.answer()
        head, _, body = asked(world, "bob").partition(b"\r\n\r\n")
        wire.writer.write(head + b"\r\n\r\n")
        await asyncio.sleep(0.05)
        wire.writer.write(body)
        assert (await wire.answer())[0] == 201
        wire.writer.write(asked(world, "cyd"))
        assert (await wire.answer())[0] == 201
    assert taken == [ORDERS]


async def test_a_venues_own_code_is_read_on_the_ordinary_way(
    world: World, taken: list[str]
) -> None:
    """It is asked for, which a straight call cannot wait for."""
    async with wired(world) as wire:
        wire.writer.write(asked(world, "ann"))
        await wire.answer()
        wire.writer.write(asked(world, "bob", offer="lock"))
        status, _, order = await wire.answer()
    assert (status, taken) == (201, [])
    assert order["units"][0]["code"].startswith("ODEON")


async def test_a_client_that_is_gone_leaves_nothing_behind(
    world: World, taken: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """It hangs up while its call is in the store: the order stands, nobody is counted as in."""
    go, hold = asyncio.Event(), world.services.orders.hold

    async def slow(*args: Any) -> Any:
        await go.wait()
        return await hold(*args)

    async with wired(world) as wire:
        wire.writer.write(asked(world, "ann"))
        await wire.answer()
        monkeypatch.setattr(world.services.orders, "hold", slow)
        wire.writer.write(asked(world, "bob"))
        await _until(lambda: taken == [ORDERS])
    await asyncio.sleep(0.05)
    go.set()
    await _until(lambda: world.services.gate.in_flight == 0)
    async with wired(world) as wire:
        wire.writer.write(asked(world, "bob"))
        assert (await wire.answer())[0] == 200, "it is there"


async def test_a_stopping_gateway_closes_with_the_answer(world: World, taken: list[str]) -> None:
    """The call in flight is answered; its connection says that it closes, and does."""
    async with wired(world) as wire:
        wire.writer.write(asked(world, "ann"))
        await wire.answer()
        world.services.gate.drain()
        wire.writer.write(asked(world, "bob"))
        status, headers, _ = await wire.answer()
        assert (status, headers["connection"], taken) == (201, "close", [ORDERS])
        assert await wire.is_closed()


async def test_an_idle_connection_is_closed_but_not_one_that_waits_for_its_answer(
    world: World, taken: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The time for which a connection may be idle does not end a call that takes longer."""
    made: list[connection.StraightConnection] = []
    init = connection.StraightConnection.__init__

    def short(self: connection.StraightConnection, *args: Any, **kwargs: Any) -> None:
        init(self, *args, **{**kwargs, "keepalive_timeout": 0.3})
        made.append(self)

    hold = world.services.orders.hold

    async def slow(*args: Any) -> Any:
        await asyncio.sleep(0.7)
        return await hold(*args)

    monkeypatch.setattr(connection.StraightConnection, "__init__", short)
    async with wired(world) as wire:
        wire.writer.write(asked(world, "ann"))
        await wire.answer()
        monkeypatch.setattr(world.services.orders, "hold", slow)
        wire.writer.write(asked(world, "bob"))
        assert (await wire.answer())[0] == 201
        assert taken == [ORDERS]
        assert await wire.is_closed()


async def _until(holds: Any) -> None:
    until = time.monotonic() + PATIENCE_S
    while not holds():
        assert time.monotonic() < until, "it never came true"
        await asyncio.sleep(0.01)
