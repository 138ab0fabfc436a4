"""Facts replayed onto an empty shelf: the counters that every offer must have after them."""

from collections import Counter

from inventory import facts as f

RANGES: dict[type, tuple[str, str]] = {
    f.Stocked: ("venue", "available"),
    f.Returned: ("available", "returned"),
    f.Allotted: ("available", "allotted"),
    f.Withheld: ("available", "held"),
    f.Freed: ("held", "available"),
}


def replayed(story: list[f.Fact]) -> dict[int, Counter[str]]:
    """Units of each offer by state, from the facts alone."""
    offers: dict[int, Counter[str]] = {}

    def move(offer: int, units: int, old: str, new: str) -> None:
        states = offers.setdefault(offer, Counter())
        states[old] -= units
        states[new] += units

    def move_lines(lines: list[f.Line], old: str, new: str) -> None:
        for line in lines:
            move(line.offer, len(line.serials), old, new)

    for fact in story:
        match fact:
            case f.Stocked() | f.Returned() | f.Allotted() | f.Withheld() | f.Freed():
                move(fact.offer, sum(fact.ranges[1::2]), *RANGES[type(fact)])
            case f.Held():
                move_lines(fact.lines, "available", "held")
            case f.Confirmed():
                move_lines(fact.lines, "held", "sold")
            case f.Reclaimed() | f.Sold():
                move_lines(fact.lines, "available", "sold")
            case f.Released() | f.Expired():
                move_lines(fact.lines, "held", "available")
            case f.Refunded():
                move_lines(fact.back, "sold", "available")
                move_lines(fact.voided, "sold", "voided")
            case f.Redeemed():
                move(fact.offer, 1, "sold", "redeemed")
            case f.Voided():
                move(fact.offer, sum(fact.ranges[1::2]), fact.state, "voided")
            case f.Reported():
                move(fact.offer, len(fact.sales), "allotted", "sold")
            case f.Recalled():
                move(fact.offer, sum(fact.back[1::2]), "allotted", "available")
                move(fact.offer, sum(fact.voided[1::2]), "allotted", "voided")
            case f.Lent() | f.Received():
                units = f.units_moved(fact)
                move(
                    fact.offer, units if isinstance(fact, f.Lent) else -units, "available", "moving"
                )
            case f.Unfulfilled() | f.Changed() | f.Exported() | f.Begun():
                pass
    return offers
