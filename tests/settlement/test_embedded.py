"""The embedded PostgreSQL on real processes: as root and as an ordinary user, after every crash."""

import asyncio
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import asyncpg
import pytest

from lua.process import (
    PLAIN_ENVIRONMENT,
    SOCKET_PATH_LIMIT,
    Account,
    ProgramFailed,
    start,
    stop,
    wait_ready,
)
from settlement.embedded import EXECUTABLE, copy_for_others, installation, prepare, url
from tests.ordinary import AS_ROOT, ORDINARY, USER, as_ordinary, wheels_within_reach

ROUND = """
import asyncio, os, sys
from pathlib import Path
import lua.embedded, settlement.embedded
from lua.process import start, stop, wait_ready
from lua.store import Store
import asyncpg

async def both(home):
    for prepare in (lua.embedded.prepare, settlement.embedded.prepare):
        program = prepare(home / prepare.__module__)
        process = start(program)
        await wait_ready(program, process)
        yield program, process

async def main(home):
    running = [one async for one in both(home)]
    store = await Store.connect(lua.embedded.url(home / "lua.embedded"))
    await store.close()
    books = await asyncpg.connect(settlement.embedded.url(home / "settlement.embedded"))
    print(os.geteuid(), await books.fetchval("select current_database()"))
    await books.close()
    for program, process in running:
        assert await stop(program, process) == 0

asyncio.run(main(Path(sys.argv[1])))
"""


@asynccontextmanager
async def serving(home: Path) -> AsyncIterator["subprocess.Popen[bytes]"]:
    """A server on the directory for as long as the block lasts, if it lives so long."""
    program = prepare(home)
    process = start(program)
    try:
        await wait_ready(program, process)
        yield process
    finally:
        await stop(program, process)


async def value(home: Path, question: str) -> object:
    """What the server of the directory answers."""
    connection = await asyncpg.connect(url(home))
    try:
        return await connection.fetchval(question)
    finally:
        await connection.close()


async def test_what_was_committed_outlives_a_kill(tmp_path: Path) -> None:
    """A committed row is there after kill -9 of the postmaster and a new start at once."""
    home = tmp_path / "p"
    async with serving(home) as process:
        connection = await asyncpg.connect(url(home))
        await connection.execute("create table kept (it int); insert into kept values (7)")
        busy = asyncio.ensure_future(connection.execute("select pg_sleep(60)"))
        await asyncio.sleep(0)  # the question is on its way to a backend that outlives its parent
        process.kill()
        process.wait()
        async with serving(home):
            assert await value(home, "select it from kept") == 7
        with pytest.raises((asyncpg.PostgresError, OSError)):
            await busy


async def test_it_keeps_its_word(tmp_path: Path) -> None:
    """Commits are on the disk before they are told, text is UTF-8, nothing listens on a network."""
    async with serving(tmp_path / "p"):
        for setting, wanted in {
            "synchronous_commit": "on",
            "fsync": "on",
            "listen_addresses": "",
            "server_encoding": "UTF8",
            "data_checksums": "on",
        }.items():
            assert await value(tmp_path / "p", f"show {setting}") == wanted


async def test_a_pid_that_lives_again_does_not_stop_it(tmp_path: Path) -> None:
    """A left postmaster.pid that names some other living process is cleared, the process is not."""
    home = tmp_path / "p"
    async with serving(home):
        text = (home / "postmaster.pid").read_text()
    other = subprocess.Popen(["/bin/sleep", "60"])
    (home / "postmaster.pid").write_text(text.replace(text.split("\n")[0], str(other.pid), 1))
    async with serving(home):
        assert await value(home, "select 1") == 1
    assert other.poll() is None
    other.kill()
    other.wait()


async def test_a_server_left_running_is_ended_before_the_next(tmp_path: Path) -> None:
    """A postmaster that outlived its supervisor is stopped, and its data is whole."""
    home = tmp_path / "p"
    program = prepare(home)
    left = start(program)
    await wait_ready(program, left)
    async with serving(home):
        assert left.wait() == 0
        assert await value(home, "select 1") == 1


async def test_a_half_made_directory_is_made_anew(tmp_path: Path) -> None:
    """A crash while the data directory was being made leaves nothing that the next start trusts."""
    (tmp_path / "p.new").mkdir()
    (tmp_path / "p.new" / "PG_VERSION").write_text("18")
    async with serving(tmp_path / "p"):
        assert await value(tmp_path / "p", "select 1") == 1
    assert not (tmp_path / "p.new").exists()


