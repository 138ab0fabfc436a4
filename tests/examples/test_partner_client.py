"""The example client of partners against a real gateway, over lines that break."""

import asyncio
import json
import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

from tests.docs.sale import ALLOTMENT, SALE, SOLD_HERE, site as site  # noqa: PLC0414  # a fixture
from tests.gateway.conftest import state_directory as state_directory  # noqa: PLC0414  # a fixture
from tests.gateway.world import World
from tests.house.sources import HOUSE

CLIENT = HOUSE / "examples" / "partner-client" / "dropgate_partner.py"
UNITS = 100


async def started(url: str, site: World, *words: str) -> asyncio.subprocess.Process:
    """The client at work, as a partner starts it."""
    key = site.keys["partner"].removeprefix("Bearer ")
    return await asyncio.create_subprocess_exec(
        sys.executable, CLIENT, *words,
        env={"DROPGATE": url, "KEY": key, "PATH": os.environ["PATH"], "PYTHONUTF8": "1"},
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip


async def told(url: str, site: World, *words: str) -> str:
    """What the client says, once it has done its work."""
    process = await started(url, site, *words)
    said, complained = await process.communicate()
    assert (process.returncode, complained) == (0, b""), complained.decode()
    return said.decode()


@asynccontextmanager
async def breaking(url: str, *bounds: int) -> AsyncIterator[str]:
    """A way to the gateway whose n-th connection breaks after so many bytes of its answer."""
    host, port = url.removeprefix("http://").split(":")
    left = list(bounds)
    open_ones: set[asyncio.Task[None]] = set()

    def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        open_ones.add(asyncio.create_task(passing(reader, writer)))

    async def passing(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there, here = await asyncio.open_connection(host, int(port))
        bound = left.pop(0) if left else sys.maxsize
        here.write(await reader.readuntil(b"\r\n\r\n"))

        async def rest() -> None:
            while piece := await reader.read(4_096):
                here.write(piece)

        sending = asyncio.create_task(rest())
        try:
            while bound > 0 and (piece := await there.read(min(bound, 4_096))):
                writer.write(piece)
                bound -= len(piece)
        finally:
            sending.cancel()
            for end in (here, writer):
                end.close()
                with suppress(OSError):
                    await end.wait_closed()

    server = await asyncio.start_server(accept, "127.0.0.1", 0)
    try:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    finally:
        server.close()
        await server.wait_closed()
        for one in open_ones:
            one.cancel()
        await asyncio.gather(*open_ones, return_exceptions=True)


def sell(key: str, offer: str = SOLD_HERE) -> tuple[str, ...]:
    """The words of a sale."""
    return ("sell", SALE, offer, "--buyer", "user-77", "--reference", "A-1", "--key", key)


async def test_a_sale_whose_answer_is_lost_is_one_sale(site: World) -> None:
    """Cut before, and in the middle of, the answer: repeated with its key, sold once."""
    async with breaking(site.url, 0, 60) as url:
        order = json.loads(await told(url, site, *sell("k-1")))
    assert order["state"] == "confirmed"
    assert json.loads(await told(site.url, site, *sell("k-1")))["id"] == order["id"]
    counts = await site.services.counts.read(site.services.shelves.standing(SALE))
    assert counts.total.sold == 1


async def test_a_refusal_is_told_in_one_line(site: World) -> None:
    """No trace, the code, and exit status 1."""
    process = await started(site.url, site, *sell("k-2", offer="nothing"))
    _, complained = await process.communicate()
    assert process.returncode == 1
    assert complained.decode().startswith("422 unknown_offer: ")
    assert complained.count(b"\n") == 1


async def test_a_download_that_breaks_loses_and_doubles_nothing(
    site: World, tmp_path: Path
) -> None:
    """Cut in the headers, inside a line, and between lines: every unit once, in order."""
    file = tmp_path / "codes.ndjson"
    async with breaking(site.url, 100, 2_000, 5_000, 377) as url:
        said = await told(url, site, "codes", SALE, ALLOTMENT, str(file))
    assert said == f"{file} has all {UNITS} units\n"
    units = [json.loads(line) for line in file.read_text().splitlines()]
    numbers = [unit["unit"] for unit in units]
    assert (len(numbers), numbers) == (UNITS, sorted(set(numbers)))
    assert len({unit["code"] for unit in units}) == UNITS
    assert file.stat().st_mode & 0o077 == 0
    before = file.read_bytes()
    await told(site.url, site, "codes", SALE, ALLOTMENT, str(file))
    assert file.read_bytes() == before


async def test_a_download_goes_on_after_a_crash(site: World, tmp_path: Path) -> None:
    """Whatever a killed client left in its file, the next one completes it."""
    whole = tmp_path / "whole"
    await told(site.url, site, "codes", SALE, ALLOTMENT, str(whole))
    for cut in (0, 1, 500, whole.read_bytes().find(b"\n") + 1, len(whole.read_bytes()) - 1):
        file = tmp_path / f"cut-{cut}"
        file.write_bytes(whole.read_bytes()[:cut])
        await told(site.url, site, "codes", SALE, ALLOTMENT, str(file))
        assert file.read_bytes() == whole.read_bytes(), cut


async def test_events_are_told_again_only_when_they_were_not_dealt_with(
    site: World, tmp_path: Path
) -> None:
    """The cursor follows; a client killed while it follows is carried on by the next."""
    cursor = tmp_path / "cursor"
    await told(site.url, site, *sell("k-3"))
    await site.settle()
    words = ("events", "--cursor", str(cursor))
    first = [json.loads(line) for line in (await told(site.url, site, *words)).splitlines()]
    assert [one["type"] for one in first] == ["allotment.allotted", "order.sold"]
    assert await told(site.url, site, *words) == ""
    following = await started(site.url, site, *words, "--follow")
    await told(site.url, site, *sell("k-4"))
    await site.settle()
    assert following.stdout is not None
    line = json.loads(await asyncio.wait_for(following.stdout.readline(), 30))
    assert line["seq"] == first[-1]["seq"] + 1
    while cursor.read_text() != str(line["seq"]):
        await asyncio.sleep(0.01)
    following.send_signal(signal.SIGKILL)
    await following.communicate()
    assert await told(site.url, site, *words) == ""
