"""A kiosk over HTTP: every answer to a code, repeats, and what guessing costs."""

import asyncio

import pytest

from gateway.auth import AtKiosk
from gateway.limits import AT_ONCE, MISSES_BURST
from gateway.problems import Refused
from inventory.catalogue import Issued
from inventory.redemption import AlreadyRedeemed, RedeemedUnit, UnknownCode
from tests.gateway.world import OUTSIDE, SALE, World


async def test_a_kiosk_knows_where_it_stands(world: World) -> None:
    """Its key says the venue by name, the kiosk and its title."""
    told = await world.call("GET", "/v1/kiosk/me", auth=world.keys["kiosk"])
    assert told.status == 200
    del told.data["server_time_ms"]
    assert told.data == {
        "venue": "odeon", "venue_title": "Odeon", "timezone": "Asia/Shanghai",
        "kiosk": "door-1", "title": "test",
    }  # fmt: skip


async def test_the_kiosks_own_repeat_is_a_success(world: World) -> None:
    """A kiosk that lost the answer asks again with its key and is told the same."""
    code = (await world.buy("ann"))["units"][0]["code"]
    first = await world.redeem(code, key="k")
    again = await world.redeem(code, key="k")
    assert (again.status, again.data) == (200, first.data)
    assert again.headers["Idempotent-Replayed"] == "true"


async def test_one_code_opens_one_door_once(world: World) -> None:
    """Many attempts at once, each with a key of its own: exactly one lets in."""
    code = (await world.buy("ann"))["units"][0]["code"]
    told = await asyncio.gather(*(world.redeem(code) for _ in range(AT_ONCE)))
    assert sorted(answer.status for answer in told) == [200] + [409] * (AT_ONCE - 1)


async def test_a_kiosk_redeems_a_few_codes_at_once(world: World) -> None:
    """More at the same moment are told to come back, another kiosk's are not; then all is well."""
    code = (await world.buy("ann"))["units"][0]["code"]
    desk, at = world.services.kiosks, AtKiosk("one", "odeon", "door-1")
    asked = [desk.redeem(at, code, f"k{number}") for number in range(AT_ONCE + 3)]
    other = desk.redeem(AtKiosk("two", "odeon", "door-2"), code, "other")
    told = await asyncio.gather(*asked, other, return_exceptions=True)
    refused = [one.problem.code for one in told if isinstance(one, Refused)]
    assert refused == ["too_many_at_once"] * 3
    assert [type(one) for one in told].count(RedeemedUnit) == 1
    assert not isinstance(told[-1], Refused)
    assert isinstance(await desk.redeem(at, code, "later"), AlreadyRedeemed)


async def test_guessing_at_once_is_no_way_around_the_limit(world: World) -> None:
    """Of guesses in parallel no more are looked up than one after the other."""
    desk, at = world.services.kiosks, AtKiosk("one", "odeon", "door-1")
    looked_up = 0
    for turn in range(8):
        guesses = (desk.redeem(at, f"guess {turn} {number}", "k") for number in range(AT_ONCE))
        told = await asyncio.gather(*guesses, return_exceptions=True)
        looked_up += sum(isinstance(one, UnknownCode) for one in told)
    assert looked_up == MISSES_BURST


async def test_a_closed_sales_codes_are_good_until_their_time_is_over(world: World) -> None:
    """A venue's code that was sold opens the door after the sale has closed."""
    code = (await world.buy("ann", {"offer": "lock", "quantity": 1}))["units"][0]["code"]
    await world.call("POST", f"/v1/operator/sales/{SALE}/close", {}, auth=world.keys["operator"])
    shelf = await world.services.shelves.refresh_sale(SALE)
    assert shelf is not None
    assert shelf.is_closed
    assert (await world.redeem(code)).status == 200


async def test_a_code_may_be_typed_as_people_type(world: World) -> None:
    """Lower case, spaces and look-alikes are read; the QR's text too."""
    order = await world.buy("ann", {"offer": "pool", "quantity": 3})
    first, second, third = (unit["code"] for unit in order["units"])
    assert (await world.redeem(first.lower().replace("-", " "))).status == 200
    assert (await world.redeem(f" {second.replace('-', '')} ")).status == 200
    assert (await world.redeem(third.replace("0", "o").replace("1", "l"))).status == 200


async def test_a_venues_own_code_is_redeemed_like_ours(world: World) -> None:
    """An imported code works once its unit is sold, and not before."""
    assert (await world.redeem(OUTSIDE[0])).code == "not_sold"
    order = await world.buy("ann", {"offer": "lock", "quantity": 1})
    code = order["units"][0]["code"]
    assert code in OUTSIDE
    assert (await world.redeem(code.lower())).status == 200


async def test_another_venues_code_is_told_so(world: World) -> None:
    """A code for another venue is not redeemed here, and says where it belongs."""
    order = await world.buy("ann", {"offer": "far", "quantity": 1})
    told = await world.redeem(order["units"][0]["code"])
    assert (told.status, told.code, told.data["venue"]) == (409, "wrong_venue", "lyric")
    assert told.data["venue_title"] == "Lyric"


async def test_too_early_says_when(world: World) -> None:
    """Before its offer's window a code waits, and the answer says until when."""
    order = await world.buy("ann", {"offer": "late", "quantity": 1})
    told = await world.redeem(order["units"][0]["code"])
    assert (told.status, told.code) == (409, "too_early")
    late = world.services.shelves.standing(SALE).offer(6)
    assert told.data["from_ms"] == late.record.redeem_from_ms


async def test_guessing_is_slowed_and_scanning_is_not(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    """After a burst of unknown codes the kiosk waits, and the log names it; another does not."""
    code = (await world.buy("ann"))["units"][0]["code"]
    for number in range(MISSES_BURST):
        told = await world.redeem(f"guess number {number}")
        assert (told.status, told.code) == (404, "unknown_code")
    told = await world.redeem(code)
    assert (told.status, told.code) == (429, "too_many_attempts")
    (said,) = (one for one in caplog.messages if "too many unknown codes" in one)
    assert "door-1 of odeon" in said
    assert code not in said
    assert 1 <= int(told.headers["Retry-After"]) <= 6
    catalogue = await world.services.catalogue.get()
    issued = await catalogue.issue_credential("kiosk", "odeon/door-2", "another")
    assert isinstance(issued, Issued)
    await world.services.credentials.refresh()
    world.keys["kiosk"] = f"Bearer {issued.text}"
    assert (await world.redeem(code)).status == 200


async def test_a_mistyped_code_is_told_as_mistyped(world: World) -> None:
    """One wrong symbol is caught by the check symbol: the visitor can look again."""
    code = (await world.buy("ann"))["units"][0]["code"]
    wrong = ("0" if code[0] != "0" else "1") + code[1:]
    told = await world.redeem(wrong)
    assert (told.status, told.code) == (404, "unknown_code")
    assert "mistyped" in told.data["detail"]
