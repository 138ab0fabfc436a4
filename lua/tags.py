"""The hash tags of a sale's slots: which keys lie together, and where in a cluster.

A tag follows from the sale and the number of the stripe alone. Stripe 0 is `<sale>:0`; the others
carry the first number that makes the tag's CRC16 fall where they should lie: the next stripe goes
where the earlier ones left most room, if 2, 3, 4 or 6 shards share the slots in equal ranges, as
the usual tools deal them.
"""

from binascii import crc_hqx
from functools import lru_cache
from itertools import count

SLOTS = 16_384
_CELLS = 12
_SHARDS = (2, 3, 4, 6)
_SALES_KEPT = 1_024


def tag(sale: str, stripe: int) -> str:
    """The text between the braces of every key of a slot."""
    return f"{sale}:0" if stripe == 0 else _placed(sale, stripe)[0]


def slot_of(text: str) -> int:
    """The slot of a tag in a cluster."""
    return crc_hqx(text.encode(), 0) % SLOTS


@lru_cache(maxsize=16 * _SALES_KEPT)
def _placed(sale: str, stripe: int) -> tuple[str, tuple[int, ...]]:
    """The tag of a stripe, and the cells of all stripes up to it."""
    if stripe == 0:
        text = f"{sale}:0"
        return text, (_cell(slot_of(text)),)
    _, taken = _placed(sale, stripe - 1)
    cell = min(range(_CELLS), key=lambda cell: _crowd(cell, taken))
    begin = f"{sale}:{stripe}."
    crc = crc_hqx(begin.encode(), 0)
    number = next(n for n in count() if _cell(crc_hqx(str(n).encode(), crc) % SLOTS) == cell)
    return f"{begin}{number}", (*taken, cell)


def _cell(slot: int) -> int:
    return slot * _CELLS // SLOTS


def _crowd(cell: int, taken: tuple[int, ...]) -> tuple[int, int, int]:
    """How much too full a cell's shards would get, for any number of shards."""
    loads = [
        (sum(one * shards // _CELLS == cell * shards // _CELLS for one in taken) + 1, shards)
        for shards in _SHARDS
    ]
    over = [max(0, load - -(-(len(taken) + 1) // shards)) for load, shards in loads]
    # A cluster has three shards at least; two are a pair of plain servers at most.
    return sum(over[:2]), sum(over), sum(load for load, _ in loads)
