"""Processes of a test: started, watched, stopped, and addresses that are theirs alone."""

import random
import shutil
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.ordinary import USER

PATIENCE_S = 60.0
_POLL_S = 0.05


@dataclass(slots=True)
class Running:
    """A process of a test, and what it said."""

    name: str
    process: "subprocess.Popen[bytes]"
    log: Path

    def said(self) -> str:
        """Everything so far."""
        return self.log.read_text(errors="replace")

    def until(self, ready: Callable[[], bool], patience_s: float = PATIENCE_S) -> None:
        """Wait for a condition; fails when the process ends before, or it does not come."""
        deadline = time.monotonic() + patience_s
        while not ready():
            assert self.process.poll() is None, f"{self.name} ended: {self.said()[-3000:]}"
            assert time.monotonic() < deadline, f"{self.name} is not ready: {self.said()[-3000:]}"
            time.sleep(_POLL_S)

    def stop(self, signal: int, within_s: float) -> int:
        """Send the signal and wait for the end; fails when it does not come in time."""
        self.process.send_signal(signal)
        return self.process.wait(within_s)


@contextmanager
def running(
    name: str, words: Sequence[str], log: Path, environment: Mapping[str, str], cwd: Path
) -> Iterator[Running]:
    """A process for as long as the block lasts."""
    with (log / f"{name}.log").open("wb") as output:
        process = subprocess.Popen(
            words, stdout=output, stderr=subprocess.STDOUT, env=dict(environment), cwd=cwd
        )
    try:
        yield Running(name, process, log / f"{name}.log")
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()


def status(url: str) -> int:
    """The status of a GET; 0 when nobody answers."""
    try:
        with urllib.request.urlopen(url, timeout=2) as answer:  # noqa: S310  # ours
            return int(answer.status)
    except urllib.error.HTTPError as error:
        return error.code
    except OSError:
        return 0


def own_network() -> Callable[[int], str]:
    """Addresses of this machine that no other test is likely to use."""
    middle = f"{random.randint(16, 254)}.{random.randint(0, 254)}"
    return lambda number: f"127.{middle}.{number}"


def listens(host: str, port: int) -> bool:
    """Whether somebody accepts connections there."""
    with socket.socket() as tried:
        tried.settimeout(1)
        return tried.connect_ex((host, port)) == 0


def private(directory: Path) -> Path:
    """A directory of an ordinary user, as `install --directory --mode=0700` makes it."""
    directory.mkdir(mode=0o700)
    shutil.chown(directory, USER, USER if USER == 65534 else None)
    return directory
