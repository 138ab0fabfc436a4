"""A history of what was asked and told, and everything in it that cannot be.

An attempt is one request with its answer, or without. What it did is done at one moment between its
beginning and its end; an attempt without an answer may have done it at any moment from its
beginning on, or never. The checks use nothing else: whoever was told to own a unit owns it surely
from that answer until a giving back begins, and may own it from the first asking until a giving
back is answered. Pure. Cost: O(n log n).
"""

from __future__ import annotations

import math
from bisect import bisect_left, bisect_right
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Literal

Told = Literal["ok", "refused", "nothing", "unknown"]
"""Done; a business refusal; a fault that says that nothing happened; no answer, or "not known"."""
SHORT = frozenset({"sold_out", "too_few", "all_held"})
"""Refusals that say that there were not as many units as were asked for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """One request. Times in seconds of one clock; `ended` is infinite when no answer came."""

    key: str
    began: float
    ended: float = math.inf
    told: Told = "unknown"
    why: str = ""
    replayed: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Buy(Attempt):
    """Units asked for. `key` is the caller's, unique for caller and buyer."""

    buyer: str
    offer: str
    quantity: int
    order: str = ""
    units: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class GiveBack(Attempt):
    """All units of an order given back: a refund, or a release."""

    order: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Redeem(Attempt):
    """A code shown at a kiosk."""

    code: str


@dataclass(frozen=True, slots=True)
class Kept:
    """An order that is there when everything is quiet; `key` is the one that it was asked with."""

    key: str
    units: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Wrong:
    """Something that cannot be; `rule` is its class."""

    rule: str
    said: str


@dataclass(slots=True)
class History:
    """What a run has recorded. `released` is units by offer, `kept` orders by id at its end.

    `withheld` units of an offer count as held: to be refused for them is no wrong.
    """

    released: Mapping[str, int]
    limit: int
    attempts: list[Attempt] = field(default_factory=list)
    kept: Mapping[str, Kept] = field(default_factory=dict)
    withheld: Mapping[str, int] = field(default_factory=dict)

    def wrong(self) -> list[Wrong]:
        """All contradictions; none in a history that can be."""
        buys: defaultdict[str, list[Buy]] = defaultdict(list)
        for one in self.attempts:
            if isinstance(one, Buy):
                buys[one.key].append(one)
        for tries in buys.values():
            tries.sort(key=lambda one: one.began)
        owned = [_Owned.of(tries, self._gifts()) for tries in buys.values()]
        return [
            *_repeats(buys),
            *_oversold(owned, self.released),
            *_over_limit(owned, self.limit),
            *_wrongly_refused(buys, owned, self._for_sale(), self.limit),
            *_lost(owned, buys, self.kept),
            *_redeemed_twice(self.attempts),
        ]

    def _for_sale(self) -> Mapping[str, int]:
        return {offer: n - self.withheld.get(offer, 0) for offer, n in self.released.items()}

    def _gifts(self) -> Mapping[str, list[GiveBack]]:
        gifts: defaultdict[str, list[GiveBack]] = defaultdict(list)
        for one in self.attempts:
            if isinstance(one, GiveBack):
                gifts[one.order].append(one)
        return gifts


@dataclass(frozen=True, slots=True)
class _Owned:
    """What one key's buying came to: surely owned from `sure` to `sure_end`, maybe in between."""

    key: str
    buyer: str
    offer: str
    quantity: int
    order: str
    units: tuple[int, ...]
    sure: float
    sure_end: float
    maybe: float
    maybe_end: float
    given_back: bool

    @classmethod
    def of(cls, tries: Sequence[Buy], gifts: Mapping[str, list[GiveBack]]) -> _Owned:
        first, told = tries[0], [one for one in tries if one.told == "ok"]
        order, units = (told[0].order, told[0].units) if told else ("", ())
        back = gifts.get(order, []) if order else []
        may_have_run = told or any(one.told == "unknown" for one in tries)
        answered = [one.ended for one in back if one.told == "ok"]
        return cls(
            key=first.key,
            buyer=first.buyer,
            offer=first.offer,
            quantity=len(units) if told else first.quantity,
            order=order,
            units=units,
            sure=min((one.ended for one in told), default=math.inf),
            sure_end=min((one.began for one in back), default=math.inf),
            maybe=first.began if may_have_run else math.inf,
            maybe_end=min(answered, default=math.inf),
            given_back=any(one.told in ("ok", "unknown") for one in back),
        )


def _repeats(buys: Mapping[str, list[Buy]]) -> Iterator[Wrong]:
    """One key has one outcome, and an answer that denies it was wrong."""
    for key, tries in buys.items():
        told = [one for one in tries if one.told == "ok"]
        if not told:
            continue
        if len({(one.order, one.units) for one in told}) > 1:
            yield Wrong("not repeatable", f"{key}: {sorted({one.order for one in told})}")
        if sum(not one.replayed for one in told) > 1:
            yield Wrong("not repeatable", f"{key} was done anew {len(told)} times")
        first = min(told, key=lambda one: one.ended)
        for one in tries:
            if one.told == "refused" and one.began > first.ended:
                yield Wrong("lost success", f"{key}: {one.why} after a success")


