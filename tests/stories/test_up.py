"""`dropgate up` as a person runs it: it stops without losing a call, goes on, and cleans up."""

import asyncio
import os
import random
import select
import signal
import subprocess
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from loadtest.crowd.calls import Calls
from loadtest.installation import DROPGATE, ROOT, Installation
from tests.ordinary import USER, as_ordinary, wheels_within_reach
from tests.stories.drop import partner_key, process_of
from tests.stories.small import write_sale

pytestmark = [pytest.mark.story, pytest.mark.timeout(300)]

CLIENTS, SELLERS = 150, 50
"""Connections that are kept alive; of these so many sell, the others look at the frame."""
PAUSE_MAX_S = 0.4
"""Of each client, by the dice: a connection that idles is the one that a stop may cut."""
ORDERS_MIN = 150
STALLED = ("nothing_happened", "may_have_happened")
"""The store did not answer in time, as on a busy disk: not the matter of these stories."""


@pytest.fixture
def home() -> Iterator[Path]:
    """A short directory for an installation."""
    with tempfile.TemporaryDirectory(prefix="dgt-", dir="/tmp") as directory:
        yield Path(directory)


@pytest.fixture
async def calls() -> AsyncIterator[Calls]:
    """A client that repeats what had no answer."""
    with closing(Calls(seed=38)) as made:
        yield made


@pytest.fixture
def hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    """Gateways do not wait long for connections that nobody uses any more."""
    monkeypatch.setenv("DROPGATE_DRAIN_S", "1")


async def _selling(installation: Installation, units: int = 5_000) -> str:
    """A sale that sells; the partner's Authorization."""
    write_sale(installation.directory / "sale", "up", pooled=units, rate_per_s=10)
    await installation.command("sale", "apply", installation.directory / "sale" / "sale.toml")
    await installation.command("sale", "open", "up")
    return await partner_key(installation)


def _order(buyer: str) -> dict[str, Any]:
    lines = [{"offer": "pool-1", "quantity": 1}]
    return {"sale": "up", "buyer": buyer, "mode": "sell", "reference": buyer, "lines": lines}


class Sellers:
    """Keep-alive clients that never repeat a call: whatever fails is seen."""

    def __init__(self, installation: Installation, key: str) -> None:
        self.url = f"{installation.gateway}/v1/partner/orders"
        self.frame = f"{installation.gateway}/v1/sales/up/frame"
        self.key = key
        self.dice = random.Random(5)
        self.looks = 0
        self.told: dict[str, str] = {}
        self.refused: list[str] = []
        self.failed: list[BaseException] = []
        self.stop = asyncio.Event()

    async def run(self) -> None:
        """Sell until told to stop, or until nobody answers any more."""
        connector = aiohttp.TCPConnector(limit=0)
        async with aiohttp.ClientSession(connector=connector) as session:
            looking = (self._look(session) for _ in range(CLIENTS - SELLERS))
            selling = (self._sell(session, number) for number in range(SELLERS))
            await asyncio.gather(*looking, *selling)

    async def _look(self, session: aiohttp.ClientSession) -> None:
        while not self.stop.is_set():
            try:
                async with session.get(self.frame) as answer:
                    await answer.read()
            except (aiohttp.ClientError, OSError) as error:
                self.failed.append(error)
                return
            if answer.status != 200:
                self.refused.append(f"frame: {answer.status}")
            self.looks += 1
            await asyncio.sleep(self.dice.uniform(0, PAUSE_MAX_S))

    async def _sell(self, session: aiohttp.ClientSession, seller: int) -> None:
        for number in range(100_000):
            if self.stop.is_set():
                return
            name = f"s{seller}-{number}"
            headers = {"Authorization": self.key, "Idempotency-Key": name}
            try:
                async with session.post(self.url, json=_order(name), headers=headers) as answer:
                    told = await answer.json(content_type=None)
            except (aiohttp.ClientError, OSError) as error:
                self.failed.append(error)
                return
            if answer.status in (200, 201):
                self.told[name] = told["id"]
            elif told["code"] not in STALLED:
                self.refused.append(told["code"])
            await asyncio.sleep(self.dice.uniform(0, PAUSE_MAX_S))

    async def reach(self, orders: int) -> None:
        """Return when so many were sold."""
        while len(self.told) < orders and not self.failed:
            await asyncio.sleep(0.01)


async def test_a_gateway_that_is_replaced_fails_no_call(home: Path) -> None:
    """SIGTERM to one gateway after the other under 150 connections: not one call fails."""
    async with Installation(home) as installation:
        await installation.up(gateways=2)
        sellers = Sellers(installation, await _selling(installation, units=200_000))
        selling = asyncio.create_task(sellers.run())
        for name in ("gateway-1", "gateway-2"):
            await sellers.reach(len(sellers.told) + ORDERS_MIN)
            before = installation.note(name)["pid"]
            os.kill(before, signal.SIGTERM)
            async with asyncio.timeout(30):
                while not _is_new(installation, name, before):
                    await asyncio.sleep(0.02)
        await sellers.reach(len(sellers.told) + ORDERS_MIN)
        sellers.stop.set()
        await selling
        print(f"{len(sellers.told)} orders, {sellers.looks} looks")  # noqa: T201
        assert (sellers.failed, sellers.refused) == ([], [])


def _is_new(installation: Installation, name: str, before: int) -> bool:
    back = f"{name} is back (process {process_of(installation, name)})"
    return process_of(installation, name) != before and back in _said(installation)


