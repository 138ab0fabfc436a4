"""Killing a coroutine at one of its await points."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Generator
from functools import partial
from typing import Any


class Killed(BaseException):
    """What a process that dies would never have caught: no `except Exception` stops it."""


class KilledAt:
    """Awaits `work`, and raises Killed where it suspends for the `step`-th time (from 1).

    What it waited for then is not waited for: it may or may not have happened. Gives True when
    the work came to its end in fewer steps, False when it was killed.
    """

    def __init__(self, work: Coroutine[Any, Any, Any], step: int) -> None:
        self._work, self._step = work, step

    def __await__(self) -> Generator[Any, Any, bool]:
        running = self._work.__await__()
        resume: Callable[[], Any] = partial(next, running)
        suspended, killed = 0, False
        while True:
            try:
                waits_for = resume()
            except StopIteration:
                return not killed
            except (Killed, Exception):
                if killed:  # a dead process cleans up in vain
                    return False
                raise
            suspended += 1
            if suspended == self._step:
                if isinstance(waits_for, asyncio.Future):
                    waits_for.cancel()  # or the loop goes on watching a socket that is closed
                killed, resume = True, partial(running.throw, Killed())
                continue
            try:
                yield waits_for
                resume = partial(next, running)
            except BaseException as thrown:  # noqa: BLE001 - a cancellation (a timeout) goes inside
                resume = partial(running.throw, thrown)
