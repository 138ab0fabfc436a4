"""An alarm that rings at even distances, to some microseconds, and lets its loop sleep meanwhile.

A loop's own timers count whole milliseconds: uvloop spins through shorter waits, and a crowd that
spins takes one of two cores from the server that it is to measure.
"""

from __future__ import annotations

import asyncio
import ctypes
import os
import time
from collections.abc import Callable
from typing import Final

_LIBC = ctypes.CDLL(None, use_errno=True)
_NONBLOCK: Final = os.O_NONBLOCK
_ABSOLUTE: Final = 1
_NS: Final = 1_000_000_000
_COUNT_BYTES = 8


class _Times(ctypes.Structure):
    """`struct itimerspec`: every how long, and when for the first time."""

    _fields_ = (
        ("every_s", ctypes.c_long), ("every_ns", ctypes.c_long),
        ("first_s", ctypes.c_long), ("first_ns", ctypes.c_long),
    )  # fmt: skip


class Alarm:
    """Rings at `first_s` of time.monotonic() and every `every_s` from then on, until it is closed.

    Rings that came too late to be told apart are told once. Raises OSError.
    """

    def __init__(self, first_s: float, every_s: float, ring: Callable[[], None]) -> None:
        self._file = _LIBC.timerfd_create(time.CLOCK_MONOTONIC, _NONBLOCK)
        if self._file < 0:
            raise OSError(ctypes.get_errno(), "timerfd_create")
        every, first = divmod(round(every_s * _NS), _NS), divmod(round(first_s * _NS), _NS)
        times = _Times(*every, *first)
        if _LIBC.timerfd_settime(self._file, _ABSOLUTE, ctypes.byref(times), None) < 0:
            os.close(self._file)
            raise OSError(ctypes.get_errno(), "timerfd_settime")
        self._ring, self._loop = ring, asyncio.get_running_loop()
        self._loop.add_reader(self._file, self._rings)

    def _rings(self) -> None:
        os.read(self._file, _COUNT_BYTES)
        self._ring()

    def close(self) -> None:
        """It rings no more."""
        self._loop.remove_reader(self._file)
        os.close(self._file)
