"""`dropgate settlement`: one settlement worker."""

import click

from gateway.cli.foreground import log_to_stderr, stop_events
from gateway.cli.options import on_the_loop, with_servers
from gateway.cli.teaching import Command, epilog
from gateway.config import Settings
from gateway.settling import settle

_LINES = epilog(
    ("dropgate settlement --metrics-port 9110", "one more beside a `dropgate up`"),
    "dropgate settlement --store-url redis://10.0.0.5/0 "
    "--database-url postgresql://10.0.0.6/dropgate",
)


@click.command(cls=Command, short_help="Run one settlement worker alone.", epilog=_LINES)
@with_servers("metrics_host", "metrics_port", "assume_durable", "durability", "replicas")
@on_the_loop
async def settlement(settings: Settings) -> None:
    """Post what was sold into the books, in the foreground; any number of these may run.

    SIGTERM lets it post what is left and end.
    """
    log_to_stderr()
    stop, _ = stop_events()
    await settle(settings, stop)
