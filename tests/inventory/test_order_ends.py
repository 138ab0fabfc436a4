"""What becomes of a hold: paid in time or late, released, expired, refunded; word by word."""

from dataclasses import replace

import pytest

from inventory import outcomes as out
from inventory.ids import Shape
from inventory.orders import ConfirmRequest
from inventory.redemption import RedeemedUnit
from inventory.sales import Change
from inventory.stock import Lot
from tests.inventory.conftest import (
    FREE,
    HOLD_MS,
    OUTSIDE,
    POOLED,
    PRICE,
    RECORD,
    SEATED,
    Shop,
    offer,
)
from tests.inventory.test_units import CODES, redeem


async def test_a_payment_sells_the_units_once(shop: Shop) -> None:
    """Confirm moves held to sold; a repeat of the payment answers the same; another is told."""
    order = await shop.held("ann", (POOLED, 2))
    paid = await shop.pay(order)
    assert isinstance(paid, out.Confirmed)
    assert [unit.state for unit in paid.order.units] == ["sold", "sold"]
    assert await shop.counts(POOLED) == {"available": 3, "sold": 2}
    before = await shop.everything()
    assert await shop.pay(order) == out.Confirmed(paid.order, replayed=True)
    assert await shop.pay(order, payment="test:p2") == out.AlreadyPaid("test:p1")
    assert await shop.everything() == before


async def test_a_confirm_must_be_over_the_amount_and_by_the_owner(shop: Shop) -> None:
    """A wrong amount, another's order and an unknown order change nothing."""
    order = await shop.held("ann", (POOLED, 2))
    before = await shop.everything()
    assert await shop.pay(order, amount=1) == out.AmountMismatch(2 * PRICE)
    assert await shop.pay(order, buyer="somebody") == out.NotYours()
    unknown = shop.request("ann", (POOLED, 1)).order
    request = ConfirmRequest(unknown, "test:p", 1)
    assert await shop.orders.confirm(shop.sale, [request], shop.now) == [out.NotFound()]
    assert await shop.everything() == before


async def test_a_late_payment_finds_units_again(shop: Shop) -> None:
    """A payment after the hold's end takes units again while there are some."""
    order = await shop.held("ann", (POOLED, 2))
    shop.now += HOLD_MS
    await shop.orders.expire_due(shop.sale, now_ms=shop.now)
    assert await shop.counts(POOLED) == {"available": 5}
    paid = await shop.pay(order)
    assert isinstance(paid, out.Confirmed)
    assert paid.order.state == "confirmed"
    assert await shop.counts(POOLED) == {"available": 3, "sold": 2}


async def test_a_late_payment_without_units_is_owed_back(shop: Shop) -> None:
    """When nothing is left, the order is paid_unfulfilled, and a refund ends it."""
    order = await shop.held("ann", (POOLED, 3))
    shop.now += HOLD_MS
    await shop.sold("bob", (POOLED, 4))
    paid = await shop.pay(order)
    assert isinstance(paid, out.PaidUnfulfilled)
    again = await shop.pay(order)
    assert isinstance(again, out.PaidUnfulfilled)
    refund = await shop.orders.refund(shop.sale, order.id, seller="", key="r", now_ms=shop.now)
    assert isinstance(refund, out.Refunded)
    assert (refund.order.state, refund.order.refunded_minor) == ("refunded", 3 * PRICE)
    assert await shop.counts(POOLED) == {"available": 1, "sold": 4}


async def test_a_late_payment_never_breaks_the_limit(shop: Shop) -> None:
    """The buyer bought elsewhere meanwhile: the late payment is owed back, not over the limit."""
    order = await shop.held("ann", (POOLED, 2))
    shop.now += HOLD_MS
    await shop.orders.expire_due(shop.sale, now_ms=shop.now)
    await shop.sold("ann", (SEATED, 3))
    assert isinstance(await shop.pay(order), out.PaidUnfulfilled)


