"""Lending: a unit is on one shelf or on its way, whatever dies between two steps."""

import random
from itertools import product

import pytest

from inventory import keys, outcomes as out
from inventory.batching import stock_keys
from inventory.lending import (
    STRIPE_LEND,
    STRIPE_RECEIVE,
    STRIPE_SETTLE,
    Lending,
    Loan,
    Look,
    Transfer,
    _transfer,
    uneven,
)
from inventory.redemption import AlreadyRedeemed, RedeemedUnit, VoidCode
from inventory.stock import Lot
from lua import Store
from tests.inventory.conftest import POOLED, Shop
from tests.inventory.striped import (
    asking,
    counts_of,
    facts_agree,
    finish_all,
    free_units,
    made,
    shelf_of,
)
from tests.inventory.test_units import code_of, redeem

SEEDS = range(16)
STEPS = 60


async def lend(shop: Shop, lender: int, receiver: int, most: int) -> Transfer | None:
    """The first step alone: the transfer, a new one or one that was open."""
    slot_keys = (*stock_keys(shop.sale, lender), keys.lending(shop.sale.id, lender))
    reply = await shop.store.run(STRIPE_LEND, slot_keys, (shop.now, receiver, POOLED, 0, most, 0))
    return _transfer(lender, receiver, reply[1]) if len(reply) > 1 else None


async def receive(shop: Shop, transfer: Transfer) -> str:
    """The second step alone."""
    receiver = transfer.receiver
    slot_keys = (*stock_keys(shop.sale, receiver), keys.lending(shop.sale.id, receiver))
    args = (shop.now, transfer.lender, transfer.packed)
    return str((await shop.store.run(STRIPE_RECEIVE, slot_keys, args))[0], "ascii")


async def settle(shop: Shop, transfer: Transfer) -> str:
    """The last step alone."""
    slot_keys = (
        keys.sale(shop.sale.id, transfer.lender),
        keys.lending(shop.sale.id, transfer.lender),
    )
    args = (transfer.receiver, transfer.epoch, transfer.fact)
    return str((await shop.store.run(STRIPE_SETTLE, slot_keys, args))[0], "ascii")


async def test_units_move_and_the_sale_keeps_its_count(store: Store) -> None:
    """While units are on their way the lender counts them as moving; then the receiver has them."""
    shop = await made(store, 2, [0, 10], [100, 10])
    transfer = await lend(shop, 0, 1, 4)
    assert transfer is not None
    assert [one.moving for one in await counts_of(shop)] == [4, 0]
    assert await free_units(shop) == [*range(6), *range(100, 110)]
    assert await receive(shop, transfer) == "received"
    assert await settle(shop, transfer) == "settled"
    assert await shelf_of(shop, 0) == [*range(6)]
    assert await shelf_of(shop, 1) == [*range(6, 10), *range(100, 110)]
    assert [one.moving for one in await counts_of(shop)] == [4, -4]
    await facts_agree(shop)


async def test_a_stripe_without_units_lends_nothing(store: Store) -> None:
    """An empty shelf, an unknown offer and a closed sale have nothing to lend; no key changes."""
    shop = await made(store, 2, [0, 1])
    before = await shop.everything()
    assert await lend(shop, 1, 0, 1) is None
    assert await shop.everything() == before
    await shop.change("close")
    before = await shop.everything()
    assert await lend(shop, 0, 1, 1) is None
    assert await shop.everything() == before


async def test_an_offer_that_is_not_published_there_yet_stays_on_its_way(store: Store) -> None:
    """The transfer waits in the lender's record until the receiver knows the offer."""
    shop = await made(store, 2, [0, 3])
    packed = await shop.store.read("HGET", keys.offers(shop.sale.id, 1), POOLED)
    await shop.store.write("HDEL", keys.offers(shop.sale.id, 1), POOLED)
    lending = Lending(store)
    assert await lending.move(shop.sale, Loan(POOLED, 0, 1, 2, 2, 0)) == 0
    await shop.store.write("HSET", keys.offers(shop.sale.id, 1), POOLED, packed)
    await finish_all(shop)
    assert await shelf_of(shop, 1) == [1, 2]


