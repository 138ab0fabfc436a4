"""How long the wait is, and how likely it pays, as the page without scripts says it.

It follows `shop/estimate.js`: what was said falls at any time and never rises unsaid. The page
keeps nothing between two looks, so what it said goes with the browser, in a cookie that this page
alone is sent and that is no credential: who changes it is told something else, and nobody else is.
"""

import math
import re
from dataclasses import dataclass
from typing import Literal, Self

from queueing import Frame, Place, turn_of

_SLOWER = 1.33
"""As the page with scripts: where no speed has swung yet, a third more is honest."""
_WORSE = 1.25
_WORSE_S = 5
_ROSE_SHOWN_S = 120
_FORM = re.compile(r"(\d{1,9}\.\d{1,9}\.\d{1,4}\.\d{1,12})-(\d{1,12})-(\d{1,12})", re.ASCII)

Chance = Literal["likely", "possible", "unlikely"]


@dataclass(frozen=True, slots=True)
class Said:
    """What was said last: the turn of `place` comes by `by_s`.

    At `rose_s`, 0 never, it was said to take longer than before. Times are whole seconds of the
    server's clock.
    """

    place: str
    by_s: int
    rose_s: int = 0

    @classmethod
    def read(cls, text: str) -> Self | None:
        """From the cookie's text; None for one that is none of ours."""
        found = _FORM.fullmatch(text)
        return found and cls(found[1], int(found[2]), int(found[3]))

    def __str__(self) -> str:
        return f"{self.place}-{self.by_s}-{self.rose_s}"


@dataclass(frozen=True, slots=True)
class Wait:
    """What is said now, in seconds; `rose`: longer than was said, which is news for a while."""

    low_s: float
    high_s: float
    rose: bool
    said: Said


def wait_of(frame: Frame, place: Place, before: str) -> Wait | None:
    """How long a place waits, after what its cookie says was said; None: nobody can tell now."""
    ahead = frame.ahead(place.lane, turn_of(frame, place))
    lane = frame.lane(place.lane)
    speeds = [one for one in (lane.rate_per_s, lane.low_per_s, lane.high_per_s) if one > 0]
    if frame.state != "open" or not speeds or ahead == 0:
        return None
    fastest, slowest = max(speeds), min(speeds)
    low_s = ahead / fastest
    high_s = ahead / (slowest if slowest < fastest else slowest / _SLOWER)
    return _steady(_name(place), low_s, high_s, Said.read(before), frame.at_ms // 1000)


def _steady(name: str, low_s: float, high_s: float, before: Said | None, now_s: int) -> Wait:
    if before is None or before.place != name:
        return Wait(low_s, high_s, False, Said(name, now_s + math.ceil(high_s)))
    left_s = max(0, before.by_s - now_s)
    if high_s > left_s * _WORSE + _WORSE_S:
        return Wait(low_s, high_s, True, Said(name, now_s + math.ceil(high_s), now_s))
    high_s = min(high_s, left_s)
    said = Said(name, now_s + math.ceil(high_s), before.rose_s)
    return Wait(min(low_s, high_s), high_s, 0 <= now_s - before.rose_s < _ROSE_SHOWN_S, said)


def _name(place: Place) -> str:
    return f"{place.drop}.{place.epoch}.{place.lane}.{place.number}"


def chance_of(frame: Frame, place: Place) -> Chance | None:
    """Whether what is left will reach a place that was not called yet; None: not known."""
    turn, lane = turn_of(frame, place), frame.lane(place.lane)
    people = frame.ahead(place.lane, turn) if turn > 0 else lane.tail
    if frame.state == "sold_out" or people == 0:
        return None
    if 0 <= people <= lane.likely:
        return "likely"
    if 0 <= people <= lane.possible:
        return "possible"
    return None if lane.likely < 0 or lane.possible < 0 else "unlikely"
