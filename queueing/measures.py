"""What gateways measure of a room's purchases, and how one picture is made of all their reports.

Here belong the meter of one process, the report it hands in once a second, and the window that adds
up what all have handed in. What follows from the picture is decided in `flow` and `supply`.
"""

import secrets
from bisect import bisect_left
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import accumulate
from statistics import median_low
from typing import Final

import msgspec

from lua.catalogue import signature
from lua.store import Store
from queueing import keys
from queueing.flow import Second
from queueing.keys import Line

ROOM_MEASURE = signature(
    "room_measure",
    keys=("measured",),
    argv=("now_ms", "owner", "passes", "orders", "units", "report"),
    replies=("measured",),
)

TIMES_MS: Final = (5, 10, 20, 30, 50, 70, 100, 150, 200, 300, 500, 700, 1_000, 2_000)
"""Upper bounds of the classes of a time; the last class has none."""
QUANTILE: Final = 0.95
SPAN_S: Final = 5
SPAN_MAX_S: Final = 30
TIMES_WANTED: Final = 20
TIMES_MIN: Final = 5
"""Times are looked at over 5 s; when fewer were taken than are wanted, over more. Fewer than five
in 30 s have no p95 worth the name. A line that is down to a trickle must still be measured."""


@dataclass(slots=True)
class Times:
    """How long something took, counted in classes since the process began."""

    counts: list[int] = field(default_factory=lambda: [0] * (len(TIMES_MS) + 1))

    def took(self, seconds: float) -> None:
        """One more."""
        self.counts[bisect_left(TIMES_MS, seconds * 1000)] += 1


@dataclass(slots=True)
class Meter:
    """What one process counted of one room since it began.

    `calls` are purchases that were answered or failed; `failed` those without an answer by a fault
    of ours; `orders` were made with passes, of `units`; `passes` were given here.
    """

    calls: int = 0
    failed: int = 0
    passes: int = 0
    orders: int = 0
    units: int = 0
    times: Times = field(default_factory=Times)

    def answered(self, seconds: float) -> None:
        """One purchase was answered, be it with a refusal."""
        self.calls += 1
        self.times.took(seconds)

    def fell(self, calls: int = 1) -> None:
        """So many purchases got no answer, by a fault of ours."""
        self.calls += calls
        self.failed += calls


class Report(msgspec.Struct, frozen=True, array_like=True):
    """What one process hands in beside its counts; all since it began, but for the lag.

    `lag_ms`: the age of the oldest fact that is not in the books; -1 when not known.
    """

    calls: int
    failed: int
    times: list[int]
    store_times: list[int]
    lag_ms: int


@dataclass(frozen=True, slots=True)
class Measured:
    """What all gateways handed in: sums of the drop, and the reports of the last seconds."""

    at_ms: int
    passes: int
    orders: int
    units: int
    reports: Mapping[str, Report]


class Measures:
    """The verb measure: hand in, and hear what all have handed in."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._owner = secrets.token_hex(8)

    async def measure(
        self, sale: str, on: Line, meter: Meter, report: Report, now_ms: int = 0
    ) -> Measured:
        """One call a second from each gateway. Faults are the store's; repeat freely."""
        packed = msgspec.msgpack.encode(report)
        _, at_ms, passes, orders, units, told = await self._store.run(
            ROOM_MEASURE,
            (keys.measured(sale, on),),
            (now_ms, self._owner, meter.passes, meter.orders, meter.units, packed),
        )
        return Measured(at_ms, passes, orders, units, _read(told))


def _read(told: Sequence[bytes]) -> dict[str, Report]:
    """The reports by owner; one that cannot be read, of another version, is left out."""
    found = {}
    for owner, packed in zip(told[::2], told[1::2], strict=True):
        try:
            found[owner.decode()] = msgspec.msgpack.decode(packed, type=Report)
        except msgspec.MsgspecError:
            continue
    return found


@dataclass(slots=True)
class _Moment:
    calls: int = 0
    failed: int = 0
    times: list[int] = field(default_factory=lambda: [0] * (len(TIMES_MS) + 1))
    store_times: list[int] = field(default_factory=lambda: [0] * (len(TIMES_MS) + 1))


class Window:
    """The picture of one room: what was handed in from one second to the next.

    A process that is heard of for the first time counts from then on.
    """

    def __init__(self) -> None:
        self._known: dict[str, Report] = {}
        self._moments: deque[_Moment] = deque(maxlen=SPAN_MAX_S)

    def take(self, measured: Measured, rate_per_s: float) -> Second:
        """The second that these reports end."""
        moment = _Moment()
        for owner, report in measured.reports.items():
            before = self._known.get(owner)
            if before is not None:
                _add(moment, before, report)
        self._known = dict(measured.reports)
        self._moments.append(moment)
        purchase_ms, calls_per_s = _recent([one.times for one in self._moments])
        store_ms, _ = _recent([one.store_times for one in self._moments])
        lags = [one.lag_ms for one in measured.reports.values() if one.lag_ms >= 0]
        return Second(
            rate_per_s=rate_per_s,
            calls=moment.calls,
            failed=moment.failed,
            calls_per_s=calls_per_s,
            purchase_ms=purchase_ms,
            store_ms=store_ms,
            # One gateway with a wrong clock or an old sight must not speak for all.
            settlement_ms=median_low(lags) if lags else None,
        )


def _add(moment: _Moment, before: Report, now: Report) -> None:
    moment.calls += max(0, now.calls - before.calls)
    moment.failed += max(0, now.failed - before.failed)
    for sums, old, new in (
        (moment.times, before.times, now.times),
        (moment.store_times, before.store_times, now.store_times),
    ):
        for at, (earlier, later) in enumerate(zip(old, new, strict=False)):
            if at < len(sums):
                sums[at] += max(0, later - earlier)


def _recent(seconds: Sequence[Sequence[int]]) -> tuple[float | None, float]:
    """The p95 of the newest seconds, None of too few, and how many there were in a second."""
    counts, taken = [0] * (len(TIMES_MS) + 1), 0
    for spanned, second in enumerate(reversed(seconds), start=1):
        counts = [sum(pair) for pair in zip(counts, second, strict=True)]
        taken = sum(counts)
        if spanned >= SPAN_S and taken >= TIMES_WANTED:
            return _quantile(counts, taken), taken / spanned
    return (_quantile(counts, taken) if taken >= TIMES_MIN else None), taken / len(seconds)


def _quantile(counts: Sequence[int], taken: int) -> float:
    """The p95: straight within a class; what is above all bounds counts as the highest."""
    wanted = taken * QUANTILE
    for at, so_far in enumerate(accumulate(counts)):
        if so_far >= wanted and at < len(TIMES_MS):
            low = TIMES_MS[at - 1] if at else 0
            return low + (TIMES_MS[at] - low) * (1 - (so_far - wanted) / counts[at])
    return float(TIMES_MS[-1])
