"""What a load did is counted, drawn and told as it was."""

from __future__ import annotations

import json
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from loadtest.installation import ROOT
from loadtest.load.charts import chart
from loadtest.load.figures import Series, figures_of
from loadtest.load.judging import Finding, as_json
from loadtest.load.plan import Keys, Plan, lines
from loadtest.load.report import write_report
from loadtest.load.shapes import FEWEST, SHAPES, users_at
from loadtest.load.timeline import Timeline, percentile_of, rounded

LOAD: dict[str, Any] = {
    "gateway": "http://here", "sale": "load", "drop": "now", "shape": "spike", "users": 5,
    "seconds": 2, "processes": 2,
}  # fmt: skip


def second(at: int, **more: Any) -> dict[str, Any]:
    """One line of a timeline."""
    return {
        "at": at, "users": 3, "failures": 0, "calls": {"hold": 2}, "refusals": {"sold_out": 1},
        "ends": {"admitted": 1}, "times_ms": {"1.0": 1, "9.0": 1}, **more,
    }  # fmt: skip


def test_the_processes_of_a_second_are_added_up() -> None:
    """Users, calls and times of both."""
    figures = figures_of([[second(7)], [second(7, failures=1), second(8)]], [])
    told = figures.as_json()
    assert (told["users_most"], told["answers"], told["failures"]) == (6, 6, 1)
    assert (told["seconds"], told["answers_per_s"]) == (2, 3.0)
    assert (told["p50_ms"], told["p99_ms"]) == (1.0, 9.0)
    assert told["refusals"] == {"sold_out": 3}


def test_users_stay_in_a_second_that_a_process_missed() -> None:
    """A busy process writes late: nobody had gone, and nobody is there twice."""
    busy, prompt = [second(7), second(9), second(9)], [second(at) for at in (7, 8, 9)]
    figures = figures_of([busy, prompt], [])
    assert [each.users for each in figures.seconds.values()] == [6, 6, 6]
    assert [each.calls.total() for each in figures.seconds.values()] == [4, 2, 6]


def test_a_timeline_is_written_and_read_back(tmp_path: Path) -> None:
    """What was noted in a second is in its line, and not in the next."""
    path = tmp_path / "timeline"
    timeline = Timeline(path)
    timeline.note("hold", refusal="sold_out", took_ms=3.14159, failed=False)
    timeline.note("hold", refusal="", took_ms=3.14159, failed=True)
    timeline.write(4, Counter(bought=2))
    timeline.write(5, Counter(bought=3))
    timeline.close()
    path.write_text(path.read_text() + '{"at": 1, "us')
    first, then = lines(path)
    assert (first["users"], first["calls"], first["failures"]) == (4, {"hold": 2}, 1)
    assert (first["refusals"], first["times_ms"]) == ({"sold_out": 1}, {"3.1": 2})
    assert (then["calls"], then["ends"]) == ({}, {"bought": 1})


@pytest.mark.parametrize(
    ("ms", "expected"), [(0.01, 0.1), (0.678, 0.68), (12.7, 13.0), (1234.5, 1200.0)]
)
def test_times_are_kept_with_two_digits(ms: float, expected: float) -> None:
    """Of whatever size."""
    assert rounded(ms) == expected


def test_percentiles_of_a_histogram() -> None:
    """The nearest rank, and 0 of nothing."""
    times = Counter({1.0: 98, 5.0: 1, 9.0: 1})
    assert [percentile_of(times, share) for share in (0.5, 0.99, 1.0)] == [1.0, 5.0, 9.0]
    assert percentile_of(Counter(), 0.5) == 0.0


@pytest.mark.parametrize("shape", list(SHAPES))
def test_a_shape_stays_within_its_users_and_ends(shape: str) -> None:
    """Never fewer than every kind needs, never more than were asked for; none after its time."""
    users = [users_at(shape, at, seconds=60, users=400) for at in range(60)]
    assert max(each or 0 for each in users) == 400
    assert min(each or 0 for each in users) >= FEWEST
    assert users_at(shape, 60, seconds=60, users=400) is None
    assert users_at(shape, 0, seconds=60, users=3) == 3


def test_a_spike_rises_at_once_and_falls_again() -> None:
    """From calm to everybody within a second, and back."""
    users = [users_at("spike", at, seconds=60, users=400) for at in range(60)]
    assert users[8:10] == [80, 400]
    assert users[50:52] == [400, 80]


def test_the_report_needs_nothing_else_and_believes_nobody(tmp_path: Path) -> None:
    """No script, no address, and what came from outside is escaped."""
    found = [Finding("bug", 1, "<b>much</b>", ("<script>alert(1)</script>",))]
    figures = figures_of([[second(7)]], [])
    told = {"verdict": as_json(found), "figures": figures.as_json(), "load": LOAD}
    page = tmp_path / "load.html"
    write_report(page, told, figures, found)
    text = page.read_text(encoding="utf-8")
    assert "Red: bug" in text
    assert "<script" not in text
    assert "&lt;script&gt;" in text
    assert "src=" not in text
    assert "href=" not in text


def test_a_curve_stays_within_its_frame() -> None:
    """The highest value below the top, the last second at the right edge."""
    drawn = chart("x", [Series("y", [(0, 0), (5, 130), (10, 7)])], seconds=10)
    points = drawn.split('points="')[1].split('"')[0].split()
    assert [tuple(map(float, point.split(","))) for point in points] == [
        (52.0, 196.0), (338.0, 75.1), (624.0, 189.5),
    ]  # fmt: skip
    assert "<b>130</b>" in drawn
    assert chart("x", [Series("y", [])], seconds=0)


def test_a_plan_is_kept_for_its_owner_alone(tmp_path: Path) -> None:
    """It holds credentials; what is read back is what was written."""
    keys = Keys("p", "o", {"hall": ["a", "b", "c", "d"]}, "s")
    plan = Plan(directory=tmp_path, shop="http://shop", seed=1, keys=keys, **LOAD)
    plan.write()
    assert Plan.read(plan.file) == plan
    assert {file.stat().st_mode & 0o777 for file in (plan.file, plan.partner_key)} == {0o600}
    assert [plan.kiosks_of(worker) for worker in (0, 1)] == [
        {"hall": ["a", "c"]},
        {"hall": ["b", "d"]},
    ]


GREENLETS = """
import json
from loadtest.load.greenlets import Greenlets, Suspended, play
import asyncio

async def life(engine, name):
    async with engine.gate(1):
        await engine.sleep(0.01)
    return name

async def lives(engine):
    return await engine.together(life(engine, "a"), life(engine, "b"))

async def stranger():
    await asyncio.sleep(0)

try:
    play(stranger())
except Suspended:
    print(json.dumps(play(lives(Greenlets()))))
"""


def test_a_life_is_played_by_greenlets() -> None:
    """To its end, its result told; one that waits for another loop is refused."""
    words = (sys.executable, "-W", "error", "-c", GREENLETS)
    said = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, check=True)
    assert json.loads(said.stdout) == ["a", "b"]


def test_who_only_judges_a_load_is_not_patched_by_locust() -> None:
    """Neither the command nor what these tests import brings in locust or gevent."""
    asked = "import loadtest.load.__main__, sys; print({'locust', 'gevent'} & set(sys.modules))"
    words = (sys.executable, "-c", asked)
    said = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, check=True)
    assert said.stdout == "set()\n"
    assert "locust" not in sys.modules
