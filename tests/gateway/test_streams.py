"""Streams of frames: what they are told, what they cost, and how they end."""

import asyncio
import json
import socket
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace
from typing import Any

import aiohttp
import pytest
import yarl

from gateway import streams
from gateway.frames import kept_frame
from gateway.streams import AWAY_MS, FULL_RETRY_S, RETRY_MS, STREAMS_MAX, most_streams
from tests.gateway.world import SALE, World, furnish

PATH = f"/v1/sales/{SALE}/frames"
MANY = 300
LONG = 200_000
REQUEST = f"GET {PATH} HTTP/1.1\r\nHost: here\r\n\r\n".encode()


class Reader:
    """The client's side of a stream."""

    def __init__(self, answer: aiohttp.ClientResponse) -> None:
        self.answer = answer

    async def block(self) -> dict[str, str]:
        """The next lines up to an empty one, by their names; a comment is named ''."""
        text = (await asyncio.wait_for(self.answer.content.readuntil(b"\n\n"), 30)).decode()
        lines = (line.partition(": ") for line in text.strip().split("\n"))
        return {name: said for name, _, said in lines}

    async def frame(self) -> dict[str, Any]:
        """The next frame, whatever comes before it."""
        while "data" not in (block := await self.block()):
            pass
        return {**json.loads(block["data"]), "revision": block["id"]}

    async def until(self, state: str) -> dict[str, Any]:
        """The first frame of a state."""
        while (frame := await self.frame())["state"] != state:
            pass
        return frame

    async def last_retry(self) -> str:
        """The last `retry` before the stream ends, as it must end: without an error."""
        blocks = (await asyncio.wait_for(self.answer.read(), 30)).decode().strip().split("\n\n")
        return blocks[-1].removeprefix("retry: ")


class _Lines:
    """A socket that is read slowly."""

    def __init__(self, end: socket.socket) -> None:
        self._end = end
        self._read = b""

    async def grace(self) -> int:
        """The grace of the next frame."""
        while b"\n\n" not in self._read or b"data: " not in self._read.split(b"\n\n")[0]:
            if b"\n\n" in self._read and b"data: " not in self._read.split(b"\n\n")[0]:
                self._read = self._read.split(b"\n\n", 1)[1]
                continue
            got = await asyncio.get_running_loop().sock_recv(self._end, 1 << 16)
            assert got, "the stream has ended"
            self._read += got
        block, self._read = self._read.split(b"\n\n", 1)
        return int(json.loads(block.split(b"data: ", 1)[1])["grace_ms"])


async def raw(world: World) -> socket.socket:
    """A stream on a plain socket that hardly takes anything in before it is read."""
    end = socket.socket()
    end.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
    end.setblocking(False)
    loop = asyncio.get_running_loop()
    await loop.sock_connect(end, ("127.0.0.1", yarl.URL(world.url).port))
    await loop.sock_sendall(end, REQUEST)
    while len(world.services.streams) == 0:
        await asyncio.sleep(0.01)
    return end


@asynccontextmanager
async def stream(world: World, seen: str = "") -> AsyncIterator[Reader]:
    """An open stream of a client of its own."""
    headers = {"Last-Event-ID": seen} if seen else {}
    async with world.http.get(world.url + PATH, headers=headers) as answer:
        assert answer.status == 200, await answer.read()
        assert answer.headers["Content-Type"] == "text/event-stream"
        yield Reader(answer)


async def change(world: World, verb: str) -> None:
    """Pause or resume the sale, and let this process see it at once."""
    await world.call("POST", f"/v1/operator/sales/{SALE}/{verb}", {}, auth=world.keys["operator"])
    await world.services.frames.refresh(SALE)


def revise(world: World, **fields: Any) -> None:
    """Put another frame in the place of the newest one."""
    frames = world.services.frames
    kept = kept_frame(replace(frames.of(SALE).frame, **fields))
    frames._kept[SALE] = kept  # no room would go so far in a test


async def test_a_stream_tells_the_frame_and_each_change(world: World) -> None:
    """First how things stand, as a poll would tell it, and soon whatever has changed."""
    async with stream(world) as reader:
        first = await reader.block()
        assert first["retry"] == str(RETRY_MS)
        polled = await world.call("GET", f"/v1/sales/{SALE}/frame")
        assert {**json.loads(first["data"]), "at_ms": polled.data["at_ms"]} == polled.data
        await change(world, "pause")
        assert (await reader.until("paused"))["revision"] != first["id"]
        await change(world, "resume")
        await reader.until("open")


