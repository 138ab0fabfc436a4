"""Leaving: a pass that is spent on nothing, because its holder goes away without buying.

It is an order without units, held and released in one step: what passes are spent by, how they are
rebuilt, and what is repeatable of them is then that of every order. The slot in the room is the
room's; who calls both frees it once this is sure.
"""

from dataclasses import dataclass

from inventory import keys
from inventory.batching import STOCK_KEYS, stock_keys
from inventory.facts import SHOP
from inventory.ids import Identities, bucket_of, stripe_of
from inventory.sales import SaleView, forgotten
from lua import Store, signature

PASS_LEAVE = signature(
    "pass_leave",
    keys=(*STOCK_KEYS, "bucket"),
    argv=("now_ms", "order", "buyer", "seller", "pass"),
    replies=("no_slot", "again", "bought", "left"),
)
_CALLER = f"{SHOP}:left"
"""No partner is called so, and no shopper's key makes such an order's id."""


@dataclass(frozen=True, slots=True)
class PassLeft:
    """The pass buys nothing any more. `replayed`: nor did it before."""

    replayed: bool


@dataclass(frozen=True, slots=True)
class PassBought:
    """An order has the pass; nothing was changed."""


class Leaving:
    """Spends passes on nothing."""

    def __init__(self, store: Store, identities: Identities) -> None:
        self._store = store
        self._identities = identities

    async def leave(
        self, sale: SaleView, *, buyer: str, pass_id: str, now_ms: int = 0
    ) -> PassLeft | PassBought:
        """Spend a buyer's pass, unless an order has it. Faults are the store's; repeat freely.

        Only one of this and a purchase with the pass ever happens: both are in its buyer's bucket.
        """
        order = self._identities.order_id(sale.shape, caller=_CALLER, buyer=buyer, key=pass_id)
        stripe = stripe_of(order)
        slot_keys = (*stock_keys(sale, stripe), keys.bucket(sale.id, stripe, bucket_of(order)))
        args = (now_ms, order, buyer, SHOP, pass_id)
        match await self._store.run(PASS_LEAVE, slot_keys, args):
            case [b"left" | b"again" as word]:
                return PassLeft(word == b"again")
            case [b"bought"]:
                return PassBought()
            case reply:
                forgotten(reply, sale.id)
                raise AssertionError("forgotten() always raises")
