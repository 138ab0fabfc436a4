"""A client of the store's protocol, as small as redis-benchmark's: many commands in one sending.

Belongs here: what the bench asks a store from outside. Dropgate's own way to it is not ours.
"""

from __future__ import annotations

import socket
from collections.abc import Sequence
from typing import Any
from urllib.parse import urlsplit

import hiredis

Word = str | bytes | int
ANSWER_S = 10.0


class Refused(Exception):
    """The store answered with an error."""


class Resp:
    """One blocking connection to `unix:///path` or `redis://host:port`."""

    def __init__(self, url: str) -> None:
        split = urlsplit(url)
        if split.scheme == "unix":
            self._socket = socket.socket(socket.AF_UNIX)
            self._socket.connect(split.path)
        else:
            self._socket = socket.create_connection((split.hostname or "127.0.0.1", split.port))
            self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._socket.settimeout(ANSWER_S)
        self._reader = hiredis.Reader()

    def close(self) -> None:
        """Hang up."""
        self._socket.close()

    def call(self, *words: Word) -> Any:
        """The answer to one command. Raises Refused."""
        return self.pipeline(pack(words), 1)[0]

    def pipeline(self, commands: bytes, many: int) -> list[Any]:
        """The answers to commands that are packed already. Raises Refused."""
        self._socket.sendall(commands)
        answers: list[Any] = []
        while len(answers) < many:
            answer = self._reader.gets()
            if answer is False:
                data = self._socket.recv(65536)
                if not data:
                    raise ConnectionError("the store ended the connection")
                self._reader.feed(data)
            elif isinstance(answer, hiredis.ReplyError):
                raise Refused(str(answer))
            else:
                answers.append(answer)
        return answers

    def info(self, section: str) -> dict[str, str]:
        """A section of INFO."""
        lines = self.call("INFO", section).decode().splitlines()
        return dict(line.split(":", 1) for line in lines if ":" in line)


def pack(words: Sequence[Word]) -> bytes:
    """One command as bytes."""
    encoded = [word if isinstance(word, bytes) else str(word).encode() for word in words]
    parts = [b"*%d\r\n" % len(encoded)]
    parts += [b"$%d\r\n%b\r\n" % (len(word), word) for word in encoded]
    return b"".join(parts)
