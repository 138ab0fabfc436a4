"""The audit: all is well after a story, and each invariant, broken on purpose, is found."""

import asyncio
import dataclasses
from typing import Any

import msgspec
import pytest

from gateway.audit import audit
from gateway.audit_checks import SHOWN_MAX, Audit, Check
from inventory import keys
from inventory.ids import parse_order_id, tag_in, tag_of
from inventory.records import pack_counted, pack_offer, pack_order, unpack_offer, unpack_order
from lua.faults import NothingHappened
from settlement import Feed
from tests.gateway.world import LIMIT, SALE, World, sale_body


async def story(world: World) -> list[dict[str, Any]]:
    """Holds, purchases, partner's sales, a refund, redemptions, an allotment's report; settled."""
    orders = [await world.buy(name) for name in ("ann", "bob")]
    orders.append(await world.buy("carl", {"offer": "hall", "seats": ["A1", "A2"]}))
    await world.hold("dora")
    released = (await world.hold("emil", {"offer": "tiny", "quantity": 2})).data
    await world.call("POST", f"/v1/orders/{released['id']}/release", {}, auth=world.login("emil"))
    sold = (await world.sell("fred")).data
    await world.call(
        "POST",
        f"/v1/partner/orders/{sold['id']}/refund",
        {"units": [sold["units"][0]["unit"]]},
        auth=world.keys["partner"],
    )
    await world.redeem(orders[0]["units"][0]["code"])
    lines = {"lines": [{"unit": 3, "amount_minor": 380, "reference": "R1"}]}
    path = f"/v1/partner/allotments/box/sales?sale={SALE}"
    await world.call("POST", path, lines, auth=world.keys["partner"])
    await world.settle()
    return [*orders, sold]


async def look(world: World) -> Audit:
    """The audit of the sale as it stands."""
    shelf = await world.services.shelves.refresh_sale(SALE)
    assert shelf is not None
    return await audit(world.services.store, world.services.books, shelf.view)


def broken(found: Audit) -> dict[str, list[str]]:
    """The checks that failed, and what they say."""
    return {check.name: check.violations for check in found.checks if not check.ok}


async def test_all_is_well_after_a_story(world: World) -> None:
    """Every invariant holds, and every check has looked at something."""
    await story(world)
    told = await world.call("GET", f"/v1/operator/sales/{SALE}/audit", auth=world.keys["auditor"])
    assert told.data["ok"], told.data
    looked = {check["name"]: check["looked_at"] for check in told.data["checks"]}
    assert looked["units_add_up"] == looked["units_agree_with_the_books"] == 7
    assert looked["orders_booked"] == looked["one_owner"] == 6
    assert all(looked.values()), looked


async def test_what_a_large_sale_has_not_sold_costs_an_audit_little(world: World) -> None:
    """Buckets that hold nothing are not read one by one: they are made for millions of orders."""
    body = sale_body("large", codes=[], allotments=[])
    [pool] = [offer for offer in body["offers"] if offer["offer"] == "pool"]
    body["offers"] = [pool | {"units": 10_000_000}]
    path, auth = "/v1/operator/sales/large", world.keys["operator"]
    assert (await world.call("PUT", path, body, auth=auth)).status == 201
    assert (await world.call("POST", f"{path}/open", {}, auth=auth)).status == 200
    sold = await world.sell("somebody", sale="large")
    assert sold.status == 201, sold.data
    await world.settle()
    before = await world.store_commands()
    told = await world.call("GET", f"{path}/audit", auth=auth)
    assert told.data["ok"], told.data
    [booked] = [one for one in told.data["checks"] if one["name"] == "orders_booked"]
    assert booked["looked_at"] == 1
    assert (
        await world.store_commands() - before
        < world.services.shelves.standing("large").view.buckets
    )


async def test_the_audit_of_a_sale_that_sells_meanwhile(world: World) -> None:
    """Selling and settling go on while it looks; it finds nothing wrong."""
    await story(world)
    feed = Feed(world.services.store, world.services.books)
    stop = asyncio.Event()
    settling = asyncio.create_task(feed.run(stop))

    async def sell(number: int) -> None:
        for turn in range(5):
            await world.sell(f"buyer-{number}-{turn}", lines=[{"offer": "pool", "quantity": 1}])

    selling = asyncio.gather(*(sell(number) for number in range(8)))
    found = [await look(world) for _ in range(3)]
    await selling
    stop.set()
    await settling
    assert [broken(one) for one in found] == [{}, {}, {}]


