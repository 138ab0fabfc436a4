"""The settings and the commands are documented as they are."""

import re
from importlib import import_module

import click
import pytest

from gateway.cli.group import COMMANDS
from gateway.config import as_markdown, described
from tests.house.sources import HOUSE


def test_the_settings_page_is_what_the_settings_are() -> None:
    """docs/settings.md is `python -m gateway.config`, to the letter."""
    assert (HOUSE / "docs" / "settings.md").read_text(encoding="utf-8") == as_markdown()


def test_every_setting_that_is_named_anywhere_is_one() -> None:
    """A DROPGATE_* in a document, an example or a way to deploy is in the table of settings."""
    known = {one.variable for one in described()}
    places = ("*.md", "*.yaml", "Dockerfile", "docs/**/*.md", "deploy/**/*", "examples/**/*.md")
    files = [path for place in places for path in HOUSE.glob(place) if path.is_file()]
    assert len(files) > 20
    named = {
        (path.relative_to(HOUSE).as_posix(), name)
        for path in files
        for name in re.findall(r"\bDROPGATE_\w*[A-Z]", path.read_text(encoding="utf-8"))
    }
    assert {place for place in named if place[1] not in known} == set()


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_is_there_under_its_line(name: str) -> None:
    """The list in `dropgate --help`, which imports nothing, names commands that exist."""
    module, _, attribute = COMMANDS[name][0].partition(":")
    command = getattr(import_module(module), attribute)
    assert isinstance(command, click.Command)
    assert command.help
