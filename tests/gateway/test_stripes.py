"""A sale of several stripes over HTTP: it sells to the last unit, and nobody is refused wrongly."""

import asyncio
from typing import Any

from inventory.ids import stripe_of
from tests.gateway.world import Answer, World, furnish, sale_body

WIDE, UNITS, STRIPES, BUYERS = "wide", 90, 4, 150


def wide_body(**sale: Any) -> dict[str, Any]:
    """A pooled sale of four stripes."""
    body = sale_body(WIDE, codes=[], allotments=[], seats=[])
    [pool] = [offer for offer in body["offers"] if offer["offer"] == "pool"]
    body["offers"] = [pool | {"units": UNITS}]
    body["sale"] |= {"stripes": STRIPES} | sale
    return body


async def sell(world: World, buyer: str) -> Answer:
    """One unit for a partner's buyer."""
    lines = [{"offer": "pool", "quantity": 1}]
    return await world.sell(buyer, sale=WIDE, lines=lines)


async def audit(world: World) -> dict[str, Any]:
    """The audit of the wide sale, its books up to date."""
    await world.settle()
    path = f"/v1/operator/sales/{WIDE}/audit"
    return dict((await world.call("GET", path, auth=world.keys["auditor"])).data)


async def test_a_striped_sale_sells_to_the_last_unit(world: World) -> None:
    """Of 150 buyers at once 90 get a unit; the share of those refused while units were left is 0.

    The audit is green afterwards, every unit was sold once, and codes open doors.
    """
    await furnish(world.services, sale=WIDE, body=wide_body())
    clock = asyncio.get_running_loop().time
    served: list[tuple[float, Answer]] = []
    refused: list[float] = []

    async def buyer(number: int) -> None:
        begun = clock()
        answer = await sell(world, f"buyer-{number}")
        while answer.status == 503:
            answer = await sell(world, f"buyer-{number}")
        if answer.status == 201:
            served.append((begun, answer))
        else:
            assert (answer.status, answer.code) == (409, "sold_out"), answer.data
            refused.append(clock())

    # In waves, so that there are refusals to measure beside buyers who still come.
    for wave in range(0, BUYERS, 10):
        await asyncio.gather(*(buyer(wave + number) for number in range(10)))
    assert (len(served), len(refused)) == (UNITS, BUYERS - UNITS)
    last = max(begun for begun, _ in served)
    assert sum(at < last for at in refused) / len(refused) == 0
    units = [answer.data["units"][0] for _, answer in served]
    assert len({unit["unit"] for unit in units}) == UNITS
    assert len({stripe_of(answer.data["id"]) for _, answer in served}) == STRIPES
    assert (await world.redeem(units[0]["code"])).status == 200
    assert (await world.redeem(units[0]["code"])).code == "already_redeemed"
    found = await audit(world)
    assert found["ok"], found


async def test_a_refunded_unit_is_sold_in_another_stripe(world: World) -> None:
    """Whoever asks next gets it, with a code of its own; the old code is dead everywhere."""
    await furnish(world.services, sale=WIDE, body=wide_body())
    sold = [await sell(world, f"buyer-{number}") for number in range(UNITS)]
    assert {answer.status for answer in sold} == {201}
    assert (await sell(world, "late")).code == "sold_out"
    first = sold[0].data
    path, auth = f"/v1/partner/orders/{first['id']}/refund", world.keys["partner"]
    assert (await world.call("POST", path, {}, auth=auth)).status == 200
    again = await next_of_other_stripe(world, stripe_of(first["id"]))
    assert again["units"][0]["unit"] == first["units"][0]["unit"]
    assert (await world.redeem(first["units"][0]["code"])).code == "void"
    assert (await world.redeem(again["units"][0]["code"])).status == 200
    path = f"/v1/operator/sales/{WIDE}/counts"
    counted = (await world.call("GET", path, auth=world.keys["operator"])).data["total"]
    assert (counted["released"], counted["sold"], counted["redeemed"]) == (UNITS, UNITS - 1, 1)
    found = await audit(world)
    assert found["ok"], found


async def next_of_other_stripe(world: World, stripe: int) -> dict[str, Any]:
    """The order of the first buyer who does not belong to a stripe."""
    shelf = world.services.shelves.standing(WIDE)
    for number in range(1000):
        buyer = f"other-{number}"
        key = world.services.identities.buyer_key(f"market:{buyer}")
        order = world.services.identities.order_id(
            shelf.view.shape, caller="market", buyer=key, key="k"
        )
        if stripe_of(order) != stripe:
            answer = await sell(world, buyer)
            assert answer.status == 201, answer.data
            assert stripe_of(answer.data["id"]) != stripe
            return dict(answer.data)
    raise AssertionError("every buyer belongs to one stripe")


async def test_stripes_are_fixed_and_for_pooled_units_alone(world: World) -> None:
    """Seats need one stripe, and the number of stripes never changes once applied: both told."""
    path, auth = f"/v1/operator/sales/{WIDE}", world.keys["operator"]
    seated = wide_body() | {
        name: sale_body(WIDE)[name] for name in ("offers", "seats", "codes", "allotments")
    }
    told = await world.call("PUT", path, seated, auth=auth)
    assert told.status == 422
    assert {"stripes = 1" in str(error) for error in told.data["errors"]} == {True}
    assert (await world.call("PUT", path, wide_body(), auth=auth)).status == 201
    told = await world.call(
        "PUT", path, wide_body(stripes=2), auth=auth, headers={"If-Match": '"1"'}
    )
    assert told.status == 409, told.data
    assert "stripes" in str(told.data), told.data
