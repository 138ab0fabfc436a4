"""The state directory: one holder, notes that cannot be mistaken, orphans that are ended."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest

from gateway.config import Settings
from gateway.ports import Reservations
from gateway.state import UP, Note, State, embedded, found, started_at
from lua.process import ProgramFailed


def _note(name: str, process: int) -> Note:
    return Note(name=name, pid=process, started=started_at(process) or 0, urls={"store": "s"})


def _sleeper() -> "subprocess.Popen[bytes]":
    return subprocess.Popen(["/bin/sleep", "60"])


def test_a_directory_has_one_holder(tmp_path: Path) -> None:
    """A second supervisor is refused, by name of the first; after it has gone, it may go on."""
    state = State(tmp_path / "s")
    with state.locked():
        state.write(_note(UP, os.getpid()))
        again = "from pathlib import Path; from gateway.state import State\n"
        again += f"with State(Path({str(state.root)!r})).locked(): pass"
        second = subprocess.run(
            [sys.executable, "-c", again], capture_output=True, text=True, check=False
        )
        assert f"another `dropgate up` (process {os.getpid()})" in second.stderr
    with state.locked():
        pass


def test_only_the_owner_may_look_inside(tmp_path: Path) -> None:
    """The directory is 0700 and a note, which may hold a password, 0600."""
    state = State(tmp_path / "s")
    state.make()
    state.write(_note("a", os.getpid()))
    assert state.root.stat().st_mode & 0o777 == 0o700
    assert (state.root / "run" / "a.json").stat().st_mode & 0o777 == 0o600


def test_a_number_that_another_process_has_is_not_taken_for_ours(tmp_path: Path) -> None:
    """A note whose process id lives again as another process counts as gone, and is not killed."""
    state = State(tmp_path / "s")
    state.make()
    other = _sleeper()
    state.write(msgspec.structs.replace(_note("gateway-1", other.pid), started=1))
    assert state.note("gateway-1") is None
    assert state.end_orphans() == []
    assert other.poll() is None
    other.kill()
    other.wait()


@pytest.mark.fault
def test_what_a_killed_supervisor_left_is_ended(tmp_path: Path) -> None:
    """The next `up` ends processes that are noted and still run, and clears every note."""
    state = State(tmp_path / "s")
    state.make()
    orphan, other = _sleeper(), _sleeper()
    state.write(_note("gateway-1", orphan.pid))
    state.write(_note(UP, os.getpid()))
    assert state.end_orphans() == ["gateway-1"]
    assert orphan.wait() == -signal.SIGTERM
    assert other.poll() is None
    assert list((state.root / "run").iterdir()) == []
    other.kill()
    other.wait()


@pytest.mark.parametrize("text", ["", "{", "[]", '{"name": 1}'])
def test_a_damaged_note_is_none(tmp_path: Path, text: str) -> None:
    """A note that cannot be read is as good as none."""
    state = State(tmp_path / "s")
    state.make()
    (state.root / "run" / "up.json").write_text(text)
    assert state.note(UP) is None


def test_commands_find_the_servers_by_the_directory(tmp_path: Path) -> None:
    """URLs that were not given come from the running `up`; given ones stay."""
    state = State(tmp_path / "s")
    state.make()
    note = _note(UP, os.getpid())
    state.write(msgspec.structs.replace(note, urls={"store": "unix:///s", "database": "pg"}))
    settings = found(Settings(state_dir=state.root, database_url="postgresql://mine"))
    assert (settings.store_url, settings.database_url) == ("unix:///s", "postgresql://mine")


def test_commands_say_when_nothing_runs(tmp_path: Path) -> None:
    """Without servers the error says how to get some."""
    with pytest.raises(ProgramFailed, match="start `dropgate up`"):
        found(Settings(state_dir=tmp_path / "none", store_url="redis://h"))


def test_embedded_urls_fill_in_only_what_was_not_given(tmp_path: Path) -> None:
    """An outside server stays, the other one is the state directory's own."""
    settings = embedded(Settings(state_dir=tmp_path, store_url="redis://h"))
    assert settings.store_url == "redis://h"
    assert settings.database_url.startswith("postgresql://dropgate@/dropgate?host=")


def test_a_taken_port_is_told_with_its_setting() -> None:
    """A port that another program has is refused at once, even one that shares it."""
    with Reservations() as first, Reservations() as second:
        port = first.take("127.0.0.1", 0, "--port")
        with pytest.raises(
            ProgramFailed, match=f"cannot use port {port} .*choose another with --x"
        ):
            second.take("127.0.0.1", port, "--x")
    with Reservations() as third:
        assert third.take("127.0.0.1", port, "--port") == port
