"""A purchase over HTTP, from the line to the code, its repeats, and whose order it is."""

import asyncio

import pytest

from tests.gateway.signing import Signer
from tests.gateway.world import BANK, LIMIT, PLAY, PRICE, SALE, Answer, World


async def test_a_purchase_from_the_line_to_the_code(world: World) -> None:
    """Join, claim, hold, pay, read, show the code, and redeem it once."""
    held = await world.hold("ann", {"offer": "hall", "seats": ["A2", "A3"]})
    assert (held.status, held.data["state"]) == (201, "held")
    assert [unit["seat"] for unit in held.data["units"]] == ["A2", "A3"]
    assert all("code" not in unit for unit in held.data["units"])

    path = f"/v1/orders/{held.data['id']}"
    body = {"payment": world.proof(held.data)}
    paid = await world.call("POST", f"{path}/confirm", body, auth=world.login("ann"))
    assert (paid.status, paid.data["state"]) == (200, "confirmed")
    read = await world.call("GET", path, auth=world.login("ann"))
    assert read.data == paid.data

    unit = read.data["units"][1]
    qr = await world.call("GET", unit["qr"], auth=world.login("ann"))
    assert qr.headers["Content-Type"] == "image/svg+xml"
    assert qr.body.startswith(b"<svg")
    used = await world.redeem(unit["code"])
    assert (used.status, used.data["seat"], used.data["order"]) == (200, "A3", held.data["id"])
    again = await world.redeem(unit["code"])
    assert (again.status, again.code) == (409, "already_redeemed")
    assert (again.data["venue"], again.data["kiosk"]) == ("odeon", "door-1")


async def test_every_repeat_answers_the_same_and_says_so(world: World) -> None:
    """Join, claim, hold, confirm and release repeated with their keys change nothing."""
    place = await world.call(
        "POST", f"/v1/sales/{SALE}/places", {}, auth=world.login("ann"), key="j"
    )
    again = await world.call(
        "POST", f"/v1/sales/{SALE}/places", {}, auth=world.login("ann"), key="j"
    )
    assert again.data["number"] == place.data["number"]
    assert again.headers["Idempotent-Replayed"] == "true"
    assert "Idempotent-Replayed" not in place.headers

    pass_ = await world.pass_("bob")
    body = {"lines": [{"offer": "pool", "quantity": 2}]}
    path = f"/v1/sales/{SALE}/orders"
    held = await world.call("POST", path, body, auth=pass_, key="h")
    repeat = await world.call("POST", path, body, auth=pass_, key="h")
    assert (held.status, repeat.status, repeat.data) == (201, 200, held.data)
    assert repeat.headers["Idempotent-Replayed"] == "true"
    reused = await world.call(
        "POST", path, {"lines": [{"offer": "pool", "quantity": 1}]}, auth=pass_, key="h"
    )
    assert (reused.status, reused.code) == (422, "key_reused")
    second = await world.call("POST", path, body, auth=pass_, key="h2")
    assert (second.status, second.code) == (409, "pass_spent")

    confirm = f"/v1/orders/{held.data['id']}/confirm"
    proof = {"payment": world.proof(held.data)}
    paid = await world.call("POST", confirm, proof, auth=world.login("bob"))
    paid_again = await world.call("POST", confirm, proof, auth=world.login("bob"))
    assert (paid_again.status, paid_again.data) == (200, paid.data)
    assert paid_again.headers["Idempotent-Replayed"] == "true"


async def test_a_release_gives_units_and_limit_back(world: World) -> None:
    """Who gives a hold back may hold again; a second release says that it was done."""
    held = await world.hold("ann", {"offer": "tiny", "quantity": 2})
    path = f"/v1/orders/{held.data['id']}/release"
    done = await world.call("POST", path, {}, auth=world.login("ann"))
    again = await world.call("POST", path, {}, auth=world.login("ann"))
    assert (done.data["state"], again.data["state"]) == ("released", "released")
    assert again.headers["Idempotent-Replayed"] == "true"
    assert (await world.hold("bob", {"offer": "tiny", "quantity": 2})).status == 201


