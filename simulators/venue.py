"""The venue's back end: sells seats in bulk, slowly, and fails at the worst moments.

Belongs here: the HTTP calls, the request limit, latency and the faults it plays. What was sold is
in `venue_books`. Faults strike after the effect too, so only a client that repeats by request id
survives them.
"""

from __future__ import annotations

import asyncio
import math
import random
import time
from collections import Counter, deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click
from aiohttp import web

from simulators.serving import BODY_MAX_BYTES, problem, read_object, run
from simulators.venue_books import (
    Books,
    NoSuchSeat,
    Purchase,
    RequestReused,
    Taken,
    read_screenings,
)

SEATS_PER_PURCHASE_MAX = 200
REDEMPTIONS_PER_BATCH_MAX = 1000
RATE_WINDOW_S = 1.0

Answer = Callable[[web.Request], Awaitable[web.Response]]


@dataclass(frozen=True, slots=True)
class Temper:
    """How badly the venue behaves: shares are of requests that passed the limit."""

    rate_per_s: float = 20.0
    burst: int = 5
    latency_ms: int = 20
    error_share: float = 0.0
    drop_share: float = 0.0


class Gate:
    """The request limit: `burst` at once and `rate_per_s` after; remembers the highest rate seen.

    The times are those of arrival. A refused request counts as seen and costs nothing.
    """

    def __init__(self, rate_per_s: float, burst: int) -> None:
        self.rate_per_s, self.burst = rate_per_s, burst
        self.highest_in_1_s = 0
        self._tokens = float(burst)
        self._at_s = -math.inf
        self._seen: deque[float] = deque()

    def wait_s(self, now_s: float) -> float:
        """0.0 when the request may pass, else the seconds until one may."""
        self._seen.append(now_s)
        while self._seen[0] <= now_s - RATE_WINDOW_S:
            self._seen.popleft()
        self.highest_in_1_s = max(self.highest_in_1_s, len(self._seen))
        earned = (now_s - self._at_s) * self.rate_per_s
        self._tokens, self._at_s = min(float(self.burst), self._tokens + earned), now_s
        if self._tokens < 1.0:
            return (1.0 - self._tokens) / self.rate_per_s
        self._tokens -= 1.0
        return 0.0