def _oversold(owned: Iterable[_Owned], released: Mapping[str, int]) -> Iterator[Wrong]:
    by_unit: defaultdict[tuple[str, int], list[_Owned]] = defaultdict(list)
    by_offer: defaultdict[str, list[_Owned]] = defaultdict(list)
    for one in owned:
        by_offer[one.offer].append(one)
        for unit in one.units:
            by_unit[one.offer, unit].append(one)
    for (offer, unit), owners in by_unit.items():
        owners.sort(key=lambda one: one.sure)
        for earlier, later in pairwise(owners):
            if later.sure < min(earlier.sure_end, later.sure_end):
                yield Wrong("oversold", f"unit {unit} of {offer}: {earlier.order}, {later.order}")
    for offer, all_of_it in by_offer.items():
        most = _Level((one.sure, one.sure_end, one.quantity) for one in all_of_it).highest()
        if most > released.get(offer, 0):
            yield Wrong("oversold", f"{offer}: {most} units of {released.get(offer, 0)}")


def _over_limit(owned: Iterable[_Owned], limit: int) -> Iterator[Wrong]:
    by_buyer: defaultdict[str, list[_Owned]] = defaultdict(list)
    for one in owned:
        by_buyer[one.buyer].append(one)
    for buyer, theirs in by_buyer.items():
        most = _Level((one.sure, one.sure_end, one.quantity) for one in theirs).highest()
        if most > limit:
            yield Wrong("over limit", f"{buyer} owned {most} at once")


def _wrongly_refused(
    buys: Mapping[str, list[Buy]],
    owned: Sequence[_Owned],
    for_sale: Mapping[str, int],
    limit: int,
) -> Iterator[Wrong]:
    """A refusal is right if at one moment of its attempt others may have had what it denies."""
    offers: defaultdict[str, list[tuple[float, float, int]]] = defaultdict(list)
    buyers: defaultdict[str, list[tuple[float, float, int]]] = defaultdict(list)
    for one in owned:
        span = (one.maybe, one.maybe_end, one.quantity)
        offers[one.offer].append(span)
        buyers[one.buyer].append(span)
    of_offer = {offer: _Level(spans) for offer, spans in offers.items()}
    of_buyer = {buyer: _Level(spans) for buyer, spans in buyers.items()}
    for key, tries in buys.items():
        for tried in tries:
            if tried.told != "refused":
                continue
            if tried.why in SHORT:
                most = of_offer[tried.offer].highest(tried.began, tried.ended)
                if most + tried.quantity <= for_sale.get(tried.offer, 0):
                    left = for_sale.get(tried.offer, 0) - most
                    yield Wrong("wrongly refused", f"{key}: {tried.why} with {left} units left")
            elif tried.why == "limit_reached":
                most = of_buyer[tried.buyer].highest(tried.began, tried.ended)
                if most + tried.quantity <= limit:
                    yield Wrong(
                        "wrongly refused", f"{key}: {tried.why}, and {tried.buyer} has {most}"
                    )


def _lost(
    owned: Iterable[_Owned], buys: Mapping[str, list[Buy]], kept: Mapping[str, Kept]
) -> Iterator[Wrong]:
    for one in owned:
        now = kept.get(one.order)
        if not one.order or one.given_back:
            continue
        if now is None:
            yield Wrong("lost success", f"order {one.order} of {one.key} is gone")
        elif sorted(now.units) != sorted(one.units):
            yield Wrong("lost success", f"order {one.order} has other units")
    owners: Counter[int] = Counter()
    for order, there in kept.items():
        owners.update(set(there.units))
        tries = buys.get(there.key, [])
        if all(one.told in ("refused", "nothing") for one in tries):
            yield Wrong("denied", f"order {order} of {there.key} is there, and nobody was told")
    yield from (Wrong("oversold", f"unit {unit}") for unit, many in owners.items() if many > 1)


def _redeemed_twice(attempts: Iterable[Attempt]) -> Iterator[Wrong]:
    keys: defaultdict[str, set[str]] = defaultdict(set)
    for one in attempts:
        if isinstance(one, Redeem) and one.told == "ok":
            keys[one.code].add(one.key)
    for code, let_in in keys.items():
        if len(let_in) > 1:
            yield Wrong("redeemed twice", f"code …{code[-4:]}: {len(let_in)} times")


class _Level:
    """How many units are out at each moment, by spans (from, to, units); spans may be endless."""

    def __init__(self, spans: Iterable[tuple[float, float, int]]) -> None:
        changes: Counter[float] = Counter()
        for begin, end, units in spans:
            if begin < end:
                changes[begin] += units
                changes[end] -= units
        changes.pop(math.inf, None)
        self._at = sorted(changes)
        level, levels = 0, []
        for at in self._at:
            level += changes[at]
            levels.append(level)
        self._highest = [levels]  # [n][i]: the highest of 2^n levels from the i-th on
        while 2 * (width := 1 << len(self._highest) - 1) <= len(levels):
            row = self._highest[-1]
            self._highest.append([max(pair) for pair in zip(row, row[width:], strict=False)])

    def highest(self, begin: float = -math.inf, end: float = math.inf) -> int:
        """The most that were out at any moment of an interval."""
        first = max(bisect_right(self._at, begin) - 1, 0)
        last = bisect_left(self._at, end)
        if first >= last:
            return 0
        power = (last - first).bit_length() - 1
        row = self._highest[power]
        return max(0, row[first], row[last - (1 << power)])
