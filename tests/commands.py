"""The command lines that documents tell people to type, read as click itself would read them.

A line of a document is one of ours when it begins with `dropgate` inside a block of code. Nothing
is run, and files that a line names need not be there.
"""

import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from unittest.mock import patch

import click

from gateway.cli.group import group

_BLOCK = re.compile(r"^ *```[^\n]*\n(.*?)^ *```", re.MULTILINE | re.DOTALL)
_PROMPT = re.compile(r"^\s*(?:[$#]\s+)?(?:sudo\s+(?:-u\s+\S+\s+)?)?(?=dropgate\b)")
_STOPS = {"|", ">", ">>", "&&", ";", "&", "||", "<", "2>&1"}


class WrongCommand(Exception):
    """A line that `dropgate` would refuse; says which, and why."""


@dataclass(frozen=True, slots=True)
class Line:
    """One command line: where it stands, and its words after `dropgate`."""

    number: int
    text: str

    @property
    def words(self) -> list[str]:
        """The words up to a pipe or a redirection, without the remark."""
        lexer = shlex.shlex(self.text, posix=True, punctuation_chars="|>;&<")
        lexer.whitespace_split = True
        words: list[str] = []
        for word in lexer:
            if word in _STOPS:
                break
            words.append(word)
        return words[1:]


def commands_in(markdown: str) -> Iterator[Line]:
    """Every `dropgate …` line in the blocks of code; a line that ends in a backslash goes on."""
    for block in _BLOCK.finditer(markdown):
        first = markdown.count("\n", 0, block.start(1)) + 1
        yield from commands_of(block.group(1), first)


def commands_of(text: str, first: int = 1) -> Iterator[Line]:
    """Every `dropgate …` line of a plain text, whose first line has number `first`."""
    lines = text.split("\n")
    number = 0
    while number < len(lines):
        begin, whole = number, lines[number]
        while whole.endswith("\\") and number + 1 < len(lines):
            number += 1
            whole = f"{whole[:-1].rstrip()} {lines[number].strip()}"
        if _PROMPT.match(whole):
            yield Line(first + begin, _PROMPT.sub("", whole, count=1).strip())
        number += 1


def parse(words: list[str]) -> None:
    """Read the words as `dropgate` reads its command line. Raises WrongCommand."""
    words = [word for word in words if word != "--debug"]
    try:
        with patch.object(click.Path, "convert", _as_it_is):
            _parse(group, "dropgate", words, None)
    except click.UsageError as error:
        raise WrongCommand(f"dropgate {shlex.join(words)}: {error.format_message()}") from error
    except click.exceptions.Exit:  # --help and --version
        return


def _parse(
    command: click.Command, name: str, words: list[str], parent: click.Context | None
) -> None:
    context = command.make_context(name, list(words), parent=parent)
    if isinstance(command, click.Group):
        rest = [*context._protected_args, *context.args]
        called, below, left = command.resolve_command(context, rest)
        assert below is not None
        _parse(below, called or "", left, context)


def _as_it_is(
    self: click.Path, value: object, param: click.Parameter | None, ctx: click.Context | None
) -> object:
    return value
