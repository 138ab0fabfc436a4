"""How often a kiosk may be wrong: guessing codes must not pay, honest scanning must not suffer.

Only attempts with codes that do not exist are counted, per kiosk and in this process; a code of 16
symbols with 32 bits of MAC then stays out of reach however many processes there are. An attempt
counts from its beginning, so that many at once are no way around it.
"""

from collections import Counter, OrderedDict
from collections.abc import Iterator
from contextlib import contextmanager

MISSES_BURST = 10
MISSES_PER_MINUTE = 10
KIOSKS_MAX = 10_000
AT_ONCE = 4
"""Redemptions of one kiosk in flight: a person scans one after the other."""


class MissLimit:
    """GCRA over misses: `MISSES_BURST` at once, then `MISSES_PER_MINUTE`."""

    def __init__(self, burst: int = MISSES_BURST, per_minute: float = MISSES_PER_MINUTE) -> None:
        self._interval_s = 60.0 / per_minute
        self._slack_s = self._interval_s * burst
        self._theoretical: OrderedDict[str, float] = OrderedDict()

    def wait_s(self, kiosk: str, now_s: float) -> float:
        """Seconds until the kiosk may try again; 0 when it may now."""
        ahead = self._theoretical.get(kiosk, now_s) - now_s
        return max(0.0, ahead - self._slack_s + self._interval_s)

    def count(self, kiosk: str, now_s: float) -> None:
        """The kiosk tries a code; it is a miss until it is given back."""
        before = max(now_s, self._theoretical.pop(kiosk, now_s))
        self._theoretical[kiosk] = before + self._interval_s
        if len(self._theoretical) > KIOSKS_MAX:
            self._theoretical.popitem(last=False)

    def give_back(self, kiosk: str) -> None:
        """An attempt that was counted was no miss."""
        if kiosk in self._theoretical:
            self._theoretical[kiosk] -= self._interval_s


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
