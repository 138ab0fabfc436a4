"""Records of the store's buckets, packed as the scripts pack them."""

import msgspec
import pytest

from inventory import keys
from inventory.ids import TAG_LENGTH, parse_order_id, tag_of
from inventory.outcomes import Held, Order
from inventory.records import (
    BUYER_PREFIX,
    PackedOrder,
    pack_counted,
    pack_offer,
    pack_order,
    unpack_offer,
    unpack_order,
)
from inventory.stock import Lot
from tests.inventory.conftest import OUTSIDE, POOLED, PRICE, SEATED, T0, Shop


def _bucket(shop: Shop, order: Order) -> str:
    address = parse_order_id(order.id)
    assert address is not None
    return keys.bucket(shop.sale.id, address.stripe, address.bucket)


async def _first(shop: Shop, order: Order) -> PackedOrder:
    """What is under the tag of an order's buyer; it packs to the same bytes."""
    record = await shop.store.read("HGET", _bucket(shop, order), tag_of(order.buyer))
    unpacked = unpack_order(record)
    assert pack_order(unpacked) == record
    return unpacked


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
    states, counts = [], []
    for order in orders:
        unpacked = await _first(shop, order)
        assert (unpacked.id, unpacked.buyer) == (order.id, order.buyer)
        assert len(unpacked.lines) == len({unit.offer for unit in order.units})
        states.append(unpacked.state)
        counts.append(unpacked.counted)
    assert states == [
        "confirmed",
        "held",
        "confirmed",
        "released",
        "refunded",
        "partly_refunded",
    ]
    assert counts == ["", "", "", "", "", "1"], "of two units one is left, which no state says"


async def test_a_buyers_first_order_says_what_is_counted(shop: Shop) -> None:
    """Count and passes in the order they were spent, where the first order alone does not tell."""
    orders = []
    for number in (1, 2):
        outcome = await shop.ask(shop.request("ann", (POOLED, number), pass_id=f"pass-{number}"))
        assert isinstance(outcome, Held)
        orders.append(outcome.order)
        counted = "" if number == 1 else "3 pass-1 pass-2 "
        assert (await _first(shop, orders[0])).counted == counted
    assert pack_counted(3, ["pass-1", "pass-2"]) == "3 pass-1 pass-2 "
    second = await shop.store.read("HGET", _bucket(shop, orders[0]), orders[1].id)
    assert pack_order(unpack_order(second)) == second
    assert (unpack_order(second).id, unpack_order(second).counted) == (orders[1].id, "")
    for order in orders:
        await shop.orders.release(shop.sale, order.id, now_ms=shop.now)
    first = await _first(shop, orders[0])
    assert (first.state, first.counted) == ("released", pack_counted(0, ["pass-1", "pass-2"]))
    assert (await _first(shop, await shop.sold("bob", (POOLED, 2)))).counted == ""


async def test_two_buyers_of_one_tag_are_two_buyers(shop: Shop) -> None:
    """Who has the same tag as another has a limit, a count and orders of his own."""
    asked = shop.request("ann", (POOLED, 2), one_step=True)
    ann = await shop.ask(asked)
    other = asked.buyer[:TAG_LENGTH] + asked.buyer[TAG_LENGTH:][::-1]
    ids = [asked.order[:-1] + symbol for symbol in "vwxyz" if symbol != asked.order[-1]]
    twin = msgspec.structs.replace(asked, order=ids[0], buyer=other)
    bob = await shop.ask(twin)
    assert isinstance(ann, Held)
    assert isinstance(bob, Held)
    assert (bob.order.buyer, len(bob.order.units)) == (other, 2)
    assert await shop.ask(twin) == Held(bob.order, replayed=True)
    assert await shop.ask(asked) == Held(ann.order, replayed=True)
    count = await shop.store.read("HGET", _bucket(shop, ann.order), BUYER_PREFIX + other.encode())
    assert (count, (await _first(shop, ann.order)).counted) == (b"2", "")
    for order in (ann.order, bob.order):
        stands = await shop.orders.read(shop.sale, order.id)
        assert stands == order
        await shop.orders.refund(shop.sale, order.id, seller="", key="r", now_ms=shop.now)
    assert await shop.store.read("HKEYS", _bucket(shop, ann.order)) == [
        tag_of(other).encode(),
        bob.order.id.encode(),
    ]


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
