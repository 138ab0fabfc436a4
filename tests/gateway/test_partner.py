"""A partner over HTTP: selling, batches, refunds, allotments, events, settling."""

import asyncio
import csv
import io
from datetime import datetime
from json import loads
from zoneinfo import ZoneInfo

import pytest

from gateway import books_desk
from gateway.problems import Refused
from settlement.statement import COLUMNS
from tests.gateway.world import PRICE, SALE, World


async def test_a_sale_in_one_step_has_its_codes_at_once(world: World) -> None:
    """Sell, repeat, and the code opens the door."""
    sold = await world.sell("ann", reference="R7")
    assert (sold.status, sold.data["state"], sold.data["reference"]) == (201, "confirmed", "R7")
    assert sold.data["amount_minor"] == 2 * PRICE
    codes = [unit["code"] for unit in sold.data["units"]]
    assert len(set(codes)) == 2
    assert (await world.redeem(codes[0])).status == 200


async def test_a_repeat_of_a_sale_is_the_same_sale(world: World) -> None:
    """The same key and content: the same order, marked; other content: refused."""
    path, auth = "/v1/partner/orders", world.keys["partner"]
    body = {"sale": SALE, "buyer": "ann", "lines": [{"offer": "pool", "quantity": 1}]}
    first = await world.call("POST", path, body, auth=auth, key="k")
    again = await world.call("POST", path, body, auth=auth, key="k")
    assert (first.status, again.status, again.data) == (201, 200, first.data)
    assert again.headers["Idempotent-Replayed"] == "true"
    for change in (
        {"mode": "hold"},
        {"reference": "R"},
        {"lines": [{"offer": "tiny", "quantity": 1}]},
    ):
        told = await world.call("POST", path, body | change, auth=auth, key="k")
        assert (told.status, told.code) == (422, "key_reused"), change
    other = await world.call("POST", path, body | {"buyer": "bob"}, auth=auth, key="k")
    assert other.data["id"] != first.data["id"], "a key is one buyer's"


async def test_a_partner_may_hold_and_confirm(world: World) -> None:
    """A partner that has not the money yet holds, and confirms with its own reference."""
    held = await world.sell("ann", mode="hold")
    assert (held.status, held.data["state"]) == (201, "held")
    path = f"/v1/orders/{held.data['id']}/confirm"
    auth = world.keys["partner"]
    proof = await world.call("POST", path, {"payment": "a.b.c"}, auth=auth)
    assert (proof.status, proof.data["errors"][0]["field"]) == (422, "reference")
    paid = await world.call("POST", path, {"reference": "R1"}, auth=auth)
    assert (paid.status, paid.data["state"]) == (200, "confirmed")
    assert "code" in paid.data["units"][0]


async def test_each_order_of_a_batch_is_decided_by_itself(world: World) -> None:
    """Good, sold out, unknown, repeated and over the limit in one batch: each its own result."""

    def order(key: str, buyer: str, offer: str = "pool", quantity: int = 1, **more: str) -> object:
        line = {"offer": offer, "quantity": quantity}
        return {"key": key, "sale": SALE, "buyer": buyer, "lines": [line], **more}

    batch = {
        "orders": [
            order("a", "ann", "tiny", 2),
            order("b", "bob", "tiny"),
            order("c", "carl", "nothing"),
            order("a", "ann", "tiny", 2),
            order("d", "dora", "pool", 4),
            order("e", "dora", "pool", 1),
            order("f", "emil", sale="nowhere"),
            order("g", "fred", "lock"),
        ]
    }
    told = await world.call(
        "POST", "/v1/partner/orders/batch", batch, auth=world.keys["partner"], key=""
    )
    results = told.data["results"]
    assert [one["status"] for one in results] == [201, 409, 422, 200, 201, 409, 404, 201]
    codes = [one.get("problem", {}).get("code") for one in results]
    assert codes == [
        None, "sold_out", "unknown_offer", None, None, "limit_reached", "unknown_sale", None,
    ]  # fmt: skip
    assert results[3]["replayed"]
    assert results[3]["order"] == results[0]["order"]
    assert results[7]["order"]["units"][0]["code"].startswith("ODEON")