async def test_release_gives_back_once(shop: Shop) -> None:
    """A release frees units and count; a repeat changes nothing; a paid order is not released."""
    order = await shop.held("ann", (SEATED, 2))
    first = await shop.orders.release(shop.sale, order.id, buyer=order.buyer, now_ms=shop.now)
    assert isinstance(first, out.Released)
    assert await shop.counts(SEATED) == {"available": 14}
    before = await shop.everything()
    again = await shop.orders.release(shop.sale, order.id, buyer=order.buyer, now_ms=shop.now)
    assert again == out.Released(first.order, replayed=True)
    assert await shop.everything() == before
    sold = await shop.sold("bob", (POOLED, 1))
    assert isinstance(await shop.orders.release(shop.sale, sold.id), out.NotHeld)
    assert isinstance(await shop.orders.release(shop.sale, sold.id, buyer="x"), out.NotYours)


async def test_a_hold_expires_at_its_instant(shop: Shop) -> None:
    """One millisecond before its end a hold stands; at its end it is swept, once."""
    await shop.held("ann", (POOLED, 2))
    shop.now += HOLD_MS - 1
    assert await shop.orders.expire_due(shop.sale, now_ms=shop.now) == 0
    shop.now += 1
    assert await shop.orders.expire_due(shop.sale, now_ms=shop.now) == 1
    assert await shop.orders.expire_due(shop.sale, now_ms=shop.now) == 0
    assert await shop.counts(POOLED) == {"available": 5}


async def test_a_refund_puts_units_back_under_a_new_generation(shop: Shop) -> None:
    """Refunded units are for sale again, their old code is of a generation that is over."""
    order = await shop.sold("ann", (POOLED, 2))
    serial = order.units[0].serial
    done = await shop.orders.refund(
        shop.sale, order.id, seller="shop", key="r1", serials=[serial], now_ms=shop.now
    )
    assert isinstance(done, out.Refunded)
    assert (done.order.state, done.order.refunded_minor) == ("partly_refunded", PRICE)
    assert [unit.state for unit in done.order.units] == ["gone", "sold"]
    before = await shop.everything()
    again = await shop.orders.refund(
        shop.sale, order.id, seller="shop", key="r1", serials=[serial], now_ms=shop.now
    )
    assert again == out.Refunded(done.order, replayed=True)
    assert await shop.everything() == before
    resold = await shop.sold("bob", (POOLED, 1))
    assert [(unit.serial, unit.generation) for unit in resold.units] == [(serial, 1)]


async def test_a_refund_refuses_what_is_not_there(shop: Shop) -> None:
    """Another seller's order, a held order, a unit refunded before and a reused key are refused."""
    order = await shop.sold("ann", (POOLED, 2))
    held = await shop.held("bob", (POOLED, 1))
    serial = order.units[0].serial

    async def refund(order_id: str, key: str, serials: list[int], seller: str = "") -> object:
        return await shop.orders.refund(
            shop.sale, order_id, seller=seller, key=key, serials=serials, now_ms=shop.now
        )

    assert await refund(order.id, "r", [], seller="other") == out.NotYours()
    assert await refund(held.id, "r", []) == out.NotRefundable("held")
    assert isinstance(await refund(order.id, "r", [serial]), out.Refunded)
    assert await refund(order.id, "r2", [serial]) == out.UnknownUnit(serial)
    assert await refund(order.id, "r", []) == out.KeyReused()
    assert isinstance(await refund(order.id, "r3", []), out.Refunded)
    assert await refund(order.id, "r4", []) == out.NotRefundable("refunded")


async def test_a_unit_named_twice_is_not_paid_back_twice(shop: Shop) -> None:
    """A refund of the same unit twice, whatever its state, is refused and changes nothing."""
    order = await shop.sold("ann", (OUTSIDE, 2))
    used = await shop.sold("bob", (POOLED, 2))
    code = CODES.mint(shop.sale.number, used.units[0].serial, 0)
    assert isinstance(await redeem(shop, code), RedeemedUnit)
    before = await shop.everything()
    for sold in (order, used):
        serial = sold.units[0].serial
        refused = await shop.orders.refund(
            shop.sale, sold.id, seller="", key="r", serials=[serial, serial], now_ms=shop.now
        )
        assert refused == out.UnknownUnit(serial)
    assert await shop.everything() == before


