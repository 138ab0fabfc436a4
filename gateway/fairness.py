"""The fairness desk: the document of a draw and its lists, for anybody who asks.

Here belongs which draw is meant, and how often the store is asked for it. What the document says is
queueing's.
"""

import asyncio
import time
from collections import OrderedDict
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from gateway.problems import Code, Refused
from gateway.single_flight import SingleFlight
from lua.faults import Fault
from queueing import Draw, DrawnLine, Fairness, Frame, Rooms

FRESH_S = 0.5
KEPT_MAX = 256
EPOCHS_TRIED = 16
PIECES_AT_ONCE = 4
"""Lists are long and anybody may ask for them: so many pieces are read for them at a time."""
LISTS_AT_ONCE = 32
LISTS_RETRY_S = 5
"""A list is told as slowly as its reader reads: so many at a time, a piece in hand each."""


_FULL = "As many lists are being told as this process tells at once."


@dataclass(slots=True)
class _Kept:
    """A draw, when it was read, and its document once it is drawn and was asked for."""

    read_at: float
    draw: Draw
    document: Fairness | None = None


class FairnessDesk:
    """Answers from memory what was read a moment ago, and for ever what is drawn."""

    def __init__(self, rooms: Rooms) -> None:
        self._rooms = rooms
        self._kept: OrderedDict[DrawnLine, _Kept] = OrderedDict()
        self._reading: dict[DrawnLine, SingleFlight[Draw | None]] = {}
        self._pieces = asyncio.Semaphore(PIECES_AT_ONCE)
        self._telling = 0

    @contextmanager
    def telling(self) -> Iterator[None]:
        """For as long as a list is told. Raises Refused while as many are told as may be."""
        if self._telling >= LISTS_AT_ONCE:
            raise Refused(Code.OVERLOADED, _FULL, retry_after_s=LISTS_RETRY_S)
        self._telling += 1
        try:
            yield
        finally:
            self._telling -= 1

    async def document(self, frame: Frame, drop: int | None, epoch: int | None) -> Fairness:
        """The document of a drop's draw; of the drop that is on, or comes, unless named."""
        draw = await self.find(frame, drop, epoch)
        kept = self._kept.get(draw.line)
        if kept is None or kept.draw is not draw or not draw.seed:
            return self._rooms.drawing.document(draw)
        if kept.document is None:  # its test vectors are worth keeping: each lane is drawn for them
            kept.document = self._rooms.drawing.document(draw)
        return kept.document

    async def find(self, frame: Frame, drop: int | None, epoch: int | None) -> Draw:
        """The draw. Raises Refused (404) when there is none."""
        wanted = max(1, frame.drop) if drop is None else drop
        newest = frame.epoch if epoch is None else epoch
        oldest = max(1, newest - EPOCHS_TRIED) if epoch is None else newest
        for one in range(newest, oldest - 1, -1):
            # A drop that is over was drawn in the epoch of its time, not in today's.
            draw = await self._read(DrawnLine(frame.sale, wanted, one))
            if draw is None:
                break  # no such drop, in whichever epoch
            if draw.commitment or draw.is_on or draw.opens_ms > draw.now_ms:
                return draw
        raise Refused(Code.UNKNOWN_DRAW)

    async def _read(self, line: DrawnLine) -> Draw | None:
        known = self._kept.get(line)
        if known and (known.draw.seed or time.monotonic() - known.read_at < FRESH_S):
            return known.draw
        reading = self._reading.setdefault(line, SingleFlight())
        try:
            draw = await reading.run(lambda: self._rooms.drawing.look(line))
        except Fault:
            if known is None:
                raise
            return known.draw  # what was public stays so while the store is away
        finally:
            self._reading.pop(line, None)
        if draw is not None:
            self._kept[line] = _Kept(time.monotonic(), draw)
            self._kept.move_to_end(line)
            if len(self._kept) > KEPT_MAX:
                self._kept.popitem(last=False)
        return draw

    def leaves(self, draw: Draw, lane: int) -> tuple[AsyncIterator[bytes], int]:
        """The list of a lane, a bounded piece at a time, and how many are in it. Raises Refused."""
        if lane >= len(draw.registered):
            raise Refused(Code.UNKNOWN_DRAW, "The room has no such lane.")
        pieces = self._rooms.drawing.pieces(draw, lane, at_once=1)
        return self._bounded(pieces), draw.registered[lane]

    async def _bounded(self, pieces: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
        while True:
            async with self._pieces:
                piece = await anext(pieces, b"")
            if not piece:
                return
            yield piece
