"""Buying in partner batches one after the other: what is measured is what they cost, not the crowd.

Every order must be sold, or the figure would be one of refusals. A fault is repeated by the same
keys, as a partner would; what that costs is in the figure.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import orjson

from loadtest.bench.asks import Ask, numbers
from loadtest.bench.generators import FAULT, GOOD, TIMEOUT_S, Unexpected
from loadtest.wire import Wires

ATTEMPTS_MAX, AGAIN_S = 10, 0.1


async def buy(url: str, asks: Sequence[Ask], orders: int) -> int:
    """Send batches until at least so many orders are sold, the asks by turns; how many were."""
    wires, sold, number = Wires(url), 0, numbers()
    try:
        turn = 0
        while sold < orders:
            ask = asks[turn % len(asks)]
            await _until_sold(wires, ask.render(number))
            sold, number, turn = sold + ask.items, number + ask.items, turn + 1
    finally:
        wires.close()
    return sold


async def _until_sold(wires: Wires, asked: bytes) -> None:
    for attempt in range(ATTEMPTS_MAX):
        status, body = await wires.ask(asked, timeout_s=TIMEOUT_S)
        results = orjson.loads(body)["results"] if status == 200 else []
        if results and all(result["status"] in GOOD for result in results):
            return
        wrong = [result for result in results if result["status"] not in {*GOOD, FAULT}]
        if wrong or status not in {200, FAULT}:
            raise Unexpected(f"a batch was answered {status}: {wrong[:1] or body[:300]!r}")
        await asyncio.sleep(AGAIN_S * (attempt + 1))
    raise Unexpected(f"a batch met faults {ATTEMPTS_MAX} times")
