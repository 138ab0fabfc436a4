"""Leaving with a pass: the slot is free at once, the pass buys nothing, never both."""

import asyncio
from typing import Any

import pytest

from lua.faults import MayHaveHappened, NothingHappened
from queueing import RoomSettings
from tests.gateway.world import SALE, Answer, World

ME, PASSES, ORDERS = (f"/v1/sales/{SALE}/{what}" for what in ("places/me", "passes", "orders"))
RACES = 25


async def hold(world: World, pass_: str) -> Answer:
    """Two of the pool with a pass, repeated with its key while the store is slow."""
    lines = [{"offer": "pool", "quantity": 2}]
    answer = await world.call("POST", ORDERS, {"lines": lines}, auth=pass_, key=f"k{pass_[-40:]}")
    return answer if answer.status != 503 else await hold(world, pass_)


async def leave(world: World, place: str) -> Answer:
    """Leave, repeated while the store is slow."""
    answer = await world.call("DELETE", ME, auth=place)
    return answer if answer.status != 503 else await leave(world, place)


async def claim(world: World, place: str) -> Answer:
    """The place's claim, repeated while the store is slow."""
    answer = await world.call("POST", PASSES, {}, auth=place)
    return answer if answer.status != 503 else await claim(world, place)


async def inside(world: World) -> int:
    """How many slots of the room are taken, by the store itself."""
    return int(await world.services.store.read("ZCARD", f"{{{SALE}:room}}:leases"))


async def capped(world: World, active_max: int) -> None:
    """So many may be inside at once."""
    await world.services.rooms.set_room(SALE, RoomSettings(active_max=active_max), "test")


async def test_who_leaves_with_a_pass_makes_room_at_once(world: World) -> None:
    """The next one in line is let in while the pass would have worked, and the cap holds."""
    await capped(world, 1)
    pass_ = await world.pass_("a")
    waiting = await world.place("b")
    await world.services.rooms.pump(SALE, 100)
    refused = await world.call("POST", PASSES, {}, auth=waiting)
    assert refused.status == 202, "there is no room"
    left = await world.place("a")
    assert (await world.call("DELETE", ME, auth=left)).status == 204
    assert await inside(world) == 0
    await world.pass_("b")
    assert await inside(world) == 1
    late = await hold(world, pass_)
    assert (late.status, late.code) == (409, "pass_spent")
    gone = await world.call("POST", PASSES, {}, auth=left)
    assert (gone.status, gone.code) == (410, "turn_gone")
    assert (await world.call("DELETE", ME, auth=left)).status == 204, "repeat freely"
    assert await inside(world) == 1


async def test_an_order_keeps_its_pass(world: World) -> None:
    """Who leaves after buying has the order, and the room hears of the slot as ever."""
    pass_ = await world.pass_("a")
    held = await hold(world, pass_)
    assert held.status == 201
    place = await world.place("a")
    assert (await world.call("DELETE", ME, auth=place)).status == 204
    again = await world.call("POST", PASSES, {}, auth=place)
    assert (again.status, f"Pass {again.data['pass']}") == (201, pass_), "it has not left"
    stands = await world.call("GET", f"/v1/orders/{held.data['id']}", auth=world.login("a"))
    assert stands.data["state"] == "held"
    await world.services.till.tell_room()
    assert await inside(world) == 0, "as of every order"


@pytest.mark.parametrize("fault", [NothingHappened("away"), MayHaveHappened("away")])
async def test_a_slot_is_not_free_before_the_pass_is_spent(
    world: World, fault: Exception, monkeypatch: pytest.MonkeyPatch
) -> None:
    """While the stock does not answer the lease stays; the repeat, once it does, frees it."""
    await world.pass_("a")
    place = await world.place("a")
    store, run = world.services.store, world.services.store.run

    async def without_stock(script: Any, *asked: Any) -> Any:
        if script.name == "pass_leave":
            raise fault
        return await run(script, *asked)

    monkeypatch.setattr(store, "run", without_stock)
    assert (await world.call("DELETE", ME, auth=place)).status == 503
    assert await inside(world) == 1
    monkeypatch.undo()
    assert (await world.call("DELETE", ME, auth=place)).status == 204
    assert await inside(world) == 0


async def test_a_slot_that_the_room_did_not_free_is_freed_by_the_repeat(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The pass is spent, the room's answer is lost: repeating finishes it."""
    pass_ = await world.pass_("a")
    place = await world.place("a")
    store, run = world.services.store, world.services.store.run

    async def without_room(script: Any, keys: Any, args: Any) -> Any:
        if script.name == "room_leave" and args[-1] == 1:
            raise NothingHappened("away")
        return await run(script, keys, args)

    monkeypatch.setattr(store, "run", without_room)
    assert (await world.call("DELETE", ME, auth=place)).status == 503
    monkeypatch.undo()
    assert await inside(world) == 1
    assert (await hold(world, pass_)).code == "pass_spent"
    assert (await world.call("DELETE", ME, auth=place)).status == 204
    assert await inside(world) == 0


async def test_purchase_and_leaving_in_parallel_are_never_both(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Either the order stands, and the place is not left, or it is left, and nothing was bought."""
    await capped(world, 1)
    store, run, bought = world.services.store, world.services.store.run, 0
    may_buy = asyncio.Event()

    async def watched(script: Any, *asked: Any) -> Any:
        if script.name == "pass_leave":
            may_buy.set()
        return await run(script, *asked)

    async def buy(pass_: str) -> Answer:
        await may_buy.wait()
        return await hold(world, pass_)

    monkeypatch.setattr(store, "run", watched)
    for number in range(RACES):
        pass_ = await world.pass_(f"racer-{number}")
        place = await world.place(f"racer-{number}")
        may_buy.clear()
        if number % 2:  # asked at once, else when the stock is asked for the pass
            may_buy.set()
        left, held = await asyncio.gather(leave(world, place), buy(pass_))
        gone = await claim(world, place)
        told = (left.status, held.status, gone.status)
        assert told in ((204, 201, 201), (204, 409, 410)), (told, left.data, held.data, gone.data)
        assert await inside(world) <= (held.status == 201), "what is left has no lease"
        bought += held.status == 201
        await world.services.till.tell_room()
    assert 0 < bought < RACES, "both happen"
    monkeypatch.undo()
    await world.settle()
    audit = await world.call("GET", f"/v1/operator/sales/{SALE}/audit", auth=world.keys["auditor"])
    assert audit.data["ok"], audit.data
