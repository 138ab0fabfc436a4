"""The store's side of an audit: buckets of buyers, each read whole and at one fact number.

Comparing them with the books belongs to the gateway's audit; the offers' counters are in `stock`.
"""

from dataclasses import dataclass

from inventory import keys
from inventory.ids import TAG_LENGTH
from inventory.records import BUYER_PREFIX, PackedOrder, units_counted, unpack_order
from inventory.sales import SaleView, forgotten
from lua import Store, signature

BUCKET_READ = signature(
    "bucket_read",
    keys=("sale", "bucket"),
    argv=("most",),
    replies=("no_slot", "too_large", "bucket"),
)
FIELDS_MAX = 400_000


@dataclass(frozen=True, slots=True)
class BucketView:
    """One bucket as of a fact number: units counted per buyer, and every order by id."""

    stripe: int
    number: int
    epoch: int
    fact: int
    counts: dict[str, int]
    orders: dict[str, PackedOrder]


async def any_filled(store: Store, sale: SaleView, stripe: int, numbers: range) -> bool:
    """Whether any of these buckets holds anything; most of a large sale's may be empty."""
    return bool(await store.read("EXISTS", *(keys.bucket(sale.id, stripe, n) for n in numbers)))


async def read_bucket(store: Store, sale: SaleView, stripe: int, number: int) -> BucketView:
    """Read one bucket. Raises AssertionError when it is larger than any bucket should be."""
    slot_keys = (keys.sale(sale.id, stripe), keys.bucket(sale.id, stripe, number))
    reply = await store.run(BUCKET_READ, slot_keys, (FIELDS_MAX,))
    if reply == [b"no_slot"]:
        forgotten(reply, sale.id)
    assert reply[0] == b"bucket", f"bucket {number} has {reply[1]} fields"
    _, epoch, fact, *flat = reply
    counts: dict[str, int] = {}
    orders: dict[str, PackedOrder] = {}
    for field, value in zip(flat[::2], flat[1::2], strict=True):
        if field.startswith(BUYER_PREFIX):
            counts[field.removeprefix(BUYER_PREFIX).decode()] = units_counted(value.decode())
            continue
        order, is_first = unpack_order(value), len(field) == TAG_LENGTH
        orders[order.id if is_first else field.decode()] = order
        if is_first:
            counts[order.buyer] = units_counted(order.counted or order.counted_alone)
    return BucketView(stripe, number, epoch, fact, counts, orders)


def units_of(order: PackedOrder) -> list[int]:
    """The serials that an order has a claim on: held or sold, and not refunded."""
    if order.state not in ("held", "confirmed", "partly_refunded"):
        return []
    refunded = {serial for _, _, serials in order.refunds for serial in serials}
    return [s for _, _, serials in order.lines for s in serials if s not in refunded]
