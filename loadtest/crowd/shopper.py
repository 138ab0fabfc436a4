"""One shopper: logs in, waits in the line, buys two seats or leaves empty-handed.

Belongs here: what people do, the sensible and the clumsy. What they were promised goes into the
journal at the moment they were told.
"""

from __future__ import annotations

import random
import time
from collections import Counter, deque
from dataclasses import dataclass, field
from typing import Any

from loadtest.crowd.calls import Answer, Calls, GaveUp
from loadtest.crowd.edge import Edges
from loadtest.crowd.journal import Journal
from loadtest.crowd.shelf import Offer, Shelf

OFFERS_TRIED_MAX = 4
ALL_HELD_WAITS_MAX = 1
CLAIMS_MAX = 200
WALKS_OFF, RELEASES, PAYS_LATE, COMES_AGAIN = 0.03, 0.05, 0.005, 0.02
LOOKS_AGAIN = 0.05
LEAVES = 0.5
"""Of those who find nothing that they want, who say so; the others just close the page."""
WANTS_ONE, WANTS_SEATS = 0.1, 0.05
LEFT_LYING_MAX = 1_000
PATIENCE_S = (3.0, 15.0)
"""How long people stay in a line for what others may give back."""

ROWS = "CDEFGH"
OTHER_OFFER = frozenset({"sold_out", "too_few", "offer_closed", "offer_not_open"})
FOUND_NOTHING = frozenset({"sold_out", "nothing_on_the_shelf"})
OTHER_LINES = frozenset({"seat_taken", "unknown_seat", "not_together"})


@dataclass(frozen=True, slots=True)
class Town:
    """Where everything is, for the shoppers of one process."""

    gateway: str
    shop: str
    sale: str
    calls: Calls
    shelf: Shelf
    edges: Edges
    journal: Journal
    ends: Counter[str] = field(default_factory=Counter)
    spent: deque[str] = field(default_factory=lambda: deque(maxlen=LEFT_LYING_MAX))
    """Passes that have bought, left lying about for a thief."""
    sold: deque[tuple[str, str]] = field(default_factory=lambda: deque(maxlen=LEFT_LYING_MAX))
    """Tickets on their way to a kiosk: offer and code."""

    @property
    def sale_url(self) -> str:
        """The sale's own address."""
        return f"{self.gateway}/v1/sales/{self.sale}"


