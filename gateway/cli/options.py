"""How a command gets its settings: one option for each, the same in all commands.

Here: the options. What settings there are, and what they mean, is in gateway.config.
"""

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from functools import wraps
from typing import Any

import click
import uvloop

from gateway.cli.teaching import SettingOption
from gateway.config import Setting, Settings, described
from gateway.state import found

EVERYWHERE = ("state_dir", "store_url", "database_url")


def with_settings(*names: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Give a command its Settings as the first argument; `names` are those it has options for.

    The settings of EVERYWHERE need not be named.
    """

    def decorate(command: Callable[..., Any]) -> Callable[..., Any]:
        @wraps(command)
        def with_them(**given: Any) -> Any:
            asked = {one.name: given.pop(one.name) for one in chosen}
            return command(Settings.load(asked), **given)

        taking: Callable[..., Any] = with_them
        for one in reversed(chosen):
            flag = f"--{one.name.replace('_', '-')}"
            taking = click.option(
                flag,
                one.name,
                cls=SettingOption,
                is_flag=one.type is bool,
                default=None,
                metavar=None if one.type is bool else one.kind.split(",")[0].upper(),
                help=_help(one),
            )(taking)
        return taking

    chosen = [one for one in described() if one.name in {*EVERYWHERE, *names}]
    assert len(chosen) == len({*EVERYWHERE, *names}), f"unknown setting among {names}"
    return decorate


def _help(one: Setting) -> str:
    text, default = str(one.meta.description).replace("`", ""), one.show(one.default)
    known = f"; {default} if not said" if default and one.type is not bool else ""
    return f"{text} [{one.variable}{known}]"


def with_servers(
    *names: str, need: Sequence[str] = ("store", "database")
) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """As `with_settings`, for a command that needs running servers: their URLs are filled in."""

    def decorate(command: Callable[..., Any]) -> Callable[..., Any]:
        @wraps(command)
        def with_them(settings: Settings, **given: Any) -> Any:
            return command(found(settings, need), **given)

        return with_settings(*names)(with_them)

    return decorate


def on_the_loop(command: Callable[..., Coroutine[Any, Any, Any]]) -> Callable[..., Any]:
    """Let click call a coroutine; Ctrl-C ends it as click's Abort."""

    @wraps(command)
    def run(*given: Any, **named: Any) -> Any:
        try:
            return uvloop.run(command(*given, **named))
        except (KeyboardInterrupt, asyncio.CancelledError):
            raise click.Abort from None

    return run
