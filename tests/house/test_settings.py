"""The settings and the commands are documented as they are."""

from importlib import import_module

import click
import pytest

from gateway.cli.group import COMMANDS
from gateway.config import as_markdown
from tests.house.sources import HOUSE


def test_the_settings_page_is_what_the_settings_are() -> None:
    """docs/settings.md is `python -m gateway.config`, to the letter."""
    assert (HOUSE / "docs" / "settings.md").read_text(encoding="utf-8") == as_markdown()


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_is_there_under_its_line(name: str) -> None:
    """The list in `dropgate --help`, which imports nothing, names commands that exist."""
    module, _, attribute = COMMANDS[name][0].partition(":")
    command = getattr(import_module(module), attribute)
    assert isinstance(command, click.Command)
    assert command.help
