"""`dropgate rehearse`: what a person reads, and what a program does."""

import json

import pytest

from tests.gateway.test_cli import run
from tests.house.sources import HOUSE

EXAMPLE = HOUSE / "examples" / "cinema-3-8" / "sale.toml"


def test_a_program_reads_one_document() -> None:
    """With --json: the plan, and every figure of the play and of the joins."""
    done = run("rehearse", "--json", "--joins", "--shoppers", "300", "--rate", "50", "--burst", "5")
    told = json.loads(done.stdout)
    assert (told["plan"]["rate_per_s"], told["plan"]["burst"], told["shoppers"]) == (50, 5, 300)
    assert 0 < told["admitted"] <= 300
    assert told["overshoot_10s"] <= 1
    assert told["joins_per_cpu_s"] > 0


def test_a_person_reads_a_table_about_the_rules_of_a_file() -> None:
    """The example's burst of 400 at 200 a second, and the words of a line."""
    done = run("rehearse", "--sale", str(EXAMPLE), "--shoppers", "200")
    assert "of 2,400" in done.stdout, done.stderr
    assert "the line was empty after" in done.stdout


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("--no-shows", "20,x"), "no list of percentages"),
        (("--no-shows", "120"), "from 0 to below 100"),
        (("--rate", "0"), "--rate"),
    ],
)
def test_a_wrong_plan_is_told(words: tuple[str, ...], told: str) -> None:
    """Before anything is started, with what would be right."""
    done = run("rehearse", *words)
    assert done.returncode == 2
    assert told in done.stderr
