"""queueing.beacon: which round is used, and what is checked of it."""

from dataclasses import replace
from typing import Any

import pytest

from queueing.beacon import BadBeacon, Beacon, Round
from tests.queueing.drawn import BEACON, OPENS_MS, round_of


@pytest.mark.parametrize("fixed_ms", range(OPENS_MS, OPENS_MS + 3_000, 250))
def test_the_round_is_the_first_that_nobody_could_know(fixed_ms: int) -> None:
    """It comes at least the delay after the list was fixed, and the one before comes sooner."""
    number = BEACON.round_for(fixed_ms)
    assert BEACON.at_ms(number) >= fixed_ms + BEACON.delay_ms > BEACON.at_ms(number - 1)


def test_a_list_fixed_before_the_beacon_began_gets_its_first_round() -> None:
    """Rounds count from 1."""
    assert BEACON.round_for(0) == 1
    assert BEACON.at_ms(1) == BEACON.genesis_ms


def test_it_is_waited_for_so_long_and_no_longer() -> None:
    """The wait counts from the time of the round."""
    number = BEACON.round_for(OPENS_MS)
    assert BEACON.given_up_ms(OPENS_MS) == BEACON.at_ms(number) + BEACON.wait_ms


def test_terms_are_read_back() -> None:
    """What is committed to says all of a beacon; one slash more or less is no other beacon."""
    assert Beacon.of(BEACON.terms) == BEACON
    assert replace(BEACON, url=BEACON.url + "/").terms == BEACON.terms


@pytest.mark.parametrize("terms", ["", "x", BEACON.terms + " 1", BEACON.terms.replace("3000", "x")])
def test_other_texts_are_no_terms(terms: str) -> None:
    """A text that `terms` did not make is refused."""
    with pytest.raises(BadBeacon):
        Beacon.of(terms)


@pytest.mark.parametrize(
    "wrong",
    [
        {"url": "ftp://beacon.example"},
        {"url": "https://beacon.example/a b"},
        {"url": "https://beacon.example/a|b"},
        {"url": "https://" + "b" * 200},
        {"chain": "ab"},
        {"chain": "AB" * 32},
        {"chain": "x" * 64},
        {"genesis_ms": -1},
        {"period_ms": 999},
        {"delay_ms": 0},
        {"delay_ms": 60_001},
        {"wait_ms": 600_001},
    ],
)
def test_terms_that_cannot_be_are_refused(wrong: dict[str, Any]) -> None:
    """Each term has its bounds."""
    with pytest.raises(BadBeacon):
        replace(BEACON, **wrong)


def test_a_round_whose_values_do_not_fit_is_refused() -> None:
    """Randomness is the SHA-256 of the signature, of 32 bytes, in lower case."""
    told = round_of(7)
    for randomness, signature in (
        ("00" * 32, told.signature),
        (told.randomness, told.signature[2:]),
        (told.randomness.upper(), told.signature),
        (told.randomness[2:], told.signature),
        ("not hexadecimal", told.signature),
    ):
        with pytest.raises(BadBeacon):
            Round(7, randomness, signature)
