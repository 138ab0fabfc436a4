"""Units that a rebuilt slot keeps back: in the books they are nobody's, and not for sale."""

from inventory import facts
from tests.settlement.folding import folded, kinds
from tests.settlement.teller import AT_MS, expired, held, line, sold, stocked

STOCK = stocked(0, 100)


def withheld(*ranges: int) -> facts.Withheld:
    """Units kept back."""
    return facts.Withheld(0, AT_MS, 1, list(ranges), "a lost store may have sold them")


def freed(*ranges: int) -> facts.Freed:
    """Units that are for sale again."""
    return facts.Freed(0, AT_MS, 1, list(ranges), "operator")


def test_withheld_units_come_from_the_shelf_and_go_back_to_it() -> None:
    """Touched before or not, in pieces or whole: each unit leaves the shelf once and comes back."""
    story: list[facts.Fact] = [
        STOCK,
        held("a", line(4, 5)),
        expired("a", line(4, 5)),
        withheld(3, 4),
    ]
    batch = folded(*story, freed(3, 2), freed(5, 2), sold("b", line(3, 4, 5, 6)))
    assert kinds(batch) == []
    entries = dict(batch.entries)
    assert entries[4] == {(1, "available"): -4, (1, "withheld"): 4}
    assert entries[5] == {(1, "withheld"): -2, (1, "available"): 2}


def test_a_withheld_unit_that_is_sold_is_a_violation() -> None:
    """Whoever sells what is withheld, or frees what is not, contradicts the books."""
    batch = folded(STOCK, withheld(3, 4), sold("a", line(3)))
    assert kinds(batch) == [(3, "unit_state", "3")]
    assert kinds(folded(STOCK, withheld(3, 4), withheld(5, 1))) == [(3, "unit_state", "5")]
    assert kinds(folded(STOCK, freed(5, 1))) == [(2, "unit_state", "5")]


def test_what_a_batch_withheld_the_next_one_knows() -> None:
    """The documents of the shelf say what was withheld, so a worker that starts anew knows it."""
    batch = folded(STOCK, withheld(3, 4), freed(6, 1))
    told = [(row.first, row.last, row.state) for row in batch.stock]
    assert told == [(0, 99, "available"), (3, 6, "withheld"), (6, 6, "available")]
