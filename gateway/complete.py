"""A response that is known as a whole: its head and its body leave in one piece of bytes.

aiohttp puts headers into a dictionary, completes them and writes them out again: 15 of the 45 us
that a bare handler costs before the kernel. Nearly all our answers have one of a few heads, so they
are kept as bytes. What stands in a head is said in `responses`; an answer that is made while it is
sent, or whose headers vary (pages, files), is aiohttp's own.
"""

import time
from email.utils import formatdate
from functools import lru_cache
from http import HTTPStatus

from aiohttp import HttpVersion10, web
from aiohttp.abc import AbstractStreamWriter

_CLOSING = b"Connection: close\r\n"
_OLD_KEEPING = b"Connection: keep-alive\r\n"
_REASON = {status.value: status.phrase for status in HTTPStatus}


class Complete(web.Response):
    """A status, the lines of its head as `head` made them, and all of its body.

    `problem_code` is what a refusal is counted by.
    """

    def __init__(
        self, status: int, head: bytes, body: bytes, problem_code: str | None = None
    ) -> None:
        # Not through Response: what it looks into a body and headers for is known here, and the
        # dictionary of headers that it makes would stay empty.
        self._is_bare = False
        self._status = status
        self._body = body
        self.problem_code = problem_code
        self._head = head

    async def prepare(self, request: web.BaseRequest) -> AbstractStreamWriter | None:
        """Nothing leaves before the body does."""
        self._req = request
        self._is_bare = request.method == "HEAD"
        self._payload_writer = request.writer
        if self._keep_alive is None:
            self._keep_alive = request.keep_alive
        return self._payload_writer

    async def write_eof(self, data: bytes = b"") -> None:
        """Send all of it."""
        request, writer = self._req, self._payload_writer
        assert request is not None, "prepared"
        assert writer is not None, "prepared"
        await writer.write_eof(self.whole(is_old=request.version == HttpVersion10))
        self._eof_sent = True
        self._req = self._payload_writer = None

    def whole(self, *, is_old: bool = False) -> bytes:
        """All of it as it leaves; `is_old`: to a client that speaks HTTP/1.0."""
        body = self._body
        assert isinstance(body, bytes), "known as a whole"
        is_kept = self._keep_alive is not False and not is_old
        closing = b"" if is_kept else self._closing(is_old=is_old)
        lines = _lines(is_old, self._status, self._head, closing, int(time.time()))
        return b"%bContent-Length: %d\r\n\r\n%b" % (
            lines,
            len(body),
            b"" if self._is_bare else body,
        )

    def _closing(self, *, is_old: bool) -> bytes:
        if is_old:
            return _OLD_KEEPING if self._keep_alive else b""
        return _CLOSING if self._keep_alive is False else b""


class Unchanged(Complete):
    """304: without a body, and without its length, for which some clients would wait."""

    def __init__(self, head: bytes) -> None:
        super().__init__(304, head, b"")

    def whole(self, *, is_old: bool = False) -> bytes:
        """All of it as it leaves."""
        return b"%b%bDate: %b\r\n%b\r\n" % (
            _status_line(is_old, 304),
            self._head,
            _date(int(time.time())),
            self._closing(is_old=is_old),
        )


@lru_cache(maxsize=256)
def head(*fields: tuple[str, str]) -> bytes:
    """The lines of these fields. For a closed set of values, and never for a client's own text."""
    return "".join(f"{name}: {value}\r\n" for name, value in fields).encode("ascii")


@lru_cache(maxsize=64)
def _lines(is_old: bool, status: int, head: bytes, closing: bytes, second: int) -> bytes:
    """All of a head but the body's length: of each second, few are many."""
    return b"%b%bDate: %b\r\n%b" % (_status_line(is_old, status), head, _date(second), closing)


@lru_cache(maxsize=256)
def _status_line(is_old: bool, status: int) -> bytes:
    version = "1.0" if is_old else "1.1"
    return f"HTTP/{version} {status} {_REASON.get(status, '')}\r\n".encode("ascii")


@lru_cache(maxsize=1)
def _date(second: int) -> bytes:
    return formatdate(second, usegmt=True).encode("ascii")
