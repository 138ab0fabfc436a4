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
_VISIBLE = bytes(range(0x21, 0x7F))
_FIELD = re.compile(rb"([!-9;-~]+):([ \t]*)([!-~](?:[ -~]*[!-~])?)\Z")


class Asked(NamedTuple):
    """A call whose head came before: what stands in its own lines, and its whole body."""

    credential: Credential
    key: str
    body: bytes


class _Hole(NamedTuple):
    """A line of which only the beginning comes again."""

    at: int
    start: bytes

    def text(self, line: bytes) -> bytes | None:
        """What stands behind the beginning."""
        return line[len(self.start) :] if line.startswith(self.start) else None


class Head:
    """The head of a call that was plain and went straight.

    `message` is what the parser made of it, without what is another call's.
    """

    def __init__(
        self,
        message: RawRequestMessage,
        who: tuple[Who, ...],
        lines: Sequence[bytes],
        holes: Sequence[_Hole],
    ) -> None:
        self.message = message
        self._who = who
        self._begins = lines[0] + b"\r\n"
        self._holes = self._token, self._key, self._length = tuple(holes)
        self._lines = self._emptied(list(lines))
        self._proof = b""
        self._credential = Credential("", "")

    def asked(self, packet: bytes) -> Asked | None:
        """The call that a packet is, if its head is this one; else None."""
        if not packet.startswith(self._begins) or len(packet) > PACKET_MAX:
            return None
        head, _, body = packet.partition(b"\r\n\r\n")
        lines = head.split(b"\r\n")
        if len(lines) != len(self._lines):
            return None
        proof, key = lines[self._token.at], self._key.text(lines[self._key.at])
        if key is None or lines[self._length.at] != b"%b%d" % (self._length.start, len(body)):
            return None
        if not 0 < len(key) <= KEY_MAX or key.translate(None, _VISIBLE):
            return None
        if self._emptied(lines) != self._lines:
            return None
        if proof != self._proof and not self._learns(proof):
            return None
        return Asked(self._credential, key.decode("ascii"), body)

    def _emptied(self, lines: list[bytes]) -> list[bytes]:
        for hole in self._holes:
            lines[hole.at] = b""
        return lines

    def _learns(self, proof: bytes) -> bool:
        """Whether this is the line of a credential as the parser would read it."""
        given = self._token.text(proof)
        if given is None or given.translate(None, _VISIBLE) != b" " or given[-1:] == b" ":
            return False
        try:
            self._credential = credential_in(given.decode("ascii"), self._who)
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
    _, end, body = packet.partition(b"\r\n\r\n")
    return bool(end) and message.headers.get(_LENGTH, "0") == str(len(body))


def remembered(packet: bytes, message: RawRequestMessage, endpoint: Endpoint) -> Head | None:
    """The head of a packet that is one whole call; None where the next one like it is to be parsed.

    So is one whose own lines are not there once each, or whose media type is refused.
    """
    try:
        require_media_type(message, endpoint.body_media)
    except Refused:
        return None
    lines = packet.partition(b"\r\n\r\n")[0].split(b"\r\n")
    headers, holes = CIMultiDict(message.headers), []
    for name in (_AUTHORIZATION, _KEY, _LENGTH):
        fields = [(at, found) for at, line in enumerate(lines) if (found := _field(line, name))]
        if len(fields) != 1:
            return None
        at, (start, value) = fields[0]
        if headers.popall(name, []) != [value.decode()]:
            return None
        holes.append(_Hole(at, start))
    return Head(message._replace(headers=CIMultiDictProxy(headers)), endpoint.who, lines, holes)


def _field(line: bytes, name: str) -> tuple[bytes, bytes] | None:
    """The field of this name that a line is: all before its value, and its value."""
    found = _FIELD.match(line)
    if found is None or found[1].lower() != name.lower().encode():
        return None
    return line[: found.start(3)], found[3]