async def test_what_a_reader_has_is_not_said_again(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without a change nothing goes out, then a comment; who comes back knowing all gets none."""
    await world.services.housekeeping.stop()
    told = world.services.streams
    async with stream(world) as reader:
        frame = await reader.frame()
        assert await told.tell() == 0
        monkeypatch.setattr(streams, "HEARTBEAT_S", 0.0)
        assert await told.tell() == 1
        assert await reader.block() == {"": "alive"}
        monkeypatch.undo()
        async with stream(world, seen=frame["revision"]) as again:
            assert await again.block() == {"retry": str(RETRY_MS), "": "alive"}
            revise(world, grace_ms=7)
            assert await told.tell() == 2
            assert (await again.frame())["grace_ms"] == (await reader.frame())["grace_ms"] == 7
        async with stream(world, seen=frame["revision"]) as late:
            assert (await late.frame())["grace_ms"] == 7


async def test_streams_are_no_calls_and_may_be_too_many(world: World) -> None:
    """Open streams are not in flight; one too many is told to poll, until one has ended."""
    services = world.services
    services.streams.limit = 3
    async with AsyncExitStack() as ends:
        for _ in range(3):
            await ends.enter_async_context(stream(world))
        assert (services.gate.in_flight, len(services.streams)) == (0, 3)
        assert b"dropgate_streams_open 3.0" in services.own_metrics()
        refused = await world.call("GET", PATH)
        assert (refused.status, refused.code) == (503, "overloaded")
        assert refused.headers["Retry-After"] == str(FULL_RETRY_S)
    while len(services.streams) > 0:
        await asyncio.sleep(0.01)
    async with stream(world) as reader:
        assert (await reader.frame())["state"] == "open"


def test_half_of_the_files_are_left_for_calls() -> None:
    """The limit follows from how many files the process may open."""
    assert [most_streams(files) for files in (1_024, 1 << 30)] == [512, STREAMS_MAX]
    assert STREAMS_MAX >= 5_000


async def test_a_slow_reader_gets_the_newest_only(world: World) -> None:
    """While one event is not read nothing is kept for its reader; then comes the newest."""
    await world.services.housekeeping.stop()
    told = world.services.streams
    revise(world, sale="s" * LONG)
    with await raw(world) as slow:
        (kept,) = told._open[SALE]
        for ms in range(1, 20):
            revise(world, grace_ms=ms)
            await told.tell()
        assert 0 < kept.transport.get_write_buffer_size() <= 2 * LONG
        reader, graces = _Lines(slow), list[int]()
        async with telling(world):
            while 19 not in graces:
                graces.append(await reader.grace())
        assert len(graces) <= 3, graces


@asynccontextmanager
async def telling(world: World) -> AsyncIterator[None]:
    """The loop of the streams alone, and faster."""

    async def tell() -> None:
        while True:
            await world.services.streams.tell()
            await asyncio.sleep(0.01)

    task = asyncio.create_task(tell())
    try:
        yield
    finally:
        task.cancel()


async def test_a_sale_whose_readers_leave_meanwhile_is_passed_over(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The last one may go while another sale's are written: the others are told all the same."""
    await world.services.housekeeping.stop()
    monkeypatch.setattr(streams, "WRITES_AT_ONCE", 1)
    await furnish(world.services, sale="autumn")
    told = world.services.streams
    async with stream(world) as reader, world.http.get(world.url + PATH.replace(SALE, "autumn")):
        await reader.frame()
        revise(world, grace_ms=7)
        telling = asyncio.create_task(told.tell())
        await asyncio.sleep(0)
        (leaves,) = told._open["autumn"]
        told.forget(leaves)
        assert await telling == 1
        assert (await reader.frame())["grace_ms"] == 7


async def test_who_never_reads_is_let_go(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """A stream whose last event does not leave for a while is cut and counted."""
    await world.services.housekeeping.stop()
    monkeypatch.setattr(streams, "UNREAD_S", 0.0)
    told = world.services.streams
    revise(world, sale="s" * LONG)
    with await raw(world):
        for ms in range(1, 10):
            revise(world, grace_ms=ms)
            await told.tell()
        while len(told) > 0:
            await asyncio.sleep(0.01)
    assert b"dropgate_streams_dropped_total 1.0" in world.services.own_metrics()


async def test_a_reader_who_speaks_is_none(world: World) -> None:
    """Bytes behind the request end the stream; they are no second call."""
    with await raw(world) as speaks:
        await asyncio.get_running_loop().sock_sendall(speaks, REQUEST)
        while len(world.services.streams) > 0:
            await asyncio.sleep(0.01)


async def test_a_process_that_ends_sends_its_readers_elsewhere(world: World) -> None:
    """Each stream ends cleanly, with its own time to come back, spread; nobody gets a new one."""
    async with AsyncExitStack() as ends:
        readers = [await ends.enter_async_context(stream(world)) for _ in range(60)]
        for reader in readers:
            await reader.frame()
        world.services.gate.drain()
        assert (await world.call("GET", PATH)).code == "not_ready"
        await asyncio.wait_for(world.services.streams.end(), 20)
        waits = [int(await reader.last_retry()) for reader in readers]
    assert len(world.services.streams) == 0
    assert all(0 <= wait < AWAY_MS for wait in waits)
    thirds = [
        sum(AWAY_MS * n // 3 <= wait < AWAY_MS * (n + 1) // 3 for wait in waits) for n in range(3)
    ]
    assert min(thirds) >= 5, waits


async def test_hundreds_of_streams_hear_of_a_change(world: World) -> None:
    """Everybody is told, while calls are answered as ever."""
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as http:
        answers = await asyncio.gather(*(http.get(world.url + PATH) for _ in range(MANY)))
        assert len(world.services.streams) == MANY
        readers = [Reader(answer) for answer in answers]
        await change(world, "pause")
        told = asyncio.gather(*(reader.until("paused") for reader in readers))
        assert (await world.call("GET", f"/v1/sales/{SALE}")).status == 200
        await told
