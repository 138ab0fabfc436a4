"""What this process makes of the frames it reads: whether rooms keep their pace and their promises.

Here belong the histogram of ETA's errors, the check that nobody was let in too many, and the age of
what is shown. Frames are kept by `frames`; the other numbers of a sale are told by `watching`.
"""

import time
from dataclasses import dataclass, field

from gateway.metrics import Metrics
from queueing import Frame
from queueing.eta import Promises, Speed
from queueing.pacing import Pacing, Sight

CHECK = "admission_within_rate"


@dataclass(slots=True)
class _Line:
    """What is followed of one line."""

    name: tuple[int, int]
    lanes: list[Promises]
    pacing: Pacing = field(default_factory=Pacing)
    overshot: bool = False
    read_at: float = 0.0
    at_ms: int = 0


class RoomWatch:
    """Follows the frames of all rooms."""

    def __init__(self, metrics: Metrics) -> None:
        self._metrics = metrics
        self._lines: dict[str, _Line] = {}

    def saw(self, frame: Frame) -> None:
        """Take the newest frame in; the same one again says nothing new."""
        line = self._lines.get(frame.sale)
        if line is None or line.name != (frame.drop, frame.epoch):
            lanes = [Promises() for _ in frame.lanes]
            line = self._lines[frame.sale] = _Line((frame.drop, frame.epoch), lanes)
        if frame.at_ms != line.at_ms:
            line.read_at, line.at_ms = time.monotonic(), frame.at_ms
        self._judge_promises(frame, line)
        sight = Sight(frame.at_ms, frame.admitted, frame.operator_rate_per_s, frame.burst)
        # One sight of it is enough for good: the alert must not go before somebody has looked.
        line.overshot = line.overshot or line.pacing.overshoot(sight) > 0
        self._metrics.broken.labels(frame.sale, CHECK).set(line.overshot)

    def tell_age(self) -> None:
        """Set how old the frames are that this process shows."""
        now = time.monotonic()
        for sale, line in self._lines.items():
            self._metrics.frame_age.labels(sale).set(now - line.read_at)

    def forget_all_but(self, sales: set[str]) -> None:
        """Follow the rooms of sales that are gone no more."""
        for sale in self._lines.keys() - sales:
            del self._lines[sale]

    def _judge_promises(self, frame: Frame, line: _Line) -> None:
        spread = self._metrics.eta_error.labels(frame.sale)
        for promises, lane in zip(line.lanes, frame.lanes, strict=False):
            for error in promises.note(
                at_s=frame.at_ms / 1000,
                serving=lane.serving,
                tail=lane.tail,
                speed=Speed(lane.rate_per_s, lane.low_per_s, lane.high_per_s),
                moves=frame.state == "open",
            ):
                spread.observe(error)
