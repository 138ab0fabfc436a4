"""Two network namespaces joined by one cable that can be cut, and a thread that lives in each.

A thread enters its namespace before it opens anything; what it starts and connects is on its side.
"""

import asyncio
import concurrent.futures
import ctypes
import os
import subprocess
import threading
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, TypeVar

from tests.programs import need_root, program

CLONE_NEWNET = 0x40000000
_LIBC = ctypes.CDLL(None, use_errno=True)
T = TypeVar("T")


class Side:
    """One namespace with its address, and the event loop of the thread that is in it."""

    def __init__(self, name: str, address: str) -> None:
        self.name, self.address = name, address
        self.loop = asyncio.new_event_loop()
        self._entered = threading.Event()
        self._thread = threading.Thread(target=self._live, name=name, daemon=True)

    def enter(self) -> None:
        """Begin to live there."""
        self._thread.start()
        assert self._entered.wait(10), f"no way into {self.name}"

    def begin(self, work: Coroutine[Any, Any, T]) -> "concurrent.futures.Future[T]":
        """Do something on this side, from any thread."""
        return asyncio.run_coroutine_threadsafe(work, self.loop)

    async def do(self, work: Coroutine[Any, Any, T]) -> T:
        """Do something on this side, for a coroutine of the other one."""
        return await asyncio.wrap_future(self.begin(work))

    def leave(self) -> None:
        """End the thread; what it started dies with it."""
        self.loop.call_soon_threadsafe(self.loop.stop)
        self._thread.join(10)

    def _live(self) -> None:
        with open(f"/var/run/netns/{self.name}", "rb") as namespace:
            if _LIBC.setns(namespace.fileno(), CLONE_NEWNET) != 0:
                raise OSError(ctypes.get_errno(), "setns")
        self._entered.set()
        asyncio.set_event_loop(self.loop)
        self.loop.run_forever()
        self.loop.close()


@dataclass(frozen=True, slots=True)
class Sides:
    """Both ends of the cable."""

    here: Side
    there: Side
    ip: str

    def cut(self) -> None:
        """Nothing goes through any more, and nobody is told."""
        self._run("-n", self.here.name, "link", "set", "cable", "down")

    def mend(self) -> None:
        """Everything goes through again."""
        self._run("-n", self.here.name, "link", "set", "cable", "up")

    def lay(self) -> None:
        """Make the namespaces and the cable between them."""
        for side in (self.here, self.there):
            self._run("netns", "add", side.name)
        names = (self.here.name, self.there.name)
        ends = ("type", "veth", "peer", "name", "cable", "netns", names[1])
        self._run("-n", names[0], "link", "add", "cable", *ends)
        for side in (self.here, self.there):
            self._run("-n", side.name, "addr", "add", f"{side.address}/24", "dev", "cable")
            for link in ("lo", "cable"):
                self._run("-n", side.name, "link", "set", link, "up")

    def remove(self) -> None:
        """Remove what was made."""
        for side in (self.here, self.there):
            subprocess.run([self.ip, "netns", "del", side.name], check=False, capture_output=True)

    def _run(self, *words: str) -> None:
        subprocess.run([self.ip, *words], check=True, capture_output=True)


@contextmanager
def sides() -> Iterator[Sides]:
    """Two sides. Skips the test, and says so, where namespaces may not be made."""
    ip = program("ip", "iproute2")
    need_root("network namespaces")
    number = os.getpid()
    pair = Sides(Side(f"dg-{number}-a", "10.77.0.1"), Side(f"dg-{number}-b", "10.77.0.2"), ip)
    try:
        pair.lay()
        for side in (pair.here, pair.there):
            side.enter()
        yield pair
        for side in (pair.here, pair.there):
            side.leave()
    finally:
        pair.remove()
