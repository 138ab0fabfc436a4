"""The story of the drop: the crowd, the partner and the kiosks, and the end of the sale.

Belongs here: the order of events and what is asked of whom. Setting up is `stage`'s, the day after
and the proof are `aftermath`'s.
"""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import aiohttp

from loadtest.crowd.driver import Heard, Words, crowd
from loadtest.crowd.journal import OWED, read
from loadtest.demo import stage as scene
from loadtest.demo.aftermath import Aftermath
from loadtest.demo.figures import Figures
from loadtest.demo.marketplace import Marketplace
from loadtest.demo.stage import SALE, Stage
from loadtest.phases import Phases
from loadtest.verdict import percentile

CROWD_PROCESSES = 2
EARLY_SHARE = 0.7
"""Of the shoppers, who come before the opening, into the lobby."""

ARRIVAL_MIN_S = 15.0
REDEEMED_SHARE = 0.7
PARTNER_SELLS = 0.7
PARTNER_REFUNDS = 20
ENDED_WAIT_S = 45.0


class Story:
    """One drop of the example, played on a stage."""

    def __init__(self, stage: Stage, phases: Phases, shoppers: int, seed: int) -> None:
        self._stage, self._phases, self._shoppers = stage, phases, shoppers
        self._seed = seed
        self._directory = stage.installation.directory
        self._figures = Figures(shoppers=shoppers)
        self._drop = self._timezone = ""
        self._opens_at_ms = self._limit = 0
        self._days: set[str] = set()

    async def play(self) -> Figures:
        """Everything, in order; the figures of it."""
        connector = aiohttp.TCPConnector(limit=8)
        async with aiohttp.ClientSession(connector=connector) as session:
            market = Marketplace(session, self._stage.partner)
            await self._look_at_the_sale()
            await self._sell(market)
            await self._redeem()
            await self._close(session, market)
            proof = Aftermath(
                self._stage,
                self._phases,
                self._figures,
                market=market,
                promises=self._promises(),
                days=self._days,
                limit=self._limit,
                timezone=self._timezone,
            )
            await proof.reconcile(session)
            await proof.prove()
        self._figures.seconds = self._phases.seconds
        return self._figures

    async def _look_at_the_sale(self) -> None:
        sale = await scene.read_json(self._stage.sale_url)
        self._limit, self._timezone = sale["limit_per_buyer"], sale["timezone"]
        first = min(sale["drops"], key=lambda drop: drop["opens_at_ms"])
        self._drop, self._opens_at_ms = first["id"], first["opens_at_ms"]
        self._note_day()

    def _note_day(self) -> None:
        """Statements are of a business day; a demo may run through midnight."""
        now = datetime.now(UTC).astimezone(ZoneInfo(self._timezone))
        self._days.add(now.date().isoformat())

    async def _sell(self, market: Marketplace) -> None:
        """The crowd comes, the drop opens, the partner buys and sells beside it."""
        to_opening_s = self._opens_at_ms / 1000 - time.time()
        arrive_s = max(ARRIVAL_MIN_S, to_opening_s / EARLY_SHARE)
        each = self._shoppers // CROWD_PROCESSES
        processes = [
            (
                "shop",
                *("--gateway", self._stage.gateway, "--shop", self._stage.shop),
                *("--sale", SALE, "--drop", self._drop, "--seed", str(self._seed)),
                *("--shoppers", str(each), "--first", str(number * each)),
                *("--arrive-s", f"{arrive_s:.1f}", "--journal", self._promises()[number]),
            )
            for number in range(CROWD_PROCESSES)
        ]
        with self._phases.phase("sell", "the drop", total=self._shoppers) as phase:

            def told(ends: Counter[str], counts: Counter[str]) -> None:
                gone = sum(count for end, count in ends.items() if end not in STILL_THERE)
                words = f"{ends['joined']:,} joined, {ends['bought']:,} bought"
                to_go_s = self._opens_at_ms / 1000 - time.time()
                opening = f", opens in {to_go_s:.0f} s" if to_go_s > 0 else ""
                phase.say(f"{words}, {counts['calls']:,} calls{opening}", done=gone)

            log = self._directory / "logs" / "crowd.log"
            heard, _ = await asyncio.gather(crowd(processes, told, log), self._trade(market))
        self._note_crowd(heard)

    async def _trade(self, market: Marketplace) -> None:
        """The partner: takes its codes before the opening; buys, sells and gives back after it."""
        await market.do("take", drop=self._drop)
        await asyncio.sleep(max(0.0, self._opens_at_ms / 1000 - time.time()))
        await market.behave(slow_ms=5, fail_share=0.05, twice_share=0.05)
        await asyncio.gather(
            market.do("buy", drop=self._drop, singles=60, holds=20, batches=4, batch_size=50),
            market.do("sell", share=PARTNER_SELLS),
        )
        await market.do("return")

    def _note_crowd(self, heard: Heard) -> None:
        figures, ends = self._figures, heard.ends
        figures.joined, figures.admitted = ends["joined"], ends["admitted"]
        figures.gave_up = ends["gave_up"]
        figures.ends = {end: n for end, n in ends.items() if end not in STILL_THERE}
        figures.refusals = dict(heard.refusals)
        figures.requests, figures.polls = heard.counts["calls"], heard.counts["polls"]
        figures.crowd_cpu_s = round(heard.cpu_s, 1)
        times = [ms for each in heard.times_ms.values() for ms in each]
        figures.p50_ms = round(percentile(times, 0.50), 1)
        figures.p99_ms = round(percentile(times, 0.99), 1)
        figures.calls_ms = {
            kind: {
                "count": len(each),
                "p50": round(percentile(each, 0.5), 1),
                "p99": round(percentile(each, 0.99), 1),
            }
            for kind, each in heard.times_ms.items()
        }

    async def _redeem(self) -> None:
        """People come to the venues with their codes."""
        words: Words = (
            "redeem",
            *("--gateway", self._stage.gateway, "--keys", self._stage.keys.kiosks),
            *("--venues", self._stage.venues, "--share", str(REDEEMED_SHARE)),
            *("--seed", str(self._seed), "--journal", self._directory / "kiosks.jsonl"),
            *self._promises(),
        )
        with self._phases.phase("redeem", "the kiosks") as phase:

            def told(ends: Counter[str], _: Counter[str]) -> None:
                phase.say(f"{ends['redeemed']:,} codes redeemed")

            log = self._directory / "logs" / "kiosks.log"
            heard = await crowd([words], told, log)
            for code, times in heard.refusals.items():
                refusals = self._figures.refusals
                refusals[code] = refusals.get(code, 0) + times
            self._figures.kiosk_surprises = len(heard.surprises)
            (self._directory / "surprises.txt").write_text("\n".join(heard.surprises))

    async def _close(self, session: aiohttp.ClientSession, market: Marketplace) -> None:
        """Refunds, then the end: nothing held any more, and what is unsold goes back."""
        installation = self._stage.installation
        with self._phases.phase("close", "refunds and close") as phase:
            await market.do("refund", count=PARTNER_REFUNDS)
            await market.do("resume")
            await self._give_back_what_is_owed(session)
            await installation.command("sale", "drain", SALE)
            deadline = time.monotonic() + ENDED_WAIT_S
            while (held := (await self._units())["held"]) and time.monotonic() < deadline:
                phase.say(f"{held} units are held by people who walked off")
            await installation.command("sale", "close", SALE)
            while _left(units := await self._units()) and time.monotonic() < deadline:
                phase.say(f"{_left(units)} units are still to go back")
        figures = self._figures
        figures.units_released = units["released"]
        figures.units_sold = units["sold"] + units["redeemed"]
        figures.units_voided, figures.units_returned = units["voided"], units["returned"]
        figures.units_left = _left(units)
        self._note_day()

    async def _give_back_what_is_owed(self, session: aiohttp.ClientSession) -> None:
        """The operator refunds those whose money came when the units were gone."""
        owed = [line["order"] for line in read(*self._promises()) if line["what"] == OWED]
        credential = self._stage.keys.operator.read_text()
        for order in owed:
            headers = {"Authorization": f"Bearer {credential}", "Idempotency-Key": f"late-{order}"}
            url = f"{self._stage.gateway}/v1/operator/sales/{SALE}/orders/{order}/refund"
            async with session.post(url, json={}, headers=headers) as answer:
                self._figures.paid_too_late_refunded += answer.status == 200
        self._figures.paid_too_late = len(owed)

    async def _units(self) -> dict[str, int]:
        counts = await scene.read_counts(self._stage.installation)
        units: dict[str, int] = counts["drops"][self._drop]
        return units

    def _promises(self) -> list[Path]:
        return [self._directory / f"promises-{number}.jsonl" for number in range(CROWD_PROCESSES)]


def _left(units: dict[str, int]) -> int:
    """Units that have not come to an end."""
    return units["available"] + units["held"] + units["allotted"]


STILL_THERE = frozenset({"joined", "admitted", "came_again"})
"""Ends that are no end of a visit: what was counted on the way."""
