"""What a lost store may have sold beyond all that anybody remembers: kept back, never sold again.

A call that was never answered may have taken so many units; which ones follows from the order in
which units are taken. When somebody who was told of sales is gone for good, everything that was on
sale may have been sold.
"""

from collections.abc import Iterable, Sequence

from inventory import facts as f
from inventory.restore.fitting import Fitting, units_named
from inventory.restore.shelf import ShelfOffer

Claim = tuple[int, int, tuple[int, ...]]
"""A line of a call without an answer: offer, quantity, and the seats that it named."""
UNANSWERED = "a call was never answered"
NOT_KEPT = "somebody was told of a sale that could not be kept"
GONE = "a gateway that remembered sales is gone"
RANGES_MAX = 1_000
"""Ranges in one fact."""


def withhold(
    fitting: Fitting,
    claims: Iterable[Claim],
    *,
    everything: bool,
    drops: Sequence[int],
    now_ms: int,
) -> dict[int, int]:
    """Append the facts that keep units back; how many units of each offer.

    With `everything` all that is free of the drops that have opened goes, and due holds end first:
    their units may have been sold again.
    """
    if everything:
        _end_due(fitting, now_ms)
    for fact in list(fitting.lost):
        for number, serials in units_named(fact).items():
            free = [one for one in serials if fitting.slot.offers[number].is_free(one)]
            _keep_back(fitting, number, f.gathered(free), NOT_KEPT, now_ms)
    for number, quantity, seats in claims:
        offer = fitting.slot.offers.get(number)
        if offer is not None:
            ranges = f.gathered([one for one in set(seats) if offer.is_free(one)])
            _keep_back(fitting, number, ranges or _first(offer, quantity, seats), UNANSWERED,
                       now_ms)  # fmt: skip
    if everything:
        opened = sum(1 for opens_at_ms in drops if opens_at_ms <= now_ms)
        for number, offer in fitting.slot.offers.items():
            if offer.record.drop <= opened:
                _keep_back(fitting, number, _joined(offer.free_ranges()), GONE, now_ms)
    return {
        number: sum(units for _, units in offer.withheld)
        for number, offer in fitting.slot.offers.items()
        if offer.withheld
    }


def _end_due(fitting: Fitting, now_ms: int) -> None:
    due = [
        (name, order)
        for name, order in fitting.slot.orders.items()
        if order.state == "held" and order.expires_at_ms <= now_ms
    ]
    for name, order in due:
        lines = [f.Line(*line) for line in order.lines]
        fitting.add(f.Expired(0, now_ms, name, order.buyer, order.seller, lines))


def _first(offer: ShelfOffer, quantity: int, named: Sequence[int]) -> f.Ranges:
    """The units that a call for any `quantity` would have been given, in ranges."""
    if named:
        return []
    ranges: f.Ranges = []
    left = quantity
    whole = [one for one in offer.free_ranges() if one[1] >= quantity] if offer.seats else []
    for first, count in whole or offer.free_ranges():
        taken = min(left, count)
        if taken:
            ranges += [first, taken]
        left -= taken
    return ranges


def _joined(pieces: list[tuple[int, int]]) -> f.Ranges:
    """Pieces in ascending order, those that touch as one."""
    ranges: f.Ranges = []
    for first, count in sorted(pieces):
        if ranges and ranges[-2] + ranges[-1] == first:
            ranges[-1] += count
        else:
            ranges += [first, count]
    return ranges


def _keep_back(fitting: Fitting, number: int, ranges: f.Ranges, reason: str, now_ms: int) -> None:
    for at in range(0, len(ranges), 2 * RANGES_MAX):
        some = ranges[at : at + 2 * RANGES_MAX]
        fitting.add(f.Withheld(0, now_ms, number, some, reason))
