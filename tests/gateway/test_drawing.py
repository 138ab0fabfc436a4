"""The draw over HTTP: commitment, list and seed by themselves, and a check by everybody."""

import asyncio
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from gateway import beacons
from queueing import Beacon, DrawnLine
from queueing.draw import leaf
from tests.gateway.a_beacon import CHAIN, PERIOD_S, LocalBeacon, local_beacon
from tests.gateway.world import PATIENCE_S, World, sale_body
from tests.queueing.drawn import round_of

SHOPPERS = 12
LOBBY_S = 3.0
"""Long enough for a slow machine to let so few join; whoever comes late is not drawn."""
SCRIPT = Path(__file__).parents[2] / "examples" / "verify_draw.py"


@pytest.fixture
async def beacon() -> AsyncIterator[LocalBeacon]:
    """A beacon of this machine."""
    async with local_beacon() as beacon:
        yield beacon


async def raffle(world: World, sale: str, **room: Any) -> int:
    """A sale whose lobby is open and whose drop opens soon: when, in milliseconds."""
    opens_ms = int((time.time() + LOBBY_S) * 1000)
    body = sale_body(
        sale,
        room={"rate_per_s": 1000, "burst": 1000, "pass_s": 60, "lobby_s": 60, **room},
        drops=[
            {"id": "now", "opens_at_ms": opens_ms},
            {"id": "evening", "opens_at_ms": opens_ms + 3_600_000},
        ],
    )
    put = await world.call(
        "PUT", f"/v1/operator/sales/{sale}", body, auth=world.keys["operator"],
        headers={"If-None-Match": "*"},
    )  # fmt: skip
    assert put.status in (200, 201), put.data
    opened = await world.call(
        "POST", f"/v1/operator/sales/{sale}/open", {}, auth=world.keys["operator"]
    )
    assert opened.status == 200, opened.data
    await world.services.frames.refresh(sale)
    return opens_ms


async def joined(world: World, sale: str) -> list[dict[str, Any]]:
    """The places of the shoppers, as they were given."""
    places = []
    for one in range(SHOPPERS):
        answer = await world.call(
            "POST", f"/v1/sales/{sale}/places", {}, auth=world.login(f"{sale}-{one}"),
            key=f"join-{one}",
        )  # fmt: skip
        assert answer.status == 201, answer.data
        places.append(answer.data)
    return places


async def fairness(world: World, sale: str, query: str = "") -> dict[str, Any]:
    """The fairness document."""
    answer = await world.call("GET", f"/v1/sales/{sale}/fairness{query}")
    assert answer.status == 200, answer.data
    return dict(answer.data)


async def until(world: World, sale: str, state: str) -> dict[str, Any]:
    """The fairness document once it is so far."""
    ends = time.monotonic() + PATIENCE_S
    while time.monotonic() < ends:
        told = await fairness(world, sale)
        if told["state"] == state:
            return told
        await asyncio.sleep(0.1)
    raise AssertionError(f"the draw of {sale} never was {state}")


async def files(world: World, sale: str, told: dict[str, Any], folder: Path) -> list[str]:
    """The document and its list as files, as a visitor would keep them."""
    shown = await world.call("GET", f"/v1/sales/{sale}/fairness")
    leaves = await world.call("GET", f"/v1/sales/{sale}/fairness/list?lane=0")
    assert leaves.headers["Dropgate-Registered"] == str(told["lanes"][0]["registered"])
    (folder / "fairness.json").write_bytes(shown.body)
    (folder / "fairness.json.0").write_bytes(leaves.body)
    return [str(folder / "fairness.json"), str(folder / "fairness.json.0")]


async def run(*words: str) -> tuple[int, str]:
    """A command's status and what it said."""
    done = await asyncio.to_thread(
        subprocess.run, [sys.executable, *words], capture_output=True, text=True, check=False
    )
    return done.returncode, done.stdout + done.stderr


