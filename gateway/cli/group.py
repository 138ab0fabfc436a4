"""The list of commands, and what happens to an error: one clear line, or all of it with --debug.

What a command does is in its own module; nothing but the one asked for is imported.
"""

import sys
from importlib import import_module
from typing import NoReturn

import click
from click.exceptions import NoSuchCommand

from gateway.cli.teaching import lines

_DEBUG = "--debug"
COMMANDS: dict[str, tuple[str, str]] = {
    "up": ("gateway.cli.up:up", "Start everything here, embedded, and keep it running."),
    "sale": ("gateway.cli.sale:sale", "Apply a sale file; open, pause, drain, close; look."),
    "rehearse": (
        "gateway.cli.rehearse:rehearse",
        "Play a line of that size beforehand: waits, polls, use.",
    ),
    "rebuild": ("gateway.cli.rebuild:rebuild", "Build a lost store's sales anew from PostgreSQL."),
    "withheld": (
        "gateway.cli.rebuild:withheld",
        "Units that a lost store may have sold: look, free them.",
    ),
    "venue": ("gateway.cli.venue:venue", "Buy seats ahead from a venue; report what was used."),
    "credential": ("gateway.cli.credential:credential", "Keys of partners, kiosks, operators."),
    "statement": ("gateway.cli.statement:statement", "What a partner sold on a day, as CSV."),
    "reconcile": ("gateway.cli.statement:reconcile", "Compare it with the partner's own list."),
    "verify-draw": (
        "gateway.cli.draw:verify_draw",
        "Check a draw from its published list.",
    ),
    "keys": ("gateway.cli.keys:keys", "The installation's secret keys: list, rotate, retire."),
    "doctor": ("gateway.cli.doctor:doctor", "Is all as it must be? How to mend what is not."),
    "migrate": ("gateway.cli.migrate:migrate", "Bring the database to the newest schema."),
    "gateway": ("gateway.cli.gateway:gateway", "Run one gateway process alone."),
    "settlement": ("gateway.cli.settlement:settlement", "Run one settlement worker alone."),
    "shop-sim": ("simulators.shop:command", "A shop: login issuer and test payments."),
    "venue-sim": ("simulators.venue:command", "A venue's slow, failing back end."),
    "partner-sim": ("simulators.partner:command", "A partner marketplace that sells."),
}
"""Each command's place and its one line in --help; a test compares the line with the command."""

_FIRST_STEPS = lines(
    "First steps",
    ("dropgate up", "start; Ctrl-C stops, the next `up` goes on"),
    ("dropgate doctor", "is this machine fit for a drop, and how to mend it"),
    ("dropgate sale apply my-sale/sale.toml", "take a sale in (--dry-run only checks it)"),
    ("dropgate sale open my-sale", "let its drops open at their times"),
    ("dropgate sale counts my-sale", "what is available, held, sold, redeemed"),
    ("dropgate sale audit my-sale", "are all invariants true?"),
)
_READ_ON = "Each command explains itself: dropgate sale --help, dropgate sale apply --help."


class Commands(click.Group):
    """A group that knows its commands by name and imports them one by one."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """The names, in the order of use."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import one command."""
        if cmd_name not in COMMANDS:
            return None
        module, _, name = COMMANDS[cmd_name][0].partition(":")
        command: click.Command = getattr(import_module(module), name)
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """As click does it, with the names near to one that is not known."""
        if args[0] not in COMMANDS:
            raise NoSuchCommand(args[0], possibilities=COMMANDS, ctx=ctx)
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The list in --help, without importing anything."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, line) for name, (_, line) in COMMANDS.items()])


@click.group(
    cls=Commands,
    epilog=f"{_FIRST_STEPS}\n\n{_READ_ON}",
    context_settings={"max_content_width": 100},
)
@click.option(
    "--debug", is_flag=True, help="Show the whole trace of an error; anywhere on the line."
)
@click.version_option(package_name="dropgate")
def group(*, debug: bool) -> None:
    """Sell a scarce stock at a known hour to far more people than there are units.

    Every command takes --state-dir, --store-url and --database-url, or the same from the
    environment (DROPGATE_STATE_DIR, …; all settings are in docs/settings.md). Without them it
    finds the servers that `dropgate up` runs in ./.dropgate.
    """


def main() -> NoReturn:
    """Run the command line. Status 0: done; 1: an error, told in one line; 2: wrong usage."""
    words = [word for word in sys.argv[1:] if word != _DEBUG]
    try:
        status = group.main(words, prog_name="dropgate", standalone_mode=False)
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    except click.Abort:
        sys.exit(130)
    except Exception as error:  # the last place that can tell a person what went wrong
        if _DEBUG in sys.argv:
            raise
        click.echo(f"dropgate: {_told(error)}", err=True)
        sys.exit(1)
    sys.exit(status if isinstance(status, int) else 0)


def _told(error: Exception) -> str:
    """Errors made for people say everything themselves; others are named, and how to see more.

    Of several that came at once the first is told: it is what ended the others.
    """
    while isinstance(error, ExceptionGroup):
        error = error.exceptions[0]
    kind = type(error)
    text = str(error).strip() or kind.__name__
    if kind.__module__.split(".")[0] in ("gateway", "lua", "inventory", "settlement", "queueing"):
        return text
    return f"{text.splitlines()[0]} ({kind.__name__}; --debug shows all of it)"