async def test_a_unit_that_comes_back_is_on_sale_with_the_next_call(world: World) -> None:
    """Who heard "sold out" sells with the same key; who had sold it hears so all the while."""
    path, auth = "/v1/partner/orders", world.keys["partner"]

    async def sell(buyer: str) -> Answer:
        body = {"sale": SALE, "buyer": buyer, "lines": [{"offer": "tiny", "quantity": 1}]}
        return await world.call("POST", path, body, auth=auth, key=f"key-{buyer}")

    first, second = await sell("ann"), await sell("bob")
    assert (first.status, second.status) == (201, 201)
    late = await asyncio.gather(*(sell(f"late-{n}") for n in range(20)))
    assert {(one.status, one.code) for one in late} == {(409, "sold_out")}
    repeated = await sell("ann")
    assert (repeated.status, repeated.data) == (200, first.data)
    back = await world.call("POST", f"{path}/{second.data['id']}/refund", {}, auth=auth)
    assert back.status == 200
    again = await asyncio.gather(*(sell(f"late-{n}") for n in range(20)))
    assert sorted(one.status for one in again) == [201] + [409] * 19


async def test_a_paid_order_is_not_released(world: World) -> None:
    """What is paid is refunded, not released."""
    order = await world.buy("ann")
    told = await world.call(
        "POST", f"/v1/orders/{order['id']}/release", {}, auth=world.login("ann")
    )
    assert (told.status, told.code, told.data["state"]) == (409, "not_held", "confirmed")


async def test_anothers_order_is_as_if_there_were_none(world: World) -> None:
    """Whatever is asked about another's order, with whatever credential: 404, and no change."""
    order = await world.buy("ann")
    held = (await world.hold("ann2")).data
    for mine in (order, held):
        path = f"/v1/orders/{mine['id']}"
        for auth in (world.login("eve"), await world.pass_("eve"), world.keys["partner"]):
            proof = {"reference": "r"} if auth == world.keys["partner"] else {
                "payment": world.proof(mine)
            }  # fmt: skip
            for method, rest, body in (
                ("GET", "", None),
                ("GET", "/codes/1.svg", None),
                ("POST", "/release", {}),
                ("POST", "/confirm", proof),
            ):
                told = await world.call(method, path + rest, body, auth=auth)
                assert (told.status, told.code) == (404, "unknown_order"), (auth[:9], rest)
    sold = (await world.sell("carl")).data
    refund = f"/v1/partner/orders/{order['id']}/refund"
    assert (await world.call("POST", refund, {}, auth=world.keys["partner"])).status == 404
    told = await world.call("GET", f"/v1/orders/{sold['id']}", auth=world.login("carl"))
    assert told.status == 404, "a partner's buyer is another than the shop's of the same name"
    same = await world.call("GET", f"/v1/orders/{order['id']}", auth=world.login("ann"))
    assert same.data == order


async def test_the_pass_of_the_buyer_pays_and_reads(world: World) -> None:
    """The pass that bought an order opens it too, while it lasts."""
    pass_ = await world.pass_("ann")
    body = {"lines": [{"offer": "pool", "quantity": 1}]}
    held = await world.call("POST", f"/v1/sales/{SALE}/orders", body, auth=pass_)
    path = f"/v1/orders/{held.data['id']}"
    proof = {"payment": world.proof(held.data)}
    assert (await world.call("POST", f"{path}/confirm", proof, auth=pass_)).status == 200
    assert (await world.call("GET", path, auth=pass_)).data["state"] == "confirmed"


async def test_refusals_of_a_hold_say_what_they_know(world: World) -> None:
    """Each refusal has its code, and the facts that help: limit, seats, what is left, when."""
    limit = await world.hold("ann", {"offer": "pool", "quantity": LIMIT + 1})
    assert (limit.code, limit.data["limit"], limit.data["has"]) == ("limit_reached", LIMIT, 0)
    await world.hold("bob", {"offer": "hall", "seats": ["B1"]})
    taken = await world.hold("carl", {"offer": "hall", "seats": ["B1", "B2"]})
    assert (taken.code, taken.data["offer"], taken.data["seats"]) == ("seat_taken", "hall", ["B1"])
    later = await world.hold("dora", {"offer": "later", "quantity": 1})
    assert later.code == "offer_not_open"
    assert later.data["opens_at_ms"] == world.sale.drops[1].opens_at_ms
    unknown = await world.hold("emil", {"offer": "nothing", "quantity": 1})
    assert (unknown.status, unknown.code) == (422, "unknown_offer")
    assert unknown.data["errors"][0]["field"] == "lines/0/offer"
    seat = await world.hold("fred", {"offer": "hall", "seats": ["Z9"]})
    assert (seat.code, seat.data["errors"][0]["field"]) == ("unknown_seat", "lines/0/seats/0")
    await world.hold("gina", {"offer": "tiny", "quantity": 1})
    few = await world.hold("hugo", {"offer": "tiny", "quantity": 2})
    assert few.code in ("too_few", "all_held")
    await world.hold("iris", {"offer": "tiny", "quantity": 1})
    held = await world.hold("jack", {"offer": "tiny", "quantity": 1})
    assert (held.status, held.code) == (409, "all_held")
    assert held.data["retry_at_ms"] > world.sale.drops[0].opens_at_ms


