"""Running locust's processes over a plan, looked at from outside, until they end."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from loadtest.installation import Failed, Running
from loadtest.load.plan import Plan, lines
from loadtest.load.watch import watch
from loadtest.phases import Phase

LOCUSTFILE = Path(__file__).with_name("locustfile.py")
CHECK_S = 0.5
END_WAIT_S = 60.0
"""How long locust may take for its start and its end."""


async def play(plan: Plan, phase: Phase, *, web_port: int) -> None:
    """Play it all; with `web_port` until a signal comes. Raises Failed when locust fails."""
    log = plan.directory / "logs" / "locust.log"
    log.parent.mkdir(parents=True, exist_ok=True)
    plan.write()
    locust = Running.start("locust", _words(plan, web_port), log)
    watching = asyncio.create_task(watch(plan))
    try:
        with _stopped_by_signals(locust):
            await _until_ended(locust, plan, phase, endless=bool(web_port))
    finally:
        watching.cancel()
        await locust.stop()
    if locust.process.returncode != 0:
        raise Failed(f"locust ended with {locust.process.returncode}: {locust.last_said()}")


def _words(plan: Plan, web_port: int) -> tuple[str, ...]:
    """Locust's command line. A process that failed says so; a call that did is the verdict's."""
    words = [sys.executable, "-m", "locust", "-f", str(LOCUSTFILE), "--plan", str(plan.file)]
    words += ["--host", plan.gateway, "--exit-code-on-error", "0", "--only-summary"]
    if plan.processes > 1:
        port = str(_free_port())
        words += ["--processes", str(plan.processes), "--master-bind-host", "127.0.0.1"]
        words += ["--master-bind-port", port, "--master-port", port]
    if web_port:
        words += ["--autostart", "--web-host", "127.0.0.1", "--web-port", str(web_port)]
    else:
        words += ["--headless"]
    return tuple(words)


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port: int = listening.getsockname()[1]
        return port


@contextmanager
def _stopped_by_signals(locust: Running) -> Iterator[None]:
    """A first signal ends the load, which is judged all the same."""
    loop = asyncio.get_running_loop()

    def end() -> None:
        if locust.process.poll() is None:
            os.kill(locust.process.pid, signal.SIGTERM)

    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, end)
    try:
        yield
    finally:
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.remove_signal_handler(number)


async def _until_ended(locust: Running, plan: Plan, phase: Phase, *, endless: bool) -> None:
    loop = asyncio.get_running_loop()
    until_s = loop.time() + plan.seconds + END_WAIT_S
    while locust.process.poll() is None:
        if loop.time() > until_s and not endless:
            raise Failed(f"locust has no end: {locust.last_said()}")
        phase.say(_progress(plan))
        await asyncio.sleep(CHECK_S)


def _progress(plan: Plan) -> str:
    samples = list(lines(plan.samples))[-1:]
    return "".join(
        f"{each['line']:,} in the line, {each['sold'] + each['redeemed']:,} units sold"
        for each in samples
    )
