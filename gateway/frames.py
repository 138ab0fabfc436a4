"""The frames that this process keeps, so that a poll costs the store nothing.

A loop refreshes them a few times a second; when the store is gone, or may have forgotten the room,
the last one is served on, standing still: the frame fails open. What a frame says belongs to
queueing; how it is told as it changes, to `streams`.
"""

import gzip
import time
from dataclasses import dataclass
from hashlib import blake2b
from typing import NamedTuple

import msgspec

from gateway.answers import FrameAnswer
from gateway.complete import Complete, Unchanged, head
from gateway.endpoint import Media, given
from gateway.problems import Code, Refused
from gateway.responses import JSON, SERVER, body_of
from gateway.room_outcomes import frame_answer
from gateway.single_flight import SingleFlight
from lua.faults import Fault, Fenced
from queueing import Frame, Rooms, standing_still

CACHE = "public, max-age=1, stale-while-revalidate=5, stale-if-error=60"
"""A second old is fresh; a cache in front may tell an older one while it asks, or has no answer."""
SILENT_S = 1.0
"""A frame that was told so long ago stands still. One lost answer is no news: a frame that goes
to and fro would be told to every stream each time."""
SAME_FOR_MS = 5_000
"""So long one revision stands for a frame that does not change: who has it knows it as that new."""
COMPRESSED_FROM = 1_400
"""A frame that fits one packet is not worth its receiver's time."""


NOT_MODIFIED = Media((), "You have this frame already.")
IF_NONE_MATCH = given("If-None-Match", "The `ETag` of the frame that you have.")
_HEAD = head(("Content-Type", JSON), ("Cache-Control", CACHE), ("Server", SERVER))


class Small(NamedTuple):
    """The compressed form of a frame: its head and its body."""

    head: bytes
    body: bytes


@dataclass(frozen=True, slots=True)
class KeptFrame:
    """A frame as a value, as an answer, and as the bytes of that answer, ready to be sent.

    `revision` is the same at every process that sees the same state within `SAME_FOR_MS`; the
    `etag` made of it is weak, since the time a frame was made makes no other frame of it. `small`
    is there where it is worth it.
    """

    frame: Frame
    answer: FrameAnswer
    body: bytes
    revision: str
    etag: str
    head: bytes
    small: Small | None = None

    def told(self, known: str, encodings: str) -> Complete:
        """The answer to who knows frames by these tags and reads these encodings."""
        if self.etag in known:
            return Unchanged(self.head)
        if self.small is not None and "gzip" in encodings:
            return Complete(200, *self.small)
        return Complete(200, self.head, self.body)


class Frames:
    """The newest frame of every sale."""

    def __init__(self, rooms: Rooms) -> None:
        self._rooms = rooms
        self._kept: dict[str, KeptFrame] = {}
        self._told: dict[str, tuple[Frame, float]] = {}  # by the store, and when
        self._reading: dict[str, SingleFlight[KeptFrame]] = {}

    async def refresh(self, sale: str) -> KeptFrame:
        """Ask the store for a sale's frame and keep it."""
        reading = self._reading.setdefault(sale, SingleFlight())
        return await reading.run(lambda: self._read(sale))

    async def _read(self, sale: str) -> KeptFrame:
        """The store's frame; while it has none to give, the last one that stands still."""
        try:
            frame = await self._rooms.frame(sale)
        except Fault as fault:
            if sale in self._told and (isinstance(fault, Fenced) or self._is_silent(sale)):
                self._stand_still(sale)
            raise
        if frame.drop == 0 and sale in self._told:  # it does not know the room that it had
            return self._stand_still(sale)
        return self._keep(sale, frame)

    def _keep(self, sale: str, frame: Frame) -> KeptFrame:
        if frame.drop > 0:
            self._told[sale] = frame, time.monotonic()
        kept = self._kept[sale] = kept_frame(frame)
        return kept

    def _is_silent(self, sale: str) -> bool:
        return time.monotonic() - self._told[sale][1] >= SILENT_S

    def _stand_still(self, sale: str) -> KeptFrame:
        frame, told_at = self._told[sale]
        at_ms = frame.at_ms + int((time.monotonic() - told_at) * 1000)
        kept = self._kept[sale] = kept_frame(standing_still(frame, at_ms))
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

    def kept(self, sale: str) -> KeptFrame | None:
        """The newest frame of a sale; None when there is none, or no such sale any more."""
        return self._kept.get(sale)

    def forget_all_but(self, sales: set[str]) -> None:
        """Drop the frames of sales that are gone."""
        for sale in self._kept.keys() - sales:
            del self._kept[sale]
            self._told.pop(sale, None)
            self._reading.pop(sale, None)


def kept_frame(frame: Frame) -> KeptFrame:
    """All that is sent of a frame, made once."""
    shown = frame_answer(frame)
    body = body_of(shown)
    timeless = body_of(msgspec.structs.replace(shown, at_ms=0))
    digest = blake2b(timeless, digest_size=8).hexdigest()
    revision = f"{digest}-{frame.at_ms // SAME_FOR_MS}"
    etag = f'W/"{revision}"'
    plain = _HEAD + b"ETag: %b\r\n" % etag.encode("ascii")
    if len(body) <= COMPRESSED_FROM:
        return KeptFrame(frame, shown, body, revision, etag, plain)
    plain += head(("Vary", "Accept-Encoding"))
    small = Small(plain + head(("Content-Encoding", "gzip")), gzip.compress(body, 6, mtime=0))
    return KeptFrame(frame, shown, body, revision, etag, plain, small)
