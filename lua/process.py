"""One program of ours as a value: what to run, as whom, how to see that it is ready, how to end it.

Here: starting a child that dies with its parent, waiting for it, ending it, finding what an
earlier life of ours left running in a directory. Not here: watching and restarting
(gateway.supervisor), and what a program is given (lua.embedded, settlement.embedded).
"""

import asyncio
import ctypes
import os
import pwd
import signal
import subprocess
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import IO, Self

SOCKET_PATH_LIMIT = 107  # bytes; sun_path holds 108 with its final NUL
PLAIN_ENVIRONMENT: Mapping[str, str] = {"PATH": "/usr/bin:/bin", "LC_ALL": "C.UTF-8", "TZ": "UTC"}
_PR_SET_PDEATHSIG = 1
_POLL_S = 0.01
_YOUNG_S = 3600.0
_LIBC = ctypes.CDLL(None, use_errno=True)  # loaded before any fork: a child must not load libraries


class ProgramFailed(Exception):
    """A program did not start, was not ready in time, or cannot run here; says what to do."""


@dataclass(frozen=True, slots=True)
class Account:
    """An account of this machine that a program is run as. Only root may ask for another one."""

    name: str
    uid: int
    gid: int

    @classmethod
    def named(cls, name: str) -> Self:
        """Look the account up; raises ProgramFailed when this machine has none of that name."""
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            raise ProgramFailed(f"this machine has no account named {name!r}") from None
        return cls(name, entry.pw_uid, entry.pw_gid)

    @classmethod
    def owning(cls, path: Path) -> Self:
        """The account that owns `path`; raises ProgramFailed when its number has no name."""
        owner = path.stat()
        try:
            return cls(pwd.getpwuid(owner.st_uid).pw_name, owner.st_uid, owner.st_gid)
        except KeyError:
            raise ProgramFailed(
                f"{path} belongs to uid {owner.st_uid}, which has no name"
            ) from None


@dataclass(frozen=True, slots=True, kw_only=True)
class Program:
    """What to run, once. `ready` asks the running program; `account` None: the account we are.

    `descriptors` are handed over to the child and closed here (a directory reached by number, not
    by path). `stop_s` is how long it may take to end after `stop_signal` before it is killed.
    """

    name: str
    argv: tuple[str, ...]
    ready: Callable[[], Awaitable[bool]]
    stop_signal: signal.Signals = signal.SIGTERM
    stop_s: float = 10.0
    ready_s: float = 30.0
    environment: Mapping[str, str] = field(default_factory=lambda: PLAIN_ENVIRONMENT)
    directory: Path = Path("/")
    account: Account | None = None
    descriptors: tuple[int, ...] = ()


def start(program: Program, log: IO[bytes] | None = None) -> subprocess.Popen[bytes]:
    """Start it in a session of its own (a terminal's Ctrl-C reaches us alone), bound to our life.

    Output goes to `log`, else nowhere. Raises ProgramFailed when the machine refuses to run it.
    """
    account = program.account
    try:
        return subprocess.Popen(  # noqa: S603  # our own words
            program.argv,
            stdin=subprocess.DEVNULL,
            stdout=log or subprocess.DEVNULL,
            stderr=subprocess.STDOUT,
            cwd=program.directory,
            env=dict(program.environment),
            pass_fds=program.descriptors,
            start_new_session=True,
            umask=0o077,
            user=account.uid if account else None,
            group=account.gid if account else None,
            extra_groups=[] if account else None,
            preexec_fn=_dies_with_parent(program.stop_signal),  # noqa: PLW1509  # no threads here
        )
    except (OSError, subprocess.SubprocessError) as error:
        raise ProgramFailed(f"cannot start {program.name}: {error}") from error
    finally:
        for descriptor in program.descriptors:
            os.close(descriptor)


def _dies_with_parent(stop_signal: signal.Signals) -> Callable[[], None]:
    """The parent's death sends `stop_signal`, even when the parent had no time to say anything."""
    parent = os.getpid()

    def between_fork_and_exec() -> None:
        # After setuid, which clears the setting. The parent may have died before the call.
        _LIBC.prctl(_PR_SET_PDEATHSIG, int(stop_signal), 0, 0, 0)
        if os.getppid() != parent:
            os._exit(1)

    return between_fork_and_exec


async def wait_ready(program: Program, process: subprocess.Popen[bytes]) -> None:
    """Return once it is ready; raises ProgramFailed when it ends before or takes too long."""
    deadline = time.monotonic() + program.ready_s
    while not await program.ready():
        if (status := process.poll()) is not None:
            raise ProgramFailed(f"{program.name} ended with status {status} before it was ready")
        if time.monotonic() > deadline:
            raise ProgramFailed(f"{program.name} was not ready within {program.ready_s:g} s")
        await asyncio.sleep(_POLL_S)