async def test_a_refund_gives_back_and_the_old_code_is_dead(world: World) -> None:
    """After a refund of one unit its code is void, the other unit's still works."""
    sold = (await world.sell("ann")).data
    first, second = sold["units"]
    path = f"/v1/partner/orders/{sold['id']}/refund"
    body = {"units": [first["unit"]]}
    done = await world.call("POST", path, body, auth=world.keys["partner"], key="r1")
    assert (done.data["state"], done.data["refunded_minor"]) == ("partly_refunded", PRICE)
    again = await world.call("POST", path, body, auth=world.keys["partner"], key="r1")
    assert (again.status, again.headers["Idempotent-Replayed"]) == (200, "true")
    wrong = await world.call("POST", path, {"units": [99]}, auth=world.keys["partner"])
    assert (wrong.status, wrong.code) == (422, "unknown_unit")
    assert (await world.redeem(first["code"])).code == "void"
    assert (await world.redeem(second["code"])).status == 200


async def test_a_refund_names_a_unit_once(world: World) -> None:
    """A unit named twice is refused by its field, for partner and operator; nothing goes back."""
    sold = (await world.sell("ann")).data
    unit = sold["units"][0]["unit"]
    for who, key in (("partner", "partner"), (f"operator/sales/{SALE}", "operator")):
        path = f"/v1/{who}/orders/{sold['id']}/refund"
        told = await world.call("POST", path, {"units": [unit, unit]}, auth=world.keys[key])
        assert (told.status, told.code) == (422, "invalid")
        assert told.data["errors"][0]["field"] == "units"
    path = f"/v1/partner/orders/{sold['id']}/refund"
    done = await world.call("POST", path, {"units": [unit]}, auth=world.keys["partner"])
    assert done.data["refunded_minor"] == PRICE


async def test_an_allotments_codes_are_inert_until_reported(world: World) -> None:
    """Take codes, report a sale, redeem it; what is not reported does not open the door."""
    auth = world.keys["partner"]
    listed = await world.call("GET", f"/v1/partner/allotments?sale={SALE}", auth=auth)
    assert listed.data["allotments"] == [
        {"id": "box", "sale": SALE, "offer": "pool", "units": 10, "left": 10, "sold": 0,
         "returned": 0, "voided": 0}
    ]  # fmt: skip
    path = "/v1/partner/allotments/box"
    page = await world.call("GET", f"{path}/codes?sale={SALE}&limit=4", auth=auth)
    assert page.headers["Content-Type"] == "application/x-ndjson"
    units = [loads(line) for line in page.body.splitlines()]
    rest = await world.call("GET", f"{path}/codes?sale={SALE}&after={units[-1]['unit']}", auth=auth)
    units += [loads(line) for line in rest.body.splitlines()]
    assert len({unit["code"] for unit in units}) == 10
    as_csv = await world.call(
        "GET", f"{path}/codes?sale={SALE}", auth=auth, headers={"Accept": "text/csv"}
    )
    rows = list(csv.DictReader(io.StringIO(as_csv.body.decode())))
    assert [row["code"] for row in rows] == [unit["code"] for unit in units]

    assert (await world.redeem(units[0]["code"])).code == "not_sold"
    lines = {"lines": [{"unit": units[0]["unit"], "amount_minor": PRICE, "reference": "R1"}]}
    sales = f"{path}/sales?sale={SALE}"
    told = await world.call("POST", sales, lines, auth=auth, key="s")
    again = await world.call("POST", sales, lines, auth=auth, key="s")
    assert told.data["results"] == [{"unit": units[0]["unit"], "status": "sold"}]
    assert (again.data, again.headers["Idempotent-Replayed"]) == (told.data, "true")
    reused = await world.call(
        "POST", sales, {"lines": [{**lines["lines"][0], "amount_minor": 1}]}, auth=auth, key="s"
    )
    assert reused.code == "key_reused"
    assert (await world.redeem(units[0]["code"])).status == 200

    back = f"{path}/returns?sale={SALE}"
    given = {"units": [units[3]["unit"], units[1]["unit"], 10_000]}
    told = await world.call("POST", back, given, auth=auth)
    statuses = {one["unit"]: one["status"] for one in told.data["results"]}
    assert statuses == {units[1]["unit"]: "back", units[3]["unit"]: "back", 10_000: "not_unsold"}
    assert (await world.redeem(units[1]["code"])).code in ("void", "not_sold")
    twice = await world.call("POST", back, {"units": [5, 5]}, auth=auth)
    assert (twice.status, twice.data["errors"][0]["field"]) == (422, "units")
    nothing = await world.call("GET", f"/v1/partner/allotments/none/codes?sale={SALE}", auth=auth)
    assert (nothing.status, nothing.code) == (404, "unknown_allotment")


