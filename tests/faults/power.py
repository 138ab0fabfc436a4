"""A power cut for a store: what was not fsynced is lost.

A small library between the server and the C library notes how long each file was at its last fsync;
after kill -9 the files are cut to that. It can also make fsync slow.
"""

import os
import signal
import subprocess
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import lua.embedded
from lua.process import PLAIN_ENVIRONMENT, Program, start, wait_ready
from tests.programs import program

SOURCE = Path(__file__).parent / "fsynced.c"


def built(directory: Path) -> Path:
    """The library, compiled. Skips the test, and says so, where there is no C compiler."""
    library = directory / "fsynced.so"
    if not library.exists():
        words = (program("gcc", "gcc libc6-dev"), "-shared", "-fPIC", "-O2", "-o")
        subprocess.run((*words, library, SOURCE, "-ldl"), check=True)
    return library


class Mains:
    """One store whose power can be cut. `fsync_us` is how long each fsync takes more."""

    def __init__(self, home: Path, *, settings: Mapping[str, str] | None = None) -> None:
        self.home = home
        self.notes = home / "fsynced"
        self._library = built(home)
        self._settings = settings or {}
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """Where the store is."""
        return lua.embedded.url(self.home / "valkey")

    @property
    def pid(self) -> int:
        """The store's process."""
        assert self._process is not None
        return self._process.pid

    async def on(self, *, fsync_us: int = 0) -> None:
        """Start the store, and wait until it answers."""
        plain = lua.embedded.prepare(self.home / "valkey")
        shim = {
            "LD_PRELOAD": str(self._library),
            "FSYNCED_NOTES": str(self.notes),
            "FSYNCED_DELAY_US": str(fsync_us),
        }
        words = tuple(word for name, value in self._settings.items() for word in (name, value))
        described: Program = replace(
            plain, argv=(*plain.argv, *words), environment={**PLAIN_ENVIRONMENT, **shim}
        )
        with (self.home / "valkey.log").open("ab") as log:
            self._process = start(described, log)
        await wait_ready(described, self._process)

    def cut(self) -> int:
        """The power goes: the process is gone, and so is what was not fsynced; bytes lost."""
        self.off()
        synced: dict[str, int] = {}
        for line in self.notes.read_text().splitlines():
            length, _, name = line.partition(" ")
            synced[name] = int(length)
        lost = 0
        for path in (self.home / "valkey").rglob("*.aof"):
            kept = synced.get(str(path), 0)
            lost += path.stat().st_size - kept
            os.truncate(path, kept)
        return lost

    def off(self) -> None:
        """End the process at once."""
        if self._process is not None:
            self._process.send_signal(signal.SIGKILL)
            self._process.wait()
            self._process = None
