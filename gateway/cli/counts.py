"""Where a sale's units are, added up for `dropgate sale counts`."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass

import click

from gateway.cli.telling import say_table
from gateway.cli.tools import Tools
from gateway.counting import Units
from inventory.sales import SaleView


@dataclass(frozen=True, slots=True)
class Counted:
    """The units of one sale: by offer id, by drop id, in all, as of fact `fact` of stripe 0."""

    sale: str
    state: str
    fact: int
    by_offer: Mapping[str, Units]
    by_drop: Mapping[str, Units]
    total: Units

    def data(self) -> dict[str, object]:
        """As JSON data."""
        return {
            "sale": self.sale,
            "state": self.state,
            "fact": self.fact,
            "total": asdict(self.total),
            "drops": {name: asdict(units) for name, units in self.by_drop.items()},
            "offers": {name: asdict(units) for name, units in self.by_offer.items()},
        }


async def counts_of(tools: Tools, sale: SaleView) -> Counted:
    """Count every offer of a sale in every stripe."""
    meaning = await tools.meaning(sale)
    by_offer: dict[str, Units] = {offer.id: Units() for offer in meaning.offers}
    by_drop: dict[str, Units] = {drop.id: Units() for drop in sale.drops}
    found = await tools.stock.counts_everywhere(sale)
    for counts in found:
        offer = meaning.offer(counts.offer)
        assert offer is not None, f"the store sells offer {counts.offer}, which has no meaning"
        by_offer[offer.id] += counts
        by_drop[offer.record.drop] += counts
    fact = found[0].fact if found else sale.fact
    total = sum(by_drop.values(), start=Units())
    return Counted(sale.id, sale.state, fact, by_offer, by_drop, total)


def show_counts(found: Counted, *, by_offer: bool) -> None:
    """A table on stdout: a line for each drop, or each offer, and one for all."""
    lines = found.by_offer if by_offer else found.by_drop
    rows = [[name, *asdict(units).values()] for name, units in lines.items()]
    rows.append(["in all", *asdict(found.total).values()])
    click.echo(f"{found.sale} is {found.state}, at fact {found.fact}")
    say_table(["offer" if by_offer else "drop", *asdict(found.total)], rows)
