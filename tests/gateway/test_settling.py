"""A settlement worker as a process: it posts what is left, says how it is, outlives outages."""

import asyncio
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
from msgspec.structs import replace

import lua.embedded
from gateway.config import Settings
from gateway.ports import Reservations
from gateway.settling import settle
from lua.process import start, stop, wait_ready
from tests.gateway.world import SALE, World


@asynccontextmanager
async def working(settings: Settings) -> AsyncIterator[str]:
    """A worker for as long as the block lasts; the address of its own port."""
    stopping = asyncio.Event()
    with Reservations() as ports:
        port = ports.take("127.0.0.1", 0, "--metrics-port")
        running = asyncio.create_task(settle(replace(settings, metrics_port=port), stopping))
        try:
            yield f"http://127.0.0.1:{port}"
        finally:
            stopping.set()
            await running


async def answer(url: str) -> tuple[int, str]:
    """Status and body; 0 while nobody listens."""
    try:
        async with aiohttp.ClientSession() as http, http.get(url) as response:
            return response.status, await response.text()
    except aiohttp.ClientConnectorError:
        return 0, ""


async def until(url: str, status: int) -> str:
    """Ask until that is the status; the body."""
    async with asyncio.timeout(60):
        while (told := await answer(url))[0] != status:
            await asyncio.sleep(0.02)
    return told[1]


async def test_what_is_left_is_posted_before_the_end(world: World) -> None:
    """A worker that is told to stop at once posts every fact that is in the store, then ends."""
    for number in range(5):
        assert (await world.sell(f"buyer-{number}")).status == 201
    stopping = asyncio.Event()
    stopping.set()
    await settle(replace(world.services.settings, metrics_port=0), stopping)
    sale = await world.services.shelves.refresh_sale(SALE)
    assert sale is not None
    assert sale.view.fact > 0
    assert await world.services.books.cursor(SALE) == (sale.view.epoch, sale.view.fact)
    assert sale.view.settled == sale.view.fact


async def test_it_tells_how_far_the_books_are(world: World) -> None:
    """Its own port shows health, for each stripe the last fact in the books, and what is wrong."""
    assert (await world.sell("somebody")).status == 201
    fact = (await world.services.store.read("HGET", f"{{{SALE}:0}}:sale", "fact")).decode()
    async with working(world.services.settings) as url:
        await until(f"{url}/readyz", 200)
        assert (await answer(f"{url}/livez"))[0] == 200
        sale = f'sale="{SALE}"'
        lines = {
            f'dropgate_settlement_fact_number{{{sale},stripe="0"}} {float(fact)}',
            f"dropgate_settlement_orders_total{{{sale}}} 1.0",
            f"dropgate_settlement_quarantined_facts{{{sale}}} 0.0",
            f'dropgate_invariant_broken{{check="nothing_contradicts_the_books",{sale}}} 0.0',
        }
        async with asyncio.timeout(60):
            while not lines <= set((await answer(f"{url}/metrics"))[1].splitlines()):
                await asyncio.sleep(0.02)


async def test_a_store_that_goes_and_comes_back(tmp_path: Path, database_url: str) -> None:
    """Without its store the worker lives and is not ready; it goes on when the store is there."""
    home = tmp_path / "v"
    settings = Settings(store_url=lua.embedded.url(home), database_url=database_url)
    async with working(settings) as url:
        assert '"code":"not_ready"' in await until(f"{url}/readyz", 503)
        for _ in range(2):
            process = await _started(home)
            await until(f"{url}/readyz", 200)
            process.kill()
            process.wait()
            await until(f"{url}/readyz", 503)
            assert (await answer(f"{url}/livez"))[0] == 200


async def _started(home: Path) -> "subprocess.Popen[bytes]":
    program = lua.embedded.prepare(home)
    process = start(program)
    try:
        await wait_ready(program, process)
    except BaseException:
        await stop(program, process)
        raise
    return process