class Shopper:
    """One person with one account."""

    def __init__(self, town: Town, name: str, seed: str, *, walks_off: float = WALKS_OFF) -> None:
        self._town, self._name, self._walks_off = town, name, walks_off
        self._dice = random.Random(seed)
        self._login = ""
        self._visits = 0

    async def visit(self) -> None:
        """From the login to the codes, or to wherever it ends; the town counts the ends."""
        try:
            end = await self._whole_visit()
            if end == "bought" and self._dice.random() < COMES_AGAIN:
                self._town.ends["came_again"] += 1
                self._town.ends[f"again_{await self._in_line()}"] += 1
        except GaveUp:
            end = "gave_up"
        self._town.ends[end] += 1

    async def _whole_visit(self) -> str:
        url = f"{self._town.shop}/login"
        status, body = await self._town.calls.write("login", url, "", {"user": self._name})
        if status != 200:
            return "no_login"
        self._login = f"Bearer {body['token']}"
        return await self._in_line()

    async def _in_line(self) -> str:
        """Join, and wait for the turn as the frame says; ends with the end of the visit."""
        town, calls = self._town, self._town.calls
        self._visits += 1
        key = f"join-{self._name}-{self._visits}"
        status, place = await calls.write(
            "join", f"{town.sale_url}/places", self._login, {}, key=key
        )
        if status not in (200, 201):
            return str(place.get("code"))
        town.ends["joined"] += self._visits == 1
        for _ in range(CLAIMS_MAX):
            end = await self._wait_for_turn(place)
            if end:
                return end
            token = f"Place {place['place']}"
            status, turn = await calls.write("claim", f"{town.sale_url}/passes", token, {})
            if status == 201:
                town.ends["admitted"] += 1
                end = await self._buy(f"Pass {turn['pass']}")
                if end in FOUND_NOTHING and self._dice.random() < LEAVES:
                    await calls.delete("leave", f"{town.sale_url}/places/me", token)
                return end
            if status != 202:
                return str(turn.get("code"))
            await self._town.calls.engine.sleep(turn["retry_ms"] / 1000)
        return "tired"

    async def _wait_for_turn(self, place: dict[str, Any]) -> str:
        """Poll the frame by its rule until our number is served: "", or why there is no hope."""
        frame, number = place["frame"], place["number"]
        turn = place.get("turn") or 0
        line = place["drop"], place["epoch"]
        token = f"Place {place['place']}"
        leaves_s = float("inf")
        while True:
            if (frame["drop"], frame["epoch"]) != line:
                return "lapsed"
            if frame["state"] in ("sold_out", "closed", "draining"):
                return f"room_{frame['state']}"
            if frame["state"] == "open":
                turn = turn or await self._drawn_turn(place, frame)
                if 0 < turn <= frame["lanes"][place["lane"]]["serving"]:
                    return ""
            leaves_s = self._patience(frame, leaves_s)
            if time.monotonic() > leaves_s:
                await self._town.calls.delete("leave", f"{self._town.sale_url}/places/me", token)
                return "left_the_line"
            await self._town.calls.engine.sleep(self._poll_after_s(frame, place))
            frame = await self._town.edges.frame(number) or frame

    async def _drawn_turn(self, place: dict[str, Any], frame: dict[str, Any]) -> int:
        """The turn that the draw gave, 0 while it is not told; who came later waits by number."""
        if place["number"] > frame["lanes"][place["lane"]]["drawn"]:
            return int(place["number"])
        town, token = self._town, f"Place {place['place']}"
        status, where = await town.calls.get("where", f"{town.sale_url}/places/me", token)
        place["turn"] = where["turn"] if status == 200 else 0
        return int(place["turn"])

    def _patience(self, frame: dict[str, Any], leaves_s: float) -> float:
        """When this shopper leaves the line: some time after hearing that nothing is left."""
        if frame["stock"] != "none":
            return float("inf")
        return min(leaves_s, time.monotonic() + self._dice.uniform(*PATIENCE_S))

    def _poll_after_s(self, frame: dict[str, Any], place: dict[str, Any]) -> float:
        """A share of the wait, bounded, drawn out at random, as the frame asks."""
        lane = frame["lanes"][place["lane"]]
        ahead = max(0, (place.get("turn") or place["number"]) - lane["serving"])
        to_opening_ms = max(0, frame["opens_at_ms"] - frame["at_ms"])
        wait_ms = to_opening_ms + 1000 * ahead / (lane["rate_per_s"] or 1.0)
        share, far_ms = frame.get("poll_share", 6), frame.get("poll_max_ms", 60_000)
        base_ms: float = min(far_ms, max(frame["poll_ms"], wait_ms / share))
        spread: float = frame.get("poll_spread", 0.25)
        return base_ms * (1 + self._dice.random() * spread) / 1000

    async def _buy(self, pass_: str) -> str:
        """Hold something of the shelf, then pay, change one's mind, or walk off."""
        held = await self._hold(pass_)
        if isinstance(held, str):
            return held
        self._town.spent.append(pass_)
        town, choice = self._town, self._dice.random()
        url = f"{town.gateway}/v1/orders/{held['id']}"
        if choice < self._walks_off:
            return "walked_off"
        if choice < self._walks_off + RELEASES:
            await town.calls.write("release", f"{url}/release", self._login, {})
            return "released"
        if choice > 1 - PAYS_LATE:
            late_s = held["expires_at_ms"] / 1000 + 1.0 - time.time()
            await town.calls.engine.sleep(max(0.0, late_s))
        return await self._pay(held, url)

    async def _hold(self, pass_: str) -> dict[str, Any] | str:
        tried: set[str] = set()
        key = f"hold-{self._name}-{self._visits}"
        waits = 0
        while len(tried) < OFFERS_TRIED_MAX:
            offer = await self._town.shelf.choose(self._dice, tried)
            if offer is None:
                return "nothing_on_the_shelf"
            status, order = await self._hold_of(offer, pass_, key)
            code = str(order.get("code"))
            if status in (200, 201):
                return order
            if code == "all_held" and waits < ALL_HELD_WAITS_MAX:
                waits += 1
                await self._town.calls.engine.sleep(self._until_s(order))
            elif code in OTHER_OFFER | OTHER_LINES | {"all_held"}:
                tried.add(offer.id)
            else:
                return code
        return "sold_out"

    async def _hold_of(self, offer: Offer, pass_: str, key: str) -> Answer:
        """Ask for seats of one's own choice or for so many; seats that do not do, for so many."""
        status, order = 0, {"code": ""}
        if self._dice.random() < WANTS_SEATS:
            seat = self._dice.randint(1, 11)
            row = self._dice.choice(ROWS)
            lines: dict[str, Any] = {
                "offer": offer.id,
                "seats": [f"{row}{seat}", f"{row}{seat + 1}"],
            }
            status, order = await self._hold_lines(lines, pass_, key)
        if status == 0 or order.get("code") in OTHER_LINES:
            quantity = 1 if self._dice.random() < WANTS_ONE else 2
            status, order = await self._hold_lines(
                {"offer": offer.id, "quantity": quantity}, pass_, key
            )
            if order.get("code") in OTHER_LINES | {"too_few"} and quantity > 1:
                one = {"offer": offer.id, "quantity": 1}
                status, order = await self._hold_lines(one, pass_, key)
        return status, order

    async def _hold_lines(self, line: dict[str, Any], pass_: str, key: str) -> Answer:
        url = f"{self._town.sale_url}/orders"
        return await self._town.calls.write("hold", url, pass_, {"lines": [line]}, key=key)

    def _until_s(self, refusal: dict[str, Any]) -> float:
        retry_at_ms = refusal.get("retry_at_ms", 0)
        wait_s = retry_at_ms / 1000 - time.time() if retry_at_ms else 1.0
        return min(5.0, max(0.2, wait_s)) * self._dice.uniform(1.0, 1.3)

    async def _pay(self, held: dict[str, Any], url: str) -> str:
        town = self._town
        asked = {
            "order": held["id"],
            "amount_minor": held["amount_minor"],
            "currency": held["currency"],
        }
        _, paid = await town.calls.write("pay", f"{town.shop}/pay", "", asked)
        status, order = await town.calls.write(
            "confirm", f"{url}/confirm", self._login, {"payment": paid["payment"]}
        )
        if order.get("code") == "paid_unfulfilled":
            town.journal.owed(buyer=self._name, order=held["id"])
        if status != 200:
            return str(order.get("code"))
        if any("code" not in unit for unit in order["units"]):
            _, order = await town.calls.get("read", url, self._login)
        town.journal.confirmed(buyer=self._name, login=self._login, order=order)
        town.sold.extend((unit["offer"], unit["code"]) for unit in order["units"])
        if self._dice.random() < LOOKS_AGAIN:
            await town.calls.get("read", url, self._login)
        return "bought"
