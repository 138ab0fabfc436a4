"""The simulated venue, over HTTP, as a process."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import closing
from pathlib import Path

import aiohttp
import pytest

from simulators.venue import Gate
from simulators.venue_books import Books, Purchase, Taken, read_screenings
from tests.simulators.processes import simulator

SCREENINGS = {"s1": ["A1", "A2", "A3", "A4"], "s2": ["B1"]}


@pytest.fixture
def seats_file(tmp_path: Path) -> Path:
    """Two screenings."""
    path = tmp_path / "seats.json"
    path.write_text(json.dumps(SCREENINGS))
    return path


@pytest.fixture
async def session() -> AsyncIterator[aiohttp.ClientSession]:
    """A plain client."""
    async with aiohttp.ClientSession() as opened:
        yield opened


def quiet(seats_file: Path, tmp_path: Path, *more: str) -> tuple[str, ...]:
    """Arguments of a venue that plays no faults."""
    common = ("--seats", seats_file, "--state", tmp_path / "venue.jsonl", "--latency-ms", "0")
    return (*map(str, common), "--error-share", "0", "--drop-share", "0", *more)


async def test_a_purchase_is_repeated_by_its_id_and_survives_kill_9(
    seats_file: Path, tmp_path: Path, session: aiohttp.ClientSession
) -> None:
    """The same request id sells once and gives the same codes, also after kill -9 and restart."""
    asked = {"request_id": "r1", "seats": ["A1", "A2"]}
    async with simulator("venue", *quiet(seats_file, tmp_path)) as venue:
        async with session.post(f"{venue.url}/screenings/s1/purchases", json=asked) as answer:
            assert answer.status == 201
            first = await answer.json()
        await venue.kill()
    with (tmp_path / "venue.jsonl").open("a") as journal:
        journal.write('{"request_id":"torn","offer":"s1","sea')
    async with simulator("venue", *quiet(seats_file, tmp_path)) as venue:
        async with session.post(f"{venue.url}/screenings/s1/purchases", json=asked) as answer:
            assert answer.status == 200
            assert await answer.json() == first
        other = {"request_id": "r2", "seats": ["A2", "A3"]}
        async with session.post(f"{venue.url}/screenings/s1/purchases", json=other) as answer:
            assert answer.status == 409
            assert (await answer.json())["seats"] == ["A2"]
        async with session.get(f"{venue.url}/report") as answer:
            report = await answer.json()
    assert report["seats_sold"] == 2
    assert report["sold_more_than_once"] == {}


async def test_too_many_requests_are_refused_with_the_time_to_wait(
    seats_file: Path, tmp_path: Path, session: aiohttp.ClientSession
) -> None:
    """Above the limit the venue answers 429 with Retry-After, and does nothing."""
    limits = ("--rate-per-s", "1", "--burst", "2")
    async with simulator("venue", *quiet(seats_file, tmp_path, *limits)) as venue:
        url = f"{venue.url}/screenings/s1/seats"

        async def ask() -> tuple[int, str | None]:
            async with session.get(url) as answer:
                return answer.status, answer.headers.get("Retry-After")

        answers = await asyncio.gather(*(ask() for _ in range(5)))
    assert sorted(status for status, _ in answers) == [200, 200, 429, 429, 429]
    assert {retry for status, retry in answers if status == 429} == {"1"}


async def test_a_lost_answer_may_have_had_its_effect(
    seats_file: Path, tmp_path: Path, session: aiohttp.ClientSession
) -> None:
    """A dropped connection comes after the seats were sold: only a repeat learns the codes."""
    common = ("--seats", seats_file, "--state", tmp_path / "venue.jsonl", "--latency-ms", "0")
    faults = ("--error-share", "0", "--drop-share", "1")
    async with simulator("venue", *common, *faults) as venue:
        asked = {"request_id": "r1", "seats": ["A1"]}
        with pytest.raises(aiohttp.ClientError):
            await session.post(f"{venue.url}/screenings/s1/purchases", json=asked)
        async with session.get(f"{venue.url}/report") as answer:
            report = await answer.json()
    assert (report["seats_sold"], report["dropped"]) == (1, 1)


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("screenings/s1/purchases", {"request_id": "", "seats": ["A1"]}),
        ("screenings/s1/purchases", {"request_id": "r", "seats": []}),
        ("screenings/s1/purchases", {"request_id": "r", "seats": ["A1", "A1"]}),
        ("screenings/s1/purchases", {"request_id": "r", "seats": [1]}),
        ("redemptions", {"redemptions": [{"offer": "s1"}]}),
        ("redemptions", ["no object"]),
    ],
)
async def test_wrong_input_is_refused(
    seats_file: Path, tmp_path: Path, session: aiohttp.ClientSession, path: str, body: object
) -> None:
    """A body of another shape is 422 and sells nothing."""
    async with simulator("venue", *quiet(seats_file, tmp_path)) as venue:
        async with session.post(f"{venue.url}/{path}", json=body) as answer:
            assert answer.status == 422
        async with session.get(f"{venue.url}/report") as answer:
            assert (await answer.json())["seats_sold"] == 0


def test_all_seats_or_none(tmp_path: Path) -> None:
    """A purchase with one taken seat sells none of the others."""
    with closing(Books({"s": ("A1", "A2", "A3")}, tmp_path / "j", b"secret")) as books:
        assert books.buy("r1", "s", ["A2"]) == Purchase("r1", "s", ("A2",))
        assert books.buy("r2", "s", ["A1", "A2"]) == Taken(("A2",))
        assert set(books.sold) == {("s", "A2")}


def test_a_redemption_counts_once(tmp_path: Path) -> None:
    """The second report of a used seat is no news; a seat never sold is named."""
    with closing(Books({"s": ("A1", "A2")}, tmp_path / "j", b"secret")) as books:
        books.buy("r1", "s", ["A1"])
        lines = [("s", "A1", 5), ("s", "A2", 6)]
        assert books.redeem(lines) == (1, [("s", "A2")])
        assert books.redeem(lines) == (0, [("s", "A2")])


def test_the_gate_lets_through_what_it_says() -> None:
    """In any window of w seconds at most rate * w + burst requests pass."""
    gate = Gate(rate_per_s=10.0, burst=3)
    passed = [at / 100 for at in range(1000) if gate.wait_s(at / 100) == 0.0]
    assert 100 <= len(passed) <= 103
    for first, at_s in enumerate(passed):
        within = [later for later in passed[first:] if later < at_s + 1.0]
        assert len(within) <= 13


def test_the_sale_names_the_seats(tmp_path: Path) -> None:
    """Of a sale's files only offers with supply=venue are taken, with the seats of their layout."""
    (tmp_path / "sale.toml").write_text('[files]\nseats="seats.csv"\noffers="offers.csv"\n')
    (tmp_path / "seats.csv").write_text(
        "layout,row,first,last\nhall,A,1,2\nhall,A,4,5\nhall,B,1,1\n"
    )
    (tmp_path / "offers.csv").write_text(
        "offer,kind,layout,units,supply\no1,seated,hall,,venue\no2,seated,hall,,file\n"
        "o3,pooled,,3,venue\n"
    )
    assert read_screenings(tmp_path / "sale.toml") == {
        "o1": ("A1", "A2", "A4", "A5", "B1"),
        "o3": ("1", "2", "3"),
    }
