"""How often a kiosk may be wrong: guessing codes must not pay, honest scanning must not suffer.

Only attempts with codes that do not exist are counted, per kiosk and in this process; a code of 16
symbols with 32 bits of MAC then stays out of reach however many processes there are.
"""

from collections import OrderedDict

MISSES_BURST = 10
MISSES_PER_MINUTE = 10
KIOSKS_MAX = 10_000


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

    def miss(self, kiosk: str, now_s: float) -> None:
        """The kiosk has tried a code that does not exist."""
        before = max(now_s, self._theoretical.pop(kiosk, now_s))
        self._theoretical[kiosk] = before + self._interval_s
        if len(self._theoretical) > KIOSKS_MAX:
            self._theoretical.popitem(last=False)
