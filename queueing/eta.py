"""How long a place still waits, with its range, and how good earlier answers turned out to be.

Plain values: what the frame says in, times out. The speed of a lane is that of its serving number,
which contains those who do not come; dividing by claims would count them twice.
"""

import math
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

SHORTEST_S: Final = 10.0
"""A promise below this is not judged: frames are fractions of a second apart."""
CHANGED: Final = 0.5
BELIEVED_TURNS: Final = 5
EVERY_S: Final = 5.0
OPEN_MAX: Final = 512


@dataclass(frozen=True, slots=True)
class Speed:
    """Turns a second of one lane: the estimate, and the range that it moved in lately."""

    per_s: float
    low_per_s: float
    high_per_s: float


def speed_of(over_10_s: float, over_60_s: float) -> Speed:
    """The speed of a lane from its means over 10 s and 60 s.

    The long one, unless the short one is half as much off and saw enough turns to be believed: then
    the line has changed its pace.
    """
    changed = abs(over_10_s - over_60_s) > CHANGED * over_60_s
    believed = max(over_10_s, over_60_s) * 10 >= BELIEVED_TURNS
    per_s = over_10_s if changed and believed else over_60_s
    return Speed(per_s, min(over_10_s, over_60_s), max(over_10_s, over_60_s))


@dataclass(frozen=True, slots=True)
class Eta:
    """Seconds until a turn is called: soonest, expected, latest. `inf`: the line stands still."""

    soonest_s: float
    expected_s: float
    latest_s: float


def eta(ahead: int, speed: Speed, opens_in_s: float = 0.0) -> Eta:
    """The wait of a place with so many turns ahead, its own included; 0 ahead is called already."""

    def wait(per_s: float) -> float:
        if ahead <= 0:
            return opens_in_s
        return opens_in_s + (ahead / per_s if per_s > 0 else math.inf)

    fastest = max(speed.per_s, speed.high_per_s)
    slowest = min(speed.per_s, speed.low_per_s)
    return Eta(wait(fastest), wait(speed.per_s), wait(slowest))


@dataclass(slots=True)
class _Promise:
    turn: int
    made_s: float
    wait_s: float


@dataclass(slots=True)
class Promises:
    """What one lane was told, and how far off it was when the turn came.

    No person is remembered: turns are public. Every EVERY_S seconds the wait of the newest place
    and of one half way is noted, which is what a newcomer and a poll are told at that moment.
    """

    _open: deque[_Promise] = field(default_factory=deque)
    _noted_s: float = -math.inf

    def note(
        self, *, at_s: float, serving: int, tail: int, speed: Speed, moves: bool
    ) -> Sequence[float]:
        """Take a frame in; |actual - promised| / promised of the promises that came due.

        `moves`: the room is open. An operator who pauses breaks promises, not the estimate: they
        are dropped.
        """
        if not moves:
            self._open.clear()
            self._noted_s = -math.inf
            return ()
        due = [one for one in self._open if one.turn <= serving]
        if due:
            self._open = deque(one for one in self._open if one.turn > serving)
        if at_s - self._noted_s >= EVERY_S and len(self._open) < OPEN_MAX:
            self._noted_s = at_s
            waiting = tail - serving
            for ahead in {waiting, (waiting + 1) // 2}:
                wait_s = eta(ahead, speed).expected_s
                if SHORTEST_S <= wait_s < math.inf:
                    self._open.append(_Promise(serving + ahead, at_s, wait_s))
        return [abs(at_s - one.made_s - one.wait_s) / one.wait_s for one in due]