async def test_a_draw_is_made_by_itself_and_anybody_can_check_it(
    world: World, tmp_path: Path
) -> None:
    """Committed to in the lobby, drawn at the opening, verified by command and script."""
    opens_ms = await raffle(world, "raffle")
    committed = await until(world, "raffle", "committed")
    assert (committed["seed"], committed["secret"], committed["digest"]) == ("", "", "")
    assert committed["committed_at_ms"] < opens_ms
    places = await joined(world, "raffle")
    told = await until(world, "raffle", "drawn")
    assert told["commitment"] == committed["commitment"]
    drawn = told["lanes"][0]["registered"]
    assert 0 < drawn <= SHOPPERS, "the machine was too slow for a lobby"

    ends, turns = time.monotonic() + PATIENCE_S, []
    while time.monotonic() < ends:
        shown = [
            await world.call("GET", "/v1/sales/raffle/places/me", auth=f"Place {one['place']}")
            for one in places
        ]
        turns = [one.data["turn"] for one in shown]
        if all(turns):
            break
    assert sorted(turns[:drawn]) == list(range(1, drawn + 1))
    by_number = {one["number"]: one["turn"] for one in told["vectors"]}
    assert all(by_number.get(number, turn) == turn for number, turn in enumerate(turns, start=1))

    names = await files(world, "raffle", told, tmp_path)
    assert (await run(str(SCRIPT), *names))[0] == 0
    status, said = await run("-m", "gateway.cli", "verify-draw", names[0], "--key", "join-3")
    assert (status, "WRONG" in said) == (0, False)
    assert f"number 4: turn {turns[3]}" in said
    lines = (tmp_path / "fairness.json.0").read_bytes()
    assert lines[48:64] == leaf(DrawnLine("raffle", 1, 1), "join-3")
    (tmp_path / "fairness.json.0").write_bytes(lines[16:] + lines[:16])
    status, said = await run("-m", "gateway.cli", "verify-draw", names[0])
    assert (status, "WRONG" in said) == (3, True)


async def test_the_next_drop_is_committed_to_long_before_its_lobby(world: World) -> None:
    """A drop that is to come has its commitment, and nothing else of it can be known."""
    ends = time.monotonic() + PATIENCE_S
    told = await fairness(world, "spring", "?drop=2")
    while not told["commitment"] and time.monotonic() < ends:
        await asyncio.sleep(0.1)
        told = await fairness(world, "spring", "?drop=2")
    assert 0 < told["committed_at_ms"] < told["lobby_at_ms"]
    assert (told["secret"], told["seed"], told["lanes"][0]["registered"]) == ("", "", 0)


async def test_a_draw_that_is_not_there_is_404(world: World) -> None:
    """unknown_draw: another drop, another epoch, a lane that the room does not have."""
    for query in ("?drop=9", "?epoch=9", "/list?drop=9", "/list?lane=7"):
        answer = await world.call("GET", f"/v1/sales/spring/fairness{query}")
        assert (answer.status, answer.code) == (404, "unknown_draw"), query


async def test_the_beacons_round_is_used(world: World, beacon: LocalBeacon, tmp_path: Path) -> None:
    """The list is fixed before the round exists; the seed comes with it, and a relay agrees."""
    await raffle(world, "beaconed", **terms(beacon))
    assert (await until(world, "beaconed", "committed"))["beacon_outcome"] == "awaited"
    await joined(world, "beaconed")
    told = await until(world, "beaconed", "drawn")
    assert (told["beacon_outcome"], told["round"] in beacon.told) == ("used", True)
    assert told["fixed_at_ms"] < told["round_at_ms"] <= told["revealed_at_ms"]
    names = await files(world, "beaconed", told, tmp_path)
    words = ("-m", "gateway.cli", "verify-draw", *names, "--beacon", beacon.url)
    status, said = await run(*words)
    assert (status, "tells the same of round" in said) == (0, True), said
    beacon.is_up = False
    assert "does not tell round" in (await run(*words))[1]


@pytest.mark.parametrize("forges", [False, True])
async def test_a_beacon_that_does_not_answer_is_not_waited_for_longer(
    world: World, beacon: LocalBeacon, *, forges: bool
) -> None:
    """Without an answer that holds the draw is made without it after the time set, and says so."""
    beacon.is_up, beacon.forges = forges, forges
    await raffle(world, "silent", beacon_wait_s=1, **terms(beacon))
    await joined(world, "silent")
    told = await until(world, "silent", "drawn")
    assert (told["beacon_outcome"], told["randomness"]) == ("unanswered", "")
    assert told["revealed_at_ms"] >= told["round_at_ms"] + 1_000
    assert any("made without" in one for one in told["remarks"])


async def test_an_answer_in_pieces_is_an_answer(beacon: LocalBeacon) -> None:
    """The round is had in however many pieces it comes; an answer without measure is none."""
    asked = Beacon(url=beacon.url, chain=CHAIN, genesis_ms=0, period_ms=PERIOD_S * 1000)
    beacon.in_pieces = True
    assert await beacons.ask(asked, 5) == round_of(5)
    beacon.padding = beacons.ANSWER_MAX
    assert await beacons.ask(asked, 5) is None


def terms(beacon: LocalBeacon) -> dict[str, Any]:
    """What a sale file says of the beacon."""
    return {
        "beacon": beacon.url, "beacon_chain": CHAIN, "beacon_genesis_s": 0,
        "beacon_period_s": PERIOD_S, "beacon_delay_s": 1,
    }  # fmt: skip
