"""The shared port's metrics are the sum over all processes."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest
from aiohttp import web
from prometheus_client import generate_latest
from prometheus_client.parser import text_string_to_metric_families

from gateway import fleet
from gateway.metrics import Metrics

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


def page_of(*, requests: int, lag_s: float) -> bytes:
    """The page of a process that answered so many requests."""
    metrics = Metrics("1.0")
    metrics.requests.labels("shopper_frame", "200").inc(requests)
    metrics.duration.labels("shopper_frame").observe(0.02)
    metrics.in_flight.set(3)
    metrics.event_loop_lag.set(lag_s)
    return generate_latest(metrics.registry)


@pytest.fixture
async def peer() -> AsyncIterator[str]:
    """Another process's own port."""

    async def metrics(_: web.Request) -> web.Response:
        return web.Response(body=page_of(requests=5, lag_s=0.5))

    async with served(metrics) as address:
        yield address


@pytest.fixture
def parts() -> list[bytes]:
    """What the slow peer answers, in so many parts."""
    return []


@pytest.fixture
async def slow_peer(parts: list[bytes]) -> AsyncIterator[str]:
    """A process whose page comes in parts."""

    async def metrics(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        for part in parts:
            await response.write(part)
            await asyncio.sleep(0.05)
        return response

    async with served(metrics) as address:
        yield address


@asynccontextmanager
async def served(metrics: Handler) -> AsyncIterator[str]:
    """A port with a page of metrics; its address."""
    app = web.Application()
    app.router.add_get("/metrics", metrics)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    yield f"127.0.0.1:{runner.addresses[0][1]}"
    await runner.cleanup()


def values(page: bytes) -> dict[str, float]:
    """Every series of a page."""
    return {
        sample.name + str(sorted(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(page.decode())
        for sample in family.samples
    }


async def test_counters_histograms_and_gauges_are_summed(peer: str) -> None:
    """Two processes' requests add up, buckets included; of a lag the largest is told."""
    summed = values(await fleet.summed(page_of(requests=2, lag_s=0.1), [peer]))
    frame = "[('route', 'shopper_frame')]"
    assert (
        summed["dropgate_http_requests_total[('route', 'shopper_frame'), ('status', '200')]"] == 7
    )
    assert summed[f"dropgate_http_request_duration_seconds_count{frame}"] == 2
    bucket = "[('le', '0.025'), ('route', 'shopper_frame')]"
    assert summed[f"dropgate_http_request_duration_seconds_bucket{bucket}"] == 2
    assert summed["dropgate_http_requests_in_flight[]"] == 6
    assert summed["dropgate_event_loop_lag_seconds[]"] == 0.5
    assert summed["dropgate_build_info[('process', 'gateway'), ('version', '1.0')]"] == 2
    assert summed["dropgate_missing_processes[]"] == 0


async def test_a_process_that_does_not_answer_is_told_and_left_out(peer: str) -> None:
    """A missing process is counted; the others are summed all the same."""
    nobody = "127.0.0.1:9"
    summed = values(await fleet.summed(page_of(requests=2, lag_s=0.1), [nobody, peer]))
    assert summed["dropgate_missing_processes[]"] == 1
    assert summed["dropgate_http_requests_in_flight[]"] == 6


async def test_a_page_that_comes_in_parts_is_added_whole(
    parts: list[bytes], slow_peer: str
) -> None:
    """A sum never lacks the rest of a page; one that is no page, or without end, is missing."""
    whole = page_of(requests=5, lag_s=0.5)
    name = "dropgate_http_requests_in_flight[]"
    cut = whole.index(b"in_flight") + 4
    parts[:] = [whole[:cut], whole[cut:]]
    summed = values(await fleet.summed(page_of(requests=2, lag_s=0.1), [slow_peer]))
    assert (summed[name], summed["dropgate_missing_processes[]"]) == (6, 0)
    for wrong in ([whole[:cut] + b"{c"], [b"#" * (fleet.PAGE_MAX + 1)]):
        parts[:] = wrong
        summed = values(await fleet.summed(page_of(requests=2, lag_s=0.1), [slow_peer]))
        assert (summed[name], summed["dropgate_missing_processes[]"]) == (3, 1)


async def test_the_sum_is_a_page_that_can_be_summed_again(peer: str) -> None:
    """The sum is valid text: summing it with another page adds once more."""
    once = await fleet.summed(page_of(requests=2, lag_s=0.1), [peer])
    twice = values(await fleet.summed(once, [peer]))
    assert twice["dropgate_http_requests_in_flight[]"] == 9


async def test_the_sum_is_made_once_a_second_for_all_who_ask(peer: str) -> None:
    """Many at once, one who goes away and those who come after get the bytes of one making."""
    made = 0

    def own() -> bytes:
        nonlocal made
        made += 1
        return page_of(requests=made, lag_s=0.1)

    page = fleet.SummedPage(own, [peer])
    gone = asyncio.create_task(page.read())
    await asyncio.sleep(0)
    gone.cancel()
    told = await asyncio.gather(*(page.read() for _ in range(50)))
    assert [gone.cancelled(), made, len(set(told)), await page.read() == told[0]] == [
        True, 1, 1, True,
    ]  # fmt: skip
    page._stale_at = time.monotonic()  # a second later
    assert await page.read() != told[0]
    assert made == 2
