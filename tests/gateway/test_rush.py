"""A rush of new holds: who has units already still pays and redeems; a shed call did nothing."""

import asyncio

import pytest

from gateway import gate, gathering
from tests.gateway.world import SALE, Answer, World

RUSH = 300


async def rush(world: World) -> tuple[list[Answer], Answer, Answer]:
    """Many new orders at once, and behind them a payment and a redemption."""
    held = await world.sell("payer", mode="hold")
    sold = await world.sell("guest")
    assert (held.status, sold.status) == (201, 201), (held.data, sold.data)
    async with asyncio.TaskGroup() as tasks:
        line = [{"offer": "pool", "quantity": 1}]
        new = [
            tasks.create_task(
                world.call(
                    "POST",
                    "/v1/partner/orders",
                    {"sale": SALE, "buyer": f"b{number}", "lines": line},
                    auth=world.keys["partner"],
                    key=f"rush-{number}",
                )
            )
            for number in range(RUSH)
        ]
        paid = tasks.create_task(
            world.call(
                "POST",
                f"/v1/orders/{held.data['id']}/confirm",
                {"reference": "R"},
                auth=world.keys["partner"],
            )
        )
        redeemed = tasks.create_task(world.redeem(sold.data["units"][0]["code"]))
    return [one.result() for one in new], paid.result(), redeemed.result()


async def check(world: World, new: list[Answer], paid: Answer, redeemed: Answer) -> None:
    """Some were shed and say so; what was sold is what was told; a repeat gets its order."""
    assert (paid.status, redeemed.status) == (200, 200), (paid.data, redeemed.data)
    shed = [number for number, one in enumerate(new) if one.status == 503]
    assert shed, "there was no rush"
    for number in shed:
        assert new[number].code == "overloaded"
        assert "Nothing happened" in new[number].data["detail"]
        assert new[number].headers["Retry-After"] == "1"
    tally = await world.services.counts.read(world.services.shelves.standing(SALE))
    told = sum(one.status == 201 for one in new)
    assert tally.total.sold + tally.total.redeemed == told + 4  # and the payer's and guest's
    again = await world.call(
        "POST",
        "/v1/partner/orders",
        {"sale": SALE, "buyer": f"b{shed[0]}", "lines": [{"offer": "hall", "quantity": 1}]},
        auth=world.keys["partner"],
        key=f"rush-{shed[0]}",
    )
    assert again.status == 201, "its key is as new: nothing had happened"


async def test_new_holds_that_would_wait_too_long_are_shed(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Holds are refused by the wait that is measured; payments and redemptions get through."""
    monkeypatch.setattr(gathering, "WAIT_MAX_S", 0.001)
    await check(world, *(await rush(world)))


async def test_room_is_kept_for_who_has_units_already(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Newcomers fill a part of the process only, whatever they wait for."""
    monkeypatch.setattr(gate, "NEW_MAX", 4)
    await check(world, *(await rush(world)))
