"""`dropgate rebuild`: a lost store's slots, built anew from PostgreSQL and what gateways remember.

What is done is `recovering`'s; the gateways do the same by themselves.
"""

from dataclasses import dataclass

import click

from gateway.cli.options import on_the_loop, with_servers
from gateway.cli.teaching import Command, Noun, epilog
from gateway.cli.telling import Refusal, actor, complain, progress, say_table
from gateway.cli.tools import Tools, opened
from gateway.collector import spare_the_collector
from gateway.config import Settings
from gateway.rebuilding import Busy, NotPublished, Progress, Rebuilt
from gateway.recovering import Awaited, Parts, Place, fence_of, recover_slot
from inventory.fencing import Fences
from inventory.withheld import Withheld
from settlement import Recovery

COMMAND_LINE = "command line"


@dataclass(frozen=True, slots=True)
class _Asked:
    """How a slot is to be rebuilt."""

    withhold_all: bool
    dry_run: bool


@click.command(
    cls=Command,
    short_help="Build a lost store's sales anew from PostgreSQL.",
    epilog=epilog(
        ("dropgate rebuild --dry-run", "what is lost, and what would come of it"),
        ("dropgate rebuild my-sale", "one sale"),
        then=[
            ("dropgate sale audit my-sale", "store and books agree"),
            (
                "dropgate withheld list my-sale",
                "units that may have been sold, and are not for sale",
            ),
        ],
    ),
)
@click.argument("name", metavar="[SALE]", required=False)
@click.option("--dry-run", is_flag=True, help="Say what would be done, and do nothing.")
@click.option(
    "--withhold-all",
    is_flag=True,
    help="Put nothing on sale that a lost store may have sold: somebody was told of sales that "
    "nobody remembers.",
)
@with_servers("keys_dir", "assume_durable")
@on_the_loop
async def rebuild(
    settings: Settings, name: str | None, *, dry_run: bool, withhold_all: bool
) -> None:
    """Build every slot that the store lost anew, of SALE or of all sales.

    Gateways that run do this by themselves within seconds; the command is for when none runs, or a
    backup is brought back. Every settled order, code and hold is there again, and what gateways
    handed in; what the lost store may have sold beyond that is withheld until you free it. A slot
    that is healthy is left alone. Interrupted, it is begun again.
    """
    spare_the_collector()
    asked = _Asked(withhold_all, dry_run)
    async with opened(settings) as tools:
        places = await _lost(tools, name)
        if not places:
            raise Refusal(f"{name or 'every sale'} is healthy: there is nothing to rebuild")
        for place in places:
            with progress() as step:
                found = await _recover(tools, place, asked, step)
            _tell(place, found, dry_run=dry_run)


async def _lost(tools: Tools, name: str | None) -> list[Place]:
    """The slots that are missing, fenced or behind the books."""
    cursors, fences = await tools.books.cursors(), Fences(tools.store)
    published = await tools.catalogue.published()
    if name is not None and name not in published:
        known = ", ".join(published) or "none"
        raise Refusal(f"there is no published sale {name!r} (there are: {known})")
    lost: list[Place] = []
    for sale in [name] if name else sorted(published):
        rules = await tools.catalogue.restorable(sale)
        assert rules is not None, "it is published"
        for stripe in range(rules.slot.record.stripes):
            state = await fences.state(sale, stripe)
            if (
                state is None
                or not state.is_open
                or state.mark < cursors.get((sale, stripe), (0, 0))
            ):
                lost.append((sale, stripe))
    return lost


async def _recover(
    tools: Tools, place: Place, asked: _Asked, step: Progress
) -> Rebuilt | Busy | NotPublished | Awaited:
    fence = await fence_of(tools.store, place, await Fences(tools.store).state(*place))
    parts = Parts(tools.store, tools.books, tools.catalogue, tools.rooms)
    return await recover_slot(
        parts,
        Recovery(tools.books.pool, COMMAND_LINE),
        place,
        fence,
        withhold_all=asked.withhold_all,
        dry_run=asked.dry_run,
        progress=step,
    )


def _tell(place: Place, found: Rebuilt | Busy | NotPublished | Awaited, *, dry_run: bool) -> None:
    sale, stripe = place
    match found:
        case Rebuilt():
            click.echo(f"{found.told()}{'; nothing was done' if dry_run else ''}")
            complain([f"not kept: {fact}" for fact in found.lost])
            if found.unread:
                complain([f"{found.unread} facts are in quarantine: what they tell is missing"])
        case Busy():
            raise Refusal(f"somebody rebuilds {sale} stripe {stripe} at this moment")
        case Awaited():
            raise Refusal(
                f"{found.gateways} gateways run and have not said what they have seen of {sale} "
                f"stripe {stripe}; they rebuild it within seconds, or /readyz tells why not"
            )
        case NotPublished():
            raise Refusal(f"{sale} was never published")


@click.group(cls=Noun, short_help="Units that a lost store may have sold: look, free them.")
def withheld() -> None:
    """After a rebuilding, units that may have been sold to somebody are kept back."""


@withheld.command("list", epilog=epilog("dropgate withheld list my-sale"))
@click.argument("name", metavar="SALE")
@with_servers("keys_dir", "assume_durable")
@on_the_loop
async def show(settings: Settings, name: str) -> None:
    """The units of SALE that are kept back, by offer."""
    async with opened(settings) as tools:
        sale = await tools.sale(name)
        found = await Withheld(tools.store).listed(sale)
        meaning = await tools.meaning(sale)
    names = {offer.number: offer.id for offer in meaning.offers}
    if found:
        rows = [[names[one.offer], one.stripe, one.units] for one in found]
        say_table(["offer", "stripe", "withheld"], rows)
    else:
        click.echo(f"nothing of {name} is withheld")


@withheld.command(
    "free",
    short_help="Put the withheld units of OFFER on sale again.",
    epilog=epilog(
        "dropgate withheld free my-sale hall-1", then=["dropgate sale counts my-sale --offers"]
    ),
)
@click.argument("name", metavar="SALE")
@click.argument("offer", metavar="OFFER")
@with_servers("keys_dir", "assume_durable")
@on_the_loop
async def free(settings: Settings, name: str, offer: str) -> None:
    """Put the withheld units of OFFER on sale again; it cannot be taken back.

    Only when you know that nobody was told of a sale that is missing. Who did it is in the books.
    """
    async with opened(settings) as tools:
        sale = await tools.sale(name)
        number = (await tools.meaning(sale)).number_of(offer)
        if number is None:
            raise Refusal(f"{name} has no offer {offer!r}")
        units = await Withheld(tools.store).free(sale, number, actor=actor())
    click.echo(f"{units:,} units of {offer} are on sale again")
