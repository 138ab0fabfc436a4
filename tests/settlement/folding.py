"""Facts folded on empty books, for the tests that need no database."""

from collections import Counter

import msgspec

from inventory import facts
from settlement.batch import Batch, Known, Place
from settlement.fold import apply
from settlement.posting import Commodity
from settlement.reading import Numbered
from settlement.units import Shelf

PLACE = Place("cinema", "CNY", "Asia/Shanghai", 1)


def folded(*made: facts.Fact) -> Batch:
    """A batch on empty books. Offer n belongs to venue-n."""
    batch = Batch(PLACE, Known(), Shelf(), lambda offer: f"venue-{offer}")
    for number, fact in enumerate(made, 1):
        numbered = msgspec.structs.replace(fact, number=number)
        apply(batch, Numbered(number, numbered, b"", b""))
    return batch


def kinds(batch: Batch) -> list[tuple[int, str, str]]:
    """Number, kind and subject of every violation."""
    return [(bad.number, bad.kind, bad.subject) for bad in batch.violations]


def sum_by_commodity(entry: dict[tuple[Commodity, str], int]) -> dict[Commodity, int]:
    """What does not cancel out in an entry."""
    sums: Counter[Commodity] = Counter()
    for (commodity, _), amount in entry.items():
        sums[commodity] += amount
    return {commodity: rest for commodity, rest in sums.items() if rest}
