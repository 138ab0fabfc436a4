"""Pacing, looked at from outside: whether more were let in than a room's rate and burst allow.

Plain values. The claim script keeps the promise; this is the check that it does, from frames alone.
"""

from collections import deque
from dataclasses import dataclass, field
from typing import Final

WINDOW_MS: Final = 10_000


@dataclass(frozen=True, slots=True)
class Sight:
    """One look at a line: how many were let in so far, and what the operator allowed just then."""

    at_ms: int
    admitted: int
    rate_per_s: float
    burst: int


@dataclass(slots=True)
class Pacing:
    """The last ten seconds of one line."""

    _seen: deque[Sight] = field(default_factory=deque)

    def overshoot(self, sight: Sight) -> int:
        """How many too many were let in since any look of the last ten seconds; 0 must hold.

        A rate that was changed in between counts as the highest seen on either side.
        """
        if self._seen and sight.at_ms <= self._seen[-1].at_ms:
            return 0  # the same look again, or a clock that was set back
        self._seen.append(sight)
        while self._seen[0].at_ms < sight.at_ms - WINDOW_MS:
            self._seen.popleft()
        worst, rate, burst = 0.0, 0.0, 0
        for earlier in reversed(self._seen):
            rate, burst = max(rate, earlier.rate_per_s), max(burst, earlier.burst)
            allowed = rate * (sight.at_ms - earlier.at_ms) / 1000 + burst
            worst = max(worst, sight.admitted - earlier.admitted - allowed)
        return int(worst)
