"""The highest rate that an open crowd and its server keep up with together, by bisection. Pure."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Final

RAISES_MAX, RAISE_BY = 3, 1.5
HALVINGS = 4
TRIES: Final = 2
"""A rate that is not kept is tried once more: one stall of the machine is no want of capacity."""

Keeps = Callable[[float], Awaitable[bool]]


async def capacity(keeps: Keeps, guess_per_s: float) -> tuple[float, bool]:
    """The highest rate that was kept, to some 6 % of the guess, and whether any was.

    When none was, it is the lowest that was tried.
    """
    kept, not_kept = 0.0, guess_per_s
    for _ in range(RAISES_MAX):
        if not await _keeps(keeps, not_kept):
            break
        kept, not_kept = not_kept, not_kept * RAISE_BY
    for _ in range(HALVINGS):
        middle = (kept + not_kept) / 2
        if await _keeps(keeps, middle):
            kept = middle
        else:
            not_kept = middle
    return (kept, True) if kept else (not_kept, False)


async def _keeps(keeps: Keeps, rate_per_s: float) -> bool:
    for _ in range(TRIES):
        if await keeps(rate_per_s):
            return True
    return False
