"""The crowd: when each shopper comes, whether it is there when called, how long it stays.

All by dice of its own: the same plan gives the same crowd. The poll rule is the room's.
"""

import random

from queueing.joins import JoinRequest
from queueing.rehearsal.plan import OPENS_MS, Plan

SLEEPY_MAX_MS = 300_000


class Crowd:
    """The shoppers of a plan, numbered from 0 in the order in which they come."""

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self._dice = random.Random(plan.seed)
        early = round(plan.shoppers * plan.early) if plan.lobby_s else 0
        late = plan.shoppers - early
        draw = self._dice.random
        lobby_ms, arriving_ms = plan.lobby_s * 1000, plan.arriving_s * 1000
        # Before an opening they come ever faster, after it ever slower.
        self.comes_at_ms = sorted(
            [OPENS_MS - int(lobby_ms * draw() ** 2) - 1 for _ in range(early)]
            + [OPENS_MS + int(arriving_ms * draw() ** 2) for _ in range(late)]
        )

    def request(self, shopper: int) -> JoinRequest:
        """The join of a shopper."""
        return JoinRequest(f"rehearsal-{shopper}", f"shopper{shopper:017d}")

    def is_there(self, turn: int) -> bool:
        """Whether whoever holds this turn has not gone away by the time it is called."""
        return self._dice.random() >= self._plan.gone(turn)

    def looks_late_ms(self) -> int:
        """How much later than it could a shopper notices its turn; mostly not at all."""
        if self._dice.random() >= self._plan.sleepy:
            return 0
        return min(SLEEPY_MAX_MS, int(1000 * self._dice.expovariate(1 / self._plan.sleepy_s)))

    def stays_ms(self) -> int | None:
        """How long a visit takes; None until the pass ends."""
        if self._dice.random() < self._plan.stays:
            return None
        return int(1000 * self._dice.expovariate(1 / self._plan.visit_s))

    def tells(self) -> bool:
        """Whether what this look promised is written down: one in sixteen."""
        return self._dice.random() < 1 / 16
