"""The partner marketplace: buys through Dropgate, sells its allotment, keeps a book, and may lie.

Belongs here: its HTTP face, by which it is told what to do and asked for its statement, and its
command. What it does is in `partner_orders` and `partner_allotments`.
"""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import asdict
from datetime import date
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import aiohttp
import click
from aiohttp import web

from simulators.partner_allotments import Allotments
from simulators.partner_book import Book, StatementLine, to_csv
from simulators.partner_client import Behaviour, GatewayClient
from simulators.partner_jobs import Jobs
from simulators.partner_lies import CLASSES, Lie, TooFewLines, as_json, falsify
from simulators.partner_orders import Orders
from simulators.serving import problem, read_object, run

CONNECTIONS_MAX = 16


class Partner:
    """The HTTP face of the partner."""

    def __init__(
        self,
        *,
        book: Book,
        gateway: str,
        credential: str,
        sale: str,
        name: str,
        seed: int,
        behaviour: Behaviour,
    ) -> None:
        self._book, self._gateway, self._credential = book, gateway, credential
        self._sale, self._name, self._seed = sale, name, seed
        self._behaviour = behaviour
        self._dice = random.Random(seed)

    def application(self) -> web.Application:
        """Its calls."""
        app = web.Application(middlewares=[self._misbehaving])
        app.cleanup_ctx.append(self._connected)
        app.add_routes(
            [
                web.post("/jobs", self.start_job),
                web.get("/jobs/{number}", self.job),
                web.post("/behaviour", self.behave),
                web.get("/report", self.report),
                web.get("/orders", self.orders),
                web.get("/statement", self.statement),
                web.get("/planted", self.planted),
            ]
        )
        return app

    async def _connected(self, _: web.Application) -> AsyncIterator[None]:
        connector = aiohttp.TCPConnector(limit=CONNECTIONS_MAX)
        async with aiohttp.ClientSession(connector=connector) as session:
            client = GatewayClient(session, self._gateway, self._credential, self._seed)
            client.behaviour = self._behaviour
            self._client = client
            orders = Orders(self._book, client, self._sale, self._name, self._seed)
            allotments = Allotments(self._book, client, self._sale, self._seed)
            self._jobs = Jobs(client, orders, allotments, self._sale)
            yield
            await self._jobs.stop()
        self._book.close()

    @web.middleware
    async def _misbehaving(
        self, request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
    ) -> web.StreamResponse:
        """Slow and failing towards whoever asks for its statement, too."""
        if request.path == "/statement":
            await asyncio.sleep(self._behaviour.slow_ms / 1000)
            if self._dice.random() < self._behaviour.fail_share:
                return problem(500, "internal", "the partner failed")
        return await handler(request)

    async def start_job(self, request: web.Request) -> web.Response:
        """`{"do": "buy", "refund", "take", "sell", "return" or "resume", …}`: 202, its number."""
        body = await read_object(request)
        try:
            number = self._jobs.start(body.pop("do", None), body)
        except (TypeError, ValueError, KeyError) as wrong:
            return problem(422, "bad_job", f"no such job: {wrong}")
        return web.json_response({"job": number}, status=202)

    async def job(self, request: web.Request) -> web.Response:
        """How a job is getting on: `{"do", "state": "running", "done" or "failed", "error"}`."""
        number = request.match_info["number"]
        job = self._jobs.find(int(number)) if number.isdecimal() else None
        if job is None:
            return problem(404, "unknown_job", "no such job")
        return web.json_response(asdict(job))

    async def behave(self, request: web.Request) -> web.Response:
        """`{"slow_ms", "fail_share", "twice_share", "lies": {class: count}}`, any of them."""
        body: dict[str, Any] = await read_object(request)
        lies = body.get("lies", {})
        if not isinstance(lies, dict) or not set(lies) <= set(CLASSES):
            return problem(422, "bad_lies", f"lies are counts of {CLASSES}")
        behaviour = self._behaviour
        behaviour.slow_ms = int(body.get("slow_ms", behaviour.slow_ms))
        behaviour.fail_share = float(body.get("fail_share", behaviour.fail_share))
        behaviour.twice_share = float(body.get("twice_share", behaviour.twice_share))
        if "lies" in body:
            behaviour.lies = {kind: int(count) for kind, count in lies.items()}
        return web.json_response(asdict(behaviour))

    async def report(self, _: web.Request) -> web.Response:
        """What its book says."""
        book = self._book
        states = Counter(unit.state for unit in book.allotted.values())
        return web.json_response(
            {
                "orders": len(book.orders),
                "units": sum(order["quantity"] for order in book.orders.values()),
                "refunded": sum(bool(order.get("refunded")) for order in book.orders.values()),
                "refusals": Counter(book.refused.values()),
                "open": len(book.open_intents()),
                "allotted": states,
                "calls": self._client.counts,
                "contradictions": book.contradictions[:20],
            }
        )

    async def orders(self, _: web.Request) -> web.Response:
        """Everything that is its customers' now: orders not refunded, and reported units."""
        kept = [
            {name: order[name] for name in ("order", "units", "codes")}
            for order in self._book.orders.values()
            if not order.get("refunded")
        ]
        reported = [
            {
                "order": f"{unit.allotment}/{unit.unit}",
                "units": [[unit.offer, unit.unit]],
                "codes": [unit.code],
            }
            for unit in self._book.units("reported")
        ]
        return web.json_response(kept + reported)

    async def statement(self, request: web.Request) -> web.Response:
        """`?date=YYYY-MM-DD[&timezone=]`: its day as CSV, with the lies it was told to tell."""
        try:
            lines, _, timezone = self._tell(request)
        except TooFewLines as wrong:
            return problem(409, "too_few_lines", str(wrong))
        except (KeyError, ValueError) as wrong:
            return problem(422, "bad_date", f"date must be YYYY-MM-DD: {wrong}")
        return web.Response(text=to_csv(lines, timezone), content_type="text/csv")

    async def planted(self, request: web.Request) -> web.Response:
        """`?date=YYYY-MM-DD[&timezone=]`: what is false in that day's statement."""
        try:
            _, lies, _ = self._tell(request)
        except (KeyError, ValueError) as wrong:
            return problem(422, "bad_date", f"date must be YYYY-MM-DD: {wrong}")
        return web.json_response(as_json(lies))

    def _tell(self, request: web.Request) -> tuple[list[StatementLine], list[Lie], ZoneInfo]:
        """A function of the book, the lies and the seed: the same as long as those are."""
        timezone = ZoneInfo(request.query.get("timezone", "UTC"))
        day = date.fromisoformat(request.query["date"])
        lines = self._book.statement(day, timezone)
        told, lies = falsify(lines, self._behaviour.lies, self._seed)
        return told, lies, timezone