async def test_a_long_directory_gets_a_short_socket(tmp_path: Path) -> None:
    """A state directory whose socket path is over the kernel's limit works all the same."""
    home = tmp_path / ("long" * 40)
    assert len(f"{url(home).rpartition('=')[2]}/.s.PGSQL.5432") <= SOCKET_PATH_LIMIT
    async with serving(home):
        assert await value(home, "select 1") == 1


async def test_a_link_planted_for_root_is_not_followed(tmp_path: Path) -> None:
    """What the server's account puts into its directory cannot make us write elsewhere."""
    home, precious = tmp_path / "p", tmp_path / "precious"
    async with serving(home):
        pass
    precious.write_text("precious")
    (home / "pg_hba.conf").unlink()
    (home / "pg_hba.conf").symlink_to(precious)
    with pytest.raises(OSError, match="symbolic links"):
        prepare(home)
    assert precious.read_text() == "precious"


@pytest.fixture
def for_all() -> Iterator[Path]:
    """A directory that an ordinary user may write into."""
    directory = Path(tempfile.mkdtemp(prefix="dgt-", dir="/tmp"))
    directory.chmod(0o777)
    yield directory
    shutil.rmtree(directory)


def test_an_ordinary_user_runs_both_servers(for_all: Path) -> None:
    """Neither server needs root: another account runs both and owns what they write."""
    path = f"{wheels_within_reach(for_all)}:{Path.cwd()}"
    done = subprocess.run(
        as_ordinary(sys.executable, "-c", ROUND, str(for_all / "home")),
        capture_output=True,
        text=True,
        env={**PLAIN_ENVIRONMENT, "PYTHONPATH": path},
        check=False,
    )
    assert done.stdout == f"{USER} dropgate\n", done.stderr


if AS_ROOT:

    async def test_root_runs_it_as_another_account(tmp_path: Path) -> None:
        """For root the server runs as `nobody`, under a directory that only root can reach."""
        tmp_path.chmod(0o700)
        async with serving(tmp_path / "p") as process:
            status = Path(f"/proc/{process.pid}/status").read_text()
            assert "\nUid:\t65534\t65534\t65534\t65534\n" in status
            assert "\nGroups:\t \n" in status
            assert (tmp_path / "p").stat().st_uid == Account.named("nobody").uid

    async def test_nobody_else_is_let_in(tmp_path: Path) -> None:
        """A process of the very account that runs the server may not speak as our role."""
        async with serving(tmp_path / "p"):
            script = (
                f"import asyncio, asyncpg; asyncio.run(asyncpg.connect({url(tmp_path / 'p')!r}))"
            )
            done = subprocess.run(
                [*ORDINARY, sys.executable, "-c", script],
                capture_output=True,
                text=True,
                check=False,
            )
            assert "peer authentication failed" in done.stderr.lower()

    def test_a_wheel_out_of_reach_is_copied(tmp_path: Path, for_all: Path) -> None:
        """When the account cannot run the binaries where they lie, root gives it a copy, once."""
        account = Account.named("nobody")
        installed = installation(account)
        tmp_path.chmod(0o700)
        hidden = wheels_within_reach(tmp_path) / installed.parent.name / installed.name
        copy = copy_for_others(hidden, account, for_all / "cache")
        seen = (copy / "bin" / EXECUTABLE).stat()
        assert seen.st_uid == 0
        assert copy_for_others(hidden, account, for_all / "cache") == copy
        assert (copy / "bin" / EXECUTABLE).stat().st_ctime_ns == seen.st_ctime_ns

    def test_root_itself_is_refused_with_a_reason(tmp_path: Path) -> None:
        """An account that is root, or that does not exist, is told before anything is made."""
        for name, why in (("root", "refuses to run as root"), ("no-such-one", "no account named")):
            with pytest.raises(ProgramFailed, match=why):
                prepare(tmp_path / "p", name)
        assert list(tmp_path.iterdir()) == []


def test_stopping_is_the_fast_shutdown(tmp_path: Path) -> None:
    """Sessions do not hold up the end: SIGINT, not SIGTERM."""
    assert prepare(tmp_path / "p").stop_signal is signal.SIGINT
