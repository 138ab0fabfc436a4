"""Holding and selling in one step, word by word of the script."""

import asyncio

import pytest

from inventory import outcomes as out
from tests.inventory.conftest import (
    HOLD_MS,
    LATER,
    POOLED,
    PRICE,
    SEATED,
    T0,
    Shop,
)


async def test_a_hold_takes_units_and_counts_them(shop: Shop) -> None:
    """A hold moves its units from available to held and says what it costs and until when."""
    order = await shop.held("ann", (POOLED, 2))
    assert (order.state, order.amount_minor, order.drop) == ("held", 2 * PRICE, 1)
    assert order.expires_at_ms == shop.now + HOLD_MS
    assert [unit.serial for unit in order.units] == [0, 1]
    assert await shop.counts(POOLED) == {"available": 3, "held": 2}


async def test_a_repeat_answers_the_same_and_changes_nothing(shop: Shop) -> None:
    """The same key and content gives the same order, marked as a repeat; nothing moves."""
    request = shop.request("ann", (POOLED, 2))
    first = await shop.ask(request)
    before = await shop.everything()
    again = await shop.ask(request)
    assert isinstance(first, out.Held)
    assert again == out.Held(first.order, replayed=True)
    assert await shop.everything() == before


async def test_a_repeat_comes_before_every_refusal(shop: Shop) -> None:
    """A lost success is found again although the sale is closed meanwhile and all is sold."""
    request = shop.request("ann", (POOLED, 2), one_step=True)
    first = await shop.ask(request)
    await shop.sales.change(shop.sale, "close", actor="test")
    again = await shop.ask(request)
    assert isinstance(again, out.Held)
    assert isinstance(first, out.Held)
    assert again.order == first.order


async def test_a_key_used_for_other_content_is_refused(shop: Shop) -> None:
    """The same key and buyer with other lines is key_reused."""
    await shop.ask(shop.request("ann", (POOLED, 1), key="k"))
    assert await shop.ask(shop.request("ann", (POOLED, 2), key="k")) == out.KeyReused()


@pytest.mark.parametrize(
    ("change", "outcome"),
    [("pause", out.Paused()), ("drain", out.Draining()), ("close", out.Closed())],
)
async def test_a_sale_that_does_not_sell_refuses(
    shop: Shop, change: str, outcome: out.HoldOutcome
) -> None:
    """Paused, draining and closed refuse a hold at once, and nothing changes."""
    await shop.sales.change(shop.sale, change, actor="test")  # type: ignore[arg-type]
    before = await shop.everything()
    assert await shop.ask(shop.request("ann", (POOLED, 1))) == outcome
    assert await shop.everything() == before


async def test_before_the_first_drop_nothing_is_open(shop: Shop) -> None:
    """An open sale sells from its first drop's very millisecond on, and not before."""
    shop.now = T0 - 1
    assert await shop.ask(shop.request("ann", (POOLED, 1))) == out.NotOpen(T0)
    shop.now = T0
    assert isinstance(await shop.ask(shop.request("ann", (POOLED, 1))), out.Held)


async def test_a_pass_is_good_for_one_order_even_when_that_expires(shop: Shop) -> None:
    """A pass that made an order makes no other one; a refusal does not spend it."""
    refused = shop.request("ann", (POOLED, 9), pass_id="p1")
    assert isinstance(await shop.ask(refused), out.LimitReached)
    assert isinstance(await shop.ask(shop.request("ann", (POOLED, 1), pass_id="p1")), out.Held)
    shop.now += HOLD_MS
    assert await shop.orders.expire_due(shop.sale, now_ms=shop.now) == 1
    late = shop.request("ann", (POOLED, 1), pass_id="p1")
    assert await shop.ask(late) == out.PassSpent()