@click.command(short_help="A partner marketplace that sells.")
@click.option("--gateway", required=True, help="Dropgate's address, http://host:port")
@click.option(
    "--credential-file",
    type=click.Path(exists=True, path_type=Path),
    required=True,
    help="file that holds the partner's key, dgk_…",
)
@click.option("--sale", required=True, help="the sale it buys in")
@click.option("--name", default="partner", show_default=True, help="begins its keys")
@click.option("--book", type=click.Path(path_type=Path), required=True, help="its book (JSONL)")
@click.option("--host", default="127.0.0.1", show_default=True)
@click.option("--port", default=8093, show_default=True)
@click.option("--slow-ms", default=0, show_default=True, help="waits before it calls and answers")
@click.option("--fail-share", default=0.0, show_default=True, help="calls cut off and repeated")
@click.option("--twice-share", default=0.0, show_default=True, help="calls sent twice at once")
@click.option("--lie", multiple=True, metavar="CLASS=COUNT", help=f"of {', '.join(CLASSES)}")
@click.option("--seed", default=38, show_default=True)
def command(
    *,
    gateway: str,
    credential_file: Path,
    sale: str,
    name: str,
    book: Path,
    host: str,
    port: int,
    slow_ms: int,
    fail_share: float,
    twice_share: float,
    lie: tuple[str, ...],
    seed: int,
) -> None:
    """A partner marketplace: buys through Dropgate, sells its allotment, keeps a book, may lie.

    POST /jobs tells it what to do, POST /behaviour how badly; GET /statement?date= is its day.
    """
    partner = Partner(
        book=Book(book),
        gateway=gateway,
        credential=credential_file.read_text().strip(),
        sale=sale,
        name=name,
        seed=seed,
        behaviour=Behaviour(slow_ms, fail_share, twice_share, _lies(lie)),
    )
    run(partner.application(), name="partner-sim", host=host, port=port)


def _lies(texts: tuple[str, ...]) -> dict[str, int]:
    lies = {}
    for text in texts:
        kind, _, count = text.partition("=")
        if kind not in CLASSES or not count.isdecimal():
            raise click.BadParameter(f"{text!r}: give CLASS=COUNT, a class of {', '.join(CLASSES)}")
        lies[kind] = int(count)
    return lies


if __name__ == "__main__":
    command()
