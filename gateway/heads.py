"""Heads that come again: what a connection need not parse twice.

A client that buys on one connection sends the same lines each time, but for its credential, its key
and the length of its body. aiohttp's parser makes a message of each, with headers, a URL and a
stream for the body. Here the lines are compared with those that the parser took before: what is the
same means the same. Whatever else differs, by one byte, is the parser's.
"""

import re
from collections.abc import Sequence
from typing import NamedTuple

from aiohttp import StreamReader
from aiohttp.http import RawRequestMessage
from multidict import CIMultiDict, CIMultiDictProxy

from gateway.auth import Credential, credential_in
from gateway.endpoint import Endpoint, Who
from gateway.problems import Refused
from gateway.requests import KEY_MAX, require_media_type

PACKET_MAX = 16 * 1024
"""More than a purchase has; the parser's own bounds of a line hold for what is compared here."""
_AUTHORIZATION, _KEY, _LENGTH = "Authorization", "Idempotency-Key", "Content-Length"
_LINE, _END = b"\r\n", b"\r\n\r\n"
_VISIBLE = bytes(range(0x21, 0x7F))
_FIELD = re.compile(rb"([!-9;-~]+):([ \t]*)([!-~](?:[ -~]*[!-~])?)\Z")


class Asked(NamedTuple):
    """A call whose head came before: what stands in its own lines, and its whole body."""

    credential: Credential
    key: str
    body: bytes


class Head:
    """The head of a call that was plain and went straight.

    `message` is what the parser made of it, without what is another call's. The parts are all bytes
    between the values that may differ, in their order; `order` is where among these credential, key
    and length are.
    """

    def __init__(
        self,
        message: RawRequestMessage,
        who: tuple[Who, ...],
        parts: Sequence[bytes],
        order: Sequence[int],
    ) -> None:
        self.message = message
        self._who = who
        self._parts = tuple(parts)
        self._sizes = tuple(map(len, parts))
        self._token_at, self._key_at, self._length_at = order
        self._proof = b""
        self._credential = Credential("", "")

    def asked(self, packet: bytes) -> Asked | None:
        """The call that a packet is, if its head is this one; else None."""
        one, two, three, last = self._parts
        to_one, to_two, to_three, to_last = self._sizes
        if not packet.startswith(one) or len(packet) > PACKET_MAX:
            return None
        # A value ends with its line: what is not found, at -1, is not followed by the next part.
        first = packet.find(_LINE, to_one)
        second = packet.find(_LINE, first + to_two)
        third = packet.find(_LINE, second + to_three)
        if not (
            packet.startswith(two, first)
            and packet.startswith(three, second)
            and packet.startswith(last, third)
        ):
            return None
        body = packet[third + to_last :]
        values = (
            packet[to_one:first],
            packet[first + to_two : second],
            packet[second + to_three : third],
        )
        proof, key = values[self._token_at], values[self._key_at]
        if values[self._length_at] != b"%d" % len(body):
            return None
        if not 0 < len(key) <= KEY_MAX or key.translate(None, _VISIBLE):
            return None
        if proof != self._proof and not self._learns(proof):
            return None
        return Asked(self._credential, key.decode("ascii"), body)

    def _learns(self, proof: bytes) -> bool:
        """Whether this is a credential, as the parser would read it."""
        if proof.translate(None, _VISIBLE) != b" " or proof[-1:] == b" ":
            return False
        try:
            self._credential = credential_in(proof.decode("ascii"), self._who)
        except Refused:
            return False  # the same will be said on the parser's way
        self._proof = proof
        return True


def is_whole(packet: bytes, message: object, payload: StreamReader) -> bool:
    """Whether a packet is the one call that the parser made of it, and nothing else."""
    if not isinstance(message, RawRequestMessage) or not payload.is_eof():
        return False
    if message.chunked or message.upgrade or message.should_close:
        return False
    _, end, body = packet.partition(_END)
    return bool(end) and message.headers.get(_LENGTH, "0") == str(len(body))


def remembered(packet: bytes, message: RawRequestMessage, endpoint: Endpoint) -> Head | None:
    """The head of a packet that is one whole call; None where the next one like it is to be parsed.

    So is one whose own lines are not there once each, or whose media type is refused.
    """
    try:
        require_media_type(message, endpoint.body_media)
    except Refused:
        return None
    lines = packet.partition(_END)[0].split(_LINE)
    headers, spans = CIMultiDict(message.headers), []
    for name in (_AUTHORIZATION, _KEY, _LENGTH):
        fields = [(at, found) for at, line in enumerate(lines) if (found := _field(line, name))]
        if len(fields) != 1:
            return None
        at, (start, value) = fields[0]
        if headers.popall(name, []) != [value.decode()]:
            return None
        begin = sum(len(line) + len(_LINE) for line in lines[:at]) + len(start)
        spans.append((begin, begin + len(value)))
    ordered = sorted(spans)
    begins = [0, *(end for _, end in ordered)]
    ends = [*(begin for begin, _ in ordered), packet.index(_END) + len(_END)]
    parts = [packet[begin:end] for begin, end in zip(begins, ends, strict=True)]
    order = [ordered.index(span) for span in spans]
    plain = message._replace(headers=CIMultiDictProxy(headers))
    return Head(plain, endpoint.who, parts, order)


def _field(line: bytes, name: str) -> tuple[bytes, bytes] | None:
    """The field of this name that a line is: all before its value, and its value."""
    found = _FIELD.match(line)
    if found is None or found[1].lower() != name.lower().encode():
        return None
    return line[: found.start(3)], found[3]
