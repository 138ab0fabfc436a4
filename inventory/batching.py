"""What the scripts that move stock are called with: the keys of a slot, and records of a batch.

A record names its buyer's bucket by the bucket's number in KEYS, so that all keys are declared.
"""

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

from inventory import keys
from inventory.ids import HEAD_LENGTH, OrderAddress, bucket_of, parse_order_id, stripe_of
from inventory.sales import SaleView

STOCK_KEYS = ("sale", "offers", "seats", "back", "units", "due", "facts")
SLOTS_REMEMBERED_MAX = 1_024


def stock_keys(sale: SaleView, stripe: int) -> Sequence[str]:
    """The keys that every script which moves stock takes first."""
    return _stock_keys(sale.id, stripe)


@lru_cache(maxsize=SLOTS_REMEMBERED_MAX)
def _stock_keys(sale_id: str, stripe: int) -> Sequence[str]:
    names = (keys.sale, keys.offers, keys.seats, keys.back, keys.units, keys.due, keys.facts)
    return [name(sale_id, stripe) for name in names]


class Records:
    """The records of one call and the bucket keys they name by their number in KEYS."""

    def __init__(self, sale: SaleView, stripe: int) -> None:
        self._sale = sale
        self._stripe = stripe
        self._numbers: dict[str, int] = {}
        self._records: list[bytes] = []
        self.keys: list[str] = []

    def bucket_of(self, order: str) -> int:
        """The number in KEYS of the bucket that an order lies in."""
        head = order[:HEAD_LENGTH]
        number = self._numbers.get(head)
        if number is None:
            self.keys.append(keys.bucket(self._sale.id, self._stripe, bucket_of(order)))
            number = self._numbers[head] = len(STOCK_KEYS) + len(self.keys)
        return number

    def add(self, record: bytes) -> None:
        """One more record."""
        self._records.append(record)

    def args(self) -> tuple[bytes]:
        """The batch as the script reads it."""
        return (b"".join(self._records),)

    def replies(self, got: Sequence[bytes]) -> list[list[Any]]:
        """What the script says of each record: a verdict, and the order's record or b""."""
        return [apart(*one) for one in zip(got[::2], got[1::2], strict=True)]


def apart(verdict: bytes, record: bytes) -> list[Any]:
    """A reply as its word and its parts: record and marks of an order, a payment, or integers."""
    word, _, rest = verdict.partition(b" ")
    if record:
        return [word, record, rest]
    if word == b"already_paid":
        return [word, rest]
    return [word, *map(int, rest.split())]


def address_in(sale: SaleView, order: str) -> OrderAddress | None:
    """Where an order lies, or None when its id is none of this sale's."""
    address = parse_order_id(order)
    if address is None or address.sale_number != sale.number:
        return None
    inside = address.stripe < sale.stripes and address.bucket < sale.buckets
    return address if inside else None


def by_stripe(orders: Sequence[str]) -> dict[int, list[int]]:
    """The places in the batch of the orders of each stripe."""
    members: dict[int, list[int]] = {}
    for at, order in enumerate(orders):
        members.setdefault(stripe_of(order), []).append(at)
    return members
