"""What operators see over HTTP: all sales, one sale, its last minutes, and who did what."""

from array import array
from dataclasses import replace
from typing import Any

import pytest

from gateway.board import _COLUMNS
from gateway.counting import Tally
from inventory.catalogue import Issued
from lua.faults import NothingHappened
from queueing import Moment
from tests.gateway.world import SALE, World, furnish

PATH = f"/v1/operator/sales/{SALE}"
PARTS = ("available", "held", "allotted", "sold", "redeemed", "voided", "returned")


async def board(world: World) -> Any:
    """The sale as its operators see it."""
    told = await world.call("GET", PATH, auth=world.keys["auditor"])
    assert told.status == 200, told.data
    return told.data


async def test_a_sale_is_shown_as_it_stands(world: World) -> None:
    """State, revision, drops, room, units and how far the books are, all in one answer."""
    order = await world.buy("ann")
    await world.redeem(order["units"][0]["code"])
    await world.hold("bob")
    await world.place("eve")
    shelf = await world.services.shelves.refresh_sale(SALE)
    assert shelf is not None
    await world.services.counts.read(shelf)
    await world.services.frames.refresh(SALE)
    told = await world.call("GET", PATH, auth=world.keys["operator"])
    assert (told.status, told.headers["ETag"]) == (200, '"1"')
    seen = told.data
    assert (seen["id"], seen["state"], seen["revision"]) == (SALE, "open", 1)
    assert [drop["id"] for drop in seen["drops"]] == ["now", "evening"]
    total, room = seen["total"], seen["room"]
    assert (total["sold"], total["redeemed"], total["held"], total["allotted"]) == (1, 1, 2, 10)
    assert total["released"] == sum(total[part] for part in PARTS)
    assert (room["state"], room["drop"], room["joined"], room["admitted"]) == ("open", 1, 3, 2)
    assert (room["rate_per_s"], room["burst"], room["reason"]) == (1000, 1000, "operator")
    assert room["waiting"] == room["joined"] - room["called"]
    assert seen["lag"] == seen["fact"] - seen["settled"] > 0
    await world.settle()
    await world.services.shelves.refresh()
    assert (await board(world))["lag"] == 0


async def test_a_key_for_one_sale_sees_that_sale_alone(world: World) -> None:
    """The list has what is in the key's scope, and says whether the key may change anything."""
    await furnish(world.services, sale="winter", opened=False)
    catalogue = await world.services.catalogue.get()
    issued = await catalogue.issue_credential("operator", "winter", "one")
    assert isinstance(issued, Issued)
    await world.services.credentials.refresh()
    for auth, ids, acts in (
        (world.keys["operator"], [SALE, "winter"], True),
        (world.keys["auditor"], [SALE, "winter"], False),
        (f"Bearer {issued.text}", ["winter"], True),
    ):
        told = await world.call("GET", "/v1/operator/sales", auth=auth)
        assert [sale["id"] for sale in told.data["sales"]] == ids
        assert told.data["acts"] is acts
        assert told.data["actor"].startswith("operator:" if acts else "auditor:")
    path = f"Bearer {issued.text}"
    assert (await world.call("GET", PATH, auth=path)).code == "out_of_scope"
    assert (await world.call("GET", "/v1/operator/breaks", auth=path)).code == "out_of_scope"


async def test_the_board_stays_when_the_store_is_gone(world: World, monkeypatch: Any) -> None:
    """Without the store the last numbers are shown, with the time that they are of."""

    async def gone(_shelf: object) -> Tally:
        raise NothingHappened("the store is away")

    before = await board(world)
    await world.services.housekeeping.stop()
    monkeypatch.setattr(world.services.counts, "recent", gone)
    after = await board(world)
    assert after["total"] == before["total"]
    assert after["room"]["at_ms"] <= after["server_time_ms"]


