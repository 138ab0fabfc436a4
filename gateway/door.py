"""The door of the room: joins of one loop turn in one call, and so the claims; both counted.

Who may go in is decided by the room's scripts. They count who stands at the door by what each was
told to wait, so a place that asks again before that is told the rest of its wait here.
"""

import time
from collections import OrderedDict

from gateway.gathering import Gatherer
from gateway.meters import Meters
from gateway.metrics import Metrics
from queueing import Admitted, ClaimOutcome, Joined, JoinOutcome, JoinRequest, Place, Rooms, Wait

TOLD_MAX = 20_000
"""Waits remembered; of more the oldest are forgotten, and may be told anew by the store."""
EARLY_MS = 20
"""So much sooner than told is no sooner: clocks and networks are not exact."""


class Door:
    """Joins and claims of one process."""

    def __init__(self, rooms: Rooms, meters: Meters, metrics: Metrics) -> None:
        self._joins: Gatherer[str, JoinRequest, JoinOutcome] = Gatherer(rooms.join)
        self._claims: Gatherer[str, Place, ClaimOutcome] = Gatherer(rooms.claim_all)
        self._meters = meters
        self._metrics = metrics
        self._told: OrderedDict[tuple[str, int, int, int, int], tuple[float, Wait]] = OrderedDict()

    async def join(self, sale: str, request: JoinRequest) -> JoinOutcome:
        """Take a place in the line of the drop that is on."""
        outcome = await self._joins.ask(sale, sale, request)
        if isinstance(outcome, Joined) and not outcome.replayed:
            self._metrics.joined.labels(sale).inc()
        return outcome

    async def idle(self) -> None:
        """Return when no join and no claim is under way."""
        await self._joins.idle()
        await self._claims.idle()

    async def claim(self, sale: str, place: Place) -> ClaimOutcome:
        """Claim the turn of a place; claims of one line share their calls, and its faults."""
        who = (sale, place.drop, place.epoch, place.lane, place.number)
        early = self._told_to_wait(who)
        if early is not None:
            return early
        outcome = await self._claims.ask(f"{sale} {place.drop}.{place.epoch}", sale, place)
        if isinstance(outcome, Wait) and outcome.reason in ("pace", "full"):
            self._told[who] = (time.monotonic() + outcome.retry_ms / 1000, outcome)
            if len(self._told) > TOLD_MAX:
                self._told.popitem(last=False)
        if isinstance(outcome, Admitted) and not outcome.replayed:
            self._metrics.admitted.labels(sale).inc()
            self._meters.of(sale).passes += 1
        return outcome

    def _told_to_wait(self, who: tuple[str, int, int, int, int]) -> Wait | None:
        until_s, told = self._told.get(who, (0.0, None))
        left_ms = int((until_s - time.monotonic()) * 1000)
        if told is not None and left_ms > EARLY_MS:
            return Wait(told.ahead, left_ms, told.reason)
        self._told.pop(who, None)
        return None
