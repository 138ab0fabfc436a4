"""`dropgate gateway`: one gateway process."""

import click

from gateway.cli.foreground import log_to_stderr, stop_events
from gateway.cli.options import on_the_loop, with_servers
from gateway.config import Settings
from gateway.process import serve


@click.command(short_help="Run one gateway process alone.")
@with_servers(
    "host",
    "port",
    "metrics_host",
    "metrics_port",
    "metrics_peers",
    "keys_dir",
    "test_mode",
    "assume_durable",
    "drain_delay_s",
    "drain_s",
)
@on_the_loop
async def gateway(settings: Settings) -> None:
    """Run one gateway in the foreground; `dropgate up` starts several of these.

    SIGTERM drains it: it says that it is not ready, serves on for --drain-delay-s, closes its
    listening socket, answers what it has, and ends. Several may share one port of one machine.
    """
    log_to_stderr()
    stop, _ = stop_events()
    await serve(settings, stop)