@pytest.mark.parametrize("first", ["move", "lend", "lend receive"])
async def test_every_sequence_of_steps_ends_with_each_unit_once(store: Store, first: str) -> None:
    """Each step called or not, again, and late after the next transfer: no unit is lost or doubled.

    A settle is only ever sent when its receive was answered; from then on it may come at any time.
    """
    for steps in product(("lend", "receive", "settle", "receive old", "settle old"), repeat=3):
        await store.write("FLUSHALL")
        shop = await made(store, 2, [0, 20], [100, 5])
        known: list[Transfer] = []
        arrived: set[int] = set()
        for step in (*first.replace("move", "lend receive settle").split(" "), *steps):
            word, _, which = step.partition(" ")
            transfer = await lend(shop, 0, 1, 3) if word == "lend" else known[0 if which else -1]
            assert transfer is not None
            if word == "lend":
                known.append(transfer)
            elif word == "receive":
                await receive(shop, transfer)
                arrived.add(transfer.fact)
            elif transfer.fact in arrived:
                await settle(shop, transfer)
            await _whole(shop, steps)
        await finish_all(shop)
        assert await free_units(shop) == [*range(20), *range(100, 105)], steps
        assert sum(one.moving for one in await counts_of(shop)) == 0
        await facts_agree(shop)


async def _whole(shop: Shop, told: object) -> None:
    free, counts = await free_units(shop), await counts_of(shop)
    assert len(set(free)) == len(free), told
    # Received and not yet settled is on the receiver's shelf alone, so nothing is counted twice.
    assert len(free) + sum(one.moving for one in counts) == 25, told


@pytest.mark.parametrize("seed", SEEDS)
async def test_a_random_story_of_lost_and_late_calls_loses_no_unit(store: Store, seed: int) -> None:
    """Loans in all directions between sales and refunds, each step lost, repeated or late."""
    rng = random.Random(seed)
    stripes = rng.randint(2, 8)
    lots = [[100 * stripe, rng.randint(0, 30)] for stripe in range(stripes)]
    shop = await made(store, stripes, *([*lot] if lot[1] else [] for lot in lots))
    units = sorted(first + at for first, count in lots for at in range(count))
    late: list[Transfer] = []
    sold: list[out.Order] = []
    for number in range(STEPS):
        match rng.choice(("lend", "receive", "settle", "sell", "refund")):
            case "lend":
                lender, receiver = rng.sample(range(stripes), 2)
                if transfer := await lend(shop, lender, receiver, rng.randint(1, 20)):
                    late.append(transfer)
            case "receive" if late:
                await receive(shop, rng.choice(late))
            case "settle" if late:
                # Only what has arrived is settled; a repeat of either may come at any time.
                transfer = rng.choice(late)
                await receive(shop, transfer)
                await settle(shop, transfer)
            case "sell":
                request = shop.request(f"b{number}", (POOLED, rng.randint(1, 4)), one_step=True)
                outcome = await shop.ask(request)
                if isinstance(outcome, out.Held):
                    sold.append(outcome.order)
            case "refund" if sold:
                order = sold.pop(rng.randrange(len(sold)))
                await shop.orders.refund(shop.sale, order.id, seller="", key="r", now_ms=shop.now)
        await counts_of(shop)
    await finish_all(shop)
    taken = [unit.serial for order in sold for unit in order.units]
    assert sorted([*await free_units(shop), *taken]) == units
    assert sum(one.moving for one in await counts_of(shop)) == 0
    await facts_agree(shop)


async def test_a_late_settle_does_not_drop_the_next_transfer(store: Store) -> None:
    """A transfer is named by its fact, so a repeat of the last one's end changes nothing."""
    shop = await made(store, 2, [0, 10])
    old = await lend(shop, 0, 1, 2)
    assert old is not None
    await receive(shop, old)
    await settle(shop, old)
    new = await lend(shop, 0, 1, 2)
    assert new is not None
    before = await shop.everything()
    assert await settle(shop, old) == "gone"
    assert await receive(shop, old) == "replayed"
    assert await shop.everything() == before
    await finish_all(shop)
    assert await free_units(shop) == [*range(10)]


