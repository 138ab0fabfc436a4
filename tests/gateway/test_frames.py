"""The frame as it is polled: what caches may do with it, and what it costs."""

import gzip
from contextlib import suppress
from dataclasses import replace
from typing import Any

import pytest

from gateway.frames import COMPRESSED_FROM, SAME_FOR_MS, kept_frame
from lua.faults import Fenced, NothingHappened
from queueing import Frame
from tests.gateway.world import SALE, World

PATH = f"/v1/sales/{SALE}/frame"
POLLS = 200


async def test_a_poll_costs_the_store_nothing(world: World) -> None:
    """Polls of the frame and open streams give the store not one command."""
    await world.services.housekeeping.stop()
    before = await world.store_commands()
    for _ in range(POLLS):
        assert (await world.call("GET", PATH)).status == 200
    for _ in range(3):
        async with world.http.get(f"{world.url}{PATH}s") as stream:
            await stream.content.readuntil(b"\n\n")
            await world.services.streams.tell()
    assert await world.store_commands() == before + 1, "only the counting itself"


async def test_any_cache_may_keep_it_and_nobody_is_known_by_it(world: World) -> None:
    """Public, fresh for a second, older while it is asked again or cannot be; no cookies."""
    told = await world.call("GET", PATH, headers={"Cookie": "__Host-dropgate-spring=x"})
    assert told.status == 200
    names = {name.lower() for name in told.headers}
    assert told.headers["Cache-Control"] == (
        "public, max-age=1, stale-while-revalidate=5, stale-if-error=60"
    )
    assert not names & {"set-cookie", "vary", "authorization"}


async def test_who_has_it_is_not_sent_it_again(world: World) -> None:
    """304 for the same state, also when it was read again meanwhile; 200 for another one."""
    await world.services.housekeeping.stop()
    frame = world.services.frames.of(SALE).frame
    first = await world.call("GET", PATH)
    tag = first.headers["ETag"]
    again = await world.call("GET", PATH, headers={"If-None-Match": f'"other", {tag}'})
    assert (again.status, again.body, again.headers["ETag"]) == (304, b"", tag)
    assert "Content-Length" not in again.headers, "some clients would wait for so many bytes"
    begin = frame.at_ms // SAME_FOR_MS * SAME_FOR_MS
    tags = [
        kept_frame(replace(frame, at_ms=begin + ms)).etag
        for ms in (0, SAME_FOR_MS - 1, SAME_FOR_MS)
    ]
    assert tags[0] == tags[1] == tag != tags[2]
    await world.call(
        "PATCH", f"/v1/operator/sales/{SALE}/rate", {"rate_per_s": 5}, auth=world.keys["operator"]
    )
    await world.services.frames.refresh(SALE)
    changed = await world.call("GET", PATH, headers={"If-None-Match": tag})
    assert (changed.status, changed.data["rate_per_s"]) == (200, 5)


async def test_only_a_long_frame_is_compressed(world: World) -> None:
    """What fits one packet is sent as it is; a longer one as its reader likes it."""
    await world.services.housekeeping.stop()
    kept = world.services.frames.of(SALE)
    assert kept.small is None
    assert len(kept.body) <= COMPRESSED_FROM
    long = kept_frame(replace(kept.frame, sale="s" * COMPRESSED_FROM))
    world.services.frames._kept[SALE] = long  # no sale has a name so long
    for encoding, is_small in (("gzip", True), ("identity", False)):
        asked = {"Accept-Encoding": encoding}
        async with world.http.get(world.url + PATH, headers=asked) as told:
            assert ("gzip" in told.headers.get("Content-Encoding", "")) == is_small
            assert told.headers["Vary"] == "Accept-Encoding"
            assert await told.read() == long.body
    assert long.small is not None
    assert gzip.decompress(long.small.body) == long.body
    assert len(long.small.body) < len(long.body)


async def test_one_lost_answer_is_no_news(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """The frame stands still once its store was silent for a second, or is fenced, not before."""
    services = world.services
    await services.housekeeping.stop()
    away: list[Exception] = []

    async def asked(_sale: str) -> Frame:
        raise away[-1]

    async def seen() -> tuple[Any, Any]:
        with suppress(NothingHappened):
            await services.frames.refresh(SALE)
        told = (await world.call("GET", PATH)).data
        return told["state"], told["reason"]

    before = await seen()
    assert before == ("open", "operator")
    monkeypatch.setattr(services.rooms, "frame", asked)
    away.append(NothingHappened("an answer was lost"))
    monkeypatch.setattr("gateway.frames.SILENT_S", 60.0)
    assert await seen() == before
    monkeypatch.setattr("gateway.frames.SILENT_S", 0.0)
    assert await seen() == ("paused", "store")
    monkeypatch.setattr("gateway.frames.SILENT_S", 60.0)
    away.append(Fenced("1"))
    assert await seen() == ("paused", "store")