async def test_a_pass_ends_at_its_instant_and_with_its_drop(shop: Shop) -> None:
    """At its expiry a pass is over; in another drop it is refused."""
    over = shop.request("ann", (POOLED, 1), pass_id="p", pass_expires_ms=shop.now)
    assert await shop.ask(over) == out.PassExpired()
    last = shop.request("ann", (POOLED, 1), pass_id="p", pass_expires_ms=shop.now + 1)
    assert isinstance(await shop.ask(last), out.Held)
    other = shop.request("bob", (POOLED, 1), pass_id="q", pass_drop=2)
    assert await shop.ask(other) == out.PassOfAnotherDrop()


async def test_offers_have_their_time(shop: Shop) -> None:
    """Unknown, not yet open and over are three answers."""
    assert await shop.ask(shop.request("ann", (99, 1))) == out.UnknownOffer(99)
    later = await shop.ask(shop.request("ann", (LATER, 1)))
    assert later == out.OfferNotOpen(LATER, T0 + 10_000_000)
    shop.now = T0 + 50_000_000
    assert await shop.ask(shop.request("ann", (POOLED, 1))) == out.OfferClosed(POOLED)


async def test_the_limit_counts_over_orders_and_gives_back(shop: Shop) -> None:
    """A buyer has at most the limit over all orders; a released hold frees the count."""
    order = await shop.held("ann", (POOLED, 3))
    assert await shop.ask(shop.request("ann", (SEATED, 2))) == out.LimitReached(4, 3)
    assert isinstance(await shop.ask(shop.request("ann", (SEATED, 1))), out.Held)
    await shop.orders.release(shop.sale, order.id, now_ms=shop.now)
    assert isinstance(await shop.ask(shop.request("ann", (SEATED, 3))), out.Held)


async def test_records_of_one_batch_see_what_the_earlier_ones_took(shop: Shop) -> None:
    """Five units and six requests of one batch: five holds in order, then all_held."""
    batch = [shop.request(f"b{i}", (POOLED, 1)) for i in range(6)]
    outcomes = await shop.orders.hold(shop.sale, batch, shop.now)
    assert [type(outcome) for outcome in outcomes] == [out.Held] * 5 + [out.AllHeld]
    assert await shop.counts(POOLED) == {"held": 5}


async def test_one_buyer_twice_in_a_batch_stays_within_the_limit(shop: Shop) -> None:
    """The limit holds between records of the same batch."""
    batch = [shop.request("ann", (SEATED, 2)) for _ in range(3)]
    outcomes = await shop.orders.hold(shop.sale, batch, shop.now)
    assert [type(outcome) for outcome in outcomes] == [out.Held, out.Held, out.LimitReached]


async def test_the_same_key_twice_in_a_batch_is_one_order(shop: Shop) -> None:
    """A repeat inside the same batch finds the order that the batch itself made."""
    request = shop.request("ann", (POOLED, 1))
    first, second = await shop.orders.hold(shop.sale, [request, request], shop.now)
    assert isinstance(first, out.Held)
    assert second == out.Held(first.order, replayed=True)
    assert await shop.counts(POOLED) == {"available": 4, "held": 1}


async def test_all_held_and_sold_out_and_too_few_are_three_answers(shop: Shop) -> None:
    """While others hold, the earliest return is told; else what is left, or sold out."""
    holds = [await shop.held(f"b{i}", (POOLED, 2)) for i in range(2)]
    refused = await shop.ask(shop.request("ann", (POOLED, 2)))
    assert refused == out.AllHeld(POOLED, holds[0].expires_at_ms)
    for hold in holds:
        assert isinstance(await shop.pay(hold), out.Confirmed)
    assert await shop.ask(shop.request("ann", (POOLED, 2))) == out.TooFew(POOLED, 1)
    await shop.sold("cid", (POOLED, 1))
    assert await shop.ask(shop.request("ann", (POOLED, 1))) == out.SoldOut(POOLED)


async def test_due_holds_come_back_before_anyone_hears_sold_out(shop: Shop) -> None:
    """At the instant a hold ends its units are for sale, without a sweep in between."""
    await shop.held("ann", (POOLED, 4))
    await shop.held("bob", (POOLED, 1))
    shop.now += HOLD_MS - 1
    assert isinstance(await shop.ask(shop.request("cid", (POOLED, 2))), out.AllHeld)
    shop.now += 1
    order = await shop.held("cid", (POOLED, 2))
    assert order.state == "held"
    assert await shop.counts(POOLED) == {"available": 3, "held": 2}


