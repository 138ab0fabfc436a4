"""Brakes: how fast a line may move by what the rest of the system bears.

Plain values: one second's measurement of all gateways in, a ceiling and its reason out. No clock,
no store, no stock. Each brake has a ceiling of its own and the smallest of them rules. A brake
lowers only by what was measured; what is not known raises nothing; and from wherever it stands a
ceiling rises by at most RISE of the operator's rate a second.

latency     Netflix Gradient2: the long mean of the purchases' p95 over the newest one.
errors      Google SRE's client throttling: the share of purchases that fail beyond 1 in 20.
settlement  CoDel: the books' lag counts when its minimum over a window is above the limit.
store       the same of the store's calls.
"""

import math
from collections import deque
from dataclasses import dataclass
from typing import Final, Literal, Protocol

BrakeReason = Literal["latency", "errors", "settlement", "store"]

RISE: Final = 0.05
"""Share of the operator's rate by which a ceiling rises in a second: from nothing to all of it in
20 s. A system that just broke down must not meet the whole crowd again at once."""
TRICKLE: Final = 0.02
"""Share of the operator's rate that no brake but `errors` goes below: without purchases there is no
measurement, and nothing would ever recover."""
UNBRAKED: Final = math.inf


def trickle(rate_per_s: float) -> float:
    """So few a second at least, and never more than the operator allows."""
    return min(rate_per_s, max(1.0, rate_per_s * TRICKLE))


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What operators set for each brake; 0 turns it off.

    `latency_ms`: a p95 of purchases that is never taken as usual · `failing_share`: when more than
    this share of purchases fails for 3 s nobody is let in · `settlement_ms`: the lag of the books
    that is borne · `store_ms`: the p95 of store calls that is borne.
    """

    latency_ms: int = 500
    failing_share: float = 0.5
    settlement_ms: int = 10_000
    store_ms: int = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Second:
    """What all gateways measured in the last second. None: not known, or too old.

    `rate_per_s` is the operator's; `calls` holds, confirms and partners' sales, of which `failed`
    got no answer by a fault of ours; a refusal is an answer. Times are p95 over the last seconds,
    in which there were `calls_per_s`.
    """

    rate_per_s: float
    calls: int = 0
    failed: int = 0
    calls_per_s: float = 0.0
    purchase_ms: float | None = None
    store_ms: float | None = None
    settlement_ms: float | None = None


@dataclass(frozen=True, slots=True)
class Ruling:
    """The ceiling that the brakes set, in shoppers a second, and which one does; None: none does.

    `blind`: the brakes that are on and had nothing to go by.
    """

    ceiling_per_s: float | None
    reason: BrakeReason | None
    blind: frozenset[BrakeReason]


class Ceiling:
    """How fast one brake lets the line move; UNBRAKED while it has nothing to say."""

    def __init__(self) -> None:
        self.per_s = UNBRAKED

    def lower(self, to: float, rate_per_s: float) -> None:
        """Come down to `to` a second, and never below a trickle of what the operator allows now."""
        self.per_s = max(min(self.per_s, to), trickle(rate_per_s))

    def scale(self, factor: float, rate_per_s: float) -> None:
        """Come down by a factor, from the operator's rate when that is lower."""
        self.lower(min(self.per_s, rate_per_s) * factor, rate_per_s)

    def rise(self, rate_per_s: float, to: float = UNBRAKED) -> None:
        """One step up, at most to `to`; free once it is at the operator's rate."""
        self.per_s = max(self.per_s, min(to, self.per_s + RISE * rate_per_s))
        if self.per_s >= rate_per_s:
            self.per_s = UNBRAKED


class Brake(Protocol):
    """One reason to slow down."""

    reason: BrakeReason
    ceiling: Ceiling

    def step(self, second: Second) -> bool:
        """Take a second in; False when it said nothing of what this brake goes by."""
        ...


class LatencyBrake:
    """Slows down while purchases take longer than they usually do.

    No growth while fewer buy than half of the ceiling: an idle shop proves nothing.
    """

    TOLERANCE: Final = 1.5
    CALM_MS: Final = 100.0
    """Times below this are never slow, however quick the usual ones are."""
    LONG: Final = 600
    WARM_UP: Final = 10
    """The usual time is a mean that forgets over 600 s; of the first ten it is the plain mean."""
    HASTE: Final = 0.2
    reason: BrakeReason = "latency"

    def __init__(self, limit_ms: int) -> None:
        self.ceiling = Ceiling()
        self._limit_ms = limit_ms
        self._usual_ms = 0.0
        self._seen = 0

    def step(self, second: Second) -> bool:
        """Take a second in; False when too few bought."""
        if second.purchase_ms is None:
            return False
        gradient = self._gradient(second.purchase_ms)
        if gradient < 1:
            factor = 1 - self.HASTE + self.HASTE * gradient
            self.ceiling.scale(factor, second.rate_per_s)
        elif second.calls_per_s >= self.ceiling.per_s / 2:
            self.ceiling.rise(second.rate_per_s)
        return True

    def _gradient(self, short_ms: float) -> float:
        self._seen += 1
        weight = 1 / self._seen if self._seen <= self.WARM_UP else 2 / (self.LONG + 1)
        self._usual_ms += (short_ms - self._usual_ms) * weight
        if self._usual_ms > 2 * short_ms:
            self._usual_ms *= 0.95  # a slow spell is over: its times are not the usual ones
        most_ms = self._limit_ms / self.TOLERANCE
        usual_ms = min(max(self._usual_ms, self.CALM_MS), most_ms)
        return min(1.0, max(0.5, self.TOLERANCE * usual_ms / max(short_ms, 0.001)))


