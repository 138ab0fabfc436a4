"""ETA: a range from a lane's speed, and promises that are held against what came."""

import math

import pytest

from queueing.eta import Eta, Promises, Speed, eta, speed_of


def test_the_wait_is_the_turns_ahead_by_the_speed() -> None:
    """With its range from the fastest and the slowest of the last minute."""
    assert eta(1_000, Speed(100.0, 80.0, 125.0)) == Eta(8.0, 10.0, 12.5)


def test_the_opening_comes_first() -> None:
    """Before the opening its own wait is added to all three."""
    assert eta(100, Speed(10.0, 10.0, 10.0), opens_in_s=60.0) == Eta(70.0, 70.0, 70.0)


def test_a_place_that_was_called_waits_no_more() -> None:
    """Nothing ahead is no wait, even in a line that stands still."""
    assert eta(0, Speed(0.0, 0.0, 0.0)) == Eta(0.0, 0.0, 0.0)


def test_a_line_that_stands_still_has_no_end() -> None:
    """At a speed of 0 the wait is infinite, not an error."""
    assert eta(1, Speed(0.0, 0.0, 0.0)).expected_s == math.inf


def test_the_range_holds_the_estimate() -> None:
    """Whatever the three speeds are, the expected wait is not outside of its range."""
    found = eta(100, Speed(5.0, 8.0, 9.0))
    assert found.soonest_s <= found.expected_s <= found.latest_s


@pytest.mark.parametrize(
    ("over_10_s", "over_60_s", "expected"),
    [
        (6.0, 10.0, 10.0),  # it only swings
        (4.0, 10.0, 4.0),  # it slowed down for good
        (30.0, 10.0, 30.0),
        (0.0, 10.0, 0.0),  # it stands
        (0.0, 0.2, 0.2),  # ten seconds without a turn are usual at one in five seconds
    ],
)
def test_a_change_of_pace_is_followed(over_10_s: float, over_60_s: float, expected: float) -> None:
    """The minute counts, unless the last ten seconds are clearly another pace."""
    found = speed_of(over_10_s, over_60_s)
    assert found.per_s == expected
    assert (found.low_per_s, found.high_per_s) == (
        min(over_10_s, over_60_s),
        max(over_10_s, over_60_s),
    )


def told(promised_per_s: float, real_per_s: float, *, waiting: int = 1_000) -> list[float]:
    """How far off the promises of one lane are that moves at `real_per_s`."""
    promises, errors = Promises(), list[float]()
    for tenth in range(3_000):
        at_s = tenth / 10
        errors += promises.note(
            at_s=at_s,
            serving=int(at_s * real_per_s),
            tail=int(at_s * real_per_s) + waiting,
            speed=Speed(promised_per_s, promised_per_s, promised_per_s),
            moves=True,
        )
    return errors


def test_a_steady_line_keeps_its_promises() -> None:
    """Where the speed stays, what was promised comes within a hundredth."""
    errors = told(10.0, 10.0)
    assert len(errors) > 50
    assert max(errors) < 0.01


@pytest.mark.parametrize(("real_per_s", "error"), [(8.0, 0.25), (12.5, 0.2)])
def test_a_wrong_speed_is_seen(real_per_s: float, error: float) -> None:
    """A line that is slower or faster than it said is off by exactly that share."""
    errors = told(10.0, real_per_s)
    assert sum(errors) / len(errors) == pytest.approx(error, abs=0.01)


def test_short_waits_are_not_judged() -> None:
    """Under ten seconds the distance of two frames would count more than the estimate."""
    assert told(10.0, 5.0, waiting=99) == []


def test_a_pause_is_not_an_error_of_the_estimate() -> None:
    """Promises of before a pause are dropped; those made after it count again."""
    promises, errors = Promises(), list[float]()
    speed = Speed(10.0, 10.0, 10.0)
    for at_s, serving, moves in ((0, 0, True), (5, 50, False), (600, 500, True), (630, 800, True)):
        errors += promises.note(
            at_s=at_s, serving=serving, tail=serving + 600, speed=speed, moves=moves
        )
    assert errors == [pytest.approx(0.0)]


def test_what_is_remembered_is_bounded() -> None:
    """A line that never moves does not fill the memory."""
    promises = Promises()
    for at_s in range(0, 100_000, 5):
        promises.note(
            at_s=at_s, serving=0, tail=9_000 + at_s, speed=Speed(1.0, 1.0, 1.0), moves=True
        )
    assert len(promises._open) <= 513
