"""The turn of a place: where the draw put its number, as far as this process knows.

Here belongs remembering the draw of each line from its frames. The order itself is the draw's.
"""

from queueing import draw
from queueing.frame import Frame
from queueing.keys import Line
from queueing.places import Place


def turn_of(frame: Frame, place: Place) -> int:
    """The turn of a place of the frame's line; 0: it is not known before the draw."""
    # A lobby that drains, or whose store is away, names that as its state and is still one.
    if not frame.seed and (frame.state == "lobby" or frame.at_ms < frame.opens_at_ms):
        return 0
    return draw.turn_of(frame.seed, place.lane, frame.lane(place.lane).drawn, place.number) or 0


class KnownDraws:
    """The newest frame of each sale's line, for turns to be told from."""

    def __init__(self) -> None:
        self._frames: dict[str, Frame] = {}

    def note(self, frame: Frame) -> None:
        """Remember what this frame says of the draw."""
        self._frames[frame.sale] = frame

    def turn_of(self, place: Place) -> int:
        """The turn of a place that was drawn; 0: not known here.

        Without the seed it is 0 also for who came later: the store knows how many were drawn.
        """
        frame = self._frames.get(place.sale)
        if frame is None or Line(frame.drop, frame.epoch) != Line(place.drop, place.epoch):
            return 0
        return turn_of(frame, place) if frame.seed else 0
