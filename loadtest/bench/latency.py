"""How long a single purchase takes at a share of what the gateway can do, under an open crowd."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from itertools import count

from loadtest.bench import sale
from loadtest.bench.arrivals import Crowd
from loadtest.bench.asks import Ask, numbers
from loadtest.bench.figures import Figures
from loadtest.bench.generators import FAULT
from loadtest.bench.pairs import ORDERS
from loadtest.bench.plan import SHARES, Plan
from loadtest.bench.stage import Stage
from loadtest.verdict import percentile

PERCENTILES = {"p50": 0.5, "p90": 0.9, "p99": 0.99, "p999": 0.999}


async def measure(
    stage: Stage, plan: Plan, figures: Figures, capacity_per_s: float, tell: Callable[[str], None]
) -> None:
    """One round: each share of the capacity, which is what a closed crowd reached."""
    ask = sale.single(ORDERS, stage.credential)
    for share in SHARES:
        tell(f"{share} % of capacity")
        order = count(numbers())
        crowd = Crowd(stage.ours.url, partial(_next, ask, order))
        rate_per_s = capacity_per_s * share / 100
        seen = await crowd.come(rate_per_s=rate_per_s, seconds=plan.latency_seconds)
        name = f"latency_{share}pct"
        figures.add(f"{name}_rate", "1/s", rate_per_s)
        for word, at in PERCENTILES.items():
            figures.add(f"{name}_{word}", "ms", percentile(seen.times_ms, at))
        figures.add(f"{name}_crowd_late_p99", "ms", percentile(seen.late_ms, 0.99))
        figures.add(f"{name}_shed", "share", seen.statuses[FAULT] / seen.statuses.total())


def _next(ask: Ask, order: Iterator[int]) -> bytes:
    return ask.render(next(order))
