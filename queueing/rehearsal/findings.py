"""What a rehearsal has found: figures from the notes that the play took."""

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass

from queueing.rehearsal.plan import Plan

WINDOW_MS = 10_000
MINUTE_MS = 60_000
PROMISED_MIN_MS = 10_000
"""A shorter promise is no matter of minutes: its error says nothing to anybody."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Findings:
    """Figures of one play. Shares are of 1, times in seconds by the rehearsal's clock.

    `overshoot_10s`: the most admitted in any 10 s over rate * 10 s + burst. `bucket_excess`: how
    far any window of any length was above rate * w + burst, in shoppers; 0: none was.
    `utilisation`: admitted over what rate and burst allowed, from the opening until the line first
    ran dry (`busy_s` later); `worst_minute`: the least of it in a whole minute of these.
    `eta_p90_error`: nine of ten promises were off by at most this share of themselves,
    `eta_p90_by_part` for each part of the line. `twice`: passes that two places were given.
    None: nobody was there to measure it by, as in a line too short for a promise.
    """

    shoppers: int
    admitted: int
    lasted_s: float
    busy_s: float
    overshoot_10s: float
    bucket_excess: float
    utilisation: float
    worst_minute: float
    inside_max: int
    turn_noticed_mean_s: float | None
    turn_noticed_p90_s: float
    polls: int
    polls_peak_per_s: int
    polls_per_waited_hour: float | None
    wait_median_s: float
    wait_p90_s: float
    claim_retries_mean: float
    eta_p90_error: float | None
    eta_p90_by_part: tuple[float | None, ...]
    twice: int


@dataclass(slots=True)
class Notes:
    """What the play writes down, all times in milliseconds."""

    opened_ms: int
    pumps_ms: list[int]
    servings: list[int]
    """The serving number after each pumping."""

    admitted_ms: list[int]
    waited_ms: list[int]
    noticed: list[tuple[int, int]]
    """(turn, when its holder saw that it had been called), of those who look without delay."""

    promised: list[tuple[int, int, int]]
    """(turn, when, how much longer its holder was told to wait)."""

    polls_by_second: dict[int, int]
    claims: int = 0
    inside_max: int = 0
    twice: int = 0
    dry_ms: int = 0
    """When the line had nobody left who had not been called, for the first time since it opened."""

    def called_ms(self, turn: int) -> int:
        """When a turn was called."""
        return self.pumps_ms[bisect_left(self.servings, turn)]


def found(plan: Plan, notes: Notes) -> Findings:
    """The figures of a play that has ended."""
    admitted = sorted(notes.admitted_ms)
    dry_ms = notes.dry_ms or notes.pumps_ms[-1]
    in_time = bisect_left(admitted, dry_ms)
    busy_s = max(1, dry_ms - notes.opened_ms) / 1000
    errors = _errors(notes)
    noticed = sorted(when - notes.called_ms(turn) for turn, when in notes.noticed)
    waited = sorted(notes.waited_ms)
    polls = sum(notes.polls_by_second.values())
    return Findings(
        shoppers=plan.shoppers,
        admitted=len(admitted),
        lasted_s=(admitted[-1] - notes.opened_ms) / 1000 if admitted else 0.0,
        busy_s=busy_s,
        overshoot_10s=most_within(admitted, WINDOW_MS) / (plan.rate_per_s * 10 + plan.burst),
        bucket_excess=excess(admitted, plan.rate_per_s, plan.burst),
        utilisation=in_time / (plan.rate_per_s * busy_s + plan.burst),
        worst_minute=_worst_minute(admitted, notes.opened_ms, dry_ms, plan.rate_per_s),
        inside_max=notes.inside_max,
        turn_noticed_mean_s=sum(noticed) / len(noticed) / 1000 if noticed else None,
        turn_noticed_p90_s=quantile(noticed, 0.9) / 1000,
        polls=polls,
        polls_peak_per_s=max(notes.polls_by_second.values(), default=0),
        polls_per_waited_hour=polls / (sum(waited) / 3_600_000) if any(waited) else None,
        wait_median_s=quantile(waited, 0.5) / 1000,
        wait_p90_s=quantile(waited, 0.9) / 1000,
        claim_retries_mean=notes.claims / max(1, len(admitted)) - 1,
        eta_p90_error=_nine_in_ten([error for _, error in errors]),
        eta_p90_by_part=_by_part(plan, errors),
        twice=notes.twice,
    )


def most_within(times_ms: Sequence[int], window_ms: int) -> int:
    """The most events in any window of that length; `times_ms` rise."""
    first, most = 0, 0
    for count, now in enumerate(times_ms, 1):
        while times_ms[first] <= now - window_ms:
            first += 1
        most = max(most, count - first)
    return most


def excess(times_ms: Sequence[int], rate_per_s: float, burst: int) -> float:
    """How far the worst window of all lengths is above rate * w + burst, in events; 0: none is.

    A window from event i to event j has j - i + 1 of them in t_j - t_i; so of n(t) - rate * t only
    the highest rise above its lowest value so far is looked for, in one pass.
    """
    worst, lowest = 0.0, float("inf")
    for count, now in enumerate(times_ms):
        level = count - rate_per_s * now / 1000
        lowest = min(lowest, level)
        worst = max(worst, level - lowest + 1 - burst)
    return worst if worst > 1e-3 else 0.0  # what a float of 13 digits cannot hold


def _worst_minute(admitted: Sequence[int], first_ms: int, last_ms: int, rate_per_s: float) -> float:
    shares = [
        (bisect_left(admitted, start + MINUTE_MS) - bisect_left(admitted, start)) / rate_per_s / 60
        for start in range(first_ms, last_ms - MINUTE_MS, MINUTE_MS)
    ]
    return min(shares, default=1.0)


def _errors(notes: Notes) -> list[tuple[int, float]]:
    """(turn, share by which the promise was off) of every promise worth the name."""
    return [
        (turn, abs(notes.called_ms(turn) - when - wait_ms) / wait_ms)
        for turn, when, wait_ms in notes.promised
        if wait_ms >= PROMISED_MIN_MS and turn <= notes.servings[-1]
    ]


def _by_part(plan: Plan, errors: Sequence[tuple[int, float]]) -> tuple[float | None, ...]:
    parts: list[list[float]] = [[] for _ in plan.no_shows]
    for turn, error in errors:
        parts[min(len(parts) - 1, (turn - 1) * len(parts) // plan.shoppers)].append(error)
    return tuple(map(_nine_in_ten, parts))


def _nine_in_ten(errors: Sequence[float]) -> float | None:
    return quantile(sorted(errors), 0.9) if errors else None


def quantile(rising: Sequence[float], share: float) -> float:
    """The value that this share of them does not pass; 0 of none."""
    return rising[min(len(rising) - 1, int(share * len(rising)))] if rising else 0.0
