"""How often somebody may do what does not pay to be done often: guess codes at a kiosk, join.

Counted in this process alone and in bounded memory, so behind N processes it may be up to N times
as often; the bounds are chosen with that in mind. Codes: only attempts with codes that do not exist
count, from their beginning, so that many at once are no way around it; a code of 16 symbols with
32 bits of MAC then stays out of reach. Joins: `joining` says what counts.
"""

import math
from collections import Counter, OrderedDict
from collections.abc import Iterator
from contextlib import contextmanager

MISSES_BURST = 10
MISSES_PER_MINUTE = 10
KEYS_MAX = 10_000
AT_ONCE = 4
"""Redemptions of one kiosk in flight: a person scans one after the other."""


class Pace:
    """GCRA for each key: `burst` at once, then `per_minute`."""

    def __init__(self, burst: int, per_minute: float, keys_max: int = KEYS_MAX) -> None:
        self._interval_s = 60.0 / per_minute
        self._slack_s = self._interval_s * burst
        self._keys_max = keys_max
        self._theoretical: OrderedDict[str, float] = OrderedDict()

    def wait_s(self, key: str, now_s: float) -> float:
        """Seconds until the key may try again; 0 when it may now."""
        ahead = self._theoretical.get(key, now_s) - now_s
        return max(0.0, ahead - self._slack_s + self._interval_s)

    def recent(self, key: str, now_s: float) -> int:
        """How many of what was counted have not wholly run off at the rate of `per_minute`."""
        ahead_s = self._theoretical.get(key, now_s) - now_s
        return max(0, math.ceil(ahead_s / self._interval_s))

    def count(self, key: str, now_s: float) -> None:
        """One more of the key's; it may be given back."""
        before = max(now_s, self._theoretical.pop(key, now_s))
        self._theoretical[key] = before + self._interval_s
        if len(self._theoretical) > self._keys_max:
            self._theoretical.popitem(last=False)

    def give_back(self, key: str) -> None:
        """One that was counted was none."""
        if key in self._theoretical:
            self._theoretical[key] -= self._interval_s


class AtOnce:
    """At most `AT_ONCE` for each kiosk at the same time."""

    def __init__(self) -> None:
        self._in_flight: Counter[str] = Counter()

    @contextmanager
    def one(self, kiosk: str) -> Iterator[bool]:
        """One more while it lasts; False, and it does not count, when they are too many."""
        if self._in_flight[kiosk] >= AT_ONCE:
            yield False
            return
        self._in_flight[kiosk] += 1
        try:
            yield True
        finally:
            self._in_flight[kiosk] -= 1
            if not self._in_flight[kiosk]:
                del self._in_flight[kiosk]
