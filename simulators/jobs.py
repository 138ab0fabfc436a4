"""Running a list of calls a few at a time."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Iterator, Sequence
from itertools import islice
from typing import TypeVar

Item = TypeVar("Item")


async def few_at_once(
    do: Callable[[Item], Awaitable[None]], items: Iterable[Item], *, at_once: int
) -> None:
    """`do` for every item, `at_once` at a time; the first error ends the rest."""
    waiting = iter(items)

    async def work() -> None:
        for item in waiting:
            await do(item)

    async with asyncio.TaskGroup() as group:
        for _ in range(at_once):
            group.create_task(work())


def groups_of(size: int, items: Sequence[Item]) -> Iterator[list[Item]]:
    """The items in lists of at most `size`."""
    rest = iter(items)
    while group := list(islice(rest, size)):
        yield group
