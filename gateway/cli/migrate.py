"""`dropgate migrate`: the database's schema."""

import click

from gateway.cli.options import on_the_loop, with_servers
from gateway.config import Settings
from settlement import migrate as to_newest


@click.command(short_help="Bring the database to the newest schema.")
@with_servers(need=("database",))
@on_the_loop
async def migrate(settings: Settings) -> None:
    """Bring the database to the newest schema; nothing happens when it is there already."""
    await to_newest(settings.database_url)
    click.echo("the database has the newest schema")
