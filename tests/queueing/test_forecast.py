"""The forecast of another rate, from records whose end is known."""

import pytest

from queueing.forecast import Moment, Speed, as_it_was, habits_of, replayed


def record(
    *, rate: float = 10, seconds: int = 600, joins: float = 20, gone: float = 0.0, visit: float = 30
) -> list[Moment]:
    """A drop that let `rate` in a second while `joins` came: line, passes and stock follow."""
    return [
        Moment(
            at_ms=1_000_000 + 1000 * second,
            joined=1_000 + round(joins * second),
            called=round(rate / (1 - gone) * second),
            admitted=round(rate * second),
            inside=round(rate * visit),
            available=100_000 - round(2 * rate * second),
        )
        for second in range(seconds)
    ]


def test_what_the_crowd_is_like_is_read_from_the_record() -> None:
    """No-shows, the length of a visit, and units for each."""
    habits = habits_of(record(gone=0.5, visit=45))
    assert habits.gone == pytest.approx(0.5, abs=0.01)
    assert habits.visit_s == pytest.approx(45, rel=0.02)
    assert habits.units == pytest.approx(2, rel=0.02)


def test_the_model_makes_of_the_rules_in_force_what_really_was() -> None:
    """Replayed with its own rules, a record ends where it ended."""
    for gone in (0.0, 0.3):
        seen = record(gone=gone)
        was, would = as_it_was(seen, Speed(10, 10)), replayed(seen, Speed(10, 10))
        assert would.admitted == pytest.approx(was.admitted, rel=0.01)
        assert would.waiting == pytest.approx(was.waiting, rel=0.01)
        assert would.waits_s == pytest.approx(was.waits_s, rel=0.02)


def test_twice_the_rate_lets_twice_as_many_in() -> None:
    """And the line is as much shorter."""
    would = replayed(record(), Speed(20, 10))
    assert would.admitted == pytest.approx(20 * 599, rel=0.01)
    assert would.waiting == pytest.approx(1_000, rel=0.02)


def test_a_rate_above_what_comes_empties_the_line_and_no_more() -> None:
    """Nobody is let in who did not come."""
    would = replayed(record(), Speed(1_000, 1))
    assert (would.waiting, would.waits_s, would.through_s) == (0, 0.0, 0.0)
    assert would.admitted == pytest.approx(1_000 + 20 * 599, rel=0.001)


def test_a_rate_of_nothing_lets_nobody_in_and_ends_never() -> None:
    """A wait without an end is told as none."""
    would = replayed(record(), Speed(0, 1))
    assert (would.admitted, would.waits_s, would.through_s, would.lasts_s) == (0, None, None, None)


def test_the_cap_rules_where_it_is_lower() -> None:
    """With visits of 30 s and 60 inside at most, two a second are let in, whatever the rate."""
    would = replayed(record(), Speed(100, 1, active_max=60))
    assert would.inside_max <= 300  # who was inside when the record begins
    assert would.admitted == pytest.approx(2 * 599, rel=0.15)
    assert would.waits_s == pytest.approx(would.waiting / 2, rel=0.01)


def test_no_more_are_let_in_than_the_stock_serves() -> None:
    """What is left ends the forecast: 100,000 units, two for each."""
    would = replayed(record(joins=500), Speed(1_000, 1))
    assert would.admitted == pytest.approx(50_000, rel=0.01)
    assert would.lasts_s == pytest.approx(0, abs=1)


def test_a_line_that_grows_is_never_through() -> None:
    """Twenty come a second and ten are let in: no end; with forty there is one."""
    assert replayed(record(), Speed(10, 10)).through_s is None
    seen = record(joins=5)
    assert replayed(seen, Speed(10, 10)).through_s == pytest.approx(0, abs=1)
