"""The state directory of an installation: what lies where, who holds it, which processes it has.

Here: the places, the lock that keeps two supervisors apart, and the notes in `run/` by which other
commands find the running servers and the next `up` finds what a killed one left. Not here: what the
servers keep in their own directories, and what the keys are.
"""

import fcntl
import os
import signal
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import msgspec

import lua.embedded
import settlement.embedded
from gateway.config import Settings
from lua.process import ProgramFailed

_POLL_S = 0.02
_ORPHAN_S = 20.0  # longer than a gateway takes to drain
UP = "up"


class Note(msgspec.Struct, frozen=True, kw_only=True):
    """One running process: `started` is its start in ticks since boot, so no other is taken for it.

    `urls` says where it is found, by what it offers: store, database, gateway, metrics.
    """

    name: str
    pid: int
    started: int
    urls: dict[str, str]

    @property
    def is_running(self) -> bool:
        """Whether this very process still runs."""
        return started_at(self.pid) == self.started


@dataclass(frozen=True, slots=True)
class State:
    """One state directory."""

    root: Path

    @property
    def valkey(self) -> Path:
        """The embedded store's data."""
        return self.root / "valkey"

    @property
    def postgres(self) -> Path:
        """The embedded system of record's data."""
        return self.root / "postgres"

    def log(self, name: str) -> Path:
        """What the process of that name has said; the file is for its owner alone."""
        return self.root / "logs" / f"{name}.log"

    def make(self) -> None:
        """Make the directories that are missing; only the owner may look inside."""
        try:
            self.root.mkdir(mode=0o700, parents=True, exist_ok=True)
            for name in ("run", "logs"):
                (self.root / name).mkdir(mode=0o700, exist_ok=True)
        except OSError as error:
            raise ProgramFailed(f"cannot use the state directory {self.root}: {error}") from error

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Hold the directory for one supervisor. Raises ProgramFailed when another holds it."""
        self.make()
        with (self.root / "lock").open("a+b") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                by = self.note(UP)
                who = f" (process {by.pid})" if by else ""
                raise ProgramFailed(
                    f"another `dropgate up`{who} runs with the state directory {self.root}"
                ) from None
            yield

    def write(self, note: Note) -> None:
        """Note a running process, at once and as a whole."""
        path = self._path(note.name)
        fresh = path.with_suffix(".new")
        descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(msgspec.json.format(msgspec.json.encode(note)) + b"\n")
        fresh.replace(path)

    def note(self, name: str) -> Note | None:
        """The note of that name, if its process still runs."""
        try:
            note = msgspec.json.decode(self._path(name).read_bytes(), type=Note)
        except (OSError, msgspec.DecodeError):
            return None
        return note if note.is_running else None

    def notes(self) -> list[Note]:
        """The notes of all processes that still run, by name."""
        names = sorted(path.stem for path in (self.root / "run").glob("*.json"))
        return [note for name in names if (note := self.note(name)) is not None]

    def forget(self, name: str) -> None:
        """The process is gone."""
        self._path(name).unlink(missing_ok=True)

    def end_orphans(self) -> list[str]:
        """End what a killed supervisor left running, and its notes; the names of what was ended.

        The servers are left to their own packages. The caller holds the lock.
        """
        notes = [note for note in self.notes() if note.name not in (UP, "valkey", "postgres")]
        for number, patience_s in ((signal.SIGTERM, _ORPHAN_S), (signal.SIGKILL, 5.0)):
            for note in notes:
                if note.is_running:
                    with suppress(ProcessLookupError):
                        os.kill(note.pid, number)
            until = time.monotonic() + patience_s
            while any(note.is_running for note in notes) and time.monotonic() < until:
                time.sleep(_POLL_S)
        for path in (self.root / "run").glob("*.json"):
            path.unlink()
        return [note.name for note in notes]

    def _path(self, name: str) -> Path:
        return self.root / "run" / f"{name}.json"


def started_at(process: int) -> int | None:
    """The process's start in ticks since boot; None when it is gone (a zombie is gone)."""
    try:
        text = Path(f"/proc/{process}/stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return None
    fields = text.rpartition(")")[2].split()  # the name before may hold blanks and brackets
    return None if fields[0] in "ZX" else int(fields[19])


def found(settings: Settings, need: Sequence[str] = ("store", "database")) -> Settings:
    """The settings with the URLs of the servers that run for this state directory filled in.

    What was given stays. Raises ProgramFailed when one of the needed is neither given nor running.
    """
    missing = [server for server in need if not getattr(settings, f"{server}_url")]
    if not missing:
        return settings
    up = State(settings.state_dir.absolute()).note(UP)
    if up is None:
        told = " and ".join(f"--{server}-url" for server in missing)
        raise ProgramFailed(
            f"nothing runs with the state directory {settings.state_dir}: start `dropgate up`, "
            f"or say where to look with {told}"
        )
    return msgspec.structs.replace(settings, **{f"{name}_url": up.urls[name] for name in missing})


def embedded(settings: Settings) -> Settings:
    """The settings with the URLs of the embedded servers for those that were not given."""
    state = State(settings.state_dir.absolute())
    return msgspec.structs.replace(
        settings,
        state_dir=state.root,
        store_url=settings.store_url or lua.embedded.url(state.valkey),
        database_url=settings.database_url or settlement.embedded.url(state.postgres),
    )
