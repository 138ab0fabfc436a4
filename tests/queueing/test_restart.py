"""The room after its store was killed: nothing that was told is forgotten, nothing is doubled."""

from pathlib import Path

import lua.embedded
from lua.process import start, stop, wait_ready
from lua.store import Store
from queueing import Recovering, Wait
from tests.queueing.conftest import OPENS_MS, SALE, admit, another_gateway, join, open_room

AGAIN_MS = OPENS_MS + 2_000


async def test_a_killed_store_forgets_no_place_and_no_pass(server_directory: Path) -> None:
    """After kill -9 every number, called turn, pass, lease and token is as it was told before."""
    home = server_directory / "killed"
    program = lua.embedded.prepare(home)
    process = start(program)
    await wait_ready(program, process)
    store = await Store.connect(lua.embedded.url(home))
    rooms = another_gateway(store)
    await open_room(rooms, active_max=3)
    places = await join(rooms, *range(500))
    await rooms.pump(SALE, 100, now_ms=OPENS_MS)
    passes = [await admit(rooms, place) for place in places[:3]]
    told = await rooms.frame(SALE, now_ms=OPENS_MS)

    process.kill()
    process.wait()
    program = lua.embedded.prepare(home)
    process = start(program)
    await wait_ready(program, process)
    try:
        assert isinstance(await rooms.recovery.look(SALE, OPENS_MS), Recovering)
        [lane], [before] = (await rooms.frame(SALE, now_ms=AGAIN_MS)).lanes, told.lanes
        assert (lane.serving, lane.admitted) == (before.serving, before.admitted)
        again = await join(rooms, *range(500), now_ms=AGAIN_MS)
        assert [place.number for place in again] == [place.number for place in places]
        inside = [await admit(another_gateway(store), place, AGAIN_MS) for place in places[:3]]
        assert [one.pass_token for one in inside] == [one.pass_token for one in passes]
        await rooms.pump(SALE, 100, now_ms=AGAIN_MS + 1_000)
        fourth = await rooms.claim(SALE, places[3], now_ms=AGAIN_MS + 1_000)
        assert isinstance(fourth, Wait)
        assert await store.read("ZCARD", f"{{{SALE}:room}}:leases") == 3
    finally:
        await store.close()
        await stop(program, process)
