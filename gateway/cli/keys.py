"""`dropgate keys`: the installation's secret keys."""

import click

from gateway.cli.options import with_settings
from gateway.cli.teaching import Noun, epilog
from gateway.config import Settings
from gateway.keyring import NAMES, NAMES_OF_RECORDS, Keyring

_RESTART = "Running processes take it up when they start next."


@click.group(cls=Noun, short_help="The installation's secret keys: list, rotate, retire.")
def keys() -> None:
    """The secret keys in the state directory: who holds them can forge places, passes and codes.

    A backup needs them: without them no order is found again and no imported code can be read.
    """


@keys.command("list", epilog=epilog("dropgate keys list --state-dir /var/lib/dropgate"))
@with_settings("keys_dir")
def show(settings: Settings) -> None:
    """Names and ids of the keys, the current one first. Secrets are never shown."""
    ring = Keyring.open(settings.keys)
    click.echo(f"in {settings.keys.absolute()}")
    for name in NAMES:
        ids = " ".join(str(key.kid) for key in ring.all(name))
        turns = "  (names records: never rotated)" if name in NAMES_OF_RECORDS else ""
        click.echo(f"  {name:<13} {ids}{turns}")


@keys.command(
    short_help="Make a new current key NAME.",
    epilog=epilog(
        "dropgate keys rotate place", then=(("dropgate keys retire place 1", "once it is unused"),)
    ),
)
@click.argument("name")
@with_settings("keys_dir")
def rotate(settings: Settings, name: str) -> None:
    """Make a new current key NAME; what was made with the earlier ones stays valid."""
    ring = Keyring.open(settings.keys).rotate(name)
    click.echo(f"{name} is now key {ring.current(name).kid}. {_RESTART}")


@keys.command(
    short_help="Take the earlier key KID of NAME away.",
    epilog=epilog("dropgate keys retire place 1"),
)
@click.argument("name")
@click.argument("kid", type=int)
@with_settings("keys_dir")
def retire(settings: Settings, name: str, kid: int) -> None:
    """Take the earlier key KID of NAME away: what was made with it is refused from then on."""
    Keyring.open(settings.keys).retire(name, kid)
    click.echo(f"key {kid} of {name} is gone. {_RESTART}")
