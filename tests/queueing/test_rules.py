"""queueing.rules."""

from dataclasses import replace
from typing import Any

import pytest

from queueing.rules import BadRules, RoomRules, rate_milli
from tests.queueing.conftest import RULES


@pytest.mark.parametrize(
    "wrong",
    [
        {"rate_per_s": -1},
        {"rate_per_s": float("nan")},
        {"rate_per_s": float("inf")},
        {"rate_per_s": 100_001},
        {"burst": 0},
        {"burst": 1_000_001},
        {"pass_ms": 4_999},
        {"pass_ms": 3_600_001},
        {"lobby_ms": -1},
        {"lobby_ms": 604_800_001},
        {"active_max": -1},
        {"active_max": 10_000_001},
        {"openings_ms": ()},
        {"openings_ms": tuple(range(1, 66))},
        {"openings_ms": (0,)},
        {"openings_ms": (2**53,)},
        {"openings_ms": (5, 5)},
        {"openings_ms": (6, 5)},
    ],
)
def test_a_rule_outside_its_limits_is_refused(wrong: dict[str, Any]) -> None:
    """Rules outside their limits never come to be."""
    with pytest.raises(BadRules):
        replace(RULES, **wrong)


def test_the_limits_themselves_are_allowed() -> None:
    """The last value on each side of a limit is a rule."""
    RoomRules(rate_per_s=0, burst=1, pass_ms=5_000, lobby_ms=0, active_max=0, openings_ms=(1,))
    RoomRules(
        rate_per_s=100_000,
        burst=1_000_000,
        pass_ms=3_600_000,
        lobby_ms=604_800_000,
        active_max=10_000_000,
        openings_ms=tuple(range(2**53 - 64, 2**53)),
    )


@pytest.mark.parametrize(
    ("asked", "counted"),
    [(0, 0), (0.0005, 0), (0.29, 290), (1 / 3, 333), (1.9999, 1999), (100_000, 100_000_000)],
)
def test_a_rate_is_rounded_down_to_thousandths(asked: float, counted: int) -> None:
    """The store counts with whole thousandths, never more than was asked for."""
    assert rate_milli(asked) == counted
