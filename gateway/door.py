"""The door of the room: joins of one loop turn in one call, and so the claims; both counted.

Who may go in is decided by the room's scripts.
"""

from gateway.gathering import Gatherer
from gateway.meters import Meters
from gateway.metrics import Metrics
from queueing import Admitted, ClaimOutcome, Joined, JoinOutcome, JoinRequest, Place, Rooms


class Door:
    """Joins and claims of one process."""

    def __init__(self, rooms: Rooms, meters: Meters, metrics: Metrics) -> None:
        self._joins: Gatherer[str, JoinRequest, JoinOutcome] = Gatherer(rooms.join)
        self._claims: Gatherer[str, Place, ClaimOutcome] = Gatherer(rooms.claim_all)
        self._meters = meters
        self._metrics = metrics

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
        outcome = await self._claims.ask(f"{sale} {place.drop}.{place.epoch}", sale, place)
        if isinstance(outcome, Admitted) and not outcome.replayed:
            self._metrics.admitted.labels(sale).inc()
            self._meters.of(sale).passes += 1
        return outcome
