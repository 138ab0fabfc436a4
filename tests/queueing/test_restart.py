"""The room after its store was killed: nothing that was told is forgotten, nothing is doubled."""

from pathlib import Path

import lua.embedded
from lua.process import start, stop, wait_ready
from lua.store import Store
from queueing import Wait
from tests.queueing.conftest import OPENS_MS, SALE, admit, another_gateway, join, open_room


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
        assert await rooms.frame(SALE, now_ms=OPENS_MS) == told
        assert await join(rooms, *range(500)) == places
        again = [await admit(another_gateway(store), place) for place in places[:3]]
        assert [one.pass_token for one in again] == [one.pass_token for one in passes]
        await rooms.pump(SALE, 100, now_ms=OPENS_MS + 1_000)
        fourth = await rooms.claim(SALE, places[3], now_ms=OPENS_MS + 1_000)
        assert isinstance(fourth, Wait)
        assert await store.read("ZCARD", f"{{{SALE}:room}}:leases") == 3
    finally:
        await store.close()
        await stop(program, process)
