"""A room that its store forgot, as clients of a gateway meet it."""

import asyncio
from contextlib import suppress
from dataclasses import replace
from typing import Any

import aiohttp
import pytest

import lua.store
from lua.faults import Fault
from tests.gateway.world import PATIENCE_S, SALE, Answer, World

PLACES, PASSES, FRAME = (f"/v1/sales/{SALE}/{part}" for part in ("places", "passes", "frame"))
OTHER = "0" * 40


@pytest.fixture
async def quiet(world: World, monkeypatch: pytest.MonkeyPatch) -> World:
    """The gateway without its loops: the test alone turns them. No call waits for a reopening."""
    await world.services.housekeeping.stop()
    monkeypatch.setattr(lua.store, "REOPENING_S", 0.0)
    await world.services.rooms.recovery.look(SALE)
    return world


async def forget(world: World) -> None:
    """The store loses the room and all its places."""
    store = world.services.store
    for name in await store.read("KEYS", f"{{{SALE}:room}}*"):
        await store.write("DEL", name)


async def given_back(world: World) -> None:
    """Turn the loops until the room goes on."""

    async def turned() -> None:
        await world.services.rooms.recovery.look(SALE)
        while (await frame(world))["reason"] == "store":
            await world.services.room_keeping.turn()
            await asyncio.sleep(0.05)

    await asyncio.wait_for(turned(), PATIENCE_S)


async def frame(world: World) -> Any:
    """The frame after a turn of its loop, as a poll sees it."""
    with suppress(Fault):
        await world.services.frames.refresh(SALE)
    return (await world.call("GET", FRAME)).data


async def join(world: World, name: str, **headers: str) -> Answer:
    """A join, with the same key each time."""
    return await world.call(
        "POST", PLACES, {}, auth=world.login(name), key=f"join-{name}", headers=headers
    )


async def test_a_forgotten_room_stands_still_and_says_why(quiet: World) -> None:
    """paused, store: the last frame with a later time, whoever polls; nobody is sent away."""
    place = await quiet.place("ann")
    before = await frame(quiet)
    await forget(quiet)
    during = await frame(quiet)
    assert (during["state"], during["reason"]) == ("paused", "store")
    assert during["lanes"] == before["lanes"]
    assert during["at_ms"] >= before["at_ms"]
    for answer in (
        await join(quiet, "bob"),
        await quiet.call("POST", PASSES, {}, auth=place),
        await quiet.call("DELETE", f"{PLACES}/me", auth=place),
    ):
        assert answer.status == 503
        assert "Retry-After" in answer.headers
    where = await quiet.call("GET", f"{PLACES}/me", auth=place)
    assert (where.status, where.data["state"]) == (200, "paused")


async def test_a_fenced_room_is_opened_by_the_loops(quiet: World) -> None:
    """The frame says so, the places are what they were, and the gauge shows it."""
    place = await quiet.place("ann")
    store = quiet.services.store
    await store.write("HSET", f"{{{SALE}:room}}:room", "server", OTHER)
    assert (await frame(quiet))["reason"] == "store"
    await given_back(quiet)
    assert (await frame(quiet))["state"] == "open"
    assert f"Place {(await join(quiet, 'ann')).data['place']}"[:20] == place[:20]


@pytest.mark.parametrize("by", ["cookie", "header"])
async def test_a_place_that_is_shown_is_found_again(quiet: World, by: str) -> None:
    """After a wipe the same number, whoever came meanwhile; another's place gives nothing."""
    first = (await join(quiet, "ann")).data
    await forget(quiet)
    await given_back(quiet)
    await join(quiet, "bob")
    cookie = {"Cookie": f"__Host-dropgate-{SALE}={first['place']}"}
    shown = cookie if by == "cookie" else {"Dropgate-Place": first["place"]}
    again = await join(quiet, "ann", **shown)
    assert (again.status, again.data["number"]) == (201, first["number"])
    assert "Idempotent-Replayed" in again.headers
    thief = await join(quiet, "eve", **shown)
    assert thief.data["number"] > first["number"]


async def test_a_pass_buys_while_the_room_is_away(quiet: World) -> None:
    """Who is inside goes on: the till asks the stock's slot and not the room."""
    auth = await quiet.pass_("ann")
    await forget(quiet)
    held = await quiet.call(
        "POST", f"/v1/sales/{SALE}/orders", {"lines": [{"offer": "pool", "quantity": 1}]},
        auth=auth, key="buys",
    )  # fmt: skip
    assert held.status == 201


async def test_a_place_let_in_again_buys_once(quiet: World) -> None:
    """A room that nobody remembers lets it in a second time: its pass is the one that was spent."""
    place = await quiet.place("ann")
    auth = await quiet.pass_("ann")
    lines = {"lines": [{"offer": "pool", "quantity": 1}]}
    orders = f"/v1/sales/{SALE}/orders"
    first = await quiet.call("POST", orders, lines, auth=auth, key="one")
    store = quiet.services.store
    for name in await store.read("KEYS", f"{{{SALE}:room}}:t:*"):
        await store.write("DEL", name)
    again = await quiet.call("POST", PASSES, {}, auth=place)
    assert (first.status, again.status) == (201, 201)
    assert "Idempotent-Replayed" not in again.headers
    second = await quiet.call("POST", orders, lines, auth=f"Pass {again.data['pass']}", key="two")
    assert (second.status, second.code) == (409, "pass_spent")


async def test_a_pass_used_a_thousand_times_at_once_is_one_order(quiet: World) -> None:
    """By a thousand calls with keys of their own: one has the order, the others hear pass_spent."""
    auth = await quiet.pass_("ann")
    lines = {"lines": [{"offer": "pool", "quantity": 1}]}

    async def hold(thieves: World, number: int) -> Answer:
        answer = await thieves.call(
            "POST", f"/v1/sales/{SALE}/orders", lines, auth=auth, key=f"thief-{number}"
        )
        return answer if answer.status != 503 else await hold(thieves, number)

    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as http:
        thieves = replace(quiet, http=http)
        told = await asyncio.gather(*(hold(thieves, number) for number in range(1_000)))
    assert sorted({one.status for one in told}) == [201, 409]
    assert sum(one.status == 201 for one in told) == 1
    assert {one.code for one in told if one.status == 409} == {"pass_spent"}
