"""A history of a waiting room: who was told which place and pass, and what in it cannot be.

Every attempt did what it did at one moment between its beginning and its end. The checks use
nothing else but the room's rate and the moments at which its store is known to have forgotten:
only there may a buyer who shows no place be given another one. Pure. Cost: O(n^2) in passes.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right, insort
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Literal, TypeVar

from loadtest.history import Wrong

Answer = Literal["admitted", "not_called", "wait", "gone", "fault"]
Spot = tuple[str, int, int]
"""A line as `<drop>.<epoch>`, a lane, a number in it."""
Told = TypeVar("Told", "Join", "Claim")


@dataclass(frozen=True, slots=True, kw_only=True)
class Join:
    """A join that was answered with a place. `shown`: the buyer showed the place it had."""

    key: str
    buyer: str
    began: float
    ended: float
    spot: Spot
    shown: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """A claim. `not_called`: its turn had not come; `wait`: it had, or nobody was let in."""

    buyer: str
    began: float
    ended: float
    spot: Spot
    told: Answer
    pass_id: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """A frame, as the store gave it: how far a lane was called."""

    line: str
    lane: int
    serving: int
    began: float
    ended: float


@dataclass(slots=True)
class RoomHistory:
    """What a run has recorded. `losses`: when the store lost what it had; `turn` of a spot."""

    rate_per_s: float
    burst: int
    joins: list[Join] = field(default_factory=list)
    claims: list[Claim] = field(default_factory=list)
    frames: list[Seen] = field(default_factory=list)
    losses: list[float] = field(default_factory=list)
    turn: Callable[[Spot], int] = lambda spot: spot[2]

    def wrong(self) -> list[Wrong]:
        """All contradictions; none in a history that can be."""
        return [
            *self._overshoot(),
            *self._overtaken(),
            *self._passed_over(),
            *self._second_places(),
            *_second_passes(self.claims),
            *self._never_called(),
        ]

    def first_passes(self) -> list[Claim]:
        """The claim that let each place in: the one that was answered first."""
        first: dict[tuple[Spot, str], Claim] = {}
        for one in sorted(self.claims, key=lambda claim: claim.ended):
            if one.told == "admitted":
                first.setdefault((one.spot, one.buyer), one)
        return list(first.values())

    def most_over(self) -> float:
        """The most that were surely let in within any window, over what it may have; 0 for none.

        Only windows from one claim's beginning to one's end can be the worst.
        """
        most, ends = 0.0, list[float]()
        for one in sorted(self.first_passes(), key=lambda claim: -claim.began):
            insort(ends, one.ended)
            for count, ended in enumerate(ends, 1):
                allowed = self.rate_per_s * (ended - one.began) + self.burst
                most = max(most, count / allowed)
        return most

    def _overshoot(self) -> Iterator[Wrong]:
        if (most := self.most_over()) > 1:
            yield Wrong("overshoot", f"{most:.3f} of rate * window + burst")

    def _overtaken(self) -> Iterator[Wrong]:
        """Who came later stands behind."""
        for joins in _by_lane(_first_joins(self.joins)).values():
            joins.sort(key=lambda join: join.began)
            begun = [one.began for one in joins]
            lowest = [one.spot[2] for one in joins]
            for index in reversed(range(len(lowest) - 1)):
                lowest[index] = min(lowest[index], lowest[index + 1])
            for one in joins:
                later = bisect_right(begun, one.ended)
                if later < len(lowest) and lowest[later] <= one.spot[2]:
                    yield Wrong("inverted", f"{one_of(one)}, and one later {lowest[later]}")

    def _passed_over(self) -> Iterator[Wrong]:
        """Who stands behind is never called first."""
        for claims in _by_lane(self.claims).values():
            far, at = self._called(claims)
            for one in claims:
                if one.told == "not_called" and self.turn(one.spot) <= _before(far, at, one.began):
                    yield Wrong("inverted", f"{one.spot} was not called, later ones had been")

    def _called(self, claims: Sequence[Claim]) -> tuple[list[int], list[float]]:
        """How far a lane must have been called, at the ends of the claims that prove it."""
        far, at = list[int](), list[float]()
        for one in sorted(claims, key=lambda claim: claim.ended):
            if one.told == "admitted":
                far.append(max(self.turn(one.spot), far[-1] if far else 0))
                at.append(one.ended)
        return far, at

    def _second_places(self) -> Iterator[Wrong]:
        told: defaultdict[tuple[str, str, str], list[Join]] = defaultdict(list)
        owners: defaultdict[Spot, set[str]] = defaultdict(set)
        for one in self.joins:
            told[one.spot[0], one.buyer, one.key].append(one)
            owners[one.spot].add(one.buyer)
        for joins in told.values():
            joins.sort(key=lambda join: join.began)
            for earlier, later in pairwise(joins):
                if earlier.spot != later.spot and not self._forgiven(earlier, later):
                    yield Wrong("second place", f"{one_of(earlier)} and {later.spot}")
        for spot, buyers in owners.items():
            if len(buyers) > 1:
                yield Wrong("second place", f"{spot} is of {len(buyers)} buyers")

    def _forgiven(self, earlier: Join, later: Join) -> bool:
        """Whether the store lost the first join before the second, which did not show its place."""
        lost = any(earlier.began < at < later.ended for at in self.losses)
        return lost and not later.shown

    def _never_called(self) -> Iterator[Wrong]:
        """A pass was given though a later frame says that its turn has not come."""
        lowest: dict[tuple[str, int], list[Seen]] = defaultdict(list)
        for frame in self.frames:
            lowest[frame.line, frame.lane].append(frame)
        for frames in lowest.values():
            frames.sort(key=lambda frame: frame.began)
            for earlier, later in pairwise(frames):
                if later.began > earlier.ended and later.serving < earlier.serving:
                    yield Wrong("went back", f"from {earlier.serving} to {later.serving}")
        for one in self.first_passes():
            for frame in lowest.get(one.spot[:2], ()):
                if frame.began > one.ended and frame.serving < self.turn(one.spot):
                    yield Wrong("never called", f"{one.spot} has a pass at {frame.serving}")
                    break


def _second_passes(claims: Sequence[Claim]) -> Iterator[Wrong]:
    ids: defaultdict[tuple[Spot, str], set[str]] = defaultdict(set)
    places: defaultdict[str, set[tuple[Spot, str]]] = defaultdict(set)
    for one in claims:
        if one.told == "admitted":
            ids[one.spot, one.buyer].add(one.pass_id)
            places[one.pass_id].add((one.spot, one.buyer))
    for (spot, _), several in ids.items():
        if len(several) > 1:
            yield Wrong("second pass", f"{spot} has {len(several)} passes")
    for pass_id, several_places in places.items():
        if len(several_places) > 1:
            yield Wrong("second pass", f"{pass_id} is of {len(several_places)} places")


def one_of(join: Join) -> str:
    """A join as a report names it."""
    return f"{join.buyer} by {join.key}: {join.spot}"


def _first_joins(joins: Sequence[Join]) -> list[Join]:
    """The join that each place was told by first: a repeat tells nothing of the order."""
    first: dict[tuple[Spot, str], Join] = {}
    for one in sorted(joins, key=lambda join: join.ended):
        first.setdefault((one.spot, one.buyer), one)
    return list(first.values())


def _by_lane(told: Sequence[Told]) -> dict[tuple[str, int], list[Told]]:
    found: defaultdict[tuple[str, int], list[Told]] = defaultdict(list)
    for one in told:
        found[one.spot[:2]].append(one)
    return found


def _before(far: Sequence[int], at: Sequence[float], moment: float) -> int:
    """How far the lane was called before a moment."""
    index = bisect_left(at, moment)
    return far[index - 1] if index else 0
