"""Frames as they change, as server-sent events: one broadcast for all the streams of this process.

An event's bytes are made once and written to every stream. Once its head is sent a stream is no
call any more: the connection leaves aiohttp, whose parser, task and request would cost it 11 KB,
and what is left of it is a transport and a few words of ours. Nothing is kept for a slow reader: it
misses what came meanwhile and gets the newest frame when it has read the last one.
"""

import asyncio
import random
import resource
import socket
import time
from contextlib import suppress
from email.utils import formatdate
from typing import NamedTuple

from aiohttp.web_protocol import RequestHandler

from gateway.complete import Complete, head
from gateway.endpoint import Media, given
from gateway.frames import Frames, KeptFrame
from gateway.gate import Gate
from gateway.metrics import Metrics
from gateway.problems import Code, Refused
from gateway.responses import SERVER

EVENT_STREAM = "text/event-stream"
EVENTS = Media(
    (EVENT_STREAM,),
    "A frame as the `data` of each event; its `id` goes back as `Last-Event-ID`. Without a change "
    "one comes each 5 s; a comment each 15 s if not even that; `retry` says when to come back.",
)
LAST_EVENT_ID = given("Last-Event-ID", "The `id` of the last event that you had.")
TELL_S = 0.5
"""How often at most a stream hears of a change: a turn is noticed 0.25 s later on average."""
HEARTBEAT_S = 15.0
"""Without any news a comment says that the line is alive; fronts cut what is long silent."""
UNREAD_S = 30.0
"""A stream whose last event has not left for so long has no reader any more."""
RETRY_MS = 2_000
AWAY_MS = 6_000
"""Who loses its stream because a process ends comes back elsewhere within this, by its own lot."""
STREAMS_MAX = 8_192
FULL_RETRY_S = 30
WRITES_AT_ONCE = 256
"""Then the process looks after its calls before it writes on."""
SEND_BUFFER = 16 * 1024
"""What the kernel may keep for one reader; its own bound is megabytes."""
END_S = 2.0
_ALIVE = b": alive\n\n"
_FULL = "As many streams are open as this process keeps. Poll the frame instead."
_ENDS = "This process is on its way out. Ask again."
_HEAD = head(
    ("Content-Type", EVENT_STREAM),
    ("Cache-Control", "no-store"),
    ("X-Accel-Buffering", "no"),
    ("Connection", "close"),
    ("Server", SERVER),
)


class Opened(Complete):
    """The answer that begins a stream: its head leaves, then the connection is the stream's."""

    def __init__(self, streams: "Streams", sale: str, first: bytes) -> None:
        super().__init__(200, _HEAD, first)
        self.force_close()
        self._streams = streams
        self._sale = sale
        self._first = first

    async def write_eof(self, data: bytes = b"") -> None:
        """Send the head and the first event, and hand the connection over."""
        request = self._req
        assert request is not None, "prepared"
        protocol, transport = request.protocol, request.transport
        self._eof_sent = True
        self._req = self._payload_writer = None
        if transport is None:
            return
        if not self._is_bare:
            _hand_over(protocol, self._streams.begun(self._sale, transport))
        date = formatdate(usegmt=True).encode("ascii")
        first = b"" if self._is_bare else self._first
        transport.write(b"HTTP/1.1 200 OK\r\n%bDate: %b\r\n\r\n%b" % (_HEAD, date, first))


def _hand_over(before: RequestHandler, after: "Stream") -> None:
    """Give a connection from aiohttp's protocol to a stream, and let aiohttp forget it."""
    after.transport.set_protocol(after)
    before.transport = None  # or it would close it
    before.connection_lost(None)


class Stream(asyncio.Protocol):
    """One open stream; its reader has nothing to say."""

    __slots__ = ("_streams", "sale", "stuck_since", "transport")

    def __init__(self, streams: "Streams", sale: str, transport: asyncio.Transport) -> None:
        self._streams = streams
        self.sale = sale
        self.transport = transport
        self.stuck_since = 0.0

    def connection_lost(self, exc: Exception | None) -> None:
        """The reader has gone, or was let go."""
        self._streams.forget(self)

    def data_received(self, data: bytes) -> None:
        """Whoever sends more than its request is no reader of events."""
        self.transport.abort()


def _event(kept: KeptFrame) -> bytes:
    return b"id: %b\ndata: %b\n\n" % (kept.revision.encode("ascii"), kept.body)


