"""The forecast: what another rate would have made of the traffic that was recorded, and what comes.

Here belongs a model in plain numbers: the same people come at the same seconds, the same share of
them is gone when called, visits last as long; only rate, burst and cap are others. It is told
beside what really was, and beside what the model makes of the rules that were in force, so that
anybody sees how far to trust it. The scripts themselves are played by queueing.rehearsal.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

GONE_MAX = 0.95
"""A higher share of no-shows than that is no estimate but an accident."""
COMING_S = 60.0
"""Who comes from now on comes as in the last minute of the record."""
AHEAD_MAX_S = 24 * 3600.0


@dataclass(frozen=True, slots=True)
class Moment:
    """The room at one second of the record; counts are of the drop so far, over all lanes."""

    at_ms: int
    joined: int
    called: int
    admitted: int
    inside: int
    available: int


@dataclass(frozen=True, slots=True)
class Speed:
    """Rules that are tried: shoppers a second, at once after a rest, inside at most (0: any)."""

    rate_per_s: float
    burst: int
    active_max: int = 0


@dataclass(frozen=True, slots=True)
class Habits:
    """What the record tells of its crowd.

    `gone` share of who is called and never comes; `visit_s` a visit; `units` each one took.
    """

    gone: float
    visit_s: float
    units: float


@dataclass(frozen=True, slots=True)
class Course:
    """How it went, or would have: totals over the record, and the end of it.

    `waits_s` is the wait of whoever joins at its end; `through_s` from then until the line is empty
    if people come on as in the last minute, None when that is not within a day; `lasts_s` until
    nothing is left to sell, None likewise. `line` is the line at each moment.
    """

    admitted: int
    inside_max: int
    waiting: int
    waits_s: float | None
    through_s: float | None
    lasts_s: float | None
    line: tuple[int, ...]


def habits_of(record: Sequence[Moment]) -> Habits:
    """What the crowd of a record is like; all come and take one unit where nothing was seen."""
    first, last = record[0], record[-1]
    called, admitted = last.called - first.called, last.admitted - first.admitted
    gone = min(GONE_MAX, max(0.0, 1 - admitted / called)) if called > 0 else 0.0
    seconds = (last.at_ms - first.at_ms) / 1000
    inside = sum(moment.inside for moment in record) / len(record)
    visit_s = inside * seconds / admitted if admitted > 0 else 60.0  # Little's law
    taken = first.available - last.available
    units = taken / admitted if admitted > 0 and taken > 0 else 1.0
    return Habits(gone, max(1.0, visit_s), units)


def as_it_was(record: Sequence[Moment], speed: Speed) -> Course:
    """The record itself, with what comes after it at the speed that is in force."""
    last = record[-1]
    line = tuple(max(0, moment.joined - moment.called) for moment in record)
    return _told(
        record, speed, habits_of(record), admitted=last.admitted - record[0].admitted,
        inside_max=max(moment.inside for moment in record), line=line, available=last.available,
    )  # fmt: skip


def replayed(record: Sequence[Moment], speed: Speed) -> Course:
    """The same traffic under these rules. A record has two moments at least."""
    habits, first = habits_of(record), record[0]
    waiting, inside = float(first.joined - first.called), float(first.inside)
    available, tokens = float(first.available), 0.0
    admitted, inside_max, line = 0.0, inside, [waiting]
    for before, now in pairwise(record):
        step_s = (now.at_ms - before.at_ms) / 1000
        waiting += max(0, now.joined - before.joined)
        inside -= inside * min(1.0, step_s / habits.visit_s)
        tokens = min(speed.burst + speed.rate_per_s * step_s, tokens + speed.rate_per_s * step_s)
        let_in = min(tokens, waiting * (1 - habits.gone), max(0.0, available) / habits.units)
        if speed.active_max:
            let_in = min(let_in, max(0.0, speed.active_max - inside))
        tokens = min(float(speed.burst), tokens - let_in)
        waiting -= let_in / (1 - habits.gone)
        inside, admitted = inside + let_in, admitted + let_in
        available -= let_in * habits.units
        inside_max = max(inside_max, inside)
        line.append(waiting)
    return _told(
        record, speed, habits, admitted=round(admitted), inside_max=round(inside_max),
        line=tuple(round(one) for one in line), available=round(available),
    )  # fmt: skip


def _told(
    record: Sequence[Moment], speed: Speed, habits: Habits, *,
    admitted: int, inside_max: int, line: tuple[int, ...], available: int,
) -> Course:  # fmt: skip
    waiting, lets_in = line[-1], speed.rate_per_s
    if speed.active_max:
        lets_in = min(lets_in, speed.active_max / habits.visit_s)
    calls_per_s = lets_in / (1 - habits.gone)
    return Course(
        admitted=admitted,
        inside_max=inside_max,
        waiting=waiting,
        waits_s=_within_a_day(waiting, calls_per_s),
        through_s=_within_a_day(waiting, calls_per_s - _coming_per_s(record)),
        lasts_s=_within_a_day(available, lets_in * habits.units),
        line=line,
    )


def _coming_per_s(record: Sequence[Moment]) -> float:
    last = record[-1]
    since = next(one for one in record if last.at_ms - one.at_ms <= COMING_S * 1000)
    seconds = (last.at_ms - since.at_ms) / 1000
    return (last.joined - since.joined) / seconds if seconds > 0 else 0.0


def _within_a_day(amount: float, per_s: float) -> float | None:
    if amount <= 0:
        return 0.0
    seconds = amount / per_s if per_s > 0 else AHEAD_MAX_S + 1
    return round(seconds, 1) if seconds <= AHEAD_MAX_S else None