async def test_a_unit_that_came_back_takes_its_generation_along(store: Store) -> None:
    """Refunded, lent and sold elsewhere: the old code is dead everywhere, the new one works.

    The entry that stays behind in the lender is of an old generation, and is asked first.
    """
    shop, lending = await made(store, 2, [0, 1]), Lending(store)

    async def sold_in(stripe: int) -> out.Order:
        outcome = await shop.ask(asking(shop, stripe, 1))
        assert isinstance(outcome, out.Held)
        return outcome.order

    async def refund(order: out.Order) -> None:
        await shop.orders.refund(shop.sale, order.id, seller="", key="r", now_ms=shop.now)

    orders = [await sold_in(0)]
    await refund(orders[0])
    for lender in (0, 1, 0):
        assert await lending.move(shop.sale, Loan(POOLED, lender, 1 - lender, 1, 1, 0)) == 1
    orders.append(await sold_in(1))
    await refund(orders[1])
    orders.append(await sold_in(1))
    assert [order.units[0].generation for order in orders] == [0, 1, 2]
    for order in orders[:2]:
        assert await redeem(shop, code_of(shop, order.units[0])) == VoidCode()
    code = code_of(shop, orders[2].units[0])
    assert isinstance(await redeem(shop, code), RedeemedUnit)
    assert isinstance(await redeem(shop, code, key="x"), AlreadyRedeemed)


async def test_stock_that_comes_later_fits_a_stripe_that_borrowed(store: Store) -> None:
    """A stripe that has units of a later lot by loan still takes its own share of that lot.

    A serial that was on its shelf and left is still refused.
    """
    shop = await made(store, 2, [0, 10], [10, 10])
    add, lending = shop.stock.add, Lending(store)
    assert await add(shop.sale, [Lot("more", POOLED, [30, 10])], 1) == []
    assert await lending.move(shop.sale, Loan(POOLED, 1, 0, 10, 10, 0)) == 10
    assert await add(shop.sale, [Lot("more", POOLED, [20, 10])], 0) == []
    assert await free_units(shop) == [*range(40)]
    assert await lending.move(shop.sale, Loan(POOLED, 0, 1, 30, 30, 0)) == 30
    (refused,) = await add(shop.sale, [Lot("again", POOLED, [25, 2])], 0)
    assert refused.reason == "not_addable"


async def test_a_lender_keeps_what_it_needs_itself(store: Store) -> None:
    """Beyond the least nothing is lent of what it shall keep, however often it is asked."""
    shop, lending = await made(store, 2, [0, 10]), Lending(store)
    loan = Loan(POOLED, 0, 1, 1, 6, 5)
    assert [await lending.move(shop.sale, loan) for _ in range(3)] == [5, 1, 1]
    assert await lending.move(shop.sale, Loan(POOLED, 0, 1, 0, 6, 3)) == 0
    assert await free_units(shop) == [*range(10)]


async def test_stripes_are_evened_out_before_they_run_dry(store: Store) -> None:
    """The loop fills up stripes with little, finishes what was open, and then has nothing to do."""
    shop = await made(store, 4, [0, 400], [400, 2], [500, 3])
    assert await lend(shop, 0, 3, 7) is not None
    lending, moved = Lending(store), 1
    while moved:
        moved = await lending.even_out(shop.sale, 2, shop.now)
    shares = [one.available for one in await counts_of(shop)]
    assert sum(shares) == 405
    assert min(shares) * 4 >= sum(shares) / 4, shares
    assert await free_units(shop) == [*range(402), *range(500, 503)]


def test_what_is_even_enough_is_left_alone() -> None:
    """Only a stripe with less than a quarter of the mean is filled up, from the fullest."""

    def shelf(stripe: int, units: int) -> Look:
        return Look(stripe, 0, 0, (), {1: (units, 0, 0)})

    assert uneven([shelf(0, 100), shelf(1, 60), shelf(2, 30)], [1]) == []
    assert uneven([shelf(0, 100), shelf(1, 60), shelf(2, 3)], [1]) == [Loan(1, 0, 2, 0, 48, 52)]
    assert uneven([shelf(0, 1), shelf(1, 0)], [1]) == []
    assert uneven([], [1]) == []
