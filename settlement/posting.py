"""What a fact means in double entry: which accounts it moves units and money between.

Debit is positive. Every entry sums to zero in each commodity: the currency, and the units of each
offer. Money is receivable from a channel or a partner and payable to the venue; money that came for
units that were gone is owed back as `refund_due`. Pure; the accounts' rows belong to the ledger.
"""

from collections.abc import Callable, Sequence

from inventory.facts import SHOP, Line

Commodity = str | int
"""A currency's code, or an offer's number for its units."""
Venues = Callable[[int], str]

VENUE = "venue"
"""Where units come from: the account that every released unit is taken out of."""
PARTNER_ADAPTER = "partner"


class Entry(dict[tuple[Commodity, str], int]):
    """One balanced entry: (commodity, account) → amount; what cancels out is not written."""

    def move(self, commodity: Commodity, source: str, target: str, amount: int) -> None:
        """Credit `source` and debit `target`."""
        self[commodity, source] = self.get((commodity, source), 0) - amount
        self[commodity, target] = self.get((commodity, target), 0) + amount

    def move_units(self, lines: Sequence[Line], source: str, target: str) -> None:
        """Move the units of an order's lines from one state to another."""
        for line in lines:
            self.move(line.offer, source, target, len(line.serials))


def receivable(payment: str, seller: str) -> str:
    """The account of who took the money: `payment` is `<adapter>:<reference>`."""
    adapter = payment.partition(":")[0]
    # A shop may name its adapter as it likes; only a partner's own money is a partner's.
    if adapter == PARTNER_ADAPTER and seller != SHOP:
        return f"receivable:partner:{seller}"
    return f"receivable:channel:{adapter or 'unknown'}"


def refund_due(seller: str) -> str:
    """The account of money that came and must go back."""
    return f"refund_due:{seller}"


def payable(venue: str) -> str:
    """The account of what a venue is owed."""
    return f"payable:{venue}"


def money_of(lines: Sequence[Line]) -> int:
    """What the lines cost together, in minor units."""
    return sum(line.price_minor * len(line.serials) for line in lines)


def post_sale(
    entry: Entry,
    lines: Sequence[Line],
    amount: int,
    *,
    currency: str,
    source: str,
    venues: Venues,
) -> bool:
    """Dr `source` (a receivable), Cr payable of each venue. False when the lines cost other money.

    The difference then lies on `suspense`, so that the entry balances and nobody is owed it.
    """
    for line in lines:
        cost = line.price_minor * len(line.serials)
        entry.move(currency, payable(venues(line.offer)), source, cost)
    rest = amount - money_of(lines)
    entry.move(currency, "suspense", source, rest)
    return rest == 0


def post_refund(
    entry: Entry,
    lines: Sequence[Line],
    amount: int,
    *,
    currency: str,
    source: str,
    venues: Venues,
) -> bool:
    """The reverse of `post_sale`."""
    for line in lines:
        cost = line.price_minor * len(line.serials)
        entry.move(currency, source, payable(venues(line.offer)), cost)
    rest = amount - money_of(lines)
    entry.move(currency, source, "suspense", rest)
    return rest == 0
