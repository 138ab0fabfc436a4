"""The one port in front: HAProxy with the configuration as it is shipped, before small servers."""

import asyncio
import re
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
import pytest
from aiohttp import web
from yarl import URL

from gateway.gate import NEW_MAX
from gateway.streams import HEARTBEAT_S, STREAMS_MAX
from tests.deploy import front
from tests.deploy.processes import listens, own_network, running
from tests.ordinary import as_ordinary
from tests.programs import program

PATIENCE_S = 90.0


class Stub:
    """A server in a gateway's place: ready or not, and cutting calls off or not."""

    def __init__(self) -> None:
        self.is_ready = True
        self.cuts = False
        self.calls: list[str] = []
        self.go_on = asyncio.Event()

    async def readyz(self, _: web.Request) -> web.Response:
        """Whether it takes traffic."""
        return web.Response(status=200 if self.is_ready else 503)

    async def work(self, request: web.Request) -> web.StreamResponse:
        """Counted, then answered or cut off."""
        self.calls.append(request.method)
        if self.cuts:
            assert request.transport is not None
            request.transport.close()
        return web.Response(text="done")

    async def stream(self, request: web.Request) -> web.StreamResponse:
        """One event at once, the next when the test has seen it."""
        answer = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await answer.prepare(request)
        await answer.write(b"data: first\n\n")
        await self.go_on.wait()
        await answer.write(b"data: second\n\n")
        return answer


@asynccontextmanager
async def _serving(stub: Stub, address: str) -> AsyncIterator[None]:
    app = web.Application()
    app.router.add_get("/readyz", stub.readyz)
    app.router.add_get("/stream", stub.stream)
    app.router.add_route("*", "/work", stub.work)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, address, 8080).start()
    try:
        yield
    finally:
        stub.go_on.set()
        await runner.cleanup()


class Front:
    """HAProxy before two stubs."""

    def __init__(self, url: str, http: aiohttp.ClientSession, stubs: tuple[Stub, Stub]) -> None:
        self.url = url
        self.http = http
        self.stubs = stubs

    async def status(self, method: str, path: str = "/work") -> int:
        """The status of a call on a connection of its own."""
        async with self.http.request(method, f"{self.url}{path}") as answer:
            await answer.read()
            return answer.status

    async def until(self, *ready: bool) -> None:
        """Until the front has seen which stubs are ready: the others get no calls."""
        async with asyncio.timeout(PATIENCE_S):
            while True:
                before = [len(stub.calls) for stub in self.stubs]
                for _ in range(4):
                    await self.status("GET")
                got = [len(stub.calls) > n for stub, n in zip(self.stubs, before, strict=True)]
                if got == list(ready):
                    return
                await asyncio.sleep(0.1)


@pytest.fixture
async def ahead(tmp_path: Path) -> AsyncIterator[Front]:
    """The front, which sees both stubs ready."""
    haproxy = program("haproxy", "haproxy")
    address = own_network()
    configuration = front.written(tmp_path, address(1), [f"{address(n)}:8080" for n in (2, 3)])
    stubs = (Stub(), Stub())
    words = as_ordinary(haproxy, "-W", "-db", "-f", str(configuration))
    async with (
        _serving(stubs[0], address(2)),
        _serving(stubs[1], address(3)),
        aiohttp.ClientSession(connector=aiohttp.TCPConnector(force_close=True)) as http,
    ):
        with running("haproxy", words, tmp_path, {"PATH": "/usr/bin:/bin"}, tmp_path) as process:
            await asyncio.to_thread(process.until, lambda: listens(address(1), 8080))
            ahead = Front(f"http://{address(1)}:8080", http, stubs)
            await ahead.until(True, True)
            yield ahead


def test_the_real_program_reads_the_configuration_as_it_is() -> None:
    """`haproxy -c` finds nothing to complain of in the shipped file."""
    words = [program("haproxy", "haproxy"), "-c", "-V", "-f", str(front.CONFIGURATION)]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "WARNING" not in done.stdout + done.stderr


async def test_who_is_not_ready_gets_no_calls(ahead: Front) -> None:
    """Calls go to both; one that says no on /readyz gets none until it says yes again."""
    first, _ = ahead.stubs
    first.is_ready = False
    await ahead.until(False, True)
    first.is_ready = True
    await ahead.until(True, True)


async def test_a_reading_call_without_an_answer_is_tried_at_the_other(ahead: Front) -> None:
    """A gateway that dies in the middle of GETs is noticed by no reader."""
    ahead.stubs[0].cuts = True
    assert [await ahead.status("GET") for _ in range(6)] == [200] * 6
    assert len(ahead.stubs[0].calls) > 0


async def test_a_writing_call_is_never_sent_twice(ahead: Front) -> None:
    """A POST without an answer is the caller's to repeat, with its key: 502, and sent once."""
    for stub in ahead.stubs:
        stub.cuts = True
        stub.calls.clear()
    assert await ahead.status("POST") == 502
    assert sum(stub.calls.count("POST") for stub in ahead.stubs) == 1


async def test_when_none_is_ready_calls_still_reach_them(ahead: Front) -> None:
    """What all miss is behind them, and they go on without it; the front's own health says no."""
    for stub in ahead.stubs:
        stub.is_ready = False
    async with asyncio.timeout(PATIENCE_S):
        while await _health(ahead) != 503:
            await asyncio.sleep(0.1)
    await ahead.until(True, True)
    assert [await ahead.status("POST") for _ in range(6)] == [200] * 6
    ahead.stubs[0].is_ready = True
    await ahead.until(True, False)
    assert await _health(ahead) == 200


async def _health(ahead: Front) -> int:
    """The status of the front's own health."""
    async with ahead.http.get(ahead.url.replace(":8080", ":8404")) as health:
        return health.status


async def test_a_live_stream_passes_as_it_is_written(ahead: Front) -> None:
    """The first event arrives before the second one is written."""
    async with ahead.http.get(f"{ahead.url}/stream") as answer:
        assert await answer.content.readuntil(b"\n\n") == b"data: first\n\n"
        for stub in ahead.stubs:
            stub.go_on.set()
        assert await answer.content.readuntil(b"\n\n") == b"data: second\n\n"


def test_streams_are_within_the_fronts_limits() -> None:
    """A stream is never silent for half as long as the front waits; all fit beside the calls."""
    text = front.CONFIGURATION.read_text(encoding="utf-8")
    for side in ("client", "server"):
        (waits,) = re.findall(rf"timeout {side} (\d+)s", text)
        assert int(waits) > 2 * HEARTBEAT_S
    gateways = text.count(":8080 backup")
    assert gateways * (STREAMS_MAX + NEW_MAX) < front.CONNECTIONS


async def test_connections_are_kept(ahead: Front) -> None:
    """A shopper who polls does so on one connection."""
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=1)) as http:
        for _ in range(3):
            async with http.get(f"{ahead.url}/work") as answer:
                assert answer.headers.get("Connection", "keep-alive") != "close"
                await answer.read()


async def test_metrics_are_not_for_everybody(ahead: Front) -> None:
    """The sum of one gateway is not shown to the world, however its path is written."""
    said = "metrics are not served here"
    for path in ("/metrics", "/metrics?all", "/%6Detrics", "/%6d%65tric%73"):
        async with ahead.http.get(URL(f"{ahead.url}{path}", encoded=True)) as answer:
            assert (answer.status, await answer.text()) == (404, said), path
