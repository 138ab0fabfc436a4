"""Operators and reconciliations over HTTP: the newest runs, and page by page what one found."""

from typing import Any

from tests.gateway.every_route import TODAY
from tests.gateway.world import World

HEADER = "line,order,reference,status,quantity,amount_minor,currency,at\n"


async def reconcile(world: World, csv: str) -> Any:
    """The partner hands in its statement of today."""
    told = await world.call(
        "POST",
        f"/v1/partner/statements?date={TODAY}",
        data=(HEADER + csv).encode(),
        auth=world.keys["partner"],
    )
    assert told.status == 201, told.data
    return told.data


async def breaks(world: World, query: str = "") -> Any:
    """What the auditor reads."""
    told = await world.call("GET", f"/v1/operator/breaks{query}", auth=world.keys["auditor"])
    assert told.status == 200, told.data
    return told.data


def bare(seen: Any) -> list[dict[str, Any]]:
    """The breaks as the partner was told them."""
    return [{k: v for k, v in one.items() if k != "position"} for one in seen["breaks"]]


async def test_before_any_reconciliation_there_is_nothing(world: World) -> None:
    """No runs, no breaks."""
    assert await breaks(world) == {"runs": [], "breaks": []}


async def test_the_newest_run_comes_first_with_its_breaks(world: World) -> None:
    """Each break with class, owner, default action and both sides, page by page, by class."""
    lines = [f"{at},{'0' * 22}{at:02d},r{at},sold,1,380,CNY,\n" for at in range(1, 8)]
    older = await reconcile(world, "".join(lines[:2]))
    newer = await reconcile(world, "".join(lines) + "8,oops\n")
    seen = await breaks(world)
    assert [run["run"] for run in seen["runs"]] == [newer["run"], older["run"]]
    assert seen["run"] == newer["run"]
    run = seen["runs"][0]
    assert (run["partner"], run["date"], run["counts"]) == ("market", TODAY, newer["counts"])
    assert (run["lines_theirs"], run["cut"]) == (8, False)
    assert [one["position"] for one in seen["breaks"]] == list(range(1, 9))
    assert bare(seen) == newer["breaks"]
    first = await breaks(world, "?limit=3")
    rest = await breaks(world, f"?limit=500&after={first['next']}&run={newer['run']}")
    assert first["breaks"] + rest["breaks"] == seen["breaks"]
    [bad] = (await breaks(world, "?class=malformed_line"))["breaks"]
    assert (bad["class"], bad["owner"], bad["default_action"]) == (
        "malformed_line",
        "partner",
        "ask_for_correction",
    )
    assert bare(await breaks(world, f"?run={older['run']}")) == older["breaks"]


async def test_runs_are_chosen_by_partner_and_day(world: World) -> None:
    """Another partner, another day: nothing; a day that is none is refused."""
    await reconcile(world, "")
    assert len((await breaks(world, f"?partner=market&date={TODAY}"))["runs"]) == 1
    assert (await breaks(world, "?partner=other"))["runs"] == []
    assert (await breaks(world, "?date=2014-03-08"))["runs"] == []
    told = await world.call(
        "GET", "/v1/operator/breaks?date=2014-02-30", auth=world.keys["operator"]
    )
    assert (told.status, told.code) == (422, "invalid")
