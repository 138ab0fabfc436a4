"""The room in plain Python: the oracle of the admission stories.

It decides claims from first principles, with fractions where the scripts count millionths, and
keeps what was let in when, so that every window can be checked. Which turns are called it takes
from the pump's reports and only bounds.
"""

from dataclasses import dataclass, field
from fractions import Fraction

from queueing import Place, RoomRules

STEP_BACK_MS = 5_000


@dataclass
class Turn:
    """A place that was let in: the end of its pass, and whether it has left since."""

    expires_ms: int
    left: bool = False


@dataclass
class Model:
    """One room. `now_ms` is the store's clock, which may be set back; `true_ms` never is."""

    rules: RoomRules
    rate: Fraction
    burst: int
    state: str = "open"
    now_ms: int = 1
    true_ms: int = 1
    tokens: Fraction = Fraction(0)
    filled_ms: int = 1
    serving: dict[int, int] = field(default_factory=dict)
    stock: dict[int, int | None] = field(default_factory=dict)
    turns: dict[tuple[int, int], Turn] = field(default_factory=dict)
    leases: dict[tuple[int, int], int] = field(default_factory=dict)
    admitted_ms: list[int] = field(default_factory=list)
    speeds: list[tuple[int, Fraction, int]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.tokens = Fraction(self.burst)
        self.speeds.append((self.true_ms, self.rate, self.burst))

    def advance(self, elapsed_ms: int) -> None:
        """Time goes on."""
        self.now_ms += elapsed_ms
        self.true_ms += elapsed_ms

    def set_back(self, by_ms: int) -> None:
        """The store's clock is set back."""
        self.now_ms = max(1, self.now_ms - by_ms)

    def filled(self) -> Fraction:
        """The bucket as it stands now: it fills while open, and never for the same time twice."""
        tokens = self.tokens
        if self.now_ms > self.filled_ms and self.state == "open":
            tokens += self.rate * (self.now_ms - self.filled_ms) / 1000
        return min(Fraction(self.burst), tokens)

    def settle(self) -> None:
        """Write the bucket down as it stands. Only what changes the room does: no refusal."""
        self.tokens, self.filled_ms = self.filled(), max(self.filled_ms, self.now_ms)

    def set_rate(self, rate: Fraction, burst: int) -> None:
        """What the operator sets counts from here."""
        if (rate, burst) == (self.rate, self.burst):
            return
        self.settle()
        self.rate, self.burst = rate, burst
        self.tokens = min(Fraction(burst), self.tokens)
        self.speeds.append((self.true_ms, rate, burst))

    def set_state(self, state: str) -> None:
        """A pause takes no tokens and gives none."""
        if state == self.state:
            return
        self.settle()
        self.state = state

    def pumped(self, drop: int, serving: int, stock: int | None) -> None:
        """What a pumping did; it also notices a clock that was set back far."""
        self.settle()
        if self.now_ms < self.filled_ms - STEP_BACK_MS:
            self.tokens, self.filled_ms = Fraction(0), self.now_ms
        assert serving >= self.serving.get(drop, 0), "a called turn was called back"
        self.serving[drop], self.stock[drop] = serving, stock

    def drop(self) -> int:
        """The last drop whose lobby has come."""
        come = [
            opens for opens in self.rules.openings_ms if opens - self.rules.lobby_ms <= self.now_ms
        ]
        return len(come)

    def claim(self, place: Place) -> str:
        """What the room answers to this claim, in one word, after doing it."""
        key = (place.drop, place.number)
        refusal = self._refusal(place, key)
        if refusal:
            return refusal
        if self.filled() < 1:
            return "pace"
        self.settle()
        self.tokens -= 1
        expires_ms = (self.now_ms + self.rules.pass_ms) // 1000 * 1000
        self.turns[key] = Turn(expires_ms)
        # A lease that has ended stays ended, should the clock be set back over its end.
        self.leases = {k: end_ms for k, end_ms in self.leases.items() if end_ms > self.now_ms}
        self.leases[key] = expires_ms
        self.admitted_ms.append(self.true_ms)
        return "admitted"

    def _refusal(self, place: Place, key: tuple[int, int]) -> str:
        turn = self.turns.get(key)
        if turn:
            if turn.left:
                return "left"
            return "spent" if turn.expires_ms <= self.now_ms else "again"
        drop = self.drop()
        if drop != place.drop:
            return "over" if drop > place.drop else "lobby"
        if self.now_ms < self.rules.openings_ms[drop - 1]:
            return "lobby"
        if self.state == "paused":
            return "paused"
        if self.stock.get(drop) == 0:
            return "sold_out"
        if place.number > self.serving.get(drop, 0):
            return "turn"
        active = sum(end_ms > self.now_ms for end_ms in self.leases.values())
        return "full" if 0 < self.rules.active_max <= active else ""

    def finish(self, place: Place) -> None:
        """The slot is free."""
        self.leases.pop((place.drop, place.number), None)

    def leave(self, place: Place) -> None:
        """The place is gone; but while its pass works nothing changes."""
        turn = self.turns.get((place.drop, place.number))
        if turn and not turn.left and turn.expires_ms > self.now_ms:
            return
        self.turns[(place.drop, place.number)] = Turn(0, left=True)

    def worst_window(self) -> Fraction:
        """The most that any window let in beyond rate * w + burst, with what was set in it."""
        earned = [self._earned(at_ms) for at_ms in self.admitted_ms]
        worst = Fraction(-1)
        for first in range(len(earned)):
            for last in range(first, len(earned)):
                burst = self._burst(self.admitted_ms[first], self.admitted_ms[last])
                allowed = earned[last] - earned[first] + burst
                worst = max(worst, last - first + 1 - allowed)
        return worst

    def _earned(self, at_ms: int) -> Fraction:
        ends = [begin_ms for begin_ms, _, _ in self.speeds[1:]] + [at_ms]
        return sum(
            (
                rate * max(0, min(end_ms, at_ms) - begin_ms) / 1000
                for (begin_ms, rate, _), end_ms in zip(self.speeds, ends, strict=True)
            ),
            Fraction(0),
        )

    def _burst(self, first_ms: int, last_ms: int) -> int:
        """The largest burst that was set at any time of the window."""
        ends = [begin_ms for begin_ms, _, _ in self.speeds[1:]] + [last_ms]
        return max(
            burst
            for (begin_ms, _, burst), end_ms in zip(self.speeds, ends, strict=True)
            if begin_ms <= last_ms and end_ms >= first_ms
        )
