"""What an operator asks of one gateway, at another one of the same store."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from gateway.housekeeping import FRAMES_S, JOURNAL_S
from gateway.services import Services
from tests.gateway.world import PATIENCE_S, SALE, World, serve
from tests.patience import patiently

BASE = f"/v1/operator/sales/{SALE}"
METHODS = {"rate": "PATCH", "message": "PUT"}


@dataclass(frozen=True)
class Verb:
    """A verb, what was set before it, and what it makes of frame, claims and journal."""

    path: str
    body: dict[str, Any]
    shown: dict[str, Any]
    claims: list[tuple[int, str]]
    noted: tuple[str, str]
    before: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    late: bool = False
    """The claims come after the grace."""


IN, PACE = (201, ""), (202, "pace")
VERBS = {
    "rate": Verb(
        "rate", {"rate_per_s": 0}, {"rate_per_s": 0.0}, [IN, PACE], ("rate", "0 1"),
        before=[("rate", {"burst": 1})],
    ),
    "burst": Verb(
        "rate", {"burst": 1}, {"burst": 1}, [IN, PACE], ("rate", "0 1"),
        before=[("rate", {"rate_per_s": 0})],
    ),
    "cap": Verb(
        "rate", {"active_max": 1}, {"active_max": 1}, [IN, (202, "full")], ("set", "active_max=1"),
    ),
    "grace": Verb(
        "rate", {"grace_s": 1}, {"grace_ms": 1_000}, [IN, PACE], ("set", "grace_ms=1000"),
        before=[("rate", {"rate_per_s": 0.01, "burst": 5})], late=True,
    ),
    "message": Verb(
        "message", {"message": "At 20:05"}, {"message": "At 20:05"}, [IN, IN],
        ("set", "message=At 20:05"),
    ),
    "pause": Verb("pause", {}, {"state": "paused"}, [(202, "paused")], ("state", "paused")),
    "resume": Verb(
        "resume", {}, {"state": "open"}, [IN, IN], ("state", "open"), before=[("pause", {})]
    ),
    "drain": Verb("drain", {}, {"state": "draining"}, [(202, "draining")], ("state", "draining")),
    "close": Verb("close", {}, {"state": "closed"}, [(410, "closed")], ("state", "closed")),
    "reset": Verb("reset", {"epoch": 1}, {"epoch": 2}, [(410, "reset")], ("reset", "2")),
}  # fmt: skip


@pytest.fixture
async def two(world: World) -> AsyncIterator[tuple[World, World]]:
    """Two gateways of one store and one database, whose loops the test alone turns."""
    async with AsyncExitStack() as ends:
        services = await patiently(lambda: Services.open(world.services.settings))
        ends.push_async_callback(services.close)
        shared, url, own, own_url = await serve(services)
        ends.push_async_callback(own.cleanup)
        ends.push_async_callback(shared.cleanup)
        for one in (world.services, services):
            await one.housekeeping.stop()
        yield world, replace(world, services=services, url=url, own_url=own_url)


async def act(world: World, path: str, body: dict[str, Any]) -> None:
    """An operator does something, which succeeds."""
    auth = world.keys["operator"]
    answer = await world.call(METHODS.get(path, "POST"), f"{BASE}/{path}", body, auth=auth)
    assert answer.status == 200, answer.data


async def shown(world: World, *names: str) -> dict[str, Any]:
    """These fields of the frame that a gateway keeps, public ones as shoppers get them."""
    frame = (await world.call("GET", f"/v1/sales/{SALE}/frame")).data
    board = (await world.call("GET", BASE, auth=world.keys["auditor"])).data["room"]
    return {name: frame[name] if name in frame else board[name] for name in names}


async def called(world: World) -> list[str]:
    """Two places whose turns have come."""
    places = [await world.place(name) for name in ("ann", "bob")]
    async with asyncio.timeout(PATIENCE_S):
        while (await world.services.rooms.frame(SALE)).called < len(places):
            await world.services.rooms.pump(SALE, 100)
    return places


async def claims(world: World, places: list[str]) -> list[tuple[int, str]]:
    """How the places are answered, one after the other."""
    told = [await world.call("POST", f"/v1/sales/{SALE}/passes", {}, auth=one) for one in places]
    return [(one.status, one.data.get("reason", "")) for one in told]


async def past_grace(world: World) -> None:
    """Wait until the pump has seen that the grace of both turns is over."""
    async with asyncio.timeout(PATIENCE_S):
        while (await world.services.rooms.frame(SALE)).lanes[0].late < 2:
            await world.services.rooms.pump(SALE, 100)
            await asyncio.sleep(0.05)


@pytest.mark.parametrize("name", VERBS)
async def test_a_verb_is_in_force_everywhere(two: tuple[World, World], name: str) -> None:
    """Its claims obey at once; its frame tells after one turn of a loop; the journal has it."""
    here, there = two
    verb = VERBS[name]
    places = await called(here)
    for path, body in verb.before:
        await act(here, path, body)
    frames = there.services.housekeeping.loops["frames"]
    await frames.run_once()
    old = await shown(there, *verb.shown)
    await act(here, verb.path, verb.body)
    assert await shown(here, *verb.shown) == verb.shown
    if verb.late:
        await past_grace(there)
    assert await claims(there, places[: len(verb.claims)]) == verb.claims
    assert await shown(there, *verb.shown) == old != verb.shown, "nobody has told it yet"
    await frames.run_once()
    assert await shown(there, *verb.shown) == verb.shown
    auth = there.keys["operator"]
    actor = (await there.call("GET", "/v1/operator/sales", auth=auth)).data["actor"]
    newest = (await there.call("GET", f"{BASE}/changes", auth=auth)).data["changes"][0]
    assert (newest["what"], newest["detail"], newest["actor"]) == (*verb.noted, actor)


def test_its_loop_turns_within_a_second() -> None:
    """Several times, so that one turn that fails or is late makes no difference."""
    assert max(FRAMES_S, JOURNAL_S) <= 0.5
