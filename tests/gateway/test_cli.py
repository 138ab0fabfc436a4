"""The command line itself: quick to help, one clear line for an error, settings by name."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from gateway.cli.group import COMMANDS, group, main
from gateway.cli.telling import actor
from gateway.keyring import Keyring
from lua.faults import NothingHappened


def run(*words: str, **environment: str) -> "subprocess.CompletedProcess[str]":
    """`dropgate` with these words, in an environment of PATH and what is given alone."""
    return subprocess.run(
        [sys.executable, "-m", "gateway.cli", *words],
        capture_output=True,
        text=True,
        check=False,
        env={"PATH": "/usr/bin:/bin", **environment},
    )


def test_help_lists_every_command_with_its_line() -> None:
    """`dropgate --help` names every command and what it is for."""
    listed = run("--help").stdout
    assert [name for name, (_, line) in COMMANDS.items() if line not in listed] == []


def test_help_imports_nothing_heavy() -> None:
    """Listing the commands loads none of them: help is there at once."""
    script = (
        "import sys; from gateway.cli.group import group; sys.argv[1:] = ['--help']\n"
        "try: group.main()\nexcept SystemExit: pass\n"
        "print(sorted({'aiohttp', 'redis', 'asyncpg', 'msgspec', 'rich'} & sys.modules.keys()))"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    assert done.stdout.splitlines()[-1] == "[]"


def test_an_error_is_one_line(tmp_path: Path) -> None:
    """What went wrong and what to do, in one line, with status 1 and no trace."""
    done = run("migrate", "--state-dir", str(tmp_path))
    assert done.returncode == 1
    assert done.stdout == ""
    assert done.stderr == (
        f"dropgate: nothing runs with the state directory {tmp_path}: start `dropgate up`, "
        "or say where to look with --database-url\n"
    )


def test_debug_shows_the_trace(tmp_path: Path) -> None:
    """With --debug the same error comes with everything."""
    done = run("--debug", "migrate", "--state-dir", str(tmp_path))
    assert done.returncode == 1
    assert "Traceback" in done.stderr


def test_a_server_that_is_not_there_is_one_line() -> None:
    """A library's own error is told with its kind, and how to see the rest."""
    done = run("migrate", DROPGATE_DATABASE_URL="postgresql://nobody@127.0.0.1:1/none")
    assert done.returncode == 1
    assert done.stderr.startswith("dropgate: ")
    assert len(done.stderr.splitlines()) == 1


def test_of_errors_that_came_at_once_the_first_is_told(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Work done side by side fails as a group: a person hears what ended it, in one line."""

    def failing(*_: object, **__: object) -> None:
        raise ExceptionGroup("tasks", [ExceptionGroup("more", [NothingHappened("no answer")])])

    monkeypatch.setattr(group, "main", failing)
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 1
    assert capsys.readouterr().err == "dropgate: no answer\n"


@pytest.mark.parametrize("words", [["nonsense"], ["up", "--nonsense"], ["keys", "rotate"]])
def test_wrong_usage_is_told_as_such(words: list[str]) -> None:
    """An unknown command or option, or a missing argument, is status 2 with the usage."""
    done = run(*words)
    assert done.returncode == 2
    assert "Usage: dropgate" in done.stderr


def test_a_wrong_setting_names_where_it_came_from(tmp_path: Path) -> None:
    """A bad value is told with the option or the variable that it came from."""
    assert "--port=99999" in run("up", "--port", "99999", "--state-dir", str(tmp_path)).stderr
    assert "DROPGATE_PORT=x" in run("up", "--state-dir", str(tmp_path), DROPGATE_PORT="x").stderr


def test_keys_are_listed_rotated_and_retired(tmp_path: Path) -> None:
    """`dropgate keys` shows ids; a rotated key keeps the earlier one until that is retired."""
    state = ("--state-dir", str(tmp_path))
    assert "are not in" in run("keys", "list", *state).stderr
    Keyring.load(tmp_path / "keys")
    assert "place         1" in run("keys", "list", *state).stdout
    assert run("keys", "rotate", "place", *state).returncode == 0
    assert "place         2 1" in run("keys", "list", *state).stdout
    assert run("keys", "retire", "place", "1", *state).returncode == 0
    assert "place         2\n" in run("keys", "list", *state).stdout
    refused = run("keys", "rotate", "order", *state)
    assert refused.returncode == 1
    assert "cannot be rotated" in refused.stderr


def test_who_acts_has_a_number_where_the_account_has_no_name(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """In a container that runs as a bare uid commands still note who gave them."""

    def nameless() -> str:
        raise KeyError("getpwuid(): uid not found")

    monkeypatch.setattr("getpass.getuser", nameless)
    assert actor() == f"cli:{os.geteuid()}"
