"""`dropgate credential`: the bearer keys of partners, kiosks, operators and auditors."""

import time
from typing import cast

import click

from gateway.cli.options import on_the_loop, with_servers
from gateway.cli.teaching import Noun, epilog
from gateway.cli.telling import Refusal, as_json, moment, say_json, say_table
from gateway.cli.tools import opened
from gateway.config import Settings
from inventory.catalogue import Issued, NotIssued, Role
from inventory.catalogue.credentials import OVERLAP_MAX_S, ROLES

_DAY_MS = 86_400_000


_SCOPES = """
\b
ROLE      SCOPE
partner   the partner's id
kiosk     VENUE/KIOSK
operator  a sale's id, or '*' for all
auditor   a sale's id, or '*' for all
"""


@click.group(cls=Noun, short_help="Keys of partners, kiosks, operators.", epilog=_SCOPES)
def credential() -> None:
    """A key opens the calls of its role, within its scope. Only its digest is kept."""


@credential.command(
    short_help="Make a key for ROLE and SCOPE.",
    epilog=epilog(
        "dropgate credential issue partner marketplace --days 90",
        "dropgate credential issue kiosk cinema-7/kiosk-2",
        ("dropgate credential issue operator '*'", "of all sales"),
    ),
)
@click.argument("role", type=click.Choice(ROLES))
@click.argument("scope")
@click.option("--title", default="", help="What it is for; the role and scope if not given.")
@click.option("--days", type=click.IntRange(1, 3650), help="How long it is good; else for ever.")
@with_servers("keys_dir", "assume_durable")
@on_the_loop
async def issue(settings: Settings, role: str, scope: str, title: str, days: int | None) -> None:
    """Make a key for ROLE and SCOPE; its text is the one line on stdout, shown this once.

    Every gateway knows it within two seconds.
    """
    expires_at_ms = int(time.time() * 1000) + days * _DAY_MS if days else None
    async with opened(settings) as tools:
        outcome = await tools.catalogue.issue_credential(
            cast("Role", role), scope, title or f"{role} {scope}", expires_at_ms=expires_at_ms
        )
    _show(outcome)


@credential.command("list", epilog=epilog("dropgate credential list --json"))
@as_json
@with_servers("keys_dir", "assume_durable")
@on_the_loop
async def show(settings: Settings, *, as_json: bool) -> None:
    """The keys in force, without their secrets."""
    async with opened(settings) as tools:
        keys = await tools.catalogue.credentials()
    rows = [
        {
            "id": key.id,
            "role": key.role,
            "scope": key.scope,
            "title": key.title,
            "expires_at": moment(key.expires_at_ms) if key.expires_at_ms else "never",
        }
        for key in keys
    ]
    if as_json:
        say_json(rows)
    elif rows:
        say_table(list(rows[0]), [list(row.values()) for row in rows])
    else:
        click.echo("there is no key yet: dropgate credential issue ROLE SCOPE")


@credential.command(
    short_help="Make a new key in the place of key ID.",
    epilog=epilog("dropgate credential rotate 4f2a --overlap-s 3600"),
)
@click.argument("name", metavar="ID")
@click.option(
    "--overlap-s",
    type=click.IntRange(0, OVERLAP_MAX_S),
    default=86_400,
    show_default=True,
    help="How long the old key stays good.",
)
@with_servers("keys_dir", "assume_durable")
@on_the_loop
async def rotate(settings: Settings, name: str, overlap_s: int) -> None:
    """Make a new key in the place of key ID, which stays good for a while."""
    async with opened(settings) as tools:
        outcome = await tools.catalogue.rotate_credential(name, overlap_s)
    _show(outcome)


@credential.command(epilog=epilog("dropgate credential revoke 4f2a"))
@click.argument("name", metavar="ID")
@with_servers("keys_dir", "assume_durable")
@on_the_loop
async def revoke(settings: Settings, name: str) -> None:
    """End key ID at once; gateways know it within seconds."""
    async with opened(settings) as tools:
        if not await tools.catalogue.revoke_credential(name):
            raise Refusal(f"there is no key {name}")
        heirs = await tools.catalogue.credential_heirs(name)
    click.echo(f"key {name} is revoked")
    if heirs:  # whoever stole a key may have rotated it
        click.echo("keys that were made in its place are still good; if it was stolen:", err=True)
        for heir in heirs:
            click.echo(f"  dropgate credential revoke {heir}", err=True)


def _show(outcome: Issued | NotIssued) -> None:
    match outcome:
        case Issued():
            click.echo(f"key {outcome.id}; it is shown this once:", err=True)
            click.echo(outcome.text)
        case NotIssued():
            raise Refusal(outcome.reason)
