"""Waiting out a machine that stalls for longer than the product would wait for its servers."""

from collections.abc import Awaitable, Callable
from typing import TypeVar

from lua.faults import Fault

TRIES_MAX = 10
SLOWER = 3
"""So much slower than the machine on which a test's limit was set another one may be."""
Result = TypeVar("Result")


async def patiently(step: Callable[[], Awaitable[Result]]) -> Result:
    """The result of a step that sets a test up and may be repeated; the last fault is raised."""
    for _ in range(TRIES_MAX - 1):
        try:
            return await step()
        except Fault:
            continue
    return await step()
