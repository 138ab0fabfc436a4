"""Operators and allotments over HTTP: all partners' are listed, and what is unsold comes back."""

from json import loads
from typing import Any

from tests.gateway.world import SALE, World

PATH = f"/v1/operator/sales/{SALE}/allotments"


async def listed(world: World) -> Any:
    """The one allotment of the small sale."""
    told = await world.call("GET", PATH, auth=world.keys["auditor"])
    [one] = told.data["allotments"]
    return one


async def recall(world: World, name: str = "box", key: str | None = None) -> Any:
    """A recall by the operator."""
    return await world.call(
        "POST", f"{PATH}/{name}/recall", {}, auth=world.keys["operator"], key=key
    )


async def codes(world: World) -> list[dict[str, Any]]:
    """What the partner can export."""
    path = f"/v1/partner/allotments/box/codes?sale={SALE}"
    told = await world.call("GET", path, auth=world.keys["partner"])
    return [loads(line) for line in told.body.splitlines()]


async def test_all_partners_allotments_are_listed(world: World) -> None:
    """With the partner's title, and whether codes are out."""
    one = await listed(world)
    assert (one["id"], one["partner"], one["partner_title"]) == ("box", "market", "Market")
    assert (one["offer"], one["units"], one["left"], one["exported"]) == ("pool", 10, 10, False)
    await codes(world)
    assert (await listed(world))["exported"] is True


async def test_a_recall_takes_back_what_is_unsold(world: World, monkeypatch: Any) -> None:
    """Sold units stay, the others are on the shelf again, in steps, once however often asked."""
    monkeypatch.setattr("gateway.recalling.LINES_MAX", 4)
    exported = await codes(world)
    sold = {"lines": [{"unit": exported[0]["unit"], "amount_minor": 380, "reference": "r"}]}
    path = f"/v1/partner/allotments/box/sales?sale={SALE}"
    await world.call("POST", path, sold, auth=world.keys["partner"])
    path, auth = f"/v1/operator/sales/{SALE}/counts", world.keys["operator"]
    before = (await world.call("GET", path, auth=auth)).data["total"]
    done = await recall(world, key="once")
    assert (done.status, done.data["left"], done.data["returned"]) == (200, 0, 9)
    assert (done.data["sold"], done.data["voided"]) == (1, 0)
    assert (await recall(world, key="once")).data == done.data
    assert (await recall(world)).data == done.data
    after = (await world.call("GET", path, auth=auth)).data["total"]
    assert after["available"] == before["available"] + 9
    assert after["allotted"] == 0
    dead = await world.redeem(exported[1]["code"])
    assert (dead.status, dead.code) == (409, "void")
    await world.settle()
    audit = await world.call("GET", f"/v1/operator/sales/{SALE}/audit", auth=auth)
    assert audit.data["ok"], audit.data


async def test_an_unknown_allotment_is_refused(world: World) -> None:
    """There is nothing to recall."""
    told = await recall(world, "nothing")
    assert (told.status, told.code) == (404, "unknown_allotment")


async def test_a_recall_that_did_nothing_does_not_say_done(world: World) -> None:
    """Units that came to the allotment after a recall need one of their own; its key is refused."""
    [allotment] = await world.services.recalls.allotments.listed(world.sale)
    units = await world.services.recalls.allotments.units(world.sale, allotment)
    await world.services.recalls.allotments.take_back(
        world.sale, allotment.number, partner="", key=f"once:{units[0].serial}",
        serials=[units[3].serial], by="test",
    )  # fmt: skip
    again = await recall(world, key="once")
    assert (again.status, again.code) == (422, "key_reused")
    assert (await listed(world))["left"] == 9
    assert (await recall(world)).data["left"] == 0
