"""Supply: how many of those in line the stock that is left will serve.

Plain values: counts in, bounds out. Here belong the measured demand of a place, how many may be
inside at once, and the band that tells a place whether stock will reach it. What is left is told.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

PRIOR_PASSES: Final = 20
PRIOR_ORDERS: Final = 14
PRIOR_UNITS: Final = 20
"""What is taken for granted before anybody bought: of 20 let in 14 buy, 20 units together. As much
as 20 observations, so that it is forgotten within a minute of a drop."""
ONE_IN_TEN: Final = 1.2816
"""Standard deviations beyond which one in ten lies."""
REACH_MAX: Final = 2**40
UNBOUNDED: Final = -1


@dataclass(frozen=True, slots=True, kw_only=True)
class Bought:
    """What became of the passes of one drop so far.

    `passes` were given, of which `inside` may be used yet; `orders` were made with the others, of
    `units` together.
    """

    passes: int = 0
    inside: int = 0
    orders: int = 0
    units: int = 0


@dataclass(frozen=True, slots=True)
class Demand:
    """How many units one pass takes: on average, in the variance, and by how many we know."""

    mean: float
    per_order: float
    known_from: float

    def of_place(self, comes: float) -> tuple[float, float]:
        """Mean and variance for a place whose turn is claimed with that likelihood."""
        share = min(1.0, comes * self.mean / self.per_order)
        return self.per_order * share, self.per_order**2 * share * (1 - share)


def demand_of(bought: Bought) -> Demand:
    """The measured demand, on top of what is taken for granted.

    Who is inside has not decided yet and says nothing; a count that runs ahead does no harm.
    """
    decided = max(bought.passes - bought.inside, bought.orders)
    known_from = PRIOR_PASSES + decided
    units = PRIOR_UNITS + bought.units
    return Demand(units / known_from, units / (PRIOR_ORDERS + bought.orders), known_from)


def inside_max(available: int, demand: Demand) -> int:
    """How many may be inside at once, so that each finds what a pass takes on average.

    At least one while there is a unit: an average above it must not keep the last unit back.
    """
    if available <= 0:
        return 0
    return max(1, int(available / demand.mean))


@dataclass(frozen=True, slots=True)
class Reach:
    """How far into the line stock goes, in places of all lanes. UNBOUNDED: all of any line.

    `likely`: nine times in ten it serves so many; `possible`: one time in ten.
    """

    likely: int
    possible: int


def reach(available: int, held: int, before: float, demand: Demand, comes: float) -> Reach:
    """How far stock goes when `before` passes are served first.

    Likely counts nothing of what is held, possibly all of it: each of them may come back.
    """
    taken = before * demand.mean
    return Reach(
        _farthest(available - taken, demand, comes, ONE_IN_TEN),
        _farthest(available + held - taken, demand, comes, -ONE_IN_TEN),
    )


def _farthest(stock: float, demand: Demand, comes: float, deviations: float) -> int:
    """The most places that together take no more than `stock`, so many deviations off the mean.

    The normal approximation of a binomial. The mean itself was measured, so it may be off as well:
    that part grows with the places, and with few observations it is most of the band.
    """
    if stock <= 0:
        return 0
    mean, variance = demand.of_place(comes)

    def taken(places: int) -> float:
        spread = places * variance + places**2 * variance / demand.known_from
        return places * mean + deviations * math.sqrt(spread)

    if taken(REACH_MAX) <= stock:
        return UNBOUNDED
    low, high = 0, REACH_MAX
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if taken(middle) <= stock else (low, middle)
    return low


def share_out(places: int, waiting: Sequence[int], weights: Sequence[int]) -> list[int]:
    """The first `places` of all lanes, by lane: how many of each are among them.

    A lane with twice the weight moves twice as fast; one that is empty leaves its share.
    """
    if places == UNBOUNDED:
        return [UNBOUNDED] * len(waiting)
    return [
        _lane_reach(places, at, waiting, weights) if places > 0 else 0 for at in range(len(waiting))
    ]


def _lane_reach(places: int, lane: int, waiting: Sequence[int], weights: Sequence[int]) -> int:
    others = [
        (count, weight / weights[lane])
        for at, (count, weight) in enumerate(zip(waiting, weights, strict=True))
        if at != lane
    ]
    low, high = 0, places + 1
    while high - low > 1:
        middle = (low + high) // 2
        before = sum(min(float(count), middle * pace) for count, pace in others)
        low, high = (middle, high) if middle + before <= places else (low, middle)
    return low
