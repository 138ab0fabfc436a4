"""An operator over HTTP: applying, running, stocking, counting, auditing and refunding a sale."""

from typing import Any

import pytest

from inventory.sales import Sales
from inventory.stock import Stock
from tests.gateway.world import PRICE, SALE, World, sale_body


async def put(world: World, body: Any, *, revision: str | None = None, sale: str = "winter") -> Any:
    """A sale, brought to the gateway."""
    headers = {} if revision is None else {"If-Match": revision}
    return await world.call(
        "PUT", f"/v1/operator/sales/{sale}", body, auth=world.keys["operator"], headers=headers
    )


async def test_a_sale_is_applied_by_revision(world: World) -> None:
    """New without If-Match, changed only by who names the revision, the same again is the same."""
    body = sale_body("winter")
    made = await put(world, body)
    assert (made.status, made.headers["ETag"], made.data["revision"]) == (201, '"1"', 1)
    again = await put(world, body)
    assert (again.status, again.data["changed"]) == (200, False)
    body["sale"]["title"] = "Deep winter"
    blind = await put(world, body)
    assert (blind.status, blind.code, blind.data["revision"]) == (428, "revision_required", 1)
    late = await put(world, body, revision='"7"')
    assert (late.status, late.code) == (412, "stale_revision")
    done = await put(world, body, revision='"1"')
    assert (done.status, done.data["revision"]) == (200, 2)
    shown = await world.call("GET", "/v1/sales/winter")
    assert (shown.data["title"], shown.data["state"]) == ("Deep winter", "announced")


async def test_a_sale_that_is_not_valid_is_told_everything(world: World) -> None:
    """All that is wrong is listed by its pointer, and nothing is made."""
    body = sale_body("winter")
    body["sale"]["limit_per_buyer"] = -1
    body["offers"][0]["venue"] = "nowhere"
    body["surprise"] = 1
    told = await put(world, body)
    assert (told.status, told.code) == (422, "invalid_sale")
    fields = {error["field"] for error in told.data["errors"]}
    assert {"sale", "offers/0"} <= fields
    assert (await world.call("GET", "/v1/sales/winter")).status == 404
    for wrong in ("7", '"x"', '"-1"', 'W/"1"', '"1", "2"'):
        told = await put(world, sale_body("winter"), revision=wrong)
        assert (told.status, told.data["errors"][0]["field"]) == (422, "If-Match")
    told = await put(world, sale_body("summer"))
    assert (told.status, told.data["errors"][0]["field"]) == (422, "sale/id")


async def test_an_open_sale_is_not_cut(world: World) -> None:
    """While it is open a sale takes additions and texts, and refuses less for its buyers."""
    body = sale_body()
    body["sale"]["limit_per_buyer"] = 1
    told = await put(world, body, revision='"1"', sale=SALE)
    assert (told.status, told.code) == (409, "change_refused")
    assert told.data["errors"]


async def test_the_states_of_a_sale(world: World) -> None:
    """Pause, resume, drain, close: each is told, a repeat is marked, a wrong step refused."""
    path, auth = f"/v1/operator/sales/{SALE}", world.keys["operator"]

    async def change(what: str) -> Any:
        return await world.call("POST", f"{path}/{what}", {}, auth=auth)

    paused = await change("pause")
    assert (paused.status, paused.data["state"]) == (200, "paused")
    assert (await change("pause")).headers["Idempotent-Replayed"] == "true"
    frame = await world.services.frames.refresh(SALE)
    assert frame.frame.state == "paused", "the room stands still with the till"
    wrong = await change("open")
    assert (wrong.status, wrong.code, wrong.data["state"]) == (409, "wrong_state", "paused")
    assert (await change("resume")).data["state"] == "open"
    assert (await change("drain")).data["state"] == "draining"
    assert (await change("close")).data["state"] == "closed"
    assert (await change("resume")).status == 409


async def test_what_is_left_of_a_closed_sale_goes_back(world: World) -> None:
    """After the close every unit is sold, redeemed, allotted, voided or returned to its venue."""
    order = await world.buy("ann")
    await world.redeem(order["units"][0]["code"])
    auth = world.keys["operator"]
    await world.call("POST", f"/v1/operator/sales/{SALE}/close", {}, auth=auth)
    await world.services.sale_desk.close_out(world.sale)
    counts = (await world.call("GET", f"/v1/operator/sales/{SALE}/counts", auth=auth)).data
    total = counts["total"]
    assert (total["available"], total["held"]) == (0, 0)
    assert (total["sold"], total["redeemed"], total["allotted"]) == (1, 1, 10)
    assert total["returned"] == total["released"] - 12


async def test_a_sale_whose_time_is_over_is_closed(world: World) -> None:
    """When closes_at has come, the sale and its room are closed and what is left goes back."""
    services, loops = world.services, world.services.housekeeping.loops
    await services.housekeeping.stop()
    await services.store.write("HSET", f"{{{SALE}:0}}:sale", "closes_at_ms", 1_000)
    await loops["shelves"].turn()
    await loops["close_out"].turn()
    view = await Sales(services.store).view(SALE)
    assert view is not None
    assert view.state == "closed"
    assert (await services.frames.refresh(SALE)).frame.state == "closed"
    await loops["shelves"].turn()
    await loops["close_out"].turn()
    counts = await Stock(services.store).counts(view)
    assert sum(one.available for one in counts) == 0


