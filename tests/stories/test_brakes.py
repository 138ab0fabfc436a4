"""Real processes in trouble: the line is slowed down, says why, and comes back by itself."""

import asyncio
import os
import signal
import tempfile
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
import orjson
import pytest

from inventory.order_scripts import ORDER_HOLD
from loadtest.installation import Installation
from tests.faults.between import Between
from tests.faults.power import Mains
from tests.stories.drop import partner_key, process_of
from tests.stories.small import write_sale

pytestmark = [pytest.mark.story, pytest.mark.timeout(600)]

SALE, RATE = "braked", 50
BRAKES = "settlement_max_s = 3\nstore_max_s = 0.2\nlatency_max_s = 0\n"
"""How long purchases take is judged in the last story alone, in which they are many. The others are
above what a busy machine takes when nothing is wrong."""
PURCHASE_S = 0.05
SLOW_S = 0.25
"""Above the limit, and below what the door waits for an answer."""
LOST_SHARE = 0.9
"""With one repeat, four of five purchases fail."""
PATIENCE_S = 120.0
IN_A_ROW = 8
"""Frames of connections of their own: both gateways are among them."""
LATENCY_ALONE = "latency_max_s = 1\nfailing_max_share = 0\nsettlement_max_s = 0\nstore_max_s = 0\n"
SELLERS = 5
"""Before the latency brake lets go, half as many must buy as are let in."""
LATENCY_KNOWN = 500
"""Purchases after which it knows what is usual: those of its first seconds."""
SLOWER_S = 0.2
"""A purchase waits for the call that is under way and for its own, so it takes up to twice that."""


@dataclass(slots=True)
class Scene:
    """A sale that a partner sells all the time, and its frame."""

    installation: Installation
    between: Between
    http: aiohttp.ClientSession
    number: int = 0

    async def frame(self) -> dict[str, Any]:
        """The frame as anybody reads it."""
        url = f"{self.installation.gateway}/v1/sales/{SALE}/frame"
        async with self.http.get(url, headers={"Connection": "close"}) as answer:
            return dict(orjson.loads(await answer.read()))

    async def sell(self) -> None:
        """One purchase of the partner's; that it may fail belongs to the story."""
        self.number += 1
        body = {
            "sale": SALE,
            "buyer": f"buyer-{self.number}",
            "mode": "sell",
            "reference": f"order-{self.number}",
            "lines": [{"offer": "pool-1", "quantity": 1}],
        }
        url, key = f"{self.installation.gateway}/v1/partner/orders", f"key-{self.number}"
        async with self.http.post(url, json=body, headers={"Idempotency-Key": key}) as answer:
            await answer.read()

    async def until(self, holds: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
        """A frame of which it holds, and of those before it, whichever gateway they are of."""
        in_a_row = 0
        async with asyncio.timeout(PATIENCE_S):
            while True:
                frame = await self.frame()
                in_a_row = in_a_row + 1 if holds(frame) else 0
                if in_a_row == IN_A_ROW:
                    return frame
                await asyncio.sleep(0.05)

    async def judge_by(self, brakes: str) -> None:
        """Apply the sale's file with other limits, while it sells."""
        file = self.installation.directory / "sale" / "sale.toml"
        file.write_text(file.read_text().replace(BRAKES, brakes))
        await self.installation.command("sale", "apply", file)

    async def is_slowed_by(self, *reasons: str) -> None:
        """The frame names one of the reasons, and a rate below the operator's.

        A room whose store is silent for a second is paused, which is another story.
        """
        await self.until(
            lambda one: (
                one["state"] == "open"
                and one["reason"] in reasons
                and 0 <= one["rate_per_s"] < RATE
            )
        )

    async def is_free(self) -> None:
        """The operator alone rules again, and step by step: no frame shows the rate jump."""
        seen = [(await self.frame())["rate_per_s"]]

        def is_over(frame: dict[str, Any]) -> bool:
            seen.append(frame["rate_per_s"])
            return bool(frame["reason"] == "operator" and frame["rate_per_s"] == RATE)

        await self.until(is_over)
        assert len(set(seen)) > 2, f"from {seen[0]} to {RATE} at once"


@asynccontextmanager
async def _scene() -> AsyncIterator[Scene]:
    with tempfile.TemporaryDirectory(prefix="dgb-", dir="/tmp") as directory:
        home = Path(directory)
        mains = Mains(home)
        await mains.on()
        try:
            store = Path(mains.url.removeprefix("unix://"))
            async with (
                Between(home / "between.sock", store) as between,
                Installation(home) as running,
            ):
                between.meant = ORDER_HOLD.sha.encode()
                await running.up(gateways=2, store_url=between.url)
                write_sale(home / "sale", SALE, pooled=20_000, rate_per_s=RATE)
                file = home / "sale" / "sale.toml"
                file.write_text(file.read_text().replace("[room]\n", f"[room]\n{BRAKES}"))
                await running.command("sale", "apply", file)
                await running.command("sale", "open", SALE)
                authorization = {"Authorization": await partner_key(running)}
                async with aiohttp.ClientSession(headers=authorization) as http:
                    yield Scene(running, between, http)
        finally:
            mains.off()


async def _sell_on(scene: Scene) -> None:
    async with asyncio.TaskGroup() as group:
        while True:
            group.create_task(scene.sell())
            await asyncio.sleep(PURCHASE_S)


@pytest.fixture(scope="module")
async def scene() -> AsyncIterator[Scene]:
    """One installation for all troubles of this module, which sells all the time."""
    async with _scene() as made:
        selling = asyncio.create_task(_sell_on(made))
        await made.until(lambda frame: bool(frame["reason"] == "operator"))
        yield made
        selling.cancel()
        await asyncio.gather(selling, return_exceptions=True)


async def test_a_slow_store_slows_the_line(scene: Scene) -> None:
    """Purchases that come late by 0.25 s lower the rate in the name of the store, and no longer."""
    scene.between.held_s = SLOW_S
    try:
        await scene.is_slowed_by("store", "errors")
    finally:
        scene.between.held_s = 0.0
    await scene.is_free()


async def test_failing_purchases_slow_the_line(scene: Scene) -> None:
    """When purchases get lost on their way they fail, and the line is told so; nothing else is."""
    scene.between.questions_lost = LOST_SHARE
    try:
        await scene.is_slowed_by("errors")
    finally:
        scene.between.questions_lost = 0.0
    await scene.is_free()


async def test_books_that_stand_still_slow_the_line(scene: Scene) -> None:
    """With the settlement worker stopped the line slows down; when it goes on, so does the line."""
    worker = process_of(scene.installation, "settlement")
    os.kill(worker, signal.SIGSTOP)
    try:
        await scene.is_slowed_by("settlement")
    finally:
        os.kill(worker, signal.SIGCONT)
    await scene.is_free()


async def test_slow_purchases_slow_the_line(scene: Scene) -> None:
    """Purchases that suddenly take longer than usual lower the rate in the name of latency alone.

    No other brake is on, so nothing else can be named, however busy the machine.
    """
    await scene.judge_by(LATENCY_ALONE)
    selling = [asyncio.create_task(_sell_on(scene)) for _ in range(SELLERS - 1)]
    await scene.until(lambda frame: bool(frame["reason"] == "operator"))
    usual = scene.number + LATENCY_KNOWN
    while scene.number < usual:
        await asyncio.sleep(0.1)
    scene.between.held_s = SLOWER_S
    try:
        await scene.is_slowed_by("latency")
    finally:
        scene.between.held_s = 0.0
    await scene.is_free()
    for one in selling:
        one.cancel()
    await asyncio.gather(*selling, return_exceptions=True)
