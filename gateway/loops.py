"""The loops that any gateway runs: their state is in the store, so it does not matter which.

Here belongs how a loop turns (`run_once`, `run`), survives an outage and is counted. What a turn
does is a verb's; which loops there are is put together by `services`. A loop never ends by itself:
a failing turn is counted, its beginning and its end are logged, and the next turn is tried.
"""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Iterable
from typing import Any, TypeVar

from gateway.metrics import Metrics
from lua.faults import Fault

log = logging.getLogger("dropgate.loops")

LAG_PROBE_S = 0.05

T = TypeVar("T")
Step = Callable[[], Awaitable[object]]


class Loop:
    """One bounded step, repeated every `interval_s` seconds."""

    def __init__(self, name: str, interval_s: float, step: Step, metrics: Metrics) -> None:
        self.name = name
        self._interval_s = interval_s
        self._step = step
        self._runs = metrics.loop_runs.labels(name)
        self._faults = metrics.loop_failures.labels(name, "fault")
        self._bugs = metrics.loop_failures.labels(name, "bug")
        self._fails = False

    async def run_once(self) -> object:
        """One step; what it did. Raises what the step raises."""
        self._runs.inc()
        return await self._step()

    async def run(self, stop: asyncio.Event) -> None:
        """Repeat until `stop` is set."""
        while not stop.is_set():
            begun = time.monotonic()
            await self.turn()
            left = self._interval_s - (time.monotonic() - begun)
            await _pause(stop, max(left, 0.0))

    async def turn(self) -> None:
        """One step whose failure is counted and logged, never raised."""
        try:
            await self.run_once()
        except Fault as fault:
            self._faults.inc()
            if not self._fails:
                log.warning("loop %s cannot do its part: %s", self.name, fault)
            self._fails = True
        except Exception:
            # A bug in one turn must not end the loop: stock would never come back again.
            self._bugs.inc()
            if not self._fails:
                log.exception("loop %s has met a bug and goes on", self.name)
            self._fails = True
        else:
            if self._fails:
                log.info("loop %s works again", self.name)
            self._fails = False


async def _pause(stop: asyncio.Event, seconds: float) -> None:
    try:
        async with asyncio.timeout(seconds):
            await stop.wait()
    except TimeoutError:
        pass


async def for_each(things: Iterable[T], step: Callable[[T], Awaitable[Any]]) -> list[Any]:
    """The step for every thing, one after the other; one that fails does not keep the others back.

    Raises the first failure at the end.
    """
    done: list[Any] = []
    first: Exception | None = None
    for thing in things:
        try:
            done.append(await step(thing))
        except Exception as error:  # noqa: BLE001  # told at the end, after the others had a turn
            first = first or error
    if first is not None:
        raise first
    return done


async def measure_lag(metrics: Metrics) -> float:
    """How much later than asked the event loop wakes up, in seconds: a process with too much."""
    begun = time.monotonic()
    await asyncio.sleep(LAG_PROBE_S)
    lag = max(0.0, time.monotonic() - begun - LAG_PROBE_S)
    metrics.event_loop_lag.set(lag)
    return lag
