"""Were the promises kept? Compares what visitors were told with each other and with what there is.

Pure: values in, figures out. Each figure must be 0.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from loadtest.crowd.journal import CONFIRMED, REDEEMED


@dataclass(frozen=True, slots=True)
class Verdict:
    """Promises that contradict each other. `lost_orders` is told by reading each order again."""

    oversold: int
    over_limit: int
    double_redeemed: int
    orders: int
    units: int
    redeemed: int


def judge(
    promises: Iterable[Mapping[str, Any]],
    partner_orders: Iterable[Mapping[str, Any]],
    *,
    released: Mapping[str, int],
    limit: int,
) -> Verdict:
    """Judge the journals and the partner's list against the units released by offer.

    Oversold: a unit promised to two owners, or more units of an offer than were released. Over
    limit: a shopper with more than `limit` units. Double redeemed: a code let in twice.
    """
    owners: Counter[tuple[str, int]] = Counter()
    units_of: Counter[str] = Counter()
    let_in: defaultdict[str, set[str]] = defaultdict(set)
    orders: set[str] = set()
    for line in promises:
        if line["what"] == CONFIRMED and line["order"] not in orders:
            orders.add(line["order"])
            units_of[line["buyer"]] += len(line["units"])
            owners.update((unit["offer"], unit["unit"]) for unit in line["units"])
        elif line["what"] == REDEEMED:
            let_in[line["code"]].add(line["key"])
    bought = sum(owners.values())
    for order in partner_orders:
        owners.update((offer, unit) for offer, unit in order["units"])
    by_offer: Counter[str] = Counter()
    for (offer, _), times in owners.items():
        by_offer[offer] += times
    too_many = sum(max(0, sold - released.get(offer, 0)) for offer, sold in by_offer.items())
    twice = sum(times - 1 for times in owners.values())
    return Verdict(
        oversold=max(twice, too_many),
        over_limit=sum(units > limit for units in units_of.values()),
        double_redeemed=sum(len(keys) - 1 for keys in let_in.values()),
        orders=len(orders),
        units=bought,
        redeemed=len(let_in),
    )


def percentile(values: list[float], share: float) -> float:
    """The value that `share` of the values do not exceed (nearest rank); 0.0 of none."""
    if not values:
        return 0.0
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, max(0, round(share * len(ordered)) - 1))]