def files_allowed() -> int:
    """How many files, connections among them, this process may have open."""
    allowed, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return 1 << 30 if allowed == resource.RLIM_INFINITY else allowed


def most_streams(files: int) -> int:
    """How many streams a process that may open so many files keeps: half is left for calls."""
    return min(STREAMS_MAX, files // 2)


class _Told(NamedTuple):
    """What the streams of a sale were told last, and when by this process's clock."""

    revision: str
    at: float


class Streams:
    """All open streams of one process."""

    def __init__(self, frames: Frames, gate: Gate, metrics: Metrics) -> None:
        self._frames = frames
        self._gate = gate
        self._dropped = metrics.streams_dropped.labels()
        self._open: dict[str, set[Stream]] = {}
        self._told: dict[str, _Told] = {}
        self._none_open = asyncio.Event()
        self._none_open.set()
        self.limit = most_streams(files_allowed())

    def __len__(self) -> int:
        return sum(map(len, self._open.values()))

    def open(self, sale: str, seen: str) -> Opened:
        """The answer that begins a stream of a sale's frames; `seen` is its reader's last event.

        Raises Refused when this process ends, or has as many streams as it keeps.
        """
        if self._gate.draining:
            raise Refused(Code.NOT_READY, _ENDS)
        if len(self) >= self.limit:
            raise Refused(Code.OVERLOADED, _FULL, retry_after_s=FULL_RETRY_S)
        kept = self._frames.of(sale)
        self._told.setdefault(sale, _Told(kept.revision, time.monotonic()))
        news = _ALIVE if kept.revision == seen else _event(kept)
        return Opened(self, sale, b"retry: %d\n%b" % (RETRY_MS, news))

    def begun(self, sale: str, transport: asyncio.Transport) -> Stream:
        """A stream whose first event comes next."""
        end = transport.get_extra_info("socket")
        end.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER)
        stream = Stream(self, sale, transport)
        self._open.setdefault(sale, set()).add(stream)
        self._none_open.clear()
        return stream

    def forget(self, stream: Stream) -> None:
        """A stream has ended."""
        left = self._open.get(stream.sale, set())
        left.discard(stream)
        if not left:
            self._open.pop(stream.sale, None)
            self._told.pop(stream.sale, None)
        if not self._open:
            self._none_open.set()

    async def tell(self) -> int:
        """Send what is new to all streams, and the newest to those that could not take the last."""
        written = 0
        for sale, streams in list(self._open.items()):
            if sale not in self._open:
                continue  # its last stream has ended while others were written
            kept = self._frames.kept(sale)
            if kept is None:
                for stream in list(streams):
                    stream.transport.close()  # the sale is gone
                continue
            piece, due = self._due(sale, kept)
            for stream in due:
                self._write(stream, piece)
                written += 1
                if written % WRITES_AT_ONCE == 0:
                    await asyncio.sleep(0)
        return written

    def _due(self, sale: str, kept: KeptFrame) -> tuple[bytes, list[Stream]]:
        """What is to be written now, and to which streams of a sale."""
        streams, now, told = self._open[sale], time.monotonic(), self._told[sale]
        if kept.revision == told.revision and now - told.at < HEARTBEAT_S:
            return _event(kept), [stream for stream in streams if stream.stuck_since]
        self._told[sale] = _Told(kept.revision, now)
        return _ALIVE if kept.revision == told.revision else _event(kept), list(streams)

    def _write(self, stream: Stream, piece: bytes) -> None:
        transport = stream.transport
        if transport.get_write_buffer_size() == 0:
            transport.write(piece)
            stream.stuck_since = 0.0
        elif not stream.stuck_since:
            stream.stuck_since = time.monotonic()
        elif time.monotonic() - stream.stuck_since > UNREAD_S:
            self._dropped.inc()
            transport.abort()

    async def end(self) -> None:
        """Close all streams; their readers come back elsewhere, each in its own time."""
        streams = [stream for some in self._open.values() for stream in some]
        for number, stream in enumerate(streams, start=1):
            stream.transport.write(b"retry: %d\n\n" % random.randrange(AWAY_MS))
            stream.transport.close()
            if number % WRITES_AT_ONCE == 0:
                await asyncio.sleep(0)
        with suppress(TimeoutError):
            async with asyncio.timeout(END_S):
                await self._none_open.wait()
        for stream in streams:
            stream.transport.abort()
