"""What a process in the foreground needs: signals as events, log lines on stderr, open files."""

import asyncio
import logging
import resource
import signal
import sys

_LINE = "%(asctime)s %(levelname)s %(name)s: %(message)s"
_STOPPING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def stop_events() -> tuple[asyncio.Event, asyncio.Event]:
    """Set by the first signal to stop (Ctrl-C, SIGTERM, a lost terminal), and by any after it."""
    first, again = asyncio.Event(), asyncio.Event()

    def asked() -> None:
        (again if first.is_set() else first).set()

    loop = asyncio.get_running_loop()
    for number in _STOPPING:
        loop.add_signal_handler(number, asked)
    return first, again


def open_files_to_the_limit() -> None:
    """Let this process open as many files as its account may: each connection is one."""
    _, allowed = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (allowed, allowed))


def log_to_stderr() -> None:
    """Log from INFO up, one line for each event."""
    logging.basicConfig(stream=sys.stderr, level=logging.INFO, format=_LINE)
