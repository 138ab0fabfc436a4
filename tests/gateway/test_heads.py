"""A head that came before means what aiohttp's parser would say of it, or is left to the parser."""

import asyncio
import random
from typing import Any

import pytest
from aiohttp.base_protocol import BaseProtocol
from aiohttp.http import HttpProcessingError, HttpRequestParser, RawRequestMessage

from gateway.auth import credential_of
from gateway.endpoint import Endpoint
from gateway.heads import Asked, Head, is_whole, remembered
from gateway.problems import Refused
from gateway.requests import idempotency_key, require_media_type
from gateway.routes.partner import ROUTES

ENDPOINT: Endpoint = next(one for one in ROUTES if one.gathered is not None)
MUTATIONS = 20_000
HELD_BACK = ("Authorization", "Idempotency-Key", "Content-Length")


def parsed(packet: bytes) -> list[tuple[RawRequestMessage, Any]] | None:
    """What aiohttp's parser makes of bytes; None where it refuses them."""
    loop = asyncio.new_event_loop()
    parser = HttpRequestParser(
        BaseProtocol(loop), loop, 2**16, max_line_size=8190, max_field_size=8190, max_headers=64,
        auto_decompress=False,
    )  # fmt: skip
    try:
        return list(parser.feed_data(packet)[0])
    except HttpProcessingError:
        return None
    finally:
        loop.close()


def packet(
    key: str = "key-1", shown: str = "Bearer one", body: bytes = b'{"a":1}', more: str = ""
) -> bytes:
    """A purchase on the wire."""
    head = (
        f"POST /v1/partner/orders HTTP/1.1\r\nHost: here\r\nauthorization:  {shown}\r\n"
        f"X-Trace: a:b c\r\nIdempotency-Key: {key}\r\n{more}Content-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


def head_of(first: bytes) -> Head | None:
    """What is remembered of a packet."""
    found = parsed(first)
    assert found is not None
    [(message, payload)] = found
    assert is_whole(first, message, payload)
    return remembered(first, message, ENDPOINT)


def known() -> Head:
    """The head of such a purchase."""
    head = head_of(packet())
    assert head is not None
    return head


def said_by_parser(asked_for: bytes) -> Asked | None:
    """The call as the ordinary reading has it; None where that is no plain call, or a refusal."""
    found = parsed(asked_for)
    if found is None or len(found) != 1 or not is_whole(asked_for, *found[0]):
        return None
    message, payload = found[0]
    require_media_type(message, ENDPOINT.body_media)
    try:
        credential = credential_of(message, ENDPOINT.who)
        key = idempotency_key(message, required=True)
    except Refused:
        return None
    return Asked(credential, key, b"".join(payload._buffer))


def test_what_differs_is_read_from_its_own_call() -> None:
    """Key, credential and body are those of the packet; of the first call's nothing is left."""
    head = known()
    second = packet("key-22", "Bearer another", b'{"b": "\r\n\r\n"}')
    assert head.asked(second) == said_by_parser(second)
    assert not set(HELD_BACK) & set(head.message.headers)
    assert (head.message.method, head.message.path) == ("POST", "/v1/partner/orders")


def test_what_is_not_the_parsers_is_what_the_parser_says() -> None:
    """Thousands of packets with bytes changed, lost, added or doubled: never another reading."""
    head, dice, taken = known(), random.Random(3), 0
    symbols = [bytes((n,)) for n in range(256)] + [b"\r\n", b"\r\n\r\n", b": ", b"\r\nHost: b"]
    for _ in range(MUTATIONS):
        data = bytearray(packet(f"key-{dice.randrange(99)}", f"Bearer t{dice.randrange(9)}"))
        for _ in range(dice.choice((1, 1, 1, 2))):
            at = dice.randrange(len(data))
            end = at + dice.choice((0, 1, 1, 2))
            data[at:end] = dice.choice(symbols) * dice.choice((0, 1, 1, 2))
        asked = head.asked(bytes(data))
        if asked is not None:
            taken += 1
            assert asked == said_by_parser(bytes(data)), bytes(data)
    assert taken > MUTATIONS / 50, "some only changed what may change"


@pytest.mark.parametrize(
    "other",
    [
        packet(more="Transfer-Encoding: chunked\r\n"),
        packet(more="Content-Length: 7\r\n"),
        packet(more="Expect: 100-continue\r\n"),
        packet(more="X-Trace: a:b c\r\n"),
        packet() + b"GET / HTTP/1.1\r\n\r\n",
        packet()[:-1],
        packet().replace(b"Content-Length: 7", b"Content-Length: +7"),
        packet().replace(b"Content-Length: 7", b"Content-Length: 07"),
        packet().replace(b"HTTP/1.1", b"HTTP/1.0"),
        packet().replace(b"Host: here", b"Host: elsewhere"),
        packet("a b"),
        packet("a\nX: y"),
        packet("a\rb"),
        packet("a\r\nX: y"),
        packet(""),
        packet("\xe9"),
        packet(shown="Bearer one\r\nX: y"),
        packet().replace(b"Content-Length: 7", b"Content-Length: 7\r\nTransfer-Encoding: chunked"),
        packet().replace(b"Content-Length: 7", b"Content-Length: " + b"7" * 5_000),
        packet().replace(b"Content-Length: 7", b"Content-Length: "),
        packet() + b" ",
        packet("k" * 200),
        packet(shown="Bearer"),
        packet(shown="Basic one"),
        packet(shown="Bearer one two"),
        packet(shown="Bearer " + "x" * 9_000),
        packet(shown="Bearer \xe9"),
        packet(body=b"{" + b" " * 20_000 + b"}"),
    ],
)
def test_all_else_is_the_parsers(other: bytes) -> None:
    """Framing, other lines, what a value may not be, and what is refused; at first and later."""
    head = known()
    assert head.asked(other) is None
    assert head.asked(packet()) == said_by_parser(packet())
    assert head.asked(other) is None
    assert head.asked(packet()) == said_by_parser(packet())


@pytest.mark.parametrize(
    "first",
    [
        packet(more="Content-Type: text/plain\r\n"),
        packet(more="Content-Encoding: gzip\r\n"),
        packet().replace(b"Idempotency-Key: key-1\r\n", b""),
        packet().replace(b"authorization:  Bearer one\r\n", b""),
        packet(more="Idempotency-Key: key-2\r\n"),
    ],
)
def test_a_head_that_would_be_refused_is_not_remembered(first: bytes) -> None:
    """The next one like it hears the same as the first did."""
    assert head_of(first) is None


@pytest.mark.parametrize(
    "other", [packet()[:-1], packet() + b"\r\n", packet() + b"P", b"\r\n\r\n" + packet()]
)
def test_the_parser_is_between_two_calls_only_after_whole_packets(other: bytes) -> None:
    """A part of a call, or more than one, leaves something behind in it."""
    found = parsed(other)
    assert not found or not is_whole(other, *found[0])
