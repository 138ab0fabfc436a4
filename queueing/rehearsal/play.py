"""The play: a crowd in a line, tick by tick, on the scripts of a real store.

Two gateways pump in turn, as any may. Nothing here decides who goes in: the room does.
"""

from collections import defaultdict
from collections.abc import Callable, Sequence

from queueing.draw import DrawnLine
from queueing.drawn import turn_of
from queueing.joins import Joined
from queueing.passes import Pass
from queueing.places import Place
from queueing.rehearsal.crowd import Crowd
from queueing.rehearsal.findings import Findings, Notes, found
from queueing.rehearsal.plan import OPENS_MS, Plan
from queueing.room import Rooms
from queueing.rules import RoomRules
from queueing.turns import FINISH_MAX, Admitted, Gone, Wait

SALE, LANE = "rehearsal", 0
TICK_MS = 50
PUMP_MS = 200
BATCH = 64
TOLD_EVERY_MS = 60_000
ALWAYS_LEFT = 10**9

Tell = Callable[[int, int], None]
"""Told now and then: turns called, and the last place given."""


class Play:
    """One rehearsal. The rooms are those of its gateways, on a store that is empty."""

    def __init__(self, gateways: Sequence[Rooms], plan: Plan) -> None:
        self._gateways, self._plan, self._crowd = gateways, plan, Crowd(plan)
        self._now_ms = OPENS_MS - plan.lobby_s * 1000
        self._come = 0
        self._places: list[Place] = []
        self._turns: list[int] = []
        """Of each place, once it is drawn: it stays, and there are millions of looks."""
        self._joined_ms: list[int] = []
        self._looks: defaultdict[int, list[int]] = defaultdict(list)
        self._claims: defaultdict[int, list[int]] = defaultdict(list)
        self._leaves: defaultdict[int, list[Pass]] = defaultdict(list)
        self._pending = 0
        self._passes: set[str] = set()
        self._notes = Notes(OPENS_MS, [], [], [], [], [], [], {})

    async def run(self, tell: Tell = lambda *_: None) -> Findings:
        """Play it to its end: everybody was let in or has gone away."""
        await self._open()
        told_ms = self._now_ms
        while not self._is_over():
            await self._tick()
            if self._now_ms - told_ms >= TOLD_EVERY_MS:
                told_ms = self._now_ms
                tell(self._notes.servings[-1], len(self._places))
        return found(self._plan, self._notes)

    async def _open(self) -> None:
        plan, rooms = self._plan, self._gateways[0]
        rules = RoomRules(
            rate_per_s=plan.rate_per_s, burst=plan.burst, active_max=plan.active_max,
            pass_ms=plan.pass_s * 1000, lobby_ms=plan.lobby_s * 1000, openings_ms=(OPENS_MS,),
        )  # fmt: skip
        began_ms = self._now_ms - 1
        await rooms.configure(SALE, rules, "rehearsal", now_ms=began_ms)
        await rooms.set_state(SALE, "open", "rehearsal", now_ms=began_ms)
        self._frame = await rooms.frame(SALE, self._now_ms)

    def _is_over(self) -> bool:
        if self._now_ms - OPENS_MS > self._plan.patience_ms:
            return True
        return self._come == self._plan.shoppers and self._pending == 0

    async def _tick(self) -> None:
        now_ms = self._now_ms
        await self._arrive(now_ms)
        if now_ms % PUMP_MS == 0:
            await self._pump(now_ms)
        for shopper in self._looks.pop(now_ms // TICK_MS, ()):
            self._look(shopper, now_ms)
        await self._claim(self._claims.pop(now_ms // TICK_MS, ()), now_ms)
        await self._leave(self._leaves.pop(now_ms // TICK_MS, ()))
        self._now_ms += TICK_MS

    async def _arrive(self, now_ms: int) -> None:
        times, first = self._crowd.comes_at_ms, self._come
        while self._come < len(times) and times[self._come] <= now_ms:
            self._come += 1
        for start in range(first, self._come, BATCH):
            some = range(start, min(start + BATCH, self._come))
            outcomes = await self._gateways[start // BATCH % len(self._gateways)].join(
                SALE, [self._crowd.request(shopper) for shopper in some], now_ms=now_ms
            )
            for shopper, outcome in zip(some, outcomes, strict=True):
                assert isinstance(outcome, Joined), "the rehearsal's room takes joins"
                self._places.append(outcome.place)
                self._turns.append(0)
                self._joined_ms.append(now_ms)
                after_ms = self._frame.poll_after_ms(LANE, self._turn(shopper))
                self._again(self._looks, shopper, after_ms)
            self._pending += len(some)

    async def _pump(self, now_ms: int) -> None:
        rooms = self._gateways[now_ms // PUMP_MS % len(self._gateways)]
        await rooms.pump(SALE, ALWAYS_LEFT, now_ms=now_ms)
        self._frame = await rooms.frame(SALE, now_ms)
        if self._frame.reason == "draw":
            line = DrawnLine(SALE, self._frame.drop, self._frame.epoch)
            await rooms.drawing.go_on(line, None, now_ms)
        self._notes.pumps_ms.append(now_ms)
        self._notes.servings.append(self._frame.called)
        if not self._notes.dry_ms and now_ms > OPENS_MS and not self._frame.waiting:
            self._notes.dry_ms = now_ms
        self._notes.inside_max = max(self._notes.inside_max, self._frame.active)

    def _look(self, shopper: int, now_ms: int) -> None:
        """One poll, answered from the frame."""
        notes, frame, turn = self._notes, self._frame, self._turn(shopper)
        second = (now_ms - OPENS_MS) // 1000
        notes.polls_by_second[second] = notes.polls_by_second.get(second, 0) + 1
        if frame.state != "open" or frame.ahead(LANE, turn):
            if frame.state == "open" and self._crowd.tells():
                notes.promised.append((turn, now_ms, self._promise_ms(turn)))
            self._again(self._looks, shopper, frame.poll_after_ms(LANE, turn))
            return
        notes.waited_ms.append(now_ms - self._joined_ms[shopper])
        if not self._crowd.is_there(turn):
            self._pending -= 1
            return
        late_ms = self._crowd.looks_late_ms()
        if late_ms == 0:
            notes.noticed.append((turn, now_ms))
        self._again(self._claims, shopper, late_ms)

    async def _claim(self, shoppers: Sequence[int], now_ms: int) -> None:
        """All who ask at once are gathered, as at any gateway."""
        if not shoppers:
            return
        self._notes.claims += len(shoppers)
        rooms = self._gateways[now_ms // TICK_MS % len(self._gateways)]
        places = [self._places[shopper] for shopper in shoppers]
        outcomes = await rooms.claim_all(SALE, places, now_ms=now_ms)
        for shopper, outcome in zip(shoppers, outcomes, strict=True):
            match outcome:
                case Admitted(pass_claims=claims):
                    self._pending -= 1
                    self._enter(shopper, claims)
                case Wait(retry_ms=retry_ms):
                    self._again(self._claims, shopper, retry_ms)
                case Gone():
                    self._pending -= 1

    def _enter(self, shopper: int, claims: Pass) -> None:
        notes = self._notes
        notes.twice += claims.id in self._passes
        self._passes.add(claims.id)
        notes.admitted_ms.append(self._now_ms)
        stays_ms = self._crowd.stays_ms()
        if stays_ms is not None:
            self._leaves[(self._now_ms + stays_ms) // TICK_MS + 1].append(claims)

    async def _leave(self, visits: Sequence[Pass]) -> None:
        for first in range(0, len(visits), FINISH_MAX):
            await self._gateways[0].finish(SALE, visits[first : first + FINISH_MAX])

    def _again(self, calendar: defaultdict[int, list[int]], shopper: int, after_ms: int) -> None:
        calendar[(self._now_ms + after_ms) // TICK_MS + 1].append(shopper)

    def _turn(self, shopper: int) -> int:
        """Its turn; before the draw its number, which is as good a guess as any."""
        if known := self._turns[shopper]:
            return known
        place = self._places[shopper]
        turn = turn_of(self._frame, place)
        if self._frame.seed:
            self._turns[shopper] = turn
        return turn or place.number

    def _promise_ms(self, turn: int) -> int:
        lane = self._frame.lane(LANE)
        return int(1000 * self._frame.ahead(LANE, turn) / (lane.rate_per_s or 1))
