"""Buying in partner batches one after the other: what is measured is what they cost, not the crowd.

Every order must be sold, or the figure would be one of refusals.
"""

from __future__ import annotations

from collections.abc import Sequence

import orjson

from loadtest.bench.asks import Ask, numbers
from loadtest.bench.generators import TIMEOUT_S, Unexpected
from loadtest.wire import Wires


async def buy(url: str, asks: Sequence[Ask], orders: int) -> int:
    """Send batches until at least so many orders are sold, the asks by turns; how many were."""
    wires, sold, number = Wires(url), 0, numbers()
    try:
        turn = 0
        while sold < orders:
            ask = asks[turn % len(asks)]
            status, body = await wires.ask(ask.render(number), timeout_s=TIMEOUT_S)
            _check(status, body)
            sold, number, turn = sold + ask.items, number + ask.items, turn + 1
    finally:
        wires.close()
    return sold


def _check(status: int, body: bytes) -> None:
    if status != 200:
        raise Unexpected(f"a batch was answered {status}: {body[:300]!r}")
    for result in orjson.loads(body)["results"]:
        if result["status"] != 201 or result.get("replayed"):
            raise Unexpected(f"an order of a batch was answered {result}")
