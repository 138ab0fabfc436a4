"""Requests as templates: the same bytes whoever sends them, with a number of its own in each.

Belongs here: what a request looks like. Numbers have a fixed width, so that its length is known
beforehand and a generator only fills holes in.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import count
from typing import Final

import orjson

NUMBER, OFFER, VALUE = "##########", "@@", "%%value%%"
DIGITS, OFFERS = len(NUMBER), 16
"""What stands for an order's number, its offer (number modulo OFFERS), and a line of a file."""

RUN_NUMBERS: Final = 10_000_000
"""Numbers set aside for one run of a generator, so that no order is ever asked for twice."""

_HOLES = re.compile(f"({NUMBER}|{OFFER}|{VALUE})")
_runs = count(1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Ask:
    """A request, or endless different ones. The body is head, `items` times item, and tail."""

    method: str
    path: str
    headers: dict[str, str] = field(default_factory=dict)
    head: str = ""
    item: str = ""
    tail: str = ""
    items: int = 0
    values: Sequence[str] = ()
    """One for each request, for the header that holds VALUE; the run ends when they are used up."""

    def length(self) -> int:
        """The bytes of the body."""
        item = len(self.item.replace(OFFER, "00").encode())
        commas = max(0, self.items - 1)
        return len(self.head.encode()) + item * self.items + commas + len(self.tail.encode())

    def start(self) -> str:
        """Request line and headers."""
        more = "".join(f"{name}: {value}\r\n" for name, value in self.headers.items())
        line = f"{self.method} {self.path} HTTP/1.1\r\nHost: bench\r\n"
        return f"{line}{more}Content-Length: {self.length()}\r\n\r\n"

    def render(self, number: int, at: int = 0) -> bytes:
        """The request whose first order has this number, with value `at`: for Python's own."""
        value = self.values[at] if self.values else ""
        orders = (fill(self.item, number + more) for more in range(self.items))
        start = fill(self.start(), number).replace(VALUE, value)
        return f"{start}{self.head}{','.join(orders)}{self.tail}".encode()


def fill(text: str, number: int) -> str:
    """The text with this number in its holes."""
    return text.replace(NUMBER, f"{number:0{DIGITS}}").replace(OFFER, f"{number % OFFERS:02}")


def pieces(text: str) -> list[str]:
    """The text cut at its holes; the holes are pieces too."""
    return [piece for piece in _HOLES.split(text) if piece]


def numbers() -> int:
    """The first of RUN_NUMBERS numbers that nobody has had."""
    return next(_runs) * RUN_NUMBERS


def as_json(value: object) -> str:
    """JSON as clients send it."""
    return orjson.dumps(value).decode()
