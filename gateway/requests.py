"""Bytes in: reading a body within its bounds, and turning bodies, queries and headers into values.

Every wrong input leaves here as `Refused`, naming the field. The shapes are in `bodies`.
"""

import asyncio
import re
from collections.abc import Hashable
from functools import cache
from typing import Any, TypeVar, cast

import msgspec
from aiohttp import StreamReader, web
from aiohttp.http import RawRequestMessage

from gateway.bodies import PATH
from gateway.plain_bodies import read_plain
from gateway.problems import Code, FieldError, Refused, wrong_field

T = TypeVar("T")
Head = web.BaseRequest | RawRequestMessage
"""What stands before a body, as aiohttp's request has it, or its parser."""

BODY_MAX = 64 * 1024
KEY_MAX = 128
BODY_TIMEOUT_S = 5.0
"""aiohttp waits for a body without end; a visitor who trickles one would hold a connection."""

_AT = re.compile(r" - at `\$(.*)`$", re.DOTALL)
_UNKNOWN_OR_MISSING = re.compile(
    r"^Object (?:contains unknown|missing required) field `(.*)`$", re.S
)
_STEP = re.compile(r"\.([^.\[]+)|\[(\d+|\.\.\.)\]")
_KEY = re.compile(rf"[\x21-\x7e]{{1,{KEY_MAX}}}\Z")
_REVISION = re.compile(r'"([0-9]{1,9})"\Z', re.ASCII)
_ECHO_MAX = 64


class ClientGone(ConnectionError):
    """The client hung up inside its body: there is nobody to answer."""


async def read_body(
    request: web.BaseRequest, *, limit: int = BODY_MAX, timeout_s: float = BODY_TIMEOUT_S
) -> bytes:
    """The body's bytes. Refuses one above `limit` bytes, or not whole after `timeout_s`."""
    content, declared = request.content, request.content_length
    if declared is not None and declared > limit:
        raise Refused(Code.TOO_LARGE, f"The body may have {limit} bytes.")
    try:
        async with asyncio.timeout(timeout_s):
            return await _gather(content, limit)
    except TimeoutError:
        raise Refused(
            Code.SLOW_BODY, f"The body was not whole after {timeout_s:g} seconds."
        ) from None


def body_at_hand(request: web.BaseRequest, limit: int) -> bytes | None:
    """The body where it came in the packet of its headers, the usual case; else None."""
    content = request.content
    if not content.is_eof():
        return None
    body: bytes = content.read_nowait()
    return within(body, limit)


async def _gather(content: StreamReader, limit: int) -> bytes:
    body = bytearray()
    while not content.at_eof():
        try:
            body += await content.readany()
        except (ConnectionError, RuntimeError) as error:  # lost while waiting, or before
            raise ClientGone from error
        if len(body) > limit:
            break
    return within(bytes(body), limit)


def within(body: bytes, limit: int) -> bytes:
    """The body, unless it has more than `limit` bytes."""
    if len(body) > limit:
        raise Refused(Code.TOO_LARGE, f"The body may have {limit} bytes.")
    return body


def require_media_type(head: Head, allowed: str) -> None:
    """Refuse a body that says it is something else; one that says nothing is taken at its word."""
    headers = head.headers
    said = headers.get("Content-Type")
    if said != allowed and said is not None and said.split(";", 1)[0].strip().lower() != allowed:
        raise Refused(Code.WRONG_MEDIA_TYPE, f"The body must be {allowed}.")
    if headers.get("Content-Encoding", "identity") != "identity":
        raise Refused(Code.WRONG_MEDIA_TYPE, "Send the body without Content-Encoding.")


@cache
def _decoder(kind: Hashable, strict: bool) -> msgspec.json.Decoder[Any]:
    return msgspec.json.Decoder(kind, strict=strict)


def decode(body: bytes, kind: type[T]) -> T:
    """The JSON body as a `kind`; an integer may be written 2.0, as JSON schema allows."""
    body = body or b"{}"
    plain = read_plain(body, kind)
    if plain is not None:
        return cast("T", plain)
    try:
        try:
            value: T = _decoder(cast("Hashable", kind), True).decode(body)
        except msgspec.ValidationError as error:
            if "got `float`" not in str(error):
                raise
            value = _decoder(cast("Hashable", kind), False).decode(body)
    except msgspec.ValidationError as error:
        raise _named(error, "body") from None
    except UnicodeDecodeError:
        raise wrong_field("body", "", "The text is not valid UTF-8") from None
    except RecursionError:
        raise wrong_field("body", "", "The JSON is nested too deeply") from None
    except msgspec.DecodeError as error:
        raise wrong_field("body", "", str(error)) from None
    return value


def convert(values: dict[str, str], kind: type[T], where: str) -> T:
    """Texts of a query as a `kind`."""
    try:
        return msgspec.convert(values, kind, strict=False)
    except msgspec.ValidationError as error:
        raise _named(error, where) from None


def query(request: web.BaseRequest, kind: type[T]) -> T:
    """The query of the URL as a `kind`; a parameter may come once."""
    pairs = request.query
    values = dict(pairs)
    if len(values) < len(pairs):
        twice = next(name for name in values if len(pairs.getall(name)) > 1)
        raise wrong_field("query", _printable(twice), "This parameter is given twice")
    return convert(values, kind, "query")


def path(request: web.BaseRequest) -> dict[str, Any]:
    """The path's parameters as its route found them, each held to its type."""
    assert isinstance(request, web.Request), "the application makes its requests"
    found: dict[str, Any] = {}
    for name, text in request.match_info.items():
        try:
            found[name] = msgspec.convert(text, PATH[name], strict=False)
        except msgspec.ValidationError as error:
            raise wrong_field("path", name, _bare(str(error))) from None
    return found


def idempotency_key(head: Head, *, required: bool) -> str:
    """The `Idempotency-Key` header: 1..128 visible ASCII characters; "" when it may be absent."""
    given = head.headers.getall("Idempotency-Key", [])
    if not given:
        if required:
            raise wrong_field("header", "Idempotency-Key", "This write needs a key of your own")
        return ""
    if len(given) > 1 or _KEY.match(given[0]) is None:
        raise wrong_field("header", "Idempotency-Key", "Give one key of 1..128 visible characters")
    return given[0]


def revision(head: Head) -> int | None:
    """The revision in `If-Match`, or None when the header is absent."""
    given = head.headers.getall("If-Match", [])
    if not given:
        return None
    found = _REVISION.match(given[0])
    if len(given) > 1 or found is None:
        raise wrong_field("header", "If-Match", 'Give one revision in quotes, such as "7"')
    return int(found[1])


def _bare(message: str) -> str:
    return _AT.sub("", message)


def _printable(text: str) -> str:
    shown = "".join(symbol if symbol.isprintable() else "?" for symbol in text)
    return shown[:_ECHO_MAX]


def _named(error: msgspec.ValidationError, where: str) -> Refused:
    """The message of msgspec, taken apart into the field's path and what is wrong with it."""
    message = str(error)
    at = _AT.search(message)
    steps = [a or b for a, b in _STEP.findall(at[1])] if at else []
    message = _bare(message)
    named = _UNKNOWN_OR_MISSING.match(message)
    if named:
        steps.append(named[1])
        message = message.split(" field ")[0] + " field"
    field = "/".join(_printable(step) for step in steps)
    detail = _printable_detail(message)
    return Refused(
        Code.INVALID,
        f"{field}: {detail}" if field else detail,
        errors=[FieldError(where, field, detail)],
    )


def _printable_detail(message: str) -> str:
    return "".join(symbol if symbol.isprintable() else "?" for symbol in message)[:200]
