"""The venue's HTTP interface, asked at its pace and asked again until it answers.

Belongs here: requests, answers, what a lost answer means. Not here: what to buy, and the memory of
what was bought (`journal`). Every call is repeatable by its id, so each failure is repeated.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import aiohttp

from settlement.venue.pacing import Pace

ATTEMPTS_MAX = 20
TIMEOUT_S = 10.0
ANSWER_MAX_BYTES = 1024 * 1024
LABEL_MAX_CHARS = 32
CODE_MAX_CHARS = 64


class VenueUnavailable(Exception):
    """No answer after all attempts; it may have happened. Repeat with the same request id."""


class VenueContradiction(Exception):
    """An answer that cannot be true (other seats than asked, no code): a person must look."""


@dataclass(frozen=True, slots=True)
class Bought:
    """The seats and their pickup codes, in the order they were asked for."""

    seats: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class SeatsTaken:
    """Nothing was bought: these seats are gone or unknown at the venue."""

    seats: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class UsedSeat:
    """A unit that was redeemed: the seat as the venue knows it, and when (ms UTC)."""

    offer: str
    seat: str
    at_ms: int


@dataclass(frozen=True, slots=True)
class Accepted:
    """How many of a batch were news to the venue, and which seats it does not know as sold."""

    new: int
    unknown: tuple[tuple[str, str], ...]


class VenueClient:
    """One venue back end. The session is the caller's, and so is its end."""

    def __init__(self, session: aiohttp.ClientSession, url: str, pace: Pace) -> None:
        self._session, self._url, self._pace = session, url.rstrip("/"), pace

    async def free_seats(self, offer: str) -> tuple[str, ...]:
        """The seats of a screening that the venue still sells, in the hall's order."""
        status, body = await self._ask("GET", f"/screenings/{offer}/seats", None)
        if status != 200:
            raise VenueContradiction(f"seats of {offer}: status {status}: {_code(body)}")
        return tuple(_label(line["seat"]) for line in _list(body, "seats") if line["free"] is True)

    async def purchase(
        self, request_id: str, offer: str, seats: Sequence[str]
    ) -> Bought | SeatsTaken:
        """Buy all the seats or none. The same request id buys once, however often it is sent."""
        asked = {"request_id": request_id, "seats": list(seats)}
        status, body = await self._ask("POST", f"/screenings/{offer}/purchases", asked)
        if status in (404, 409):
            gone = tuple(str(seat) for seat in _list(body, "seats"))
            if not gone or not set(gone) <= set(seats):
                raise VenueContradiction(f"{request_id}: refused without saying which seats")
            return SeatsTaken(gone)
        if status not in (200, 201):
            raise VenueContradiction(f"{request_id}: status {status}: {_code(body)}")
        codes = {_label(line["seat"]): _pickup_code(line["code"]) for line in _list(body, "seats")}
        if set(codes) != set(seats) or len(set(codes.values())) != len(codes):
            raise VenueContradiction(f"{request_id}: other seats or codes than were asked for")
        return Bought(tuple((seat, codes[seat]) for seat in seats))

    async def redeem(self, batch_id: str, used: Sequence[UsedSeat]) -> Accepted:
        """Tell the venue which seats were used; each counts once, however often it is told."""
        lines = [{"offer": u.offer, "seat": u.seat, "at_ms": u.at_ms} for u in used]
        asked = {"batch_id": batch_id, "redemptions": lines}
        status, body = await self._ask("POST", "/redemptions", asked)
        if status != 200:
            raise VenueContradiction(f"{batch_id}: status {status}: {_code(body)}")
        unknown = tuple((str(u["offer"]), str(u["seat"])) for u in _list(body, "unknown"))
        return Accepted(int(body["accepted"]), unknown)

    async def _ask(
        self, method: Literal["GET", "POST"], path: str, body: object
    ) -> tuple[int, dict[str, Any]]:
        """The venue's answer that is one: 429, 5xx and lost lines are waited out and repeated."""
        last = "never sent"
        for _ in range(ATTEMPTS_MAX):
            await self._turn()
            try:
                status, retry_after_s, answer = await self._send(method, path, body)
            except (aiohttp.ClientError, TimeoutError, ValueError) as lost:
                last = f"lost: {lost!r}"
                self._pace.failed(time.monotonic())
                continue
            if status == 429:
                last = "429, too fast"
                self._pace.refused(time.monotonic(), retry_after_s)
            elif status >= 500:
                last = f"status {status}"
                self._pace.failed(time.monotonic(), retry_after_s)
            else:
                self._pace.answered(time.monotonic())
                return status, answer
        raise VenueUnavailable(f"{method} {path}: {ATTEMPTS_MAX} attempts, the last: {last}")

    async def _turn(self) -> None:
        while (wait_s := self._pace.wait_s(time.monotonic())) > 0.0:  # noqa: ASYNC110 - waits for time
            await asyncio.sleep(wait_s)

    async def _send(
        self, method: str, path: str, body: object
    ) -> tuple[int, float, dict[str, Any]]:
        timeout = aiohttp.ClientTimeout(total=TIMEOUT_S)
        url = self._url + path
        async with self._session.request(method, url, json=body, timeout=timeout) as response:
            if (response.content_length or 0) > ANSWER_MAX_BYTES:
                raise ValueError("the answer is too long")
            answer = await response.json(content_type=None)
            if not isinstance(answer, dict):
                raise ValueError("the answer is no JSON object")
            return response.status, _seconds(response.headers.get("Retry-After", "0")), answer


def _seconds(retry_after: str) -> float:
    """Retry-After in seconds; its date form is read as one second, venues do not send it."""
    return float(retry_after) if retry_after.isdecimal() else 1.0


def _code(body: dict[str, Any]) -> str:
    return str(body.get("code", "no code"))[:64]


def _list(body: dict[str, Any], name: str) -> list[Any]:
    value = body.get(name, [])
    if not isinstance(value, list):
        raise VenueContradiction(f"{name} is no list")
    return value


def _label(value: object) -> str:
    if not isinstance(value, str) or not 0 < len(value) <= LABEL_MAX_CHARS:
        raise VenueContradiction("a seat label must be a short text")
    return value


def _pickup_code(value: object) -> str:
    if not isinstance(value, str) or not 0 < len(value) <= CODE_MAX_CHARS:
        raise VenueContradiction("a pickup code must be a short text")
    return value
