"""`dropgate up`: the whole installation, embedded, in the foreground."""

from contextlib import suppress

import click

from gateway.cli.foreground import stop_events
from gateway.cli.options import on_the_loop, with_settings
from gateway.cli.teaching import Command, epilog
from gateway.config import Settings
from gateway.installation import up as run_installation

_LINES = epilog(
    ("dropgate up", "everything in ./.dropgate"),
    ("dropgate up --host 0.0.0.0 --gateways 4", "four processes, also for other machines"),
    ("dropgate up --store-url redis://10.0.0.5/0", "a store of your own, an embedded database"),
    then=(("dropgate sale apply my-sale/sale.toml", "take a sale in"),),
)


@click.command(
    cls=Command,
    short_help="Start everything here, embedded, and keep it running.",
    epilog=_LINES,
)
@with_settings(
    "host",
    "port",
    "gateways",
    "metrics_host",
    "metrics_port",
    "test_mode",
    "assume_durable",
    "durability",
    "replicas",
    "server_account",
    "drain_s",
)
@on_the_loop
async def up(settings: Settings) -> None:
    """Start Valkey, PostgreSQL, the gateways and the settlement worker, and restart what dies.

    Everything is kept in the state directory, so the next `up` goes on where this one stopped.
    With --store-url or --database-url an outside server is used instead of an embedded one.
    Ctrl-C or SIGTERM stops it: the gateways finish the calls they have, the worker posts what is
    left, the servers stop last. A second Ctrl-C does not wait for calls in flight; whatever was
    answered is kept even then.
    """
    stop, hurry = stop_events()
    await run_installation(settings, say=_say, stop=stop, hurry=hurry)


def _say(line: str) -> None:
    """A line on stdout; whoever listened may be gone, and that must stop nothing."""
    with suppress(OSError):
        click.echo(line)
