"""An allotment's codes on their way out: whole, in pieces, broken off and resumed."""

import asyncio
import csv
import io
import logging
from json import loads
from typing import Any

import aiohttp
import msgspec
import pytest

from gateway import allotment_desk, responses
from gateway.allotment_desk import PIECE_UNITS
from inventory import keys
from inventory.allotments import Allotments
from lua.faults import NothingHappened
from tests.gateway.world import PRICE, SALE, World

PATH = "/v1/partner/allotments/{name}/codes"
LAST = "Dropgate-Last-Unit"
HUGE, FIRST = 100_000, 1_000_000


async def plant(world: World, units: int, *, name: str = "huge", first: int = FIRST) -> None:
    """An allotment larger than a script makes at once, put into the store by hand."""
    number = 999
    owner = f"allotment:{number:014d}"
    record = [name, "market", 1, [first, units], 0, units, 0, 0, 0]
    entry, per_chunk = f"a0{owner}".encode(), keys.UNITS_PER_CHUNK
    assert len(entry) == keys.UNIT_ENTRY_BYTES
    assert first % per_chunk == 0
    chunks = range(first // per_chunk, -(-(first + units) // per_chunk))
    store = world.services.store
    await store.write("HSET", keys.allotments(SALE), number, msgspec.msgpack.encode(record))
    fields = [part for chunk in chunks for part in (chunk, entry * per_chunk)]
    for at in range(0, len(fields), 2_000):
        await store.write("HSET", keys.units(SALE), *fields[at : at + 2_000])


async def take(world: World, name: str, query: str = "", **headers: str) -> Any:
    """One answer, whole: its headers and its lines."""
    told = await world.call(
        "GET",
        PATH.format(name=name) + f"?sale={SALE}{query}",
        auth=world.keys["partner"],
        headers=headers,
    )
    assert told.status == 200, told.data
    return told


def units_of(body: bytes) -> list[dict[str, Any]]:
    """The units of NDJSON lines; a last line that was cut is left out."""
    return [loads(line) for line in body[: body.rfind(b"\n") + 1].splitlines()]


async def test_a_hundred_thousand_codes_come_in_one_answer(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All of them, once each, in their order, while the process goes on answering others."""
    await plant(world, HUGE)
    answered, seen = 0, set()
    with_codes = allotment_desk.AllotmentDesk._with_codes

    async def watched(*args: Any) -> Any:
        seen.add(answered)
        return await with_codes(*args)

    async def others() -> None:
        nonlocal answered
        while True:
            await world.call("GET", "/livez")
            answered += 1

    monkeypatch.setattr(allotment_desk.AllotmentDesk, "_with_codes", watched)
    asking = asyncio.create_task(others())
    told = await take(world, "huge")
    asking.cancel()
    units = units_of(told.body)
    assert [one["unit"] for one in units] == list(range(FIRST, FIRST + HUGE))
    assert len({one["code"] for one in units}) == HUGE
    assert told.headers[LAST] == str(FIRST + HUGE - 1)
    assert "Content-Length" not in told.headers, "it is made while it is sent"
    assert len(seen) > 50, "others were answered in between"


async def test_every_break_is_resumed_without_loss(world: World) -> None:
    """Cut anywhere, inside a line too: `after` the last whole line goes on, nothing comes twice."""
    await plant(world, 700)
    whole = units_of((await take(world, "huge")).body)
    for first_cut in (0, 1, 40, 95, 4_000, 4_001, 50_000):
        got: list[dict[str, Any]] = []
        for cut in range(first_cut, 1_000_000, 997):
            after = got[-1]["unit"] if got else -1
            told = await take(world, "huge", f"&after={after}")
            got += units_of(told.body[: cut or None])
            if got and str(got[-1]["unit"]) == told.headers[LAST]:
                break
        assert got == whole


async def test_a_part_may_be_asked_for(world: World) -> None:
    """With a limit the answer ends early, and its header still says where the end is."""
    await plant(world, 700)
    told = await take(world, "huge", f"&after={FIRST + 9}&limit=300")
    units = [one["unit"] for one in units_of(told.body)]
    assert units == list(range(FIRST + 10, FIRST + 310))
    assert told.headers[LAST] == str(FIRST + 699)
    rest = await take(world, "huge", f"&after={FIRST + 699}")
    assert (rest.body, rest.headers[LAST]) == (b"", str(FIRST + 699))


async def test_csv_that_is_resumed_fits_onto_what_there_is(world: World) -> None:
    """The line of names comes once, and the media type says whether it is there."""
    first = await take(world, "box", "&limit=4", Accept="text/csv")
    assert first.headers["Content-Type"] == "text/csv; charset=utf-8; header=present"
    rows = list(csv.DictReader(io.StringIO(first.body.decode())))
    rest = await take(world, "box", f"&after={rows[-1]['unit']}", Accept="text/csv")
    assert rest.headers["Content-Type"] == "text/csv; charset=utf-8; header=absent"
    both = list(csv.DictReader(io.StringIO((first.body + rest.body).decode())))
    lines = units_of((await take(world, "box")).body)
    assert [(row["unit"], row["code"]) for row in both] == [
        (str(one["unit"]), one["code"]) for one in lines
    ]
    assert rest.headers[LAST] == both[-1]["unit"]


async def test_units_that_went_back_have_no_code(world: World) -> None:
    """They are told as returned, so that the last unit's line always comes."""
    auth = world.keys["partner"]
    units = [one["unit"] for one in units_of((await take(world, "box")).body)]
    back = f"/v1/partner/allotments/box/returns?sale={SALE}"
    await world.call("POST", back, {"units": [units[-1]]}, auth=auth)
    sold = {"lines": [{"unit": units[0], "amount_minor": PRICE, "reference": "R"}]}
    await world.call("POST", f"/v1/partner/allotments/box/sales?sale={SALE}", sold, auth=auth)
    told = units_of((await take(world, "box")).body)
    assert [one["state"] for one in told] == ["sold", *["allotted"] * 8, "returned"]
    assert ["code" in one for one in told] == [True] * 9 + [False]
    assert told[-1]["unit"] == units[-1]


async def test_a_store_that_goes_away_cuts_the_line(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Before the first line: 503. Later: the answer is seen to be broken, never taken for whole."""
    await plant(world, 700)
    units, calls = Allotments.units, 0

    async def failing(self: Allotments, *args: Any, **options: Any) -> Any:
        nonlocal calls
        calls += 1
        if calls >= broken_from:
            raise NothingHappened("gone")
        return await units(self, *args, **options)

    monkeypatch.setattr(Allotments, "units", failing)
    broken_from = 1
    url = f"{PATH.format(name='huge')}?sale={SALE}"
    told = await world.call("GET", url, auth=world.keys["partner"])
    assert (told.status, told.code) == (503, "nothing_happened")
    calls, broken_from = 0, 3
    with pytest.raises(aiohttp.ClientPayloadError):
        await world.call("GET", url, auth=world.keys["partner"])


async def test_a_client_that_reads_nothing_is_let_go(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An export waits for its client, holds little meanwhile, and ends when it never reads."""
    await plant(world, HUGE)
    monkeypatch.setattr(responses, "SEND_TIMEOUT_S", 0.3)
    made = 0
    with_codes = allotment_desk.AllotmentDesk._with_codes

    async def counted(*args: Any) -> Any:
        nonlocal made
        made += PIECE_UNITS
        return await with_codes(*args)

    monkeypatch.setattr(allotment_desk.AllotmentDesk, "_with_codes", counted)
    host, port = world.url.removeprefix("http://").split(":")
    reader, writer = await asyncio.open_connection(host, int(port), limit=1)
    path = f"{PATH.format(name='huge')}?sale={SALE}"
    head = f"GET {path} HTTP/1.1\r\nHost: x\r\nAuthorization: {world.keys['partner']}\r\n\r\n"
    writer.write(head.encode())
    await writer.drain()
    while world.services.gate.in_flight == 0:
        await asyncio.sleep(0.01)
    while world.services.gate.in_flight:
        await asyncio.sleep(0.01)
    assert 0 < made < HUGE
    writer.transport.abort()
    del reader


async def test_a_head_has_the_end_and_no_lines(world: World) -> None:
    """HEAD tells the last unit and ends at once."""
    told = await world.call(
        "HEAD", f"{PATH.format(name='box')}?sale={SALE}", auth=world.keys["partner"], key=""
    )
    assert (told.status, told.body) == (200, b"")
    assert int(told.headers[LAST]) > 0


async def test_no_code_reaches_a_log(
    world: World, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever happens to an export, bugs too, the logs hold none of its codes."""
    caplog.set_level(logging.DEBUG)
    codes = [one["code"] for one in units_of((await take(world, "box")).body)]
    sent = responses._send

    async def failing(response: Any, piece: bytes) -> None:
        await sent(response, piece)
        raise RuntimeError("a bug")

    monkeypatch.setattr(responses, "_send", failing)
    with pytest.raises(aiohttp.ClientPayloadError):
        await take(world, "box")
    assert "bug while streaming" in caplog.text
    for code in codes:
        assert code not in caplog.text
        assert code.replace("-", "") not in caplog.text
