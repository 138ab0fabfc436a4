"""Two operators of one sale: neither undoes unseen what the other has done (If-Match)."""

import asyncio
from typing import Any

import pytest

from inventory.sales import Sales, WrongState
from tests.gateway.world import SALE, Answer, World

BASE = f"/v1/operator/sales/{SALE}"
RATE: dict[str, Any] = {"rate_per_s": 77}
STATES = (("pause", "paused"), ("drain", "draining"), ("resume", "open"), ("close", "closed"))


async def change(
    world: World, what: str, body: dict[str, Any] | None = None, on: int | None = None
) -> Answer:
    """One operator's change, made from a revision of the room or from any."""
    method = {"rate": "PATCH", "message": "PUT"}.get(what, "POST")
    headers = {} if on is None else {"If-Match": f'"{on}"'}
    auth = world.keys["operator"]
    return await world.call(method, f"{BASE}/{what}", body or {}, auth=auth, headers=headers)


async def room(world: World) -> dict[str, Any]:
    """The room as the board shows it."""
    answer = await world.call("GET", BASE, auth=world.keys["auditor"])
    return dict(answer.data["room"])


def refused(answer: Answer, revision: int) -> bool:
    """Whether a change was refused for this revision, which is in force."""
    told = (answer.status, answer.code, answer.data.get("revision"))
    return told == (412, "stale_revision", revision)


async def test_neither_overwrites_the_other_unseen(world: World) -> None:
    """A change from an old revision is 412 with the one in force, and changes nothing."""
    seen = (await room(world))["revision"]
    first = await change(world, "rate", RATE, seen)
    assert (first.status, first.headers["ETag"]) == (200, f'"{seen + 1}"')
    for what, body in (
        ("rate", {"rate_per_s": 78}),
        ("rate", {"active_max": 5}),
        ("message", {"message": "x"}),
        ("pause", {}),
        ("drain", {}),
        ("close", {}),
    ):
        assert refused(await change(world, what, body, seen), seen + 1), what
    now = await room(world)
    assert (now["rate_per_s"], now["message"], now["revision"]) == (77, "", seen + 1)
    assert (now["state"], world.sale.state) == ("open", "open")
    second = await change(world, "message", {"message": "x"}, seen + 1)
    assert (second.status, second.headers["ETag"]) == (200, f'"{seen + 2}"')
    blind = await change(world, "rate", {"rate_per_s": 79})
    assert (blind.status, blind.headers["ETag"]) == (200, f'"{seen + 3}"')


async def test_a_repeat_of_a_change_finds_it_made(world: World) -> None:
    """Whatever the revision is by then: its answer was lost, not the change."""
    seen = (await room(world))["revision"]
    for what, body in (("rate", RATE), ("message", {"message": "x"}), ("pause", {})):
        first = await change(world, what, body, seen)
        assert (first.status, first.headers["ETag"]) == (200, f'"{seen + 1}"')
        again = await change(world, what, body, seen)
        assert (again.status, again.headers["ETag"]) == (200, f'"{seen + 1}"')
        assert again.headers["Idempotent-Replayed"] == "true"
        seen += 1


async def test_states_are_changed_from_a_revision(world: World) -> None:
    """Sale and room go together; each state is a revision, and the one before it is stale."""
    seen = (await room(world))["revision"]
    for what, state in STATES:
        moved = await change(world, what, on=seen)
        assert (moved.status, moved.data["state"]) == (200, state), moved.data
        assert moved.headers["ETag"] == f'"{seen + 1}"'
        now = await room(world)
        assert (now["state"], now["revision"]) == (state, seen + 1)
        assert world.sale.state == state
        if state != "closed":
            assert refused(await change(world, "close", on=seen), seen + 1)
        seen += 1
    wrong = await change(world, "resume", on=seen)
    assert (wrong.status, wrong.code) == (409, "wrong_state")


async def test_of_many_at_once_one_is_first(world: World) -> None:
    """All look at one board: one change is made, whoever makes it, and the others hear so."""
    seen = (await room(world))["revision"]
    told = await asyncio.gather(
        *(change(world, "rate", {"rate_per_s": 20 + at}, seen) for at in range(4)),
        *(change(world, "message", {"message": str(at)}, seen) for at in range(4)),
        change(world, "drain", on=seen),
        change(world, "pause", on=seen),
    )
    statuses = [one.status for one in told]
    assert statuses.count(200) == 1
    assert set(statuses) <= {200, 412, 409}, "409: what is draining cannot be paused"
    assert statuses.count(409) <= 1
    now = await room(world)
    assert now["revision"] == seen + 1
    assert now["state"] == world.sale.state, "the till did what the room did"


async def test_a_change_that_was_cut_off_is_finished_by_its_repeat(world: World) -> None:
    """The room was paused, and the gateway died before the till was."""
    seen = (await room(world))["revision"]
    await world.services.rooms.set_state(SALE, "paused", "ada", seen)
    done = await change(world, "pause", on=seen)
    assert (done.status, done.data["state"], done.headers["ETag"]) == (
        200,
        "paused",
        f'"{seen + 1}"',
    )
    assert "Idempotent-Replayed" not in done.headers
    assert world.sale.state == "paused"


async def test_the_room_follows_a_till_that_was_closed_meanwhile(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Somebody who named no revision closes the till in the middle of a pause, and dies there."""
    seen, services = (await room(world))["revision"], world.services
    desk, set_state = services.sale_desk, services.rooms.set_state

    async def closed_meanwhile(*args: Any, **named: Any) -> Any:
        monkeypatch.setattr(services.rooms, "set_state", set_state)
        told = await set_state(*args, **named)
        await Sales(services.store).change(world.sale, "close", actor="bob")
        return told

    monkeypatch.setattr(services.rooms, "set_state", closed_meanwhile)
    outcome = await desk.change_from(world.sale, "pause", seen, actor="ada")
    assert outcome == WrongState("closed")
    assert (await services.rooms.frame(SALE)).state == "closed"


async def test_a_revision_is_a_number_in_quotes(world: World) -> None:
    """Anything else is refused by name, before the room is asked."""
    for method, what, body in (("PATCH", "rate", RATE), ("POST", "pause", {})):
        odd = await world.call(
            method, f"{BASE}/{what}", body, auth=world.keys["operator"], headers={"If-Match": "7"}
        )
        assert (odd.status, odd.data["errors"][0]["field"]) == (422, "If-Match")