async def test_units_that_cost_nothing_are_refunded_one_by_one(shop: Shop) -> None:
    """An order is refunded when all its units are, not when its money is."""
    free = replace(offer(FREE, "pooled"), price_minor=0)
    assert await shop.stock.put_offers(shop.sale, [free]) == []
    assert await shop.stock.add(shop.sale, [Lot("free", FREE, [4000, 2])]) == []
    order = await shop.sold("ann", (FREE, 2))
    states = []
    for key, unit in zip("ab", order.units, strict=True):
        done = await shop.orders.refund(
            shop.sale, order.id, seller="", key=key, serials=[unit.serial], now_ms=shop.now
        )
        assert isinstance(done, out.Refunded)
        states.append(done.order.state)
    assert states == ["partly_refunded", "refunded"]


@pytest.mark.parametrize("change", ["pause", "close"])
async def test_a_late_payment_sells_nothing_while_nothing_is_sold(
    shop: Shop, change: Change
) -> None:
    """In a paused or closed sale, and after closes_at, a late payment is owed back."""
    order = await shop.held("ann", (POOLED, 1))
    shop.now += HOLD_MS
    await shop.orders.expire_due(shop.sale, now_ms=shop.now)
    await shop.change(change)
    assert isinstance(await shop.pay(order), out.PaidUnfulfilled)


async def test_after_closes_at_nothing_is_sold(shop: Shop) -> None:
    """From that very millisecond on a hold is refused and a late payment is owed back."""
    closes_at_ms = shop.now + HOLD_MS + 10
    closing = replace(RECORD, closes_at_ms=closes_at_ms)
    await shop.sales.put(closing, revision=2, actor="test", now_ms=shop.now)
    order = await shop.held("ann", (POOLED, 1))
    shop.now = closes_at_ms - 1
    await shop.orders.expire_due(shop.sale, now_ms=shop.now)
    assert isinstance(await shop.ask(shop.request("bob", (POOLED, 1))), out.Held)
    shop.now = closes_at_ms
    assert await shop.ask(shop.request("cid", (POOLED, 1))) == out.Closed()
    assert isinstance(await shop.pay(order), out.PaidUnfulfilled)


async def test_a_refunded_unit_with_an_outside_code_is_voided(shop: Shop) -> None:
    """A code that the venue minted cannot change, so its unit is never sold again."""
    order = await shop.sold("ann", (OUTSIDE, 1))
    done = await shop.orders.refund(shop.sale, order.id, seller="", key="r", now_ms=shop.now)
    assert isinstance(done, out.Refunded)
    assert [unit.state for unit in done.order.units] == ["voided"]
    assert await shop.counts(OUTSIDE) == {"available": 2, "voided": 1}


async def test_an_order_id_of_another_sale_is_not_found(shop: Shop) -> None:
    """An id that spells another sale, stripe or bucket names nothing here, whoever asks."""
    ids = shop.identities
    for shape in (Shape(8, 1, 16), Shape(7, 3, 16), Shape(7, 1, 4096)):
        strange = [
            ids.order_id(shape, caller="shop", buyer=ids.buyer_key(f"test:{n}"), key="k")
            for n in range(40)
        ]
        for order in strange:
            assert await shop.orders.read(shop.sale, order) is None
            assert isinstance(
                await shop.orders.refund(shop.sale, order, seller="", key="r"), out.NotFound
            )
            assert isinstance(await shop.orders.release(shop.sale, order), out.NotFound)


async def test_units_that_came_back_are_sold_side_by_side_with_their_generations(
    shop: Shop,
) -> None:
    """Two of one order, and two of one batch: each has the generation that its return left."""
    first = await shop.sold("ann", (POOLED, 4))
    await shop.orders.refund(shop.sale, first.id, seller="", key="r", now_ms=shop.now)
    together = await shop.sold("bob", (POOLED, 2))
    batch = [shop.request(who, (POOLED, 1), one_step=True) for who in ("cat", "dan", "eve")]
    apart = await shop.orders.hold(shop.sale, batch, shop.now)
    held = [one.order for one in apart if isinstance(one, out.Held)]
    units = [(unit.serial, unit.generation) for one in (together, *held) for unit in one.units]
    assert units == [(0, 1), (1, 1), (2, 1), (3, 1), (4, 0)]
