"""`dropgate migrate`: the database's schema."""

import click

from gateway.cli.options import on_the_loop, with_servers
from gateway.cli.teaching import Command, epilog
from gateway.config import Settings
from settlement import migrate as to_newest

_LINES = epilog(
    "dropgate migrate --database-url postgresql://dropgate@10.0.0.6/dropgate",
    then=(("dropgate doctor", "is all as it must be?"),),
)


@click.command(cls=Command, short_help="Bring the database to the newest schema.", epilog=_LINES)
@with_servers(need=("database",))
@on_the_loop
async def migrate(settings: Settings) -> None:
    """Bring the database to the newest schema; nothing happens when it is there already."""
    await to_newest(settings.database_url)
    click.echo("the database has the newest schema")
