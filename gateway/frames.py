"""The frames that this process keeps, so that a poll costs the store nothing.

A loop refreshes them a few times a second; when the store is gone the last one is served on, with
the time it was made in it: the frame fails open. What a frame says belongs to queueing.
"""

from dataclasses import dataclass

from gateway.answers import FrameAnswer
from gateway.problems import Code, Refused
from gateway.responses import body_of
from gateway.room_outcomes import frame_answer
from gateway.single_flight import SingleFlight
from queueing import Frame, Rooms


@dataclass(frozen=True, slots=True)
class KeptFrame:
    """A frame as a value, as an answer, and as the bytes of that answer."""

    frame: Frame
    answer: FrameAnswer
    body: bytes


class Frames:
    """The newest frame of every sale."""

    def __init__(self, rooms: Rooms) -> None:
        self._rooms = rooms
        self._kept: dict[str, KeptFrame] = {}
        self._reading: dict[str, SingleFlight[KeptFrame]] = {}

    async def refresh(self, sale: str) -> KeptFrame:
        """Ask the store for a sale's frame and keep it."""
        reading = self._reading.setdefault(sale, SingleFlight())
        return await reading.run(lambda: self._read(sale))

    async def _read(self, sale: str) -> KeptFrame:
        frame = await self._rooms.frame(sale)
        shown = frame_answer(frame)
        kept = self._kept[sale] = KeptFrame(frame, shown, body_of(shown))
        return kept

    def of(self, sale: str) -> KeptFrame:
        """The newest frame of a sale. Raises Refused before the first refresh."""
        kept = self._kept.get(sale)
        if kept is None:
            raise Refused(Code.NOT_READY, "The room's state has not been read yet.")
        return kept

    def latest(self, sale: str) -> Frame | None:
        """The newest frame of a sale as a value; None before the first refresh."""
        kept = self._kept.get(sale)
        return None if kept is None else kept.frame

    def forget_all_but(self, sales: set[str]) -> None:
        """Drop the frames of sales that are gone."""
        for sale in self._kept.keys() - sales:
            del self._kept[sale]
            self._reading.pop(sale, None)