def _said(installation: Installation) -> str:
    return (installation.directory / "logs" / "up.log").read_text()


@pytest.mark.usefixtures("hasty")
async def test_a_stop_loses_nothing_and_the_next_up_goes_on(home: Path, calls: Calls) -> None:
    """SIGTERM under load: every order that was told is there after the next `up`, and in the books.

    Calls either succeed or find nobody who listens (a connection that still waited in the closed
    socket's queue is reset); none that a gateway had begun is cut off.
    """
    async with Installation(home) as installation:
        await installation.up(gateways=2)
        key = await _selling(installation)
        sellers = Sellers(installation, key)
        selling = asyncio.create_task(sellers.run())
        await sellers.reach(ORDERS_MIN)
        await installation.stop()
        await selling
        assert "stopped; everything is kept in" in _said(installation)
        nobody = {aiohttp.ClientConnectorError, aiohttp.ClientOSError}
        assert {type(error) for error in sellers.failed} <= nobody
        assert sellers.refused == []
        # The worker posted everything before the database was stopped: no worker runs now.
        await installation.up(gateways=1)
        for order in sellers.told.values():
            url = f"{installation.gateway}/v1/orders/{order}"
            status, now = await calls.get("read", url, key)
            assert (status, now["state"]) == (200, "confirmed")
        await installation.command("sale", "audit", "up")


@pytest.mark.fault
@pytest.mark.usefixtures("hasty")
async def test_a_killed_supervisor_leaves_nothing_behind(home: Path, calls: Calls) -> None:
    """After kill -9 of `up` itself its children end, and the next `up` goes on with everything."""
    async with Installation(home) as installation:
        await installation.up(gateways=1)
        key = await _selling(installation)
        url = f"{installation.gateway}/v1/partner/orders"
        status, order = await calls.write("sell", url, key, _order("a"), key="a")
        assert status == 201
        names = [path.stem for path in (installation.state / "run").glob("*.json")]
        assert sorted(names) == ["gateway-1", "postgres", "settlement", "up", "valkey"]
        pids = {name: installation.note(name)["pid"] for name in names}
        watches = [os.pidfd_open(pid) for pid in pids.values()]
        os.kill(pids["up"], signal.SIGKILL)
        for watch in watches:
            assert await asyncio.to_thread(select.select, [watch], [], [], 20.0) != ([], [], [])
            os.close(watch)
        await installation.up(gateways=1)
        url = f"{installation.gateway}/v1/orders/{order['id']}"
        status, now = await calls.get("read", url, key)
        assert (status, now["state"]) == (200, "confirmed")


@pytest.mark.usefixtures("hasty")
async def test_a_state_directory_and_a_port_have_one_owner(home: Path) -> None:
    """A second `up` on the same directory, or another one on the same port, says who is there."""
    async with Installation(home) as installation:
        await installation.up(gateways=1)
        up = installation.note("up")
        port = up["urls"]["gateway"].rpartition(":")[2]
        for state, told in (
            (installation.state, f"another `dropgate up` (process {up['pid']})"),
            (home / "other", f"cannot use port {port} of 127.0.0.1"),
        ):
            words = [*DROPGATE, "up", "--state-dir", str(state), "--port", port]
            done = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, check=False)
            assert done.returncode == 1
            assert done.stderr.startswith(f"dropgate: {told}")
            assert len(done.stderr.splitlines()) == 1
        assert installation.note("up") == up


@pytest.mark.usefixtures("hasty", "store")  # an outside store that nothing was sold from yet
async def test_outside_servers_are_used_instead(
    home: Path, valkey_url: str, database_url: str, calls: Calls
) -> None:
    """With both URLs `up` starts no server of its own, and stops none of the outside ones."""
    async with Installation(home) as installation:
        outside = ("--store-url", valkey_url, "--database-url", database_url)
        ports = ("--port", "0", "--metrics-port", "0", "--gateways", "1")
        words = (*DROPGATE, "up", "--state-dir", str(installation.state), *outside, *ports)
        await installation.start("up", words, "Dropgate is up.", 60)
        names = {path.stem for path in (installation.state / "run").glob("*.json")}
        assert names == {"gateway-1", "settlement", "up"}
        gateway = installation.note("up")["urls"]["gateway"]
        status, _ = await calls.get("ready", f"{gateway}/readyz")
        assert status == 200
        assert "there is no sale yet" in await installation.command("sale", "list")
        os.kill(installation.note("up")["pid"], signal.SIGINT)  # Ctrl-C is as good as SIGTERM
        async with asyncio.timeout(30):
            while "stopped; everything is kept in" not in _said(installation):
                await asyncio.sleep(0.05)


@pytest.mark.usefixtures("hasty")
async def test_an_ordinary_user_needs_no_root(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Another account than root brings all of it up, and owns everything that is written."""
    home.chmod(0o777)
    monkeypatch.setenv("PYTHONPATH", str(wheels_within_reach(home)))
    async with Installation(home) as installation:
        ports = ("--port", "0", "--metrics-port", "0", "--gateways", "1")
        words = as_ordinary(*DROPGATE, "up", "--state-dir", str(installation.state), *ports)
        await installation.start("up", words, "Dropgate is up.", 60)
        owners = {path.lstat().st_uid for path in installation.state.rglob("*")}
        assert owners == {USER}
        assert "there is no sale yet" in await installation.command("sale", "list")