class ErrorBrake:
    """Slows down by the share of purchases that fail, and stops when most do.

    A stop ends in a trickle once failing ends, or after HOLD_S seconds with too few calls to tell.
    """

    WINDOW: Final = 10
    RUN: Final = 3
    HOLD_S: Final = 5
    FINE: Final = 0.95
    """This share of successes is taken as all."""
    CALLS_MIN: Final = 5
    reason: BrakeReason = "errors"

    def __init__(self, share_max: float) -> None:
        self.ceiling = Ceiling()
        self._share_max = share_max
        self._seconds: deque[tuple[int, int]] = deque(maxlen=self.WINDOW)
        self._held_s = 0

    def stop(self) -> None:
        """Nobody is let in for now."""
        self.ceiling.per_s = 0.0
        self._held_s = self.HOLD_S

    def step(self, second: Second) -> bool:
        """Take a second in; False when too few bought."""
        self._seconds.append((second.calls, second.failed))
        if self._fails():
            self.stop()
            return True
        known = sum(calls for calls, _ in self._seconds) >= self.CALLS_MIN
        if self.ceiling.per_s == 0:
            self._held_s -= 1
            if self._held_s > 0 and second.calls - second.failed == 0:
                return known
            self.ceiling.per_s = trickle(second.rate_per_s)
        elif known:
            self._follow(second)
        return known

    def _fails(self) -> bool:
        newest = list(self._seconds)[-self.RUN :]
        if len(newest) < self.RUN or sum(calls for calls, _ in newest) < self.CALLS_MIN:
            return False
        return all(failed > calls * self._share_max for calls, failed in newest)

    def _follow(self, second: Second) -> None:
        rate_per_s = second.rate_per_s
        calls = sum(calls for calls, _ in self._seconds)
        answered = calls - sum(failed for _, failed in self._seconds)
        excess = max(0.0, (calls - answered / self.FINE) / (calls + 1))
        fair = rate_per_s * (1 - excess) if excess > 0 else UNBRAKED
        if fair < self.ceiling.per_s:
            self.ceiling.lower(fair, rate_per_s)
        elif second.calls > 0:
            self.ceiling.rise(rate_per_s, fair)


class StandingBrake:
    """Slows down when the least of a window is above its limit: a wait that stands, not a wave."""

    WINDOW: Final = 5
    FACTOR: Final = 0.7

    def __init__(
        self, reason: BrakeReason, what: Literal["settlement_ms", "store_ms"], limit_ms: int
    ) -> None:
        self.reason = reason
        self.ceiling = Ceiling()
        self._what = what
        self._limit_ms = limit_ms
        self._window: list[float] = []

    def step(self, second: Second) -> bool:
        """Take a second in; False when the wait is not known."""
        wait_ms: float | None = getattr(second, self._what)
        if wait_ms is None:
            return False
        self._window.append(wait_ms)
        if wait_ms <= self._limit_ms:
            self._window.clear()
            self.ceiling.rise(second.rate_per_s)
        elif len(self._window) >= self.WINDOW:
            self._window.clear()
            self.ceiling.scale(self.FACTOR, second.rate_per_s)
        return True


class Flow:
    """The brakes of one room."""

    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        self._brakes: list[Brake] = []
        if limits.failing_share > 0:
            self._brakes.append(ErrorBrake(limits.failing_share))
        if limits.store_ms > 0:
            self._brakes.append(StandingBrake("store", "store_ms", limits.store_ms))
        if limits.latency_ms > 0:
            self._brakes.append(LatencyBrake(limits.latency_ms))
        if limits.settlement_ms > 0:
            self._brakes.append(StandingBrake("settlement", "settlement_ms", limits.settlement_ms))

    def resume(self, ceiling_per_s: float, reason: str) -> None:
        """Go on from what another process has set: a new one must not let the line loose."""
        for brake in self._brakes:
            if brake.reason == reason:
                brake.ceiling.per_s = ceiling_per_s
                if isinstance(brake, ErrorBrake) and ceiling_per_s == 0:
                    brake.stop()

    def step(self, second: Second) -> Ruling:
        """Take a second in; what rules from now on."""
        blind = frozenset(brake.reason for brake in self._brakes if not brake.step(second))
        lowest = min(self._brakes, key=lambda brake: brake.ceiling.per_s, default=None)
        if lowest is None or lowest.ceiling.per_s == UNBRAKED:
            return Ruling(None, None, blind)
        return Ruling(lowest.ceiling.per_s, lowest.reason, blind)
