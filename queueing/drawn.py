"""The turn of a place: where the draw put its number, as far as this process knows.

Here belongs remembering the draw of each line from its frames. The order itself is the draw's.
"""

from queueing.frame import Frame
from queueing.keys import Line
from queueing.places import Place


def turn_of(frame: Frame, place: Place) -> int:
    """The turn of a place of the frame's line; 0: the lane is drawn, and the seed is not known."""
    drawn = frame.lane(place.lane).drawn
    if place.number > drawn:
        return place.number
    return 0


class KnownDraws:
    """The newest frame of each sale's line, for turns to be told from."""

    def __init__(self) -> None:
        self._frames: dict[str, Frame] = {}

    def note(self, frame: Frame) -> None:
        """Remember what this frame says of the draw."""
        self._frames[frame.sale] = frame

    def turn_of(self, place: Place) -> int:
        """The turn of a place; the store puts right what is older than a lane's draw."""
        frame = self._frames.get(place.sale)
        if frame is None or Line(frame.drop, frame.epoch) != Line(place.drop, place.epoch):
            return 0
        return turn_of(frame, place)
