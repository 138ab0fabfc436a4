"""inventory.leaving and pass_leave.lua, one test per word of its reply, and the race for a pass."""

import asyncio
from random import Random

import pytest

from inventory import facts as f, outcomes as out
from inventory.leaving import Leaving, PassBought, PassLeft
from inventory.restore import Replay
from lua.faults import NothingHappened
from tests.inventory.conftest import OFFERS, POOLED, Shop

RACES = 100


async def leave(shop: Shop, buyer: str, pass_id: str) -> PassLeft | PassBought:
    """One leaving, as the gateway asks for it."""
    leaving = Leaving(shop.store, shop.identities)
    key = shop.identities.buyer_key(f"test:{buyer}")
    return await leaving.leave(shop.sale, buyer=key, pass_id=pass_id, now_ms=shop.now)


async def story(shop: Shop) -> list[f.Fact]:
    """All facts of the slot."""
    entries = await shop.store.read("XRANGE", f"{{{shop.sale.id}:0}}:facts", "-", "+")
    return [fact for _, body in entries for fact in f.decode_entry(body[1])]


async def test_a_pass_that_was_left_buys_nothing(shop: Shop) -> None:
    """left: a late purchase hears pass_spent; nothing is counted, and another pass buys."""
    before = await shop.counts(POOLED)
    assert await leave(shop, "ann", "p1") == PassLeft(replayed=False)
    assert await shop.counts(POOLED) == before
    assert await shop.ask(shop.request("ann", (POOLED, 1), pass_id="p1")) == out.PassSpent()
    assert isinstance(await shop.ask(shop.request("bob", (POOLED, 1), pass_id="p1")), out.Held)
    assert isinstance(await shop.ask(shop.request("ann", (POOLED, 2), pass_id="p2")), out.Held)
    assert await shop.ask(shop.request("ann", (POOLED, 1), pass_id="p1")) == out.PassSpent()
    assert await leave(shop, "ann", "p3") == PassLeft(replayed=False)
    assert await shop.ask(shop.request("ann", (POOLED, 1), pass_id="p3")) == out.PassSpent()


async def test_leaving_again_changes_nothing(shop: Shop) -> None:
    """again: a repeat writes nothing and answers the same, after any purchase too."""
    await leave(shop, "ann", "p1")
    assert isinstance(await shop.ask(shop.request("ann", (POOLED, 1), pass_id="p2")), out.Held)
    before = await shop.everything()
    assert await leave(shop, "ann", "p1") == PassLeft(replayed=True)
    assert await shop.everything() == before


async def test_a_pass_that_bought_is_not_left(shop: Shop) -> None:
    """bought: the order stands, held, paid or released, and nothing is changed."""
    held = await shop.ask(shop.request("ann", (POOLED, 1), pass_id="p1"))
    assert isinstance(held, out.Held)
    before = await shop.everything()
    assert await leave(shop, "ann", "p1") == PassBought()
    assert await shop.everything() == before
    await shop.orders.release(shop.sale, held.order.id, now_ms=shop.now)
    assert await leave(shop, "ann", "p1") == PassBought()


async def test_a_store_that_forgot_the_sale_spends_no_pass(shop: Shop) -> None:
    """no_slot: nobody may take the slot in the room for free then."""
    await shop.store.write("DEL", f"{{{shop.sale.id}:0}}:sale")
    with pytest.raises(NothingHappened):
        await leave(shop, "ann", "p1")


async def test_a_pass_is_left_whatever_the_sale_does(shop: Shop) -> None:
    """A sale that takes no holds lets people go all the same."""
    for what in ("pause", "resume", "drain", "close"):
        await shop.change(what)
        assert await leave(shop, "ann", what) == PassLeft(replayed=False)


async def test_the_facts_tell_a_rebuilt_slot_of_it(shop: Shop) -> None:
    """What a rebuilding makes of the facts spends the pass too, and is the order that stands."""
    assert isinstance(await shop.ask(shop.request("ann", (POOLED, 1), pass_id="p1")), out.Held)
    await leave(shop, "ann", "p2")
    replay = Replay(OFFERS)
    for fact in await story(shop):
        replay.fold(fact)
    buyer = shop.identities.buyer_key("test:ann")
    assert replay.slot.passes[buyer] == ["p1", "p2"]
    [(name, order)] = [one for one in replay.slot.orders.items() if one[1].pass_id == "p2"]
    stands = await shop.orders.read(shop.sale, name)
    assert stands is not None
    assert (stands.state, stands.units, stands.amount_minor) == ("released", (), 0)
    told = (order.state, order.lines, order.amount_minor, order.held_at_ms, order.expires_at_ms)
    assert told == ("released", [], 0, stands.held_at_ms, stands.expires_at_ms)


async def test_a_pass_is_either_left_or_an_order(shop: Shop) -> None:
    """However purchase and leaving of one pass meet, exactly one of them has it."""
    dice, bought = Random(11), 0
    for number in range(RACES):
        buyer, pass_id = f"buyer-{number}", f"pass-{number}"
        hold = shop.ask(shop.request(buyer, (POOLED, 1), pass_id=pass_id))
        calls = [hold, leave(shop, buyer, pass_id), leave(shop, buyer, pass_id)]
        dice.shuffle(calls)
        told = await asyncio.gather(*calls)
        holds = [one for one in told if isinstance(one, out.Held)]
        lefts = [one for one in told if isinstance(one, PassLeft)]
        assert (len(holds), len(lefts)) in ((1, 0), (0, 2)), f"race {number}: {told}"
        for one in holds:
            await shop.orders.release(shop.sale, one.order.id, now_ms=shop.now)
        bought += len(holds)
    assert 0 < bought < RACES, "both happen"
