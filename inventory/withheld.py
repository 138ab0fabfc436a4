"""Units that a rebuilt slot keeps back, because the store it lost may have sold them.

Here belong looking at them and putting them on sale again, which only an operator may decide. Which
units are kept back is decided in `restore`.
"""

from dataclasses import dataclass

import msgspec

from inventory import keys
from inventory.batching import STOCK_KEYS, stock_keys
from inventory.facts import Ranges
from inventory.sales import SaleView, forgotten
from lua import Store, signature

WITHHELD_FREE = signature(
    "withheld_free",
    keys=(*STOCK_KEYS, "withheld"),
    argv=("now_ms", "offer", "actor"),
    replies=("no_slot", "none", "more", "freed"),
)
_ranges = msgspec.msgpack.Decoder(list[int])


@dataclass(frozen=True, slots=True)
class WithheldUnits:
    """The units of one offer and stripe that are kept back."""

    offer: int
    stripe: int
    ranges: Ranges

    @property
    def units(self) -> int:
        """How many."""
        return sum(self.ranges[1::2])


class Withheld:
    """The withheld units of one store's sales."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def listed(self, sale: SaleView) -> list[WithheldUnits]:
        """All of a sale, by offer and stripe."""
        found: list[WithheldUnits] = []
        for stripe in range(sale.stripes):
            flat = await self._store.read("HGETALL", keys.withheld(sale.id, stripe))
            for number, packed in zip(flat[::2], flat[1::2], strict=True):
                found.append(WithheldUnits(int(number), stripe, _ranges.decode(packed)))
        return sorted(found, key=lambda one: (one.offer, one.stripe))

    async def free(self, sale: SaleView, offer: int, *, actor: str, now_ms: int = 0) -> int:
        """Put all withheld units of an offer on sale again; how many. Repeatable."""
        freed = 0
        for stripe in range(sale.stripes):
            slot_keys = [*stock_keys(sale, stripe), keys.withheld(sale.id, stripe)]
            while True:
                reply = await self._store.run(WITHHELD_FREE, slot_keys, (now_ms, offer, actor))
                match reply:
                    case [b"more", units]:
                        freed += units
                    case [b"freed", units]:
                        freed += units
                        break
                    case [b"none"]:
                        break
                    case _:
                        forgotten(reply, sale.id)
        return freed
