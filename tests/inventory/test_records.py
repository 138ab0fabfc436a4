"""Records of the store's buckets, packed as the scripts pack them."""

import msgspec
import pytest

from inventory import keys
from inventory.ids import parse_order_id
from inventory.outcomes import Held, Order
from inventory.records import (
    BUYER_PREFIX,
    pack_buyer,
    pack_offer,
    pack_order,
    unpack_buyer,
    unpack_offer,
    unpack_order,
)
from inventory.stock import Lot
from tests.inventory.conftest import OUTSIDE, POOLED, PRICE, SEATED, T0, Shop


async def _fields(shop: Shop, order: Order) -> tuple[bytes, bytes]:
    """The record of an order and that of its buyer, as the store has them."""
    address = parse_order_id(order.id)
    assert address is not None
    bucket = keys.bucket(shop.sale.id, address.stripe, address.bucket)
    wanted = (order.id, BUYER_PREFIX + order.buyer.encode())
    record, buyer = await shop.store.read("HMGET", bucket, *wanted)
    return record, buyer


async def test_an_order_of_each_state_is_packed_as_the_scripts_pack_it(shop: Shop) -> None:
    """Unpacked and packed again, the record of every state is the same byte for byte."""
    orders = [
        await shop.sold("ann", (POOLED, 1)),
        await shop.held("bob", (POOLED, 1), (SEATED, 2)),
        await shop.held("cat", (SEATED, 2)),
        await shop.held("dan", (OUTSIDE, 1)),
        await shop.sold("eve", (POOLED, 2)),
        await shop.sold("fay", (SEATED, 2)),
    ]
    await shop.pay(orders[2])
    await shop.orders.release(shop.sale, orders[3].id, now_ms=shop.now)
    await shop.orders.refund(shop.sale, orders[4].id, seller="", key="r", now_ms=shop.now)
    one = (orders[5].units[0].serial,)
    await shop.orders.refund(
        shop.sale, orders[5].id, seller="", key="r", serials=one, now_ms=shop.now
    )
    states = []
    for order in orders:
        record, _ = await _fields(shop, order)
        unpacked = unpack_order(record)
        assert pack_order(unpacked) == record
        assert unpacked.buyer == order.buyer
        assert len(unpacked.lines) == len({unit.offer for unit in order.units})
        states.append(unpacked.state)
    assert states == [
        "confirmed",
        "held",
        "confirmed",
        "released",
        "refunded",
        "partly_refunded",
    ]


async def test_a_buyer_is_packed_as_the_scripts_pack_it(shop: Shop) -> None:
    """Count and passes of a buyer, in the order they were spent, also when nothing is counted."""
    orders = []
    for number in (1, 2):
        outcome = await shop.ask(shop.request("ann", (POOLED, number), pass_id=f"pass-{number}"))
        assert isinstance(outcome, Held)
        orders.append(outcome.order)
    _, record = await _fields(shop, orders[0])
    assert unpack_buyer(record) == (3, ["pass-1", "pass-2"])
    assert pack_buyer(3, ["pass-1", "pass-2"]) == record
    for order in orders:
        await shop.orders.release(shop.sale, order.id, now_ms=shop.now)
    _, record = await _fields(shop, orders[0])
    assert record == pack_buyer(0, ["pass-1", "pass-2"])
    _, record = await _fields(shop, await shop.sold("bob", (POOLED, 2)))
    assert record == pack_buyer(2, [])
    assert unpack_buyer(record) == (2, [])


@pytest.mark.parametrize("pass_id", ["pass", "pass-1", "ass-12"])
async def test_a_pass_is_spent_by_its_whole_name(shop: Shop, pass_id: str) -> None:
    """Part of the name of a spent pass is another pass."""
    assert isinstance(await shop.ask(shop.request("ann", (POOLED, 1), pass_id="pass-12")), Held)
    assert isinstance(await shop.ask(shop.request("ann", (POOLED, 1), pass_id=pass_id)), Held)


async def test_an_offer_is_packed_as_the_scripts_pack_it(shop: Shop) -> None:
    """Unpacked and packed again, an offer is the same byte for byte; counters may be below 0."""
    await shop.sold("ann", (POOLED, 2))
    more = Lot("more", POOLED, [100, 3, 200, 4])
    assert await shop.stock.add(shop.sale, [more], now_ms=shop.now) == []
    kept = await shop.store.read("HMGET", keys.offers(shop.sale.id), POOLED, SEATED, OUTSIDE)
    pooled, seated, outside = map(unpack_offer, kept)
    assert [pack_offer(one) for one in (pooled, seated, outside)] == kept
    assert (pooled.venue, pooled.kind, pooled.price_minor) == ("grand", "p", PRICE)
    assert (pooled.next, pooled.end, pooled.more) == (2, 5, [100, 103, 200, 204])
    assert (pooled.released, pooled.available, pooled.sold, pooled.came) == (12, 10, 2, 12)
    assert (seated.kind, seated.together, seated.base) == ("s", "r", 1000)
    assert (outside.codes, outside.redeem_until_ms) == ("o", T0 + 60_000_000)
    below = msgspec.structs.replace(pooled, available=-1)
    assert unpack_offer(pack_offer(below)) == below
