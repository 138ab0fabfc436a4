"""The command line teaches: help with examples that work, and a way out of every mistake."""

from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

import click
import pytest

from gateway.cli.group import COMMANDS, group
from tests.commands import WrongCommand, commands_in, commands_of, parse
from tests.gateway.test_cli import run
from tests.house.sources import HOUSE

DOCUMENTS = sorted(
    path.relative_to(HOUSE).as_posix()
    for path in (HOUSE / "README.md", *(HOUSE / "docs").rglob("*.md"), *HOUSE.glob("*/*/README.md"))
)


def _commands() -> Iterator[tuple[str, click.Command]]:
    """Every command with its whole name, groups too."""
    for name, (place, _) in COMMANDS.items():
        module, _, attribute = place.partition(":")
        command = getattr(import_module(module), attribute)
        yield name, command
        if isinstance(command, click.Group):
            yield from ((f"{name} {one}", command.commands[one]) for one in command.commands)


ALL = dict(_commands())
OURS = [name for name in ALL if not name.endswith("-sim")]
LEAVES = [name for name in OURS if not isinstance(ALL[name], click.Group)]


def _help(name: str) -> str:
    words = name.split()
    context = click.Context(group, info_name="dropgate", max_content_width=100)
    for word in words[:-1]:
        context = click.Context(ALL[word], info_name=word, parent=context)
    return ALL[name].get_help(click.Context(ALL[name], info_name=words[-1], parent=context))


@pytest.mark.parametrize("name", LEAVES)
def test_the_help_of_a_command_shows_lines_to_copy(name: str) -> None:
    """Every command shows an example of itself, and each line that it shows is a right one."""
    shown = list(commands_of(_help(name).partition("\n  Example")[2]))
    assert any(line.text.startswith(f"dropgate {name}") for line in shown)
    for line in shown:
        parse(line.words)
        assert len(line.text) <= 98  # what a line of help has room for


@pytest.mark.parametrize("name", [name for name in OURS if isinstance(ALL[name], click.Group)])
def test_no_line_of_a_list_of_commands_is_cut_off(name: str) -> None:
    """What a command is for is said in full where commands are listed."""
    assert "..." not in _help(name).partition("Commands:")[2]


def test_the_first_steps_are_right() -> None:
    """The lines at the end of `dropgate --help` are commands."""
    steps = list(commands_of(group.get_help(click.Context(group, info_name="dropgate"))))
    assert len(steps) >= 5
    for step in steps:
        parse(step.words)


def test_settings_stand_apart_from_a_command_s_own_options() -> None:
    """A command's few options are not lost among the settings that all commands have."""
    own, _, settings = _help("sale apply").partition("Settings, here or in the environment:")
    assert "--dry-run" in own
    assert "--store-url" not in own
    assert "DROPGATE_STORE_URL" in settings


@pytest.mark.parametrize(
    ("words", "near"),
    [(("gatway",), "gateway"), (("sale", "aply"), "apply"), (("up", "--prot", "1"), "--port")],
)
def test_a_mistyped_word_is_answered_with_the_near_one(words: tuple[str, ...], near: str) -> None:
    """Whoever mistypes a command or an option is told the one that was meant."""
    assert f"'{near}'" in run(*words).stderr.partition("Did you mean")[2]


@pytest.mark.parametrize("words", [("--debug", "migrate"), ("migrate", "--debug")])
def test_debug_may_stand_anywhere(words: tuple[str, ...], tmp_path: Path) -> None:
    """An arrow up and --debug at the end of the line is enough to see the whole trace."""
    done = run(*words, "--state-dir", str(tmp_path))
    assert done.returncode == 1
    assert "Traceback" in done.stderr


@pytest.mark.parametrize("document", DOCUMENTS)
def test_every_command_in_a_document_is_one(document: str) -> None:
    """Each `dropgate …` line of a block of code in README and docs is read without complaint."""
    for line in commands_in((HOUSE / document).read_text(encoding="utf-8")):
        try:
            parse(line.words)
        except WrongCommand as wrong:
            pytest.fail(f"{document}:{line.number}: {wrong}")


@pytest.mark.parametrize(
    "line",
    ["dropgate nonsense", "dropgate up --nonsense", "dropgate sale open", "dropgate up --port"],
)
def test_a_wrong_command_in_a_document_is_found(line: str) -> None:
    """An unknown command or option, and a missing argument or value, are seen."""
    found = list(commands_in(f"text\n\n```\n$ {line}  # why\n```\n"))
    assert [(one.number, one.text) for one in found] == [(4, f"{line}  # why")]
    with pytest.raises(WrongCommand, match=r"^dropgate "):
        parse(found[0].words)


def test_lines_are_found_as_people_write_them() -> None:
    """Prompts, sudo, pipes, remarks and lines that go on are understood."""
    text = "```\nsudo -u dropgate dropgate sale list \\\n  --json | jq .   # look\ncd x\n```\n"
    assert [line.words for line in commands_in(text)] == [["sale", "list", "--json"]]
