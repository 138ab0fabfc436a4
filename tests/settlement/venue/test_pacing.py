"""The pace: never faster than its ceiling, silent when told to be, fast again when it may be."""

import random
from itertools import pairwise

import pytest

from settlement.venue.pacing import FLOOR_SHARE, Pace


def sent_until(pace: Pace, end_s: float, answer: random.Random | None = None) -> list[float]:
    """Send as often as the pace allows, from 0 to `end_s`, with random answers if given."""
    now_s, sent = 0.0, []
    while now_s < end_s:
        wait_s = pace.wait_s(now_s)
        if wait_s > 0.0:
            now_s += wait_s
            continue
        sent.append(now_s)
        match answer.choice("aaaaaarf") if answer else "a":
            case "r":
                pace.refused(now_s, retry_after_s=1.0)
            case "f":
                pace.failed(now_s)
            case _:
                pace.answered(now_s)
    return sent


def most_within(sent: list[float], window_s: float) -> int:
    """The most requests in any window of that length."""
    return max(sum(first <= at < first + window_s for at in sent) for first in sent)


def test_the_ceiling_holds() -> None:
    """With good answers alone, w seconds see at most ceiling * w + burst requests, and use it."""
    sent = sent_until(Pace(ceiling_per_s=20.0, burst=5), 30.0)
    assert most_within(sent, 1.0) <= 25
    assert most_within(sent, 10.0) <= 205
    assert len(sent) >= 20 * 30


@pytest.mark.parametrize("seed", range(20))
def test_the_ceiling_holds_whatever_is_answered(seed: int) -> None:
    """Refusals and failures in any order never lead to more than the ceiling allows."""
    sent = sent_until(Pace(ceiling_per_s=20.0, burst=5, seed=seed), 60.0, random.Random(seed))
    assert most_within(sent, 1.0) <= 25
    assert len(sent) > 60


def test_a_refusal_silences_everybody() -> None:
    """After 429 with Retry-After: 3 nothing passes for three seconds, and then one at a time."""
    pace = Pace(ceiling_per_s=100.0, burst=10)
    assert pace.wait_s(0.0) == 0.0
    pace.refused(0.0, retry_after_s=3.0)
    assert pace.wait_s(2.99) == pytest.approx(0.01)
    assert pace.wait_s(3.0) == 0.0
    assert pace.wait_s(3.0) > 0.0


def test_a_nonsense_retry_after_is_cut() -> None:
    """A venue cannot silence the run for a year."""
    pace = Pace(ceiling_per_s=100.0, burst=10)
    pace.refused(0.0, retry_after_s=3e7)
    assert pace.wait_s(0.0) <= 120.0


def test_the_rate_falls_by_refusals_and_comes_back() -> None:
    """Refusals lower the rate to the floor at least; good answers bring it back to the ceiling."""
    pace = Pace(ceiling_per_s=10.0, burst=1)
    for at in range(50):
        pace.refused(float(at), retry_after_s=0.0)
    assert pace.rate_per_s == pytest.approx(10.0 * FLOOR_SHARE)
    for at in range(50, 150):
        pace.answered(float(at))
    assert pace.rate_per_s == 10.0


def test_failures_in_a_row_back_off_longer() -> None:
    """Each failure in a row waits longer than the one before, up to a bound."""
    pace = Pace(ceiling_per_s=10.0, burst=1)
    waits, now_s = [], 0.0
    for _ in range(6):
        pace.failed(now_s)
        waits.append(pace.wait_s(now_s))
        now_s += waits[-1]
    assert all(later > earlier * 0.9 for earlier, later in pairwise(waits[::2]))
    assert max(waits) <= 5.0


def test_a_slow_venue_is_found() -> None:
    """A venue that bears 5/s under a ceiling of 50/s refuses few requests in a minute."""
    pace = Pace(ceiling_per_s=50.0, burst=2)
    now_s, tokens, seen_s, good, refused = 0.0, 5.0, 0.0, 0, 0
    while now_s < 60.0:
        wait_s = pace.wait_s(now_s)
        if wait_s > 0.0:
            now_s += wait_s
            continue
        tokens, seen_s = min(5.0, tokens + 5.0 * (now_s - seen_s)), now_s
        if tokens >= 1.0:
            tokens, good = tokens - 1.0, good + 1
            pace.answered(now_s)
        else:
            refused += 1
            pace.refused(now_s, retry_after_s=1.0)
    assert good >= 200
    assert refused <= good / 4
