"""Were the promises kept? Compares what visitors were told with each other and with what there is.

Pure: values in, figures out. Each figure must be 0.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from loadtest.crowd.journal import CONFIRMED, REDEEMED


@dataclass(frozen=True, slots=True)
class Verdict:
    """Promises that contradict each other. `lost_orders` is told by reading each order again.

    `sold_twice`, `limits_broken` and `let_in_twice` say which unit, offer, buyer and code.
    """

    oversold: int
    over_limit: int
    double_redeemed: int
    orders: int
    units: int
    redeemed: int
    sold_twice: tuple[str, ...]
    limits_broken: tuple[str, ...]
    let_in_twice: tuple[str, ...]


def judge(
    promises: Iterable[Mapping[str, Any]],
    partner_orders: Iterable[Mapping[str, Any]],
    *,
    released: Mapping[str, int],
    limit: int,
) -> Verdict:
    """Judge the journals and the partner's list against the units released by offer.

    Oversold: a unit promised to two owners, a seat or a code promised for two units, or more units
    of an offer than were released. Over limit: a shopper with more than `limit` units. Double
    redeemed: a code let in twice.
    """
    owners: defaultdict[tuple[str, int], list[str]] = defaultdict(list)
    means: defaultdict[tuple[str, str], set[int]] = defaultdict(set)
    units_of: Counter[str] = Counter()
    let_in: defaultdict[str, set[str]] = defaultdict(set)
    orders: set[str] = set()
    for line in promises:
        if line["what"] == CONFIRMED and line["order"] not in orders:
            orders.add(line["order"])
            units_of[line["buyer"]] += len(line["units"])
            for unit in line["units"]:
                owners[unit["offer"], unit["unit"]].append(line["order"])
                for what in _shown(unit):
                    means[what].add(unit["unit"])
        elif line["what"] == REDEEMED:
            let_in[line["code"]].add(line["key"])
    bought = sum(len(each) for each in owners.values())
    for order in partner_orders:
        for offer, unit in order["units"]:
            owners[offer, unit].append(str(order.get("order", "of a partner")))
    sold_twice, oversold = _oversold(owners, released)
    alike = [
        f"{kind} …{what[-4:]}: units {sorted(units)}"
        for (kind, what), units in means.items()
        if len(units) > 1
    ]
    over = [f"{buyer} has {units}" for buyer, units in units_of.items() if units > limit]
    twice = [
        f"code …{code[-4:]}: {len(keys)} times" for code, keys in let_in.items() if len(keys) > 1
    ]
    return Verdict(
        oversold=oversold + len(alike),
        over_limit=len(over),
        double_redeemed=sum(len(keys) - 1 for keys in let_in.values()),
        orders=len(orders),
        units=bought,
        redeemed=len(let_in),
        sold_twice=(*sold_twice, *alike),
        limits_broken=tuple(over),
        let_in_twice=tuple(twice),
    )


def _shown(unit: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """What its owner shows at the door, and nobody else may: a seat, a code."""
    if unit.get("seat"):
        yield f"seat of {unit['offer']}", unit["seat"]
    if unit.get("code"):
        yield "code", unit["code"]


def _oversold(
    owners: Mapping[tuple[str, int], list[str]], released: Mapping[str, int]
) -> tuple[list[str], int]:
    """Which units have two owners and which offers are short of units, and how many units."""
    said, twice = [], 0
    by_offer: Counter[str] = Counter()
    for (offer, unit), orders in owners.items():
        by_offer[offer] += len(orders)
        if len(orders) > 1:
            twice += len(orders) - 1
            said.append(f"unit {unit} of {offer}: orders {', '.join(orders)}")
    too_many = 0
    for offer, sold in by_offer.items():
        if sold > released.get(offer, 0):
            too_many += sold - released.get(offer, 0)
            said.append(f"{offer}: {sold} units promised, {released.get(offer, 0)} released")
    return said, max(twice, too_many)


def percentile(values: list[float], share: float) -> float:
    """The value that `share` of the values do not exceed (nearest rank); 0.0 of none."""
    if not values:
        return 0.0
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, max(0, round(share * len(ordered)) - 1))]
