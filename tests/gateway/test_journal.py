"""The operators' journal of a room outlives the store that it was written in."""

from typing import Any

import pytest

from gateway.link import Link
from inventory.catalogue import Catalogue
from queueing import RoomSettings
from tests.gateway.test_room_keeping import forget, given_back
from tests.gateway.world import SALE, World
from tests.inventory.sale_files import CODES

PATH = f"/v1/operator/sales/{SALE}"
NOWHERE = "postgresql://nobody@127.0.0.1:1/none"


@pytest.fixture
async def quiet(world: World) -> World:
    """The gateway without its loops: the test alone turns them."""
    await world.services.housekeeping.stop()
    await world.services.rooms.recovery.look(SALE)
    return world


async def told(world: World) -> list[tuple[str, str]]:
    """The rates that operators set, the newest first."""
    answer = await world.call("GET", f"{PATH}/changes", auth=world.keys["auditor"])
    assert answer.status == 200
    return [(one["what"], one["detail"]) for one in answer.data["changes"] if one["what"] == "rate"]


async def change(world: World, rate: int) -> None:
    """An operator sets the rate over HTTP."""
    body: dict[str, Any] = {"rate_per_s": rate, "burst": 3}
    answer = await world.call("PATCH", f"{PATH}/rate", body, auth=world.keys["operator"])
    assert answer.status == 200


async def test_a_change_is_told_after_the_store_lost_it(quiet: World) -> None:
    """It was answered, so it is kept: no loop had to come by."""
    await change(quiet, 7)
    before = await told(quiet)
    assert before[0] == ("rate", "7000 3")
    await forget(quiet)
    assert await told(quiet) == before
    await given_back(quiet)
    await change(quiet, 8)
    assert await told(quiet) == [("rate", "8000 3"), *before]


async def test_a_change_by_another_process_is_kept_within_a_turn(quiet: World) -> None:
    """Whoever made it, and once: the second turn finds nothing new."""
    journal, rooms = quiet.services.journal, quiet.services.rooms
    await journal.turn()
    await rooms.set_room(SALE, RoomSettings(rate_per_s=9, burst=3), "somebody")
    await rooms.recovery.look(SALE)
    assert await journal.turn() == 1
    assert await journal.turn() == 0
    await forget(quiet)
    newest = (await journal.newest(SALE, 1))[0]
    assert (newest.what, newest.actor, newest.detail) == ("rate", "somebody", "9000 3")


async def test_a_change_does_not_depend_on_the_database(quiet: World) -> None:
    """While it is gone the change is made and told, and it is kept once the database is back."""
    there, services = quiet.services.catalogue, quiet.services
    services.catalogue = Link(lambda: Catalogue.connect(NOWHERE, CODES))
    await change(quiet, 6)
    assert (await told(quiet))[0] == ("rate", "6000 3")
    await forget(quiet)
    assert await told(quiet) == []
    await given_back(quiet)
    await change(quiet, 5)
    services.catalogue = there
    await services.rooms.recovery.look(SALE)
    assert await services.journal.turn() == 1
    await forget(quiet)
    assert (await told(quiet))[0] == ("rate", "5000 3")