async def test_events_say_what_happened_by_name(world: World) -> None:
    """The feed tells sales and redemptions in their order, with offers and seats by name."""
    sold = (await world.sell("ann", lines=[{"offer": "hall", "seats": ["B3"]}])).data
    await world.redeem(sold["units"][0]["code"])
    await world.buy("shopper")
    await world.settle()
    auth = world.keys["partner"]
    events = (await world.call("GET", "/v1/partner/events", auth=auth)).data
    by_type = {one["type"]: one["data"] for one in events["events"]}
    assert list(by_type) == ["allotment.allotted", "order.sold", "code.redeemed"]
    assert by_type["order.sold"]["units"][0]["offer"] == "hall"
    assert by_type["code.redeemed"]["seat"] == "B3"
    after = (await world.call("GET", f"/v1/partner/events?after={events['next']}", auth=auth)).data
    assert after == {"events": [], "next": events["next"]}
    last = (await world.call("GET", "/v1/partner/events?last=2", auth=auth)).data
    assert last == {"events": events["events"][-2:], "next": events["next"]}
    both = await world.call("GET", "/v1/partner/events?last=2&after=1", auth=auth)
    assert (both.status, both.code) == (422, "invalid")


async def test_a_statement_that_is_too_long_is_refused(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A day of more lines than an answer takes is 413, and says where it is to be had."""
    monkeypatch.setattr(books_desk, "LINES_MAX", 1)
    for buyer in ("ann", "bob"):
        await world.sell(buyer)
    await world.settle()
    today = datetime.now(ZoneInfo("Asia/Shanghai")).date().isoformat()
    path = f"/v1/partner/settlements/{today}"
    told = await world.call("GET", path, auth=world.keys["partner"])
    assert (told.status, told.code) == (413, "too_large")
    assert "dropgate statement" in told.data["detail"]


async def test_settling_finds_what_differs(world: World) -> None:
    """Our statement agrees with itself; a changed line is found, with class and owner."""
    for buyer in ("ann", "bob"):
        await world.sell(buyer, reference=f"R-{buyer}")
    await world.settle()
    today = datetime.now(ZoneInfo("Asia/Shanghai")).date().isoformat()
    auth, path = world.keys["partner"], f"/v1/partner/settlements/{today}"
    as_json = await world.call("GET", path, auth=auth)
    assert [one["quantity"] for one in as_json.data["lines"]] == [2, 2]
    ours = await world.call("GET", path, auth=auth, headers={"Accept": "text/csv"})
    url = f"/v1/partner/statements?date={today}"
    same = await world.call("POST", url, data=ours.body, auth=auth)
    assert (same.status, same.data["breaks"], same.data["lines_matched"]) == (201, [], 2)
    changed = ours.body.replace(b",760,", b",380,", 1)
    other = await world.call("POST", url, data=changed, auth=auth)
    assert [one["class"] for one in other.data["breaks"]] == ["amount"]
    assert other.data["breaks"][0]["owner"] == "finance"
    assert other.data["digest"] != same.data["digest"]
    for body in (b"", b"\xff\xfe", b"a,b\n1,2\n", b"\x00" * 40):
        told = await world.call("POST", url, data=body, auth=auth)
        assert told.status == 422, (body, told.data)
    for day in ("2014-02-30", "2014-13-01", "0000-00-00"):
        told = await world.call("GET", f"/v1/partner/settlements/{day}", auth=auth)
        assert (told.status, told.data["errors"][0]["field"]) == (422, "date")


async def test_one_statement_of_a_partner_is_matched_at_a_time(world: World) -> None:
    """A second one is told to come back, another partner's is not; afterwards the next is taken."""
    desk, text = world.services.books_desk, ",".join(COLUMNS).encode()
    first = asyncio.create_task(desk.reconcile("market", "2014-03-08", text))
    await asyncio.sleep(0)  # it has begun, and waits for its thread
    url, auth = "/v1/partner/statements?date=2014-03-08", world.keys["partner"]
    with pytest.raises(Refused) as refused:
        await desk.reconcile("market", "2014-03-08", text)
    assert (refused.value.problem.status, refused.value.problem.retry_after_s) == (429, 5)
    assert (await desk.reconcile("other", "2014-03-08", text)).status == 201
    assert (await first).status == 201
    told = await world.call("POST", url, data=text, auth=auth)
    assert (told.status, told.data["counts"], told.data["cut"]) == (201, {}, False)
