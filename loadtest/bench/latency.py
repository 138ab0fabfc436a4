"""How long a single purchase takes at a share of what the machine can do, under an open crowd.

Capacity is the crowd's own: crowd, gateway and store share the machine, and what a cheaper, closed
generator reaches on it is no rate at which this crowd could come.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import count

from loadtest.bench import sale
from loadtest.bench.arrivals import Arrivals, Crowd
from loadtest.bench.asks import Ask, numbers
from loadtest.bench.capacity import capacity
from loadtest.bench.figures import Figures
from loadtest.bench.pairs import ORDERS
from loadtest.bench.plan import SHARES, Plan
from loadtest.bench.stage import Stage
from loadtest.verdict import percentile

PERCENTILES = {"p50": 0.5, "p90": 0.9, "p99": 0.99, "p999": 0.999}
KEPT_LEAST = 0.99
LATE_MAX_MS = 10.0
"""A crowd that is later than this (p99) does not come at the rate that is asked of it."""

BLAME_MAX = 0.25
"""The crowd's own lateness / the latency that is told, both p99: beyond this it is the crowd's."""

AGAIN_MAX = 2

Tell = Callable[[str], None]


async def measure(
    stage: Stage, plan: Plan, figures: Figures, guess_per_s: float, tell: Tell
) -> None:
    """One round: the capacity, and each share of it. `guess_per_s` is where the search begins."""
    crowd = _crowd(stage)
    try:
        capacity_per_s = await _capacity(crowd, plan, figures, guess_per_s, tell)
        for share in SHARES:
            rate_per_s = capacity_per_s * share / 100
            tell(f"{share} % of capacity, {rate_per_s:,.0f}/s")
            seen = await _come(crowd, rate_per_s, plan.latency_seconds)
            _note(figures, f"latency_{share}pct", rate_per_s, seen)
    finally:
        crowd.close()


async def _capacity(
    crowd: Crowd, plan: Plan, figures: Figures, guess_per_s: float, tell: Tell
) -> float:
    async def keeps(rate_per_s: float) -> bool:
        tell(f"is capacity {rate_per_s:,.0f}/s?")
        seen = await crowd.come(rate_per_s=rate_per_s, seconds=plan.probe_seconds)
        return seen.achieved >= KEPT_LEAST and seen.late_p99_ms <= LATE_MAX_MS and not seen.shed

    capacity_per_s, kept = await capacity(keeps, guess_per_s)
    figures.add("latency_capacity", "1/s", capacity_per_s)
    figures.add("latency_capacity_not_kept", "times", not kept)
    return capacity_per_s


async def _come(crowd: Crowd, rate_per_s: float, seconds: float) -> Arrivals:
    """The crowd once, or once more where it was late itself. Slow answers are no reason for it."""
    seen = await crowd.come(rate_per_s=rate_per_s, seconds=seconds)
    for _ in range(AGAIN_MAX):
        if blame(seen) <= BLAME_MAX:
            break
        seen = min(seen, await crowd.come(rate_per_s=rate_per_s, seconds=seconds), key=blame)
    return seen


def blame(seen: Arrivals) -> float:
    """How much of the latency that is told is the crowd's own lateness."""
    return seen.late_p99_ms / percentile(seen.times_ms, 0.99)


def _note(figures: Figures, name: str, rate_per_s: float, seen: Arrivals) -> None:
    figures.add(f"{name}_rate", "1/s", rate_per_s)
    for word, at in PERCENTILES.items():
        figures.add(f"{name}_{word}", "ms", percentile(seen.times_ms, at))
    figures.add(f"{name}_crowd_late_p99", "ms", seen.late_p99_ms)
    figures.add(f"{name}_crowd_was_late", "times", blame(seen) > BLAME_MAX)
    figures.add(f"{name}_not_kept", "times", seen.achieved < KEPT_LEAST)
    figures.add(f"{name}_shed", "share", seen.shed)


def _crowd(stage: Stage) -> Crowd:
    ask: Ask = sale.single(ORDERS, stage.credential)
    order = count(numbers())
    return Crowd(stage.ours.url, lambda: ask.render(next(order)))
