"""The embedded Valkey and the program values under it, on real processes."""

import os
import select
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import pytest

import lua.embedded
from lua.process import (
    SOCKET_PATH_LIMIT,
    Program,
    ProgramFailed,
    end_processes_in,
    ended,
    processes_in,
    socket_directory,
    start,
    stop,
    wait_ready,
)
from lua.store import Store


async def _never() -> bool:
    return False


def _program(*argv: str, ready_s: float = 5.0, stop_s: float = 5.0) -> Program:
    return Program(name="it", argv=argv, ready=_never, ready_s=ready_s, stop_s=stop_s)


async def test_what_was_acknowledged_outlives_a_kill(tmp_path: Path) -> None:
    """A write that was answered is there after kill -9 and a new start on the same directory."""
    for expected in (None, b"1"):
        program = lua.embedded.prepare(tmp_path / "v")
        process = start(program)
        await wait_ready(program, process)
        store = await Store.connect(lua.embedded.url(tmp_path / "v"))
        assert await store.read("GET", "answered") == expected
        await store.write("SET", "answered", "1")
        await store.close()
        process.kill()
        process.wait()


async def test_a_server_left_running_is_ended_before_the_next(tmp_path: Path) -> None:
    """Two servers on one directory would steal each other's socket; the earlier one goes first."""
    program = lua.embedded.prepare(tmp_path / "v")
    first = start(program)
    await wait_ready(program, first)
    assert processes_in(tmp_path / "v", lua.embedded.EXECUTABLE) == [first.pid]
    second = await _restarted(tmp_path / "v", first)
    assert second.pid != first.pid
    second.kill()
    second.wait()


async def _restarted(directory: Path, first: subprocess.Popen[bytes]) -> subprocess.Popen[bytes]:
    # The first is our child: a zombie, without a working directory, until it is waited for.
    program = lua.embedded.prepare(directory)
    assert first.wait() == 0
    process = start(program)
    await wait_ready(program, process)
    return process


async def test_a_long_directory_gets_a_short_socket(tmp_path: Path) -> None:
    """A state directory whose socket path is over the kernel's limit works all the same."""
    home = tmp_path / ("long" * 40)
    program = lua.embedded.prepare(home)
    assert len(lua.embedded.url(home).removeprefix("unix://")) <= SOCKET_PATH_LIMIT
    process = start(program)
    await wait_ready(program, process)
    store = await Store.connect(lua.embedded.url(home))
    await store.close()
    assert await stop(program, process) == 0
    assert (home / "appendonlydir").is_dir()


def test_the_edge_of_a_socket_path(tmp_path: Path) -> None:
    """A path of exactly the limit is used as it is, one byte more is shortened."""
    room = SOCKET_PATH_LIMIT - len(os.fsencode(tmp_path)) - len("//s")
    fits, over = tmp_path / ("d" * room), tmp_path / ("d" * (room + 1))
    assert socket_directory(fits, "s") == fits
    assert socket_directory(over, "s") != over
    assert socket_directory(over, "s").resolve() == over


def test_short_names_of_what_is_gone_are_forgotten(tmp_path: Path) -> None:
    """A short name does not outlive its directory for long; a fresh one waits for its directory."""
    gone, fresh = (tmp_path / name / ("d" * SOCKET_PATH_LIMIT) for name in ("gone", "fresh"))
    old = socket_directory(gone, "s")
    os.utime(old, (0, 0), follow_symlinks=False)
    young = socket_directory(fresh, "s")
    assert (old.is_symlink(), young.is_symlink()) == (False, True)


