"""Computed names: the key of a buyer and the id of an order."""

from collections import Counter

import pytest
from hypothesis import given, strategies as st

from inventory.ids import (
    HEAD_LENGTH,
    ORDER_ID_LENGTH,
    TAG_LENGTH,
    Identities,
    Shape,
    bucket_of,
    parse_order_id,
    stripe_of,
)

IDS = Identities(order=b"o" * 32, buyer=b"b" * 32)
SYMBOLS = set("0123456789abcdefghjkmnpqrstvwxyz")


@given(st.integers(1, 2047), st.integers(1, 16), st.integers(1, 32_768), st.text(), st.text())
def test_an_id_finds_its_order(
    number: int, stripes: int, buckets: int, name: str, key: str
) -> None:
    """An id spells the sale and one of its stripes and buckets, the same for all of a buyer."""
    shape, buyer = Shape(number, stripes, buckets), IDS.buyer_key(name)
    order = IDS.order_id(shape, caller="shop", buyer=buyer, key=key)
    assert len(order) == len(buyer) == ORDER_ID_LENGTH
    assert set(order + buyer) <= SYMBOLS
    address = parse_order_id(order)
    assert address is not None
    assert address.sale_number == number
    assert address.stripe < stripes
    assert address.bucket < buckets
    assert (stripe_of(order), bucket_of(order)) == (address.stripe, address.bucket)
    assert parse_order_id(IDS.order_id(shape, caller="x", buyer=buyer, key="k")) == address


def test_every_part_makes_another_id() -> None:
    """Caller, buyer, key, sale and secret all count, and none runs into its neighbour."""
    buyers = [IDS.buyer_key(name) for name in ("shop:ann", "shop:bob")]
    made = [
        ids.order_id(Shape(number, 1, 1), caller=caller, buyer=buyer, key=key)
        for ids in (IDS, Identities(order=b"x" * 32, buyer=b"b" * 32))
        for number in (1, 11)
        for caller in ("a", "1a")
        for buyer in buyers
        for key in ("k", "bk", "")
    ]
    # What follows sale, stripe, bucket and the buyer's tag is the MAC: it tells each of them too.
    macs = {order[HEAD_LENGTH + TAG_LENGTH :] for order in made}
    assert len(set(made)) == len(macs) == len(made)
    assert Identities(order=b"o" * 32, buyer=b"x" * 32).buyer_key("shop:ann") not in buyers


def test_buyers_spread_evenly() -> None:
    """No stripe and no bucket has twice its share."""
    shape = Shape(7, 4, 64)
    buyers = [IDS.buyer_key(f"shop:{number}") for number in range(20_000)]
    found = [parse_order_id(IDS.order_id(shape, caller="s", buyer=b, key="k")) for b in buyers]
    shares = Counter((one.stripe, one.bucket) for one in found if one is not None)
    assert len(shares) == 4 * 64
    assert max(shares.values()) < 2 * 20_000 / (4 * 64)


@pytest.mark.parametrize("text", ["", "0" * 23, "0" * 25, "0" * 23 + "i", "O" * 24, "0" * 23 + "٣"])
def test_other_texts_are_no_ids(text: str) -> None:
    """A wrong length or a symbol that we never use is no id."""
    assert parse_order_id(text) is None
