"""A kiosk that guesses is slowed down; one that scans is not."""

from gateway.limits import KEYS_MAX, Pace


def test_a_burst_of_misses_is_let_through_and_the_next_one_waits() -> None:
    """Ten unknown codes at once are human; the eleventh has to wait for its minute's share."""
    limit = Pace(burst=10, per_minute=10)
    for _ in range(10):
        assert limit.wait_s("k", 0.0) == 0
        limit.count("k", 0.0)
    assert limit.wait_s("k", 0.0) == 6.0
    assert limit.wait_s("k", 5.9) > 0
    assert limit.wait_s("k", 6.0) == 0


def test_one_kiosk_does_not_slow_another() -> None:
    """Misses are counted for each kiosk by itself."""
    limit = Pace(burst=1, per_minute=1)
    limit.count("a", 0.0)
    assert limit.wait_s("a", 0.0) > 0
    assert limit.wait_s("b", 0.0) == 0


def test_an_attempt_that_waits_costs_nothing_more() -> None:
    """Asking while waiting does not lengthen the wait: only misses do."""
    limit = Pace(burst=1, per_minute=60)
    limit.count("a", 0.0)
    assert [limit.wait_s("a", 0.0) for _ in range(5)] == [1.0] * 5


def test_an_attempt_that_was_no_miss_is_given_back() -> None:
    """A thousand codes that exist cost nothing; a miss beside them still counts."""
    limit = Pace(burst=2, per_minute=60)
    limit.give_back("a")
    for _ in range(1000):
        limit.count("a", 0.0)
        limit.give_back("a")
    limit.count("a", 0.0)
    assert limit.wait_s("a", 0.0) == 0
    limit.count("a", 0.0)
    assert limit.wait_s("a", 0.0) == 1.0


def test_the_memory_is_bounded() -> None:
    """A flood of kiosks pushes out the oldest, and grows no further."""
    limit = Pace(burst=10, per_minute=10)
    for number in range(KEYS_MAX + 5):
        limit.count(str(number), 0.0)
    assert len(limit._theoretical) == KEYS_MAX


def test_what_was_counted_runs_off() -> None:
    """Ten of a minute's sixty are forgotten after ten seconds, one each second."""
    limit = Pace(burst=100, per_minute=60)
    for _ in range(10):
        limit.count("a", 0.0)
    assert [limit.recent("a", now_s) for now_s in (0.0, 4.5, 10.0, 99.0)] == [10, 6, 0, 0]
