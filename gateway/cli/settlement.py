"""`dropgate settlement`: one settlement worker."""

import click

from gateway.cli.foreground import log_to_stderr, stop_events
from gateway.cli.options import on_the_loop, with_servers
from gateway.config import Settings
from gateway.settling import settle


@click.command(short_help="Run one settlement worker alone.")
@with_servers("metrics_host", "metrics_port", "assume_durable")
@on_the_loop
async def settlement(settings: Settings) -> None:
    """Post what was sold into the books, in the foreground; any number of these may run.

    SIGTERM lets it post what is left and end.
    """
    log_to_stderr()
    stop, _ = stop_events()
    await settle(settings, stop)
