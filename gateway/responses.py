"""Bytes out: a value becomes a response, a problem becomes problem details; headers are set here.

The shapes are in `answers` and `problems`; which outcome becomes which of them, in `outcomes`.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Mapping
from functools import lru_cache

import msgspec
from aiohttp import web
from multidict import CIMultiDict

from gateway.complete import Complete, head
from gateway.problems import PROBLEM_JSON, Problem
from gateway.site import File
from lua.faults import Fault

log = logging.getLogger("dropgate.gateway")

JSON = "application/json"
SERVER = "dropgate"
"""In the place of the versions of Python and aiohttp, which help nobody but an attacker."""
SEND_TIMEOUT_S = 30.0
"""A client that reads nothing for so long is let go; it can ask for the rest."""
_encode = msgspec.json.Encoder().encode


def body_of(value: object) -> bytes:
    """The JSON bytes of a value of `answers`."""
    return _encode(value)


def answer(
    value: object,
    status: int = 200,
    *,
    replayed: bool = False,
    cache: str = "no-store",
    revision: int | None = None,
    cookie: str = "",
) -> Complete:
    """A success. `replayed` tells the client that its repeat changed nothing.

    A `revision` becomes the `ETag`, quoted; a `cookie` is all of a `Set-Cookie`.
    """
    lines = _head(JSON, cache, replayed)
    if revision is not None:
        lines += head(("ETag", f'"{revision}"'))
    if cookie:  # never remembered, as `head` would
        lines += b"Set-Cookie: %b\r\n" % cookie.encode("ascii")
    return Complete(status, lines, _encode(value))


def raw(body: bytes, media_type: str, *, status: int = 200, cache: str = "no-store") -> Complete:
    """A success whose bytes are ready."""
    return Complete(status, _head(media_type, cache), body)


@lru_cache(maxsize=64)
def _head(media_type: str, cache: str = "no-store", replayed: bool = False) -> bytes:
    fields = [("Content-Type", media_type), ("Cache-Control", cache), ("Server", SERVER)]
    if replayed:
        fields.append(("Idempotent-Replayed", "true"))
    return head(*fields)


def file(request: web.BaseRequest, found: File) -> web.Response:
    """A file of a page: compressed where the client can read that, 304 where it has it already."""
    headers = CIMultiDict(
        {
            "Content-Type": found.media_type,
            "Cache-Control": found.cache,
            "ETag": found.etag,
            "Vary": "Accept-Encoding",
            "X-Content-Type-Options": "nosniff",
            "Referrer-Policy": "no-referrer",
            "Server": SERVER,
        }
    )
    if found.policy:
        headers["Content-Security-Policy"] = found.policy
    if found.etag in request.headers.get("If-None-Match", ""):
        return web.Response(status=304, headers=headers)
    if found.gzipped and "gzip" in request.headers.get("Accept-Encoding", ""):
        headers["Content-Encoding"] = "gzip"
        return web.Response(body=found.gzipped, headers=headers)
    return web.Response(body=found.body, headers=headers)


class BrokenOff(ConnectionError):
    """An answer that cannot be ended well: its connection is cut, so that the client sees it."""


async def streamed(
    request: web.BaseRequest, pieces: AsyncIterator[bytes], media_type: str, more: Mapping[str, str]
) -> web.StreamResponse:
    """A success that is made while it is sent, as fast as its client reads.

    What fails before the first piece is raised as it is; what fails later, as BrokenOff.
    """
    first = await anext(pieces, b"")
    headers = {"Content-Type": media_type, "Cache-Control": "no-store", "Server": SERVER, **more}
    response = web.StreamResponse(headers=headers)
    await response.prepare(request)
    if request.method == "HEAD":
        return response
    try:
        await _send(response, first)
        async for piece in pieces:
            await _send(response, piece)
        await response.write_eof()
    except Exception as error:
        if not isinstance(error, Fault | OSError):  # TimeoutError and ConnectionError are
            log.error("bug while streaming %s", request.path, exc_info=error)
        raise BrokenOff from error
    return response


async def _send(response: web.StreamResponse, piece: bytes) -> None:
    async with asyncio.timeout(SEND_TIMEOUT_S):
        await response.write(piece)


def written(
    html: bytes, language: str, policy: str, *, refresh_s: int | None, cookie: str = "",
    status: int = 200,
) -> web.Response:  # fmt: skip
    """A page that is made for its visitor alone; looked at again by itself after `refresh_s`.

    `cookie` is all of a `Set-Cookie`.
    """
    headers = {
        "Cache-Control": "no-store",
        "Content-Language": language,
        "Content-Security-Policy": policy,
        "Content-Type": "text/html; charset=utf-8",
        "Referrer-Policy": "same-origin",
        "Server": SERVER,
        "X-Content-Type-Options": "nosniff",
    }
    if refresh_s is not None:
        headers["Refresh"] = str(refresh_s)
    if cookie:
        headers["Set-Cookie"] = cookie
    return web.Response(status=status, body=html, headers=headers)


def see_other(path: str, cookie: str = "") -> web.Response:
    """To another page: behind a form, so that a reload repeats nothing."""
    headers = {"Location": path, "Cache-Control": "no-store", "Server": SERVER}
    return web.Response(status=303, headers=headers | ({"Set-Cookie": cookie} if cookie else {}))


def nothing(*, cookie: str) -> web.Response:
    """Done, and there is nothing to say; `cookie` is all of a `Set-Cookie`."""
    headers = {"Cache-Control": "no-store", "Server": SERVER, "Set-Cookie": cookie}
    return web.Response(status=204, headers=headers)


def refusal(problem: Problem, *more: tuple[str, str]) -> Complete:
    """Problem details, with `Retry-After` where it is known, and `WWW-Authenticate` on 401."""
    lines = _head(PROBLEM_JSON)
    if problem.retry_after_s is not None:
        lines += head(("Retry-After", str(problem.retry_after_s)))
    if problem.status == 401:
        lines += head(("WWW-Authenticate", 'Bearer realm="dropgate"'))
    if more:
        lines += head(*more)
    return Complete(problem.status, lines, _encode(problem), problem.code)
