"""One client's connection: aiohttp's, with the straight way of the hot calls beside its own.

Here belongs what a connection must keep true whichever way a call goes: one call at a time, in the
order they came; an idle one is closed after a while, a stopping one with its next answer, a lost
one at once. What a straight call does is in `straight`; what all others do, in `app`.
"""

import asyncio
from collections.abc import Mapping
from typing import Any, NamedTuple

from aiohttp import EMPTY_PAYLOAD, StreamReader, hdrs
from aiohttp.http import HttpVersion11, RawRequestMessage
from aiohttp.web_protocol import RequestHandler

from gateway.complete import Complete
from gateway.heads import Head, is_whole, remembered
from gateway.middleware import Handle, Path
from gateway.straight import StraightWay

HEADS_MAX = 8
"""So many heads of a connection are remembered in turn before one of them has come again."""


class Known(NamedTuple):
    """Where a path leads that was asked for before."""

    handle: Handle
    path: Path
    straight: StraightWay | None


class StraightConnection(RequestHandler):
    """A connection whose calls go straight where they may.

    aiohttp's own loop (`start`) waits for `_waiter`. While a straight call is under way the waiter
    is put aside, so that for aiohttp a call is being answered, which is so: it queues what comes,
    and neither closes the connection as idle nor, when the server stops, before the answer.
    """

    __slots__ = ("_came_before", "_heads_made", "_is_between", "_known", "_put_aside")

    def __init__(self, *args: Any, known: Mapping[tuple[str, str], Known], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._known = known
        self._put_aside: asyncio.Future[None] | None = None
        self._is_between = True
        """The parser has had whole calls only, each in a packet of its own."""
        self._came_before: tuple[Head, Known] | None = None
        self._heads_made = 0

    def data_received(self, data: bytes) -> None:
        """Bytes have come."""
        waiter = self._waiter
        if waiter is None or waiter.done():
            self._parse(data)
            return
        self._waiter = None  # or aiohttp's own loop would wake up for what may go straight
        self._put_aside = waiter
        try:
            if self._came_before is not None and self._goes_as_before(data):
                return
            self._parse(data)
        except BaseException:
            self._resume()
            raise
        if not self._messages:
            self._resume()
        else:
            self._next(data)

    def _parse(self, data: bytes) -> None:
        count = len(self._messages)
        super().data_received(data)
        if self._is_between and data:  # aiohttp feeds nothing to go on where the parser paused
            is_one = len(self._messages) == count + 1
            self._is_between = is_one and is_whole(data, *self._messages[-1])

    def connection_lost(self, exc: BaseException | None) -> None:
        """The client is gone; a straight call that is under way has nobody to land at."""
        self._resume()
        super().connection_lost(exc)

    def land(self, response: Complete) -> None:
        """Send the answer to the straight call, and go on as aiohttp does after its own."""
        self._request_in_progress = False
        if self._handler_waiter is not None:
            self._handler_waiter.set_result(None)
        transport = self.transport
        if self._put_aside is None or transport is None or transport.is_closing():
            return
        transport.write(response.whole())
        if response.keep_alive is False or self._close or self._force_close:
            self._resume()
            self.close()
            transport.close()
            return
        now_s = self._loop.time()
        self._next_keepalive_close_time = now_s + self._keepalive_timeout
        if self._keepalive_handle is None:
            self._keepalive_handle = self._loop.call_at(
                self._next_keepalive_close_time, self._process_keepalive
            )
        if self._messages:
            self._loop.call_soon(self._next)  # not at once: a client may have sent many
        else:
            self._resume()

    def _next(self, packet: bytes = b"") -> None:
        """Answer the first call of those that have come, on its way; `packet` is all they were."""
        if self._put_aside is None:
            return  # the connection was lost meanwhile
        message, payload = self._messages.popleft()
        if not isinstance(message, RawRequestMessage) or not self._goes_straight(message, payload):
            self._messages.appendleft((message, payload))
            self._wake()
            return
        if packet and self._is_between and self._heads_made < HEADS_MAX:
            self._remember(packet, message)
        if self._parser is not None:
            self._parser.message_consumed()
        if self._buffer_paused and len(self._messages) <= self._msg_queue_resume_size:
            self._resume_reading_if_drained()

    def _goes_as_before(self, packet: bytes) -> bool:
        """Whether a packet is a call with a head that came before, and went straight.

        The parser does not see it, which it cannot tell: it is between two calls.
        """
        assert self._came_before is not None, "as data_received has seen"
        head, known = self._came_before
        asked = head.asked(packet) if self._is_between else None
        if asked is None or known.straight is None:
            return False
        self._heads_made = 0
        self._request_in_progress = True
        if known.straight.takes(head.message, known.path, asked.body, self, asked):
            return True
        self._request_in_progress = False
        return False

    def _remember(self, packet: bytes, message: RawRequestMessage) -> None:
        """Keep the head of a call that went straight. Who never sends one twice is let be."""
        self._heads_made += 1
        known = self._known[message.method, message.path]
        assert known.straight is not None, "it went straight"
        head = remembered(packet, message, known.straight.endpoint)
        self._came_before = None if head is None else (head, known)

    def _goes_straight(self, message: RawRequestMessage, payload: StreamReader) -> bool:
        known = self._known.get((message.method, message.path))
        if known is None or known.straight is None or not _is_plain(message, payload):
            return False
        self._request_in_progress = True
        if known.straight.takes(message, known.path, _body(payload), self):
            return True
        self._request_in_progress = False
        return False

    def _resume(self) -> None:
        """No straight call is under way: aiohttp's own loop waits for the next one."""
        if self._put_aside is not None:
            self._waiter, self._put_aside = self._put_aside, None

    def _wake(self) -> None:
        """The next call goes the ordinary way."""
        self._resume()
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)


def _is_plain(message: RawRequestMessage, payload: StreamReader) -> bool:
    """Whether a call is whole and asks nothing of the connection."""
    return (
        payload.is_eof()
        and payload.exception() is None
        and message.version == HttpVersion11
        and not message.should_close
        and not message.upgrade
        and hdrs.EXPECT not in message.headers
    )


def _body(payload: StreamReader) -> bytes:
    """A look at a whole body, which stays there for the ordinary way."""
    return b"" if payload is EMPTY_PAYLOAD else b"".join(payload._buffer)