@pytest.mark.parametrize(
    ("what", "code"), [("pause", "paused"), ("drain", "draining"), ("close", "closed")]
)
async def test_a_sale_that_does_not_sell_says_why(world: World, what: str, code: str) -> None:
    """Paused, draining and closed are told apart, at once."""
    pass_ = await world.pass_("ann")
    path = f"/v1/operator/sales/{SALE}/{what}"
    assert (await world.call("POST", path, {}, auth=world.keys["operator"])).status == 200
    body = {"lines": [{"offer": "pool", "quantity": 1}]}
    told = await world.call("POST", f"/v1/sales/{SALE}/orders", body, auth=pass_)
    assert (told.status, told.code) == (409, code)


async def test_a_payment_must_be_of_the_order(world: World) -> None:
    """A wrong amount, another order's proof, a forger's, a test adapter's: none pays."""
    held = (await world.hold("ann")).data
    path, auth = f"/v1/orders/{held['id']}/confirm", world.login("ann")
    wrong = await world.call(
        "POST", path, {"payment": world.proof(held, amount_minor=1)}, auth=auth
    )
    assert (wrong.status, wrong.code) == (409, "amount_mismatch")
    assert wrong.data["expected_minor"] == 2 * PRICE
    other = await world.call("POST", path, {"payment": world.proof(held, id="x" * 24)}, auth=auth)
    forger = Signer(BANK.issuer)
    claims = {"order": held["id"], "amount_minor": 2 * PRICE, "currency": "CNY", "reference": "r"}
    forged = await world.call("POST", path, {"payment": forger.sign(**claims)}, auth=auth)
    played = await world.call("POST", path, {"payment": PLAY.sign(**claims)}, auth=auth)
    spoken = await world.call("POST", path, {"reference": "trust me"}, auth=auth)
    for told in (other, forged, played):
        assert (told.status, told.code) == (422, "bad_payment")
    assert (spoken.status, spoken.data["errors"][0]["field"]) == (422, "payment")
    paid = await world.call("POST", path, {"payment": world.proof(held)}, auth=auth)
    assert paid.status == 200
    twice = await world.call(
        "POST", path, {"payment": world.proof(held, reference="pay-2")}, auth=auth
    )
    assert (twice.status, twice.code) == (409, "already_paid")


async def test_one_buyer_is_limited_however_many_passes_race(world: World) -> None:
    """Ten holds of one buyer at once, each with a key of its own: never more than the limit."""
    keys = [f"race-{number}" for number in range(10)]
    told = await asyncio.gather(
        *(world.sell("ann", **{"lines": [{"offer": "pool", "quantity": 1}]}) for _ in keys)
    )
    statuses = sorted(answer.status for answer in told)
    assert statuses == [201] * LIMIT + [409] * (10 - LIMIT)
    assert {answer.code for answer in told} == {"", "limit_reached"}


async def test_where_a_place_stands_and_leaving_it(world: World) -> None:
    """A place is told where it stands without the store; who leaves is not let in."""
    place = await world.place("ann")
    path = f"/v1/sales/{SALE}/places/me"
    stands = await world.call("GET", path, auth=place)
    assert (stands.status, stands.data["number"], stands.data["drop"]) == (200, 1, 1)
    assert (await world.call("DELETE", path, auth=place)).status == 204
    assert (await world.call("DELETE", path, auth=place)).status == 204
    gone = await world.call("POST", f"/v1/sales/{SALE}/passes", {}, auth=place)
    assert (gone.status, gone.code, gone.data["reason"]) == (410, "turn_gone", "left")


async def test_the_shop_window(world: World) -> None:
    """The sale, its openings, and pages of its shelf with a band for each offer."""
    plain = await world.call("GET", f"/v1/sales/{SALE}")
    assert (plain.data["state"], plain.data["limit_per_buyer"]) == ("open", LIMIT)
    assert "offers" not in plain.data
    first = await world.call("GET", f"/v1/sales/{SALE}?offers=1&limit=4")
    rest = await world.call("GET", f"/v1/sales/{SALE}?offers=1&limit=4&after={first.data['next']}")
    names = [one["offer"] for one in first.data["offers"] + rest.data["offers"]]
    assert names == ["pool", "hall", "lock", "later", "tiny", "late", "far"]
    assert "next" not in rest.data
    assert {one["stock"] for one in first.data["offers"]} == {"plenty"}
    there = await world.call("GET", f"/v1/sales/{SALE}?offers=1&city=There")
    assert [one["offer"] for one in there.data["offers"]] == ["far"]
