"""The day after the drop, and the proof that every promise was kept and the books say the same.

Belongs here: settling, reconciling, auditing, each by what an outsider can ask.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import aiohttp

from loadtest.crowd.driver import Words, crowd
from loadtest.crowd.journal import CONFIRMED, read
from loadtest.demo import stage as scene
from loadtest.demo.figures import Figures, compare_breaks
from loadtest.demo.marketplace import LIES, Marketplace
from loadtest.demo.stage import PARTNER, SALE, Stage
from loadtest.installation import Failed
from loadtest.phases import Phases
from loadtest.verdict import judge

SETTLED_WAIT_S = 60.0
POSTED = "dropgate_settlement_fact_number"


class Aftermath:
    """What follows a drop; it completes the figures."""

    def __init__(
        self,
        stage: Stage,
        phases: Phases,
        figures: Figures,
        *,
        market: Marketplace,
        promises: Sequence[Path],
        days: set[str],
        limit: int,
        timezone: str,
    ) -> None:
        self._stage, self._phases, self._figures = stage, phases, figures
        self._market, self._promises = market, promises
        self._days, self._limit, self._timezone = days, limit, timezone

    async def reconcile(self, session: aiohttp.ClientSession) -> None:
        """The day after: the box office hears what was used, the partner's list is matched."""
        installation, figures = self._stage.installation, self._figures
        with self._phases.phase("settle", "the day after") as phase:
            phase.say("the box office hears what was used")
            rate = ("--rate-per-s", str(scene.ASKED_PER_S))
            await self._wait_until_settled()
            await installation.command("venue", "report", SALE, "--url", self._stage.venue, *rate)
            venue = await scene.read_json(f"{self._stage.venue}/report")
            figures.venue_seats_bought = venue["seats_sold"]
            figures.venue_seats_bought_twice = len(venue["sold_more_than_once"])
            figures.venue_redemptions = venue["redeemed"]
            await self._market.behave(lies=LIES)
            planted: list[tuple[str, str]] = []
            found: list[tuple[str, str]] = []
            for day in sorted(self._days):
                phase.say(f"the partner's statement of {day}")
                text = await self._market.statement(day, self._timezone)
                planted += await self._market.planted(day, self._timezone)
                found += await self._breaks(session, day, text)
            figures.breaks_planted, figures.breaks_found = len(planted), len(found)
            breaks, figures.breaks_wrong = compare_breaks(planted, found)
            figures.breaks = dict(breaks)
            phase.say(f"{len(planted)} lies, {len(found)} found")

    async def _wait_until_settled(self) -> None:
        """Until the settlement worker has posted the last fact that the store has."""
        last = (await scene.read_counts(self._stage.installation))["fact"]
        deadline = time.monotonic() + SETTLED_WAIT_S
        while (posted := await self._posted()) < last:
            if time.monotonic() > deadline:
                raise Failed(f"the books stand at fact {posted}, the store at {last}")
            await asyncio.sleep(0.2)

    async def _posted(self) -> int:
        """The last fact in the books, as /metrics tells; 0 while the worker is silent."""
        url = f"{self._stage.gateway}/metrics"
        async with aiohttp.ClientSession() as session, session.get(url) as answer:
            lines = (await answer.text()).splitlines()
        told = [line for line in lines if line.startswith(POSTED) and f'"{SALE}"' in line]
        return round(max((float(line.rsplit(" ", 1)[1]) for line in told), default=0.0))

    async def _breaks(
        self, session: aiohttp.ClientSession, day: str, text: str
    ) -> list[tuple[str, str]]:
        """Hand the statement in over HTTP, as the partner; (class, order) of every break."""
        credential = self._stage.keys.partner.read_text()
        headers = {"Authorization": f"Bearer {credential}", "Content-Type": "text/csv"}
        url = f"{self._stage.gateway}/v1/partner/statements?date={day}"
        async with session.post(url, data=text.encode(), headers=headers) as answer:
            run = await answer.json()
            if answer.status != 201:
                raise Failed(f"the statement was not taken: {run}")
        return [(each["class"], each["order"]) for each in run["breaks"]]

    async def prove(self) -> None:
        """Everything that was promised is compared with everything there is."""
        installation, figures = self._stage.installation, self._figures
        with self._phases.phase("audit", "the proof") as phase:
            phase.say("every buyer reads the order again")
            words: Words = ("look-again", "--gateway", self._stage.gateway, *self._promises)
            log = installation.directory / "logs" / "look-again.log"
            again = await crowd([words], lambda _ends, _counts: None, log)
            phase.say("promises against the books")
            orders = await self._market.get("/orders")
            await self._judge(orders)
            booked = await self._booked()
            promised = {
                line["order"] for line in read(*self._promises) if line["what"] == CONFIRMED
            }
            mine = await self._market.get("/report")
            promised |= {order["order"] for order in orders if "/" not in order["order"]}
            figures.lost_orders = len(again.surprises) + len(promised - booked)
            figures.ledger_orders = len(booked)
            figures.orders_of_partner = mine["orders"]
            for code, times in mine["refusals"].items():
                figures.refusals[code] = figures.refusals.get(code, 0) + times
            figures.orders_confirmed += mine["orders"]
            phase.say("the audit of every invariant")
            said = await installation.command("sale", "audit", SALE, "--json", allowed=(0, 3))
            checks = json.loads(said)["checks"]
            figures.audit = {check["name"]: check["ok"] for check in checks}
            balance = next(check for check in checks if check["name"] == "trial_balance")
            figures.trial_balance = len(balance["violations"])
            phase.say(f"{sum(figures.audit.values())} of {len(checks)} checks hold")

    async def _judge(self, partner_orders: list[dict[str, Any]]) -> None:
        directory = self._stage.installation.directory
        counts = await scene.read_counts(self._stage.installation)
        released = {offer: units["released"] for offer, units in counts["offers"].items()}
        promises = read(*self._promises, directory / "kiosks.jsonl")
        verdict = judge(promises, partner_orders, released=released, limit=self._limit)
        figures = self._figures
        figures.oversold, figures.over_limit = verdict.oversold, verdict.over_limit
        figures.double_redeemed, figures.redeemed = verdict.double_redeemed, verdict.redeemed
        figures.orders_confirmed = verdict.orders

    async def _booked(self) -> set[str]:
        """Ids of all orders that the books know as sold, the shop's and the partner's."""
        booked: set[str] = set()
        for seller in ("shop", PARTNER):
            for day in self._days:
                words = ("statement", seller, day, "--sale", SALE, "--json")
                told = json.loads(await self._stage.installation.command(*words))
                booked |= {
                    line["order"]
                    for line in told["lines"]
                    if line["status"] == "sold" and "/" not in line["order"]
                }
        return booked