def test_a_child_dies_with_a_killed_parent(tmp_path: Path) -> None:
    """When the parent gets kill -9, the child is told to stop by the kernel."""
    script = (
        "import sys, time; from pathlib import Path\n"
        "import lua.embedded; from lua.process import start\n"
        "process = start(lua.embedded.prepare(Path(sys.argv[1])))\n"
        "print(process.pid, flush=True); time.sleep(60)\n"
    )
    parent = subprocess.Popen(
        [sys.executable, "-c", script, str(tmp_path / "v")], stdout=subprocess.PIPE, text=True
    )
    assert parent.stdout is not None
    child = int(parent.stdout.readline())
    watch = os.pidfd_open(child)
    parent.kill()
    parent.wait()
    parent.stdout.close()
    assert select.select([watch], [], [], 10.0)[0] == [watch]
    os.close(watch)


async def test_a_program_that_ends_early_is_told_at_once() -> None:
    """Not being ready because it is gone is said with its status, without waiting for the limit."""
    program = _program("/bin/false", ready_s=60.0)
    process = start(program)
    with pytest.raises(ProgramFailed, match="ended with status 1"):
        await wait_ready(program, process)


async def test_a_program_that_is_never_ready_has_a_limit() -> None:
    """Waiting for readiness ends after ready_s."""
    program = _program("/bin/sleep", "60", ready_s=0.05)
    process = start(program)
    with pytest.raises(ProgramFailed, match=r"not ready within 0\.05 s"):
        await wait_ready(program, process)
    assert await stop(program, process) == -signal.SIGTERM


async def test_a_program_that_does_not_stop_is_killed() -> None:
    """After stop_s a program that ignores the signal is killed."""
    program = _program("/bin/sh", "-c", "trap '' TERM; while :; do :; done", stop_s=0.2)
    process = start(program)
    while not _ignores_term(process.pid):
        pass
    assert await stop(program, process) == -signal.SIGKILL


def _ignores_term(process: int) -> bool:
    for line in Path(f"/proc/{process}/status").read_text().splitlines():
        if line.startswith("SigIgn:"):
            return bool(int(line.split()[1], 16) & 1 << (signal.SIGTERM - 1))
    return False


async def test_the_end_of_a_child_is_seen() -> None:
    """`ended` gives the exit status of a child without polling."""
    assert await ended(start(_program("/bin/sh", "-c", "exit 7"))) == 7


def test_a_program_that_is_not_there_is_a_clear_fault() -> None:
    """A missing binary is a ProgramFailed that names the program."""
    with pytest.raises(ProgramFailed, match="cannot start it"):
        start(_program("/nonexistent/binary"))


def test_other_processes_are_left_alone(tmp_path: Path) -> None:
    """Ending what runs in a directory touches neither another directory nor another program."""
    other = subprocess.Popen(["/bin/sleep", "60"], cwd=tmp_path)
    assert end_processes_in(tmp_path, "valkey-server", signal.SIGTERM) == []
    assert end_processes_in(tmp_path / "none", "sleep", signal.SIGTERM) == []
    assert other.poll() is None
    other.kill()
    other.wait()


def test_the_children_of_a_server_are_its_own_to_end(tmp_path: Path) -> None:
    """Only a server is asked: to some, a child that was asked beside it has crashed."""
    child = "import signal, time; signal.signal(signal.SIGTERM, lambda *_: open('asked', 'w'))\n"
    child += "open('ready', 'w').close()\nwhile True: time.sleep(0.01)"
    server = textwrap.dedent(f"""
        import signal, subprocess, sys, time
        child = subprocess.Popen([sys.executable, "-c", {child!r}])
        def end(*_):
            time.sleep(0.2)  # long enough for the child to hear of it, if it was asked
            child.kill()
            sys.exit(0)
        signal.signal(signal.SIGTERM, end)
        while True: time.sleep(0.01)
    """)
    left = subprocess.Popen([sys.executable, "-c", server], cwd=tmp_path)
    while not (tmp_path / "ready").exists():
        time.sleep(0.01)
    executable = Path(sys.executable).resolve().name
    assert left.pid in end_processes_in(tmp_path, executable, signal.SIGTERM)
    assert left.wait() == 0
    assert not (tmp_path / "asked").exists()
