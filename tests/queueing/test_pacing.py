"""The check of the pacing: silent at the full rate, and sees a single shopper too many."""

from queueing.pacing import Pacing, Sight


def worst(*sights: tuple[int, int, float, int]) -> int:
    """The worst overshoot that these looks show."""
    pacing = Pacing()
    return max(pacing.overshoot(Sight(*one)) for one in sights)


def test_the_full_rate_and_a_burst_are_allowed() -> None:
    """A hundred a second and ten at once, for a minute, are what was promised."""
    seen = [(at * 200, 10 + at * 20, 100.0, 10) for at in range(1, 300)]
    assert worst((0, 0, 100.0, 10), *seen) == 0


def test_one_too_many_is_seen() -> None:
    """One above the rate and the burst of any of the last ten seconds counts."""
    assert worst((0, 0, 100.0, 10), (1_000, 110, 100.0, 10)) == 0
    assert worst((0, 0, 100.0, 10), (1_000, 111, 100.0, 10)) == 1
    assert worst((0, 0, 1.0, 1), (5_000, 3, 1.0, 1), (9_000, 15, 1.0, 1)) == 7


def test_what_is_long_ago_does_not_count() -> None:
    """Looks of more than ten seconds ago excuse nothing and blame nobody."""
    quiet = [(at * 1_000, 0, 10.0, 1) for at in range(60)]
    assert worst(*quiet, (60_000, 12, 10.0, 1)) == 1


def test_a_rate_that_was_lowered_is_no_overshoot() -> None:
    """Who was let in at the old rate just before the change was let in rightly."""
    assert worst((0, 0, 100.0, 1), (1_000, 100, 5.0, 1), (2_000, 105, 5.0, 1)) == 0


def test_a_clock_that_goes_back_is_not_blamed() -> None:
    """The same look twice, or one of before, says nothing."""
    assert worst((1_000, 0, 1.0, 1), (1_000, 50, 1.0, 1), (500, 60, 1.0, 1)) == 0
