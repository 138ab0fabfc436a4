"""The rules of a room: what its operator sets, checked before they reach the store.

Here belong their limits and the form they take in the store. What follows from them (who is
called, who is let in) is decided in the scripts.
"""

import math
import re
from dataclasses import dataclass, field

RATE_MAX_PER_S = 100_000
BURST_MAX = 1_000_000
ACTIVE_MAX = 10_000_000
PASS_MIN_MS = 5_000
PASS_MAX_MS = 3_600_000
LOBBY_MAX_MS = 7 * 24 * 3_600_000
OPENINGS_MAX = 64
LANES_MAX = 8
WEIGHT_MAX = 100
GRACE_MIN_MS = 1_000
GRACE_MAX_MS = 3_600_000
TIME_MAX_MS = 2**53 - 1


class BadRules(ValueError):
    """A rule is outside its limits; the message names it."""


def rate_milli(rate_per_s: float) -> int:
    """The rate in thousandths of a shopper per second, the integer that the scripts count with.

    Rounded down, so that the store never admits more than was asked for. Raises BadRules.
    """
    if not (math.isfinite(rate_per_s) and 0 <= rate_per_s <= RATE_MAX_PER_S):
        raise BadRules(f"rate_per_s must be between 0 and {RATE_MAX_PER_S}, not {rate_per_s}")
    # 0.29 * 1000 is a hair below 290 in binary: that hair is not the operator's wish.
    return math.floor(rate_per_s * 1000 + 1e-6)


def checked_burst(burst: int) -> int:
    """The burst, when it is within its limits. Raises BadRules."""
    return _within("burst", burst, 1, BURST_MAX)


def checked_active_max(active_max: int) -> int:
    """The bound on those inside, when it is within its limits. Raises BadRules."""
    return _within("active_max", active_max, 0, ACTIVE_MAX)


def checked_grace_ms(grace_ms: int) -> int:
    """The grace of a called turn, when it is within its limits. Raises BadRules."""
    return _within("grace_ms", grace_ms, GRACE_MIN_MS, GRACE_MAX_MS)


@dataclass(frozen=True, slots=True)
class Lane:
    """One lane of a room: its turns are to another's as their weights, while both have people."""

    name: str
    weight: int = 1


EVERYONE = Lane("everyone")
_LANE_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,62}")


@dataclass(frozen=True, slots=True, kw_only=True)
class RoomRules:
    """How a sale's room works. Raises BadRules when a value is outside its limits.

    `rate_per_s` shoppers are let in each second, up to `burst` at once after a quiet spell, for
    `pass_ms` each, and at most `active_max` at a time (0: no such limit). Drop n opens at
    `openings_ms[n - 1]` and its lobby takes joins from `lobby_ms` earlier; the first drop is 1,
    as in the stock's records. A called turn has its full right for `grace_ms`. A place names its
    lane by the position in `lanes`, from 0 on.
    """

    rate_per_s: float
    openings_ms: tuple[int, ...]
    burst: int = field(default=1)
    pass_ms: int = field(default=120_000)
    lobby_ms: int = field(default=0)
    active_max: int = field(default=0)
    grace_ms: int = field(default=45_000)
    lanes: tuple[Lane, ...] = field(default=(EVERYONE,))

    def __post_init__(self) -> None:
        rate_milli(self.rate_per_s)
        checked_burst(self.burst)
        _within("pass_ms", self.pass_ms, PASS_MIN_MS, PASS_MAX_MS)
        _within("lobby_ms", self.lobby_ms, 0, LOBBY_MAX_MS)
        checked_active_max(self.active_max)
        checked_grace_ms(self.grace_ms)
        _within("the number of lanes", len(self.lanes), 1, LANES_MAX)
        for lane in self.lanes:
            if not _LANE_NAME.fullmatch(lane.name):
                raise BadRules(f"a lane's name has a-z, 0-9 and -, not {lane.name!r}")
            _within("the weight of a lane", lane.weight, 1, WEIGHT_MAX)
        _within("the number of openings", len(self.openings_ms), 1, OPENINGS_MAX)
        for opening_ms in self.openings_ms:
            _within("an opening", opening_ms, 1, TIME_MAX_MS)
        for earlier, later in zip(self.openings_ms, self.openings_ms[1:], strict=False):
            if earlier >= later:
                raise BadRules(f"openings must rise: {later} comes after {earlier}")


def _within(name: str, value: int, low: int, high: int) -> int:
    if not low <= value <= high:
        raise BadRules(f"{name} must be between {low} and {high}, not {value}")
    return value
