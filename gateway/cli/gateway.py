"""`dropgate gateway`: one gateway process."""

import click

from gateway.cli.foreground import log_to_stderr, open_files_to_the_limit, stop_events
from gateway.cli.options import on_the_loop, with_servers
from gateway.cli.teaching import Command, epilog
from gateway.config import Settings
from gateway.process import serve

_LINES = epilog(
    ("dropgate gateway", "one more beside a running `dropgate up`"),
    "dropgate gateway --store-url redis://10.0.0.5/0 --database-url postgresql://10.0.0.6/dropgate",
)


@click.command(cls=Command, short_help="Run one gateway process alone.", epilog=_LINES)
@with_servers(
    "host",
    "port",
    "metrics_host",
    "metrics_port",
    "metrics_peers",
    "keys_dir",
    "test_mode",
    "assume_durable",
    "durability",
    "replicas",
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
    open_files_to_the_limit()
    stop, _ = stop_events()
    await serve(settings, stop)