async def ended(process: subprocess.Popen[bytes]) -> int:
    """Wait for the end of a child without a thread; the exit status, negative for a signal."""
    loop = asyncio.get_running_loop()
    over = asyncio.Event()
    descriptor = os.pidfd_open(process.pid)
    loop.add_reader(descriptor, over.set)
    try:
        await over.wait()
    finally:
        loop.remove_reader(descriptor)
        os.close(descriptor)
    return process.wait()


async def stop(program: Program, process: subprocess.Popen[bytes]) -> int:
    """Ask it to end, kill it when it has not after `stop_s`; its exit status."""
    if process.poll() is None:
        process.send_signal(program.stop_signal)
        try:
            async with asyncio.timeout(program.stop_s):
                await ended(process)
        except TimeoutError:
            process.kill()
    return process.wait()


def processes_in(directory: Path, executable: str) -> list[int]:
    """Process ids that run a file of this name with `directory` as their working directory."""
    try:
        wanted = directory.stat()
    except FileNotFoundError:
        return []
    found = []
    for entry in os.listdir("/proc"):
        if not entry.isdigit() or int(entry) == os.getpid():
            continue
        try:
            name = Path(os.readlink(f"/proc/{entry}/exe")).name.removesuffix(" (deleted)")
            here = os.stat(f"/proc/{entry}/cwd")
        except OSError:  # it ended meanwhile, or it is another account's and so not ours
            continue
        if name == executable and (here.st_dev, here.st_ino) == (wanted.st_dev, wanted.st_ino):
            found.append(int(entry))
    return sorted(found)


def end_processes_in(
    directory: Path, executable: str, ask: signal.Signals, patience_s: float = 10.0
) -> list[int]:
    """End what an earlier life left running there: asked first, killed after `patience_s`.

    A server's children are its own to end: PostgreSQL takes one that was asked beside it for a
    crash.
    """
    left = first = processes_in(directory, executable)
    for number, deadline in ((ask, patience_s), (signal.SIGKILL, 5.0)):
        asked = left if number is signal.SIGKILL else _without_children(left)
        _signal_all(asked, number)
        until = time.monotonic() + deadline
        while (left := processes_in(directory, executable)) and time.monotonic() < until:
            time.sleep(_POLL_S)
    if left:
        raise ProgramFailed(f"{executable} of an earlier run does not end: process {left[0]}")
    return first


def _without_children(processes: list[int]) -> list[int]:
    return [process for process in processes if _parent_of(process) not in processes]


def _parent_of(process: int) -> int | None:
    try:
        status = Path(f"/proc/{process}/stat").read_text()
    except OSError:
        return None  # it ended meanwhile
    return int(status.rpartition(")")[2].split()[1])


def _signal_all(processes: list[int], number: signal.Signals) -> None:
    for process in processes:
        try:
            os.kill(process, number)
        except ProcessLookupError:
            continue


def socket_directory(directory: Path, longest_name: str) -> Path:
    """`directory` itself, or a short name of it when a socket in it would have too long a path.

    The short name is a symbolic link in a directory of ours alone. Raises ProgramFailed when
    someone else has taken that directory's name.
    """
    directory = directory.absolute()
    if len(os.fsencode(directory / longest_name)) <= SOCKET_PATH_LIMIT:
        return directory
    home = Path("/tmp") / f"dropgate-{os.geteuid()}"  # noqa: S108  # its owner and mode are checked
    home.mkdir(mode=0o700, exist_ok=True)
    seen = home.lstat()
    if home.is_symlink() or seen.st_uid != os.geteuid() or seen.st_mode & 0o077:
        raise ProgramFailed(f"{home} is not a private directory of ours; remove it")
    _forget_names_of_nothing(home)
    link = home / sha256(os.fsencode(directory)).hexdigest()[:16]
    fresh = home / f"{link.name}.{os.getpid()}"
    fresh.unlink(missing_ok=True)
    fresh.symlink_to(directory, target_is_directory=True)
    fresh.rename(link)  # replaces at once: another of our processes may be using the name
    return link


def _forget_names_of_nothing(home: Path) -> None:
    """Take away short names whose directory is gone; young ones may be for one yet to be made."""
    for link in home.iterdir():
        try:
            if not link.exists() and time.time() - link.lstat().st_mtime > _YOUNG_S:
                link.unlink()
        except FileNotFoundError:  # another process was faster
            continue