async def test_the_rate_is_set_and_told(world: World) -> None:
    """A rate is in force at once and stands in the frame."""
    path = f"/v1/operator/sales/{SALE}/rate"
    told = await world.call("PATCH", path, {"rate_per_s": 2.5}, auth=world.keys["operator"])
    assert (told.status, told.data["rate_per_s"]) == (200, 2.5)
    assert (await world.services.frames.refresh(SALE)).frame.rate_per_s == 2.5


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"rate_per_s": 100_000.5}, "rate_per_s"),
        ({"rate_per_s": -0.1}, "rate_per_s"),
        ({"rate_per_s": 1, "burst": 1_000_001}, "burst"),
        ({"rate_per_s": 1, "burst": 0}, "burst"),
    ],
)
async def test_a_rate_that_no_room_takes_is_refused(
    world: World, body: dict[str, float], field: str
) -> None:
    """What the room would not take as its rule is refused at the edge, naming the field."""
    path = f"/v1/operator/sales/{SALE}/rate"
    told = await world.call("PATCH", path, body, auth=world.keys["operator"])
    assert (told.status, told.data["errors"][0]["field"]) == (422, field)
    most = {"rate_per_s": 100_000, "burst": 1_000_000}
    assert (await world.call("PATCH", path, most, auth=world.keys["operator"])).status == 200


async def test_what_an_operator_says_is_in_the_frame_at_once(world: World) -> None:
    """Message, cap and grace stand in the origin's frame when their answer comes, and are kept."""
    base, auth = f"/v1/operator/sales/{SALE}", world.keys["operator"]
    text = "We are back at 20:05. 我们 20:05 回来。"
    assert (await world.call("PUT", f"{base}/message", {"message": text}, auth=auth)).status == 200
    asked = {"active_max": 40, "grace_s": 30}
    told = await world.call("PATCH", f"{base}/rate", asked, auth=auth)
    assert (told.data["active_max"], told.data["grace_s"]) == (40, 30)
    frame = (await world.call("GET", f"/v1/sales/{SALE}/frame")).data
    assert (frame["message"], frame["grace_ms"]) == (text, 30_000)
    again = await world.call("PUT", f"{base}/message", {"message": text}, auth=auth)
    assert again.headers["Idempotent-Replayed"] == "true"
    long = await world.call("PUT", f"{base}/message", {"message": "x" * 281}, auth=auth)
    assert (long.status, long.data["errors"][0]["field"]) == (422, "message")
    nothing = await world.call("PATCH", f"{base}/rate", {}, auth=auth)
    assert (nothing.status, nothing.code) == (422, "invalid")


async def test_a_line_is_begun_anew_once(world: World) -> None:
    """After a reset a place is gone, whoever joins has a new one, and a repeat resets nothing."""
    path, auth = f"/v1/operator/sales/{SALE}/reset", world.keys["operator"]
    place = await world.place("ann")
    told = await world.call("POST", path, {"epoch": 1}, auth=auth)
    assert (told.status, told.data["epoch"]) == (200, 2)
    again = await world.call("POST", path, {"epoch": 1}, auth=auth)
    assert (again.data["epoch"], again.headers["Idempotent-Replayed"]) == (2, "true")
    frame = (await world.call("GET", f"/v1/sales/{SALE}/frame")).data
    assert (frame["epoch"], frame["lanes"][0]["tail"]) == (2, 0)
    gone = await world.call("POST", f"/v1/sales/{SALE}/passes", {}, auth=place)
    assert (gone.status, gone.code, gone.data["reason"]) == (410, "turn_gone", "reset")
    assert await world.place("ann") != place


async def test_stock_comes_once_however_often_it_is_brought(world: World) -> None:
    """A lot adds its units once; other content under its name is refused."""
    body = sale_body("winter")
    body["offers"][0]["supply"] = "venue"
    body["allotments"] = []
    await put(world, body)
    path, auth = "/v1/operator/sales/winter/stock", world.keys["operator"]
    lot = {"lot": "lot-1", "offer": "pool", "units": 7}
    made = await world.call("POST", path, lot, auth=auth)
    again = await world.call("POST", path, lot, auth=auth)
    assert (made.status, made.data["added"]) == (201, 7)
    assert (again.status, again.headers["Idempotent-Replayed"]) == (200, "true")
    reused = await world.call("POST", path, {**lot, "units": 8}, auth=auth)
    assert (reused.status, reused.code) == (422, "key_reused")
    many = await world.call("POST", path, {**lot, "lot": "lot-2", "units": 20_000_000}, auth=auth)
    assert (many.status, many.code) == (422, "stock_refused")
    counts = await world.call("GET", "/v1/operator/sales/winter/counts", auth=auth)
    pool = next(one for one in counts.data["offers"] if one["offer"] == "pool")
    assert pool["available"] == 7


async def test_an_operator_refunds_whoever_sold(world: World) -> None:
    """A shopper's order is refunded by the operator, whole, once."""
    order = await world.buy("ann")
    path = f"/v1/operator/sales/{SALE}/orders/{order['id']}/refund"
    done = await world.call("POST", path, {}, auth=world.keys["operator"], key="r")
    again = await world.call("POST", path, {}, auth=world.keys["operator"], key="r")
    assert (done.data["state"], done.data["refunded_minor"]) == ("refunded", 2 * PRICE)
    assert (again.status, again.headers["Idempotent-Replayed"]) == (200, "true")
    more = await world.call("POST", path, {}, auth=world.keys["operator"])
    assert (more.status, more.code) == (409, "not_refundable")
    unknown = f"/v1/operator/sales/{SALE}/orders/{'0' * 24}/refund"
    assert (await world.call("POST", unknown, {}, auth=world.keys["operator"])).status == 404
