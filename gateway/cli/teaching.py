"""How a command's help teaches: its own options, then the settings, then lines to copy.

Here: the form of help. The words are each command's own.
"""

from collections.abc import Sequence

import click


class SettingOption(click.Option):
    """An option that is a setting, the same in all commands that have it."""


class Command(click.Command):
    """A command that lists its own options before the settings."""

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Two lists in place of click's one."""
        own: list[tuple[str, str]] = []
        settings: list[tuple[str, str]] = []
        for one in self.get_params(ctx):
            line = one.get_help_record(ctx)
            if line is not None:
                (settings if isinstance(one, SettingOption) else own).append(line)
        with formatter.section("Options"):
            formatter.write_dl(own)
        if settings:
            with formatter.section("Settings, here or in the environment"):
                formatter.write_dl(settings)


class Noun(click.Group):
    """A group of commands about one thing."""

    command_class = Command


def lines(title: str, *examples: str | tuple[str, str]) -> str:
    """A part of an epilog: a title and lines that stay as they are, each with its remark."""
    pairs = [(one, "") if isinstance(one, str) else one for one in examples]
    width = max((len(line) for line, remark in pairs if remark), default=0)
    told = [f"  {line:<{width}}  # {remark}" if remark else f"  {line}" for line, remark in pairs]
    return "\n".join(("\b", f"{title}:", *told))


def epilog(*examples: str | tuple[str, str], then: Sequence[str | tuple[str, str]] = ()) -> str:
    """Examples, and what one does next."""
    parts = [lines("Examples" if len(examples) > 1 else "Example", *examples)]
    if then:
        parts.append(lines("Next", *then))
    return "\n\n".join(parts)