async def test_a_console_opened_late_sees_the_past_minutes(world: World, monkeypatch: Any) -> None:
    """A moment a second is remembered, in columns, of the last 15 minutes and no more."""
    services = world.services
    await services.housekeeping.stop()
    path, auth = f"{PATH}/history", world.keys["auditor"]
    shelf = services.shelves.standing(SALE)
    for name in ("ann", "bob"):
        await world.buy(name)
        await services.shelves.refresh_sale(SALE)
        await services.frames.refresh(SALE)
        await services.counts.read(shelf)
        assert services.board.note([shelf]) == 1
    services.board.note([shelf])  # the store has said nothing new
    told = (await world.call("GET", path, auth=auth)).data
    assert told["sold"][-2:] == [2, 4]
    assert told["admitted"][-2:] == [1, 2]
    assert told["rate_milli"][-1] == 1_000_000
    lengths = {len(column) for column in told.values() if isinstance(column, list)}
    assert len(lengths) == 1
    monkeypatch.setattr("gateway.board.HISTORY_MAX", 5)
    for _ in range(8):
        before = services.frames.of(SALE).frame.at_ms
        while (await services.frames.refresh(SALE)).frame.at_ms == before:
            pass  # the store's next millisecond is another moment
        services.board.note([shelf])
    told = (await world.call("GET", path, auth=auth)).data
    assert len(told["at_ms"]) == 5
    assert told["at_ms"] == sorted(told["at_ms"])
    assert services.board.note([]) == 0
    assert (await world.call("GET", path, auth=auth)).data["at_ms"] == []


async def test_who_did_what_is_told(world: World) -> None:
    """Each change of the room stands in the log, the newest first, with the key's id."""
    auth = world.keys["operator"]
    await world.call("POST", f"{PATH}/pause", {}, auth=auth)
    await world.call("PATCH", f"{PATH}/rate", {"rate_per_s": 7.5, "burst": 3}, auth=auth)
    changes = (await world.call("GET", f"{PATH}/changes", auth=world.keys["auditor"])).data
    mine = (await world.call("GET", "/v1/operator/sales", auth=auth)).data["actor"]
    rate, state = (one for one in changes["changes"] if one["actor"] == mine)
    assert (rate["what"], rate["detail"]) == ("rate", "7500 3")
    assert (state["what"], state["detail"]) == ("state", "paused")
    assert rate["at_ms"] >= state["at_ms"]


async def test_another_rate_is_tried_on_what_was_recorded(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Twice the rate would have let twice as many in; the rules in force come out as they were."""
    services = world.services
    await services.housekeeping.stop()
    path, auth = f"{PATH}/forecast", world.keys["auditor"]
    assert (await world.call("POST", path, {}, auth=auth)).code == "no_record"
    frame = services.frames.of(SALE).frame
    begun = [
        Moment(frame.at_ms + 1000 * second, 20 * second, 10 * second, 10 * second, 300, 90_000)
        for second in range(600)
    ]
    monkeypatch.setattr(services.board, "record", lambda _sale: begun)
    now = replace(frame, operator_rate_per_s=10.0, burst=1, active_max=0)
    kept = replace(services.frames.of(SALE), frame=now)
    monkeypatch.setattr(services.frames, "of", lambda _sale: kept)
    told = await world.call("POST", path, {"rate_per_s": 20}, auth=auth)
    assert told.status == 200, told.data
    seen = told.data
    assert (seen["rate_per_s"], seen["burst"], seen["no_show_share"]) == (20, 1, 0)
    assert seen["was"]["admitted"] == 5_990
    assert seen["model"]["admitted"] == pytest.approx(5_990, rel=0.01)
    assert seen["would_be"]["admitted"] == pytest.approx(2 * 5_990, rel=0.02)
    assert seen["would_be"]["waiting"] < 50 < seen["was"]["waiting"]
    assert len(seen["at_ms"]) == len(seen["would_be"]["line"]) <= 180
    assert seen["at_ms"][-1] == begun[-1].at_ms
    changes = (await world.call("GET", f"{PATH}/changes", auth=auth)).data["changes"]
    assert "rate" not in {one["what"] for one in changes}


async def test_the_record_is_of_the_line_that_is_on(world: World) -> None:
    """Of a line that began while it was recorded, nothing of the one before it is replayed."""
    services = world.services
    await services.housekeeping.stop()
    kept = services.board._history.setdefault(SALE, {})
    kept |= {name: array("q", [1, 2, 3, 4]) for name in _COLUMNS}
    kept["joined"] = array("q", [70, 90, 2, 5])
    assert [moment.joined for moment in services.board.record(SALE)] == [2, 5]
    assert services.board.record("unknown") == []