async def test_seats_come_side_by_side_in_the_best_row_that_leaves_no_single(shop: Shop) -> None:
    """Rows of 4, 3, 5, 2: pairs take row one whole, then the five leaving three; not the three."""
    await shop.held("a", (SEATED, 2))
    assert await shop.seats() == "0011|111|11111|11"
    await shop.held("b", (SEATED, 2))
    assert await shop.seats() == "0000|111|11111|11"
    await shop.held("c", (SEATED, 2))
    assert await shop.seats() == "0000|111|00111|11"
    await shop.held("d", (SEATED, 3))
    assert await shop.seats() == "0000|000|00111|11"


async def test_seats_together_are_found_while_any_run_is_left(shop: Shop) -> None:
    """A group gets its run as long as one exists, is refused by the rule when none does."""
    await shop.held("a", (SEATED, 4))
    await shop.held("b", (SEATED, 4))
    assert await shop.seats() == "0000|111|00001|11"
    refused = await shop.ask(shop.request("c", (SEATED, 4)))
    assert refused == out.NotTogether(SEATED)
    assert isinstance(await shop.ask(shop.request("c", (SEATED, 3))), out.Held)


async def test_explicit_seats_are_all_or_nothing(shop: Shop) -> None:
    """Wanted seats are given exactly; if one is taken, none is, and the taken one is named."""
    first = await shop.ask(shop.request("a", (SEATED, 2, (1002, 1003))))
    assert isinstance(first, out.Held)
    assert await shop.seats() == "1100|111|11111|11"
    before = await shop.everything()
    refused = await shop.ask(shop.request("b", (SEATED, 2, (1001, 1002))))
    assert refused == out.SeatTaken(SEATED, (1002,))
    assert await shop.everything() == before


@pytest.mark.parametrize("serials", [(1000, 1000), (999, 1000), (1004, 1005), (1016, 1017), (0, 1)])
async def test_seats_that_are_none_of_the_offer_are_never_free(
    shop: Shop, serials: tuple[int, ...]
) -> None:
    """A seat named twice, an aisle, and serials outside the offer are taken; nothing changes."""
    before = await shop.everything()
    outcome = await shop.ask(shop.request("a", (SEATED, 2, serials)))
    assert isinstance(outcome, out.SeatTaken)
    pooled = await shop.ask(shop.request("a", (POOLED, 2, serials)))
    assert isinstance(pooled, out.SeatTaken)
    assert await shop.everything() == before


async def test_an_order_of_several_lines_is_all_or_nothing(shop: Shop) -> None:
    """When its second line is refused, the first line's units stay on the shelf."""
    await shop.held("x", (POOLED, 4))
    before = await shop.everything()
    refused = await shop.ask(shop.request("a", (SEATED, 2), (POOLED, 2)))
    assert isinstance(refused, out.AllHeld)
    assert await shop.everything() == before


async def test_a_hundred_at_once_for_five_units_sell_five(shop: Shop) -> None:
    """A hundred single calls in parallel leave exactly the stock sold, and nobody two answers."""
    requests = [shop.request(f"b{i}", (POOLED, 1), one_step=True) for i in range(100)]
    outcomes = await asyncio.gather(*(shop.ask(request) for request in requests))
    assert sum(isinstance(outcome, out.Held) for outcome in outcomes) == 5
    assert await shop.counts(POOLED) == {"sold": 5}


async def test_one_key_a_hundred_times_at_once_is_one_order(shop: Shop) -> None:
    """The same request in parallel is one order, whoever comes first."""
    request = shop.request("ann", (POOLED, 1), pass_id="p")
    outcomes = await asyncio.gather(*(shop.ask(request) for _ in range(100)))
    assert all(isinstance(outcome, out.Held) for outcome in outcomes)
    assert await shop.counts(POOLED) == {"available": 4, "held": 1}
