"""The demo's outside parties against a real Dropgate, each killed in the middle of its work."""

from __future__ import annotations

import asyncio
import json
import os
import tempfile
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import aiohttp
import pytest

from loadtest.demo.marketplace import Marketplace
from loadtest.installation import DROPGATE, ROOT, Installation
from tests.simulators.processes import Simulator, simulator
from tests.stories.small import PARTNER, write_sale

pytestmark = [pytest.mark.story, pytest.mark.timeout(240)]

SALE = "parties"
ALLOTTED = 60
AHEAD = [f"ahead-{number}" for number in range(2, 8)]
HALL = 96
TIMEZONE = "Asia/Shanghai"
LIES = {"missing_there": 1, "missing_here": 2, "amount": 2, "status": 1, "duplicate_line": 1,
        "quantity": 2}  # fmt: skip


@pytest.fixture(scope="module")
async def installation() -> AsyncIterator[Installation]:
    """A Dropgate with one gateway and an open sale: pooled offers, an allotment, offers to buy."""
    with tempfile.TemporaryDirectory(prefix="dgt-", dir="/tmp") as home:
        async with Installation(Path(home)) as running:
            await running.up(gateways=1)
            write_parties(running.directory / "sale")
            await running.command("sale", "apply", running.directory / "sale" / "sale.toml")
            await running.command("sale", "open", SALE)
            yield running


def write_parties(folder: Path) -> None:
    """The small sale, with more offers to buy ahead and an allotment for the partner."""
    write_sale(folder, SALE, pooled=400, rate_per_s=10, ahead=True)
    offers = folder / "offers.csv"
    ahead = next(line for line in offers.read_text().splitlines() if line.startswith("ahead,"))
    lines = [ahead.replace("ahead,", f"{name},", 1) for name in AHEAD]
    offers.write_text(offers.read_text() + "\n".join(lines) + "\n")
    allotment = f"allotment,partner,offer,quantity\nmine,{PARTNER},pool-2,{ALLOTTED}\n"
    (folder / "allotments.csv").write_text(allotment)
    sale = folder / "sale.toml"
    sale.write_text(sale.read_text() + 'allotments = "allotments.csv"\n')


@pytest.fixture
async def session() -> AsyncIterator[aiohttp.ClientSession]:
    """A plain client."""
    async with aiohttp.ClientSession() as opened:
        yield opened


async def test_a_buying_run_killed_by_signal_9_goes_on_and_buys_nothing_twice(
    installation: Installation, session: aiohttp.ClientSession
) -> None:
    """`venue buy`, killed -9 in the middle and started again, ends with every seat once."""
    seats = installation.directory / "sale" / "sale.toml"
    state = installation.directory / "venue.jsonl"
    limits = ("--rate-per-s", "8", "--burst", "3", "--latency-ms", "50")
    async with simulator("venue", "--seats", seats, "--state", state, *limits) as venue:
        words = ("venue", "buy", SALE, "--url", venue.url, "--rate-per-s", "7", "--burst", "2")
        process = await asyncio.create_subprocess_exec(
            *(*DROPGATE, *words),
            cwd=ROOT,
            env={**os.environ, "DROPGATE_STATE_DIR": str(installation.state)},
        )
        while (await read(session, f"{venue.url}/report"))["seats_sold"] < 2 * HALL:
            await asyncio.sleep(0.01)
        process.kill()
        await process.wait()
        bought = (await read(session, f"{venue.url}/report"))["seats_sold"]
        assert bought < HALL * (1 + len(AHEAD)), "the run was over before it was killed"
        await installation.command(*words)
        seen = await read(session, f"{venue.url}/report")
    everything = HALL * (1 + len(AHEAD))
    assert (seen["seats_sold"], seen["sold_more_than_once"]) == (everything, {})
    counts = json.loads(await installation.command("sale", "counts", SALE, "--json"))
    for offer in ("ahead", *AHEAD):
        units = counts["offers"][offer]
        assert (units["released"], units["available"]) == (HALL, HALL)


async def test_a_clumsy_partner_killed_by_signal_9_agrees_with_our_books(
    installation: Installation, session: aiohttp.ClientSession
) -> None:
    """A partner that cuts lines, sends twice and is killed -9 ends with the books that we have.

    Whatever it then lies about is found, class by class, and nothing else.
    """
    key = installation.directory / "partner-key"
    key.write_text(await installation.credential("partner", PARTNER))
    await installation.until_known(key.read_text())
    arguments = (
        *("--gateway", installation.gateway, "--credential-file", key, "--sale", SALE),
        *("--book", installation.directory / "book.jsonl"),
        *("--slow-ms", "5", "--fail-share", "0.1", "--twice-share", "0.1"),
    )
    async with simulator("partner", *arguments) as partner:
        await buy_until_killed(session, partner)
    async with simulator("partner", *arguments) as partner:
        market = Marketplace(session, partner.url)
        await market.do("resume")
        await market.do("take", drop="now")
        await market.do("sell", share=0.5)
        await market.do("return")
        await market.do("refund", count=5)
        told = await market.get("/report")
        assert (told["open"], told["contradictions"]) == (0, [])
        assert told["calls"].get("contradictions", 0) == 0
        assert told["allotted"] == {"reported": ALLOTTED // 2, "returned": ALLOTTED // 2}
        assert told["orders"] + sum(told["refusals"].values()) == 30 + 10 + 2 * 40
        day = datetime.now(UTC).astimezone(ZoneInfo(TIMEZONE)).date().isoformat()
        await installation.command("sale", "audit", SALE)  # which waits for the books
        assert await breaks(session, installation, market, day) == []
        await market.behave(lies=LIES)
        found = await breaks(session, installation, market, day)
        assert found == sorted(await market.planted(day, TIMEZONE))
        assert len(found) == sum(LIES.values())


async def buy_until_killed(session: aiohttp.ClientSession, partner: Simulator) -> None:
    """Start its purchases, and kill it when some have been answered and others not."""
    shopping = {"drop": "now", "singles": 30, "holds": 10, "batches": 2, "batch_size": 40}
    async with session.post(f"{partner.url}/jobs", json={"do": "buy", **shopping}) as answer:
        assert answer.status == 202
    while (await read(session, f"{partner.url}/report"))["orders"] < 12:
        await asyncio.sleep(0.01)
    assert (await read(session, f"{partner.url}/report"))["open"] > 0
    await partner.kill()


async def breaks(
    session: aiohttp.ClientSession, installation: Installation, market: Marketplace, day: str
) -> list[tuple[str, str]]:
    """Hand the partner's statement in; (class, order) of every break, sorted."""
    text = await market.statement(day, TIMEZONE)
    key = (installation.directory / "partner-key").read_text()
    async with session.post(
        f"{installation.gateway}/v1/partner/statements?date={day}",
        data=text.encode(),
        headers={"Authorization": f"Bearer {key}", "Content-Type": "text/csv"},
    ) as answer:
        assert answer.status == 201, await answer.text()
        run = await answer.json()
    return sorted((each["class"], each["order"]) for each in run["breaks"])


async def read(session: aiohttp.ClientSession, url: str) -> dict[str, Any]:
    """A GET's JSON."""
    async with session.get(url) as answer:
        assert answer.status == 200, await answer.text()
        body: dict[str, Any] = await answer.json()
        return body