async def test_units_that_vanish_are_found(world: World) -> None:
    """An offer whose counters do not add up is named, in the store and against the books."""
    await story(world)
    store = world.services.store
    offer = unpack_offer(await store.read("HGET", keys.offers(SALE), 1))
    fewer = msgspec.structs.replace(offer, available=offer.available - 1)
    await store.write("HSET", keys.offers(SALE), 1, pack_offer(fewer))
    told = broken(await look(world))
    assert told.keys() == {"units_add_up", "units_agree_with_the_books"}
    assert "offer 1" in told["units_add_up"][0]


async def test_a_counter_below_nothing_is_found(world: World) -> None:
    """Counters that add up only because one is negative are a violation of their offer."""
    await story(world)
    store = world.services.store
    offer = unpack_offer(await store.read("HGET", keys.offers(SALE), 1))
    held = offer.held + offer.available + 1  # what is missing here is held there
    moved = msgspec.structs.replace(offer, available=-1, held=held)
    await store.write("HSET", keys.offers(SALE), 1, pack_offer(moved))
    told = broken(await look(world))
    assert "offer 1 stripe 0: available is -1" in told["units_add_up"]


async def test_an_order_that_the_books_miss_is_found(world: World) -> None:
    """An order of the store that never reached the books is named."""
    order = (await story(world))[0]
    address = parse_order_id(order["id"])
    assert address is not None
    bucket = keys.bucket(SALE, 0, address.bucket)
    packed = await world.services.store.read("HGET", bucket, tag_in(order["id"]))
    ghost = order["id"][:-1] + ("0" if order["id"][-1] != "0" else "1")
    await world.services.store.write("HSET", bucket, ghost, packed)
    told = broken(await look(world))
    assert ghost in told["orders_booked"][0]
    assert ghost in told["one_owner"][0], "two orders claim the same units"
    assert order["id"] in told["one_owner"][0]
    assert "buyers_within_limit" in told, "the buyer has more than is counted"


async def test_a_buyer_over_the_limit_is_found(world: World) -> None:
    """A count above the limit is named by its buyer's key."""
    order = (await story(world))[0]
    address = parse_order_id(order["id"])
    assert address is not None
    bucket = keys.bucket(SALE, 0, address.bucket)
    buyer = world.services.identities.buyer_key("shop:ann")
    packed = unpack_order(await world.services.store.read("HGET", bucket, tag_of(buyer)))
    more = dataclasses.replace(packed, counted=pack_counted(LIMIT + 1, []))
    await world.services.store.write("HSET", bucket, tag_of(buyer), pack_order(more))
    told = broken(await look(world))
    assert told.keys() == {"buyers_within_limit"}
    assert buyer in told["buyers_within_limit"][0]


async def test_an_order_that_differs_from_the_books_is_found(world: World) -> None:
    """Another amount in the store than in the books is named."""
    order = (await story(world))[0]
    address = parse_order_id(order["id"])
    assert address is not None
    bucket = keys.bucket(SALE, 0, address.bucket)
    packed = unpack_order(await world.services.store.read("HGET", bucket, tag_in(order["id"])))
    dearer = dataclasses.replace(packed, amount_minor=packed.amount_minor + 1)
    await world.services.store.write("HSET", bucket, tag_in(order["id"]), pack_order(dearer))
    assert order["id"] in broken(await look(world))["orders_booked"][0]


async def test_books_that_do_not_follow_are_a_fault(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without a worker the audit says that the books are behind; it does not guess."""
    monkeypatch.setattr("gateway.audit.BOOKS_WAIT_S", 0.1)
    await story(world)
    await world.sell("late")
    with pytest.raises(NothingHappened, match="settlement worker"):
        await look(world)


def test_a_check_lists_a_bounded_number() -> None:
    """A thousand violations are counted, and twenty are listed."""
    check = Check("x")
    for number in range(1_000):
        check.look(f"wrong {number}")
    assert (check.ok, check.looked_at) == (False, 1_000)
    assert len(check.data()["violations"]) == SHOWN_MAX + 1
    assert check.data()["violations"][-1] == f"and {1_000 - SHOWN_MAX} more"
