"""Heads that come again: what a connection need not parse twice.

A client that buys on one connection sends the same lines each time, but for its credential, its key
and the length of its body. aiohttp's parser makes a message of each, with headers, a URL and a
stream for the body. Here the lines are compared with those that the parser took before: what is the
same means the same. Whatever else differs, by one byte, is the parser's.
"""

import re
from collections.abc import Sequence

import msgspec
from aiohttp import StreamReader
from aiohttp.http import RawRequestMessage
from multidict import CIMultiDict, CIMultiDictProxy

from gateway.auth import Credential, credential_in
from gateway.endpoint import Endpoint, Who
from gateway.problems import Refused
from gateway.requests import KEY_MAX, require_media_type

PACKET_MAX = 16 * 1024
"""More than a purchase has; the parser's own bounds of a line hold for what is compared here."""
_DIGITS_MAX = len(str(PACKET_MAX))
_AUTHORIZATION, _KEY, _LENGTH = "Authorization", "Idempotency-Key", "Content-Length"
_LINE, _END = b"\r\n", b"\r\n\r\n"
_VISIBLE = bytes(range(0x21, 0x7F))
_FIELD = re.compile(rb"([!-9;-~]+):([ \t]*)([!-~](?:[ -~]*[!-~])?)\Z")


class Asked(msgspec.Struct, frozen=True, gc=False):
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
        self._begin = len(parts[0])
        self._token_at, self._key_at, self._length_at = order
        self._proof = b""
        self._credential = Credential("", "")
        self._length, self._body_size = b"0", 0

    def asked(self, packet: bytes) -> Asked | None:
        """The call that a packet is, if its head is this one; else None."""
        one, two, three, last = self._parts
        if not packet.startswith(one) or len(packet) > PACKET_MAX:
            return None
        # A value may end at a later line than its own: then it has a character that none may have.
        first, _, rest = packet[self._begin :].partition(two)
        second, _, rest = rest.partition(three)
        third, end, body = rest.partition(last)
        if not end:  # what one is not followed by, the next is not either
            return None
        values = first, second, third
        length = values[self._length_at]
        if length != self._length:
            self._length, self._body_size = length, _size_in(length)
        if len(body) != self._body_size:
            return None
        key = values[self._key_at].decode("latin-1")
        if not 0 < len(key) <= KEY_MAX or not _is_visible(key):
            return None
        proof = values[self._token_at]
        if proof != self._proof and not self._learns(proof):
            return None
        return Asked(self._credential, key, body)

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


def _is_visible(text: str) -> bool:
    return text.isascii() and text.isprintable() and " " not in text


def _size_in(length: bytes) -> int:
    """The size that a length says in the one way to write it; -1 for what is written otherwise."""
    is_number = length.isdigit() and len(length) <= _DIGITS_MAX
    return int(length) if is_number and b"%d" % int(length) == length else -1


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