class Venue:
    """The HTTP face of the books."""

    def __init__(self, books: Books, temper: Temper, seed: int) -> None:
        self.books, self.temper = books, temper
        self.gate = Gate(temper.rate_per_s, temper.burst)
        self.counts: Counter[str] = Counter()
        self._dice = random.Random(seed)

    def application(self) -> web.Application:
        """The venue's calls; all but `/report` and `/box-office` pass the limit and the faults."""
        app = web.Application(client_max_size=BODY_MAX_BYTES)
        app.on_cleanup.append(self._close)
        app.add_routes(
            [
                web.get("/screenings/{offer}/seats", self._limited(self.seats)),
                web.post("/screenings/{offer}/purchases", self._limited(self.purchase)),
                web.post("/redemptions", self._limited(self.redemptions)),
                web.post("/box-office", self.box_office),
                web.get("/report", self.report),
            ]
        )
        return app

    async def _close(self, _: web.Application) -> None:
        self.books.close()

    def _limited(self, answer: Answer) -> Answer:
        async def limited(request: web.Request) -> web.Response:
            self.counts["requests"] += 1
            wait_s = self.gate.wait_s(time.monotonic())
            if wait_s > 0.0:
                self.counts["too_fast"] += 1
                refusal = problem(429, "too_fast", "the venue cannot bear more")
                refusal.headers["Retry-After"] = str(math.ceil(wait_s))
                return refusal
            return await self._played(request, answer)

        return limited

    async def _played(self, request: web.Request, answer: Answer) -> web.Response:
        """The answer, late, and sometimes lost: before the effect, after it, or with the line."""
        temper, dice = self.temper, self._dice
        await asyncio.sleep(temper.latency_ms * dice.uniform(0.5, 1.5) / 1000)
        fails, drops = dice.random() < temper.error_share, dice.random() < temper.drop_share
        if fails and dice.random() < 0.5:
            self.counts["errors"] += 1
            return problem(500, "internal", "the venue failed before it did anything")
        whole = await answer(request)
        if fails:
            self.counts["errors"] += 1
            return problem(500, "internal", "the venue failed, and it may have happened")
        if drops and request.transport is not None:
            self.counts["dropped"] += 1
            request.transport.abort()
        return whole

    async def seats(self, request: web.Request) -> web.Response:
        """`{"offer", "seats": [{"seat", "free"}]}` in the order of the hall."""
        offer = request.match_info["offer"]
        labels = self.books.order.get(offer)
        if labels is None:
            return problem(404, "unknown_screening", f"no screening {offer!r}")
        sold = self.books.sold
        listed = [{"seat": seat, "free": (offer, seat) not in sold} for seat in labels]
        return web.json_response({"offer": offer, "seats": listed})

    async def purchase(self, request: web.Request) -> web.Response:
        """All seats or none, with their pickup codes; once per request id."""
        body = await read_object(request)
        seats, request_id = body.get("seats"), body.get("request_id")
        if not isinstance(request_id, str) or not 0 < len(request_id) <= 128:
            return problem(422, "bad_request_id", "request_id must be 1..128 characters")
        if (
            not isinstance(seats, list)
            or not 0 < len(seats) <= SEATS_PER_PURCHASE_MAX
            or not all(isinstance(seat, str) for seat in seats)
            or len(set(seats)) != len(seats)
        ):
            detail = f"seats must be 1..{SEATS_PER_PURCHASE_MAX} labels, each once"
            return problem(422, "bad_seats", detail)
        replayed = request_id in self.books.purchases
        outcome = self.books.buy(request_id, request.match_info["offer"], seats)
        self.counts["replays" if replayed else "purchases"] += isinstance(outcome, Purchase)
        match outcome:
            case Purchase(_, offer, labels):
                sold = [{"seat": seat, "code": self.books.code(offer, seat)} for seat in labels]
                bought = {"request_id": request_id, "offer": offer, "seats": sold}
                return web.json_response(bought, status=200 if replayed else 201)
            case RequestReused():
                return problem(422, "request_reused", "the request id has other content")
            case NoSuchSeat(labels):
                return problem(404, "unknown_seats", "no such seats", seats=list(labels))
            case Taken(labels):
                return problem(409, "seats_taken", "some seats are gone", seats=list(labels))

    async def redemptions(self, request: web.Request) -> web.Response:
        """`{"batch_id", "redemptions": [{"offer", "seat", "at_ms"}]}`; each seat counts once."""
        lines = (await read_object(request)).get("redemptions")
        if not isinstance(lines, list) or not 0 < len(lines) <= REDEMPTIONS_PER_BATCH_MAX:
            detail = f"redemptions must be 1..{REDEMPTIONS_PER_BATCH_MAX} lines"
            return problem(422, "bad_redemptions", detail)
        try:
            used = [(str(line["offer"]), str(line["seat"]), int(line["at_ms"])) for line in lines]
        except (KeyError, TypeError, ValueError) as wrong:
            return problem(422, "bad_redemptions", f"a line needs offer, seat, at_ms: {wrong!r}")
        new, unknown = self.books.redeem(used)
        self.counts["redemption_repeats"] += len(used) - new - len(unknown)
        refused = [{"offer": offer, "seat": seat} for offer, seat in unknown]
        return web.json_response({"accepted": new, "unknown": refused})

    async def box_office(self, request: web.Request) -> web.Response:
        """`{"offer", "seats"}`: somebody at the counter buys these seats from under us."""
        body: dict[str, Any] = await read_object(request)
        label = f"counter-{len(self.books.purchases)}"
        outcome = self.books.buy(label, body["offer"], body["seats"])
        return web.json_response({"sold": isinstance(outcome, Purchase)})

    async def report(self, _: web.Request) -> web.Response:
        """What a test asks: how often each seat was sold, and how fast the requests came."""
        often = {f"{o}/{s}": n for (o, s), n in self.books.times_sold.items() if n > 1}
        counts = {name: self.counts[name] for name in COUNTED}
        return web.json_response(
            {
                "seats": sum(map(len, self.books.order.values())),
                "seats_sold": len(self.books.sold),
                "sold_more_than_once": often,
                "redeemed": len(self.books.redeemed),
                "highest_in_1_s": self.gate.highest_in_1_s,
                "rate_per_s": self.gate.rate_per_s,
                "burst": self.gate.burst,
                **counts,
            }
        )


COUNTED = (
    "requests", "too_fast", "errors", "dropped", "purchases", "replays", "redemption_repeats",
)  # fmt: skip


@click.command(short_help="A venue's slow, failing back end.")
@click.option(
    "--seats",
    type=click.Path(exists=True, path_type=Path),
    required=True,
    help="sale.toml (offers with supply=venue), or JSON {offer: [seat, ...]}",
)
@click.option("--state", type=click.Path(path_type=Path), required=True, help="journal file")
@click.option("--host", default="127.0.0.1", show_default=True)
@click.option("--port", default=8092, show_default=True)
@click.option("--rate-per-s", default=20.0, show_default=True, help="requests it can bear")
@click.option("--burst", default=5, show_default=True)
@click.option("--latency-ms", default=20, show_default=True)
@click.option("--error-share", default=0.02, show_default=True, help="500s, half after the effect")
@click.option("--drop-share", default=0.02, show_default=True, help="connections cut after it")
@click.option("--seed", default=38, show_default=True)
def command(
    *,
    seats: Path,
    state: Path,
    host: str,
    port: int,
    rate_per_s: float,
    burst: int,
    latency_ms: int,
    error_share: float,
    drop_share: float,
    seed: int,
) -> None:
    """A venue's back end with a tight request limit, slow, and failing now and then.

    What was sold is kept in the --state file. GET /report tells how often each seat was sold.
    """
    state.parent.mkdir(parents=True, exist_ok=True)
    books = Books(read_screenings(seats), state, secret=f"venue-{seed}".encode())
    temper = Temper(rate_per_s, burst, latency_ms, error_share, drop_share)
    run(Venue(books, temper, seed).application(), name="venue-sim", host=host, port=port)


if __name__ == "__main__":
    command()
