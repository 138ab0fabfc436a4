"""What the page without scripts says of the wait: it falls at any time and never rises unsaid."""

from dataclasses import replace
from typing import Any

import pytest

from gateway.plain_wait import Said, Wait, chance_of, wait_of
from queueing import Frame, LaneFrame, Place

AT_S = 1_000_000
LANE = LaneFrame(name="everyone", serving=100, tail=900, rate_per_s=1.0, low_per_s=1.0,
                 high_per_s=2.0, likely=200, possible=500)  # fmt: skip
PLACE = Place(sale="films", drop=1, epoch=1, lane=0, number=400, buyer="b", issued_ms=0)


def frame(at_s: int = AT_S, state: Any = "open", drawn: int = 0, **lane: Any) -> Frame:
    """A frame at a time; `lane` changes its lane."""
    return Frame(
        sale="films", drop=1, epoch=1, state=state, reason="operator", rate_per_s=1.0,
        stock="low", lanes=(replace(LANE, drawn=drawn, **lane),), opens_at_ms=0, lobby_at_ms=0,
        next_opens_at_ms=0, at_ms=at_s * 1_000, grace_ms=1, poll_ms=1_000,
    )  # fmt: skip


def wait(before: str = "", at_s: int = AT_S, place: Place = PLACE, **lane: Any) -> Wait:
    """The wait of a place of which something can be said."""
    told = wait_of(frame(at_s, **lane), place, before)
    assert told is not None
    return told


def test_the_first_word_is_a_range_from_the_speeds_of_the_lane() -> None:
    """From the fastest to the slowest; where nothing has swung a third more is honest."""
    told = wait()
    assert (told.low_s, told.high_s, told.rose) == (150, 300, False)
    assert str(told.said) == f"1.1.0.400-{AT_S + 300}-0"
    assert wait(high_per_s=1.0).high_s == pytest.approx(300 * 1.33)


def test_nobody_can_tell_a_wait_of_a_line_that_stands() -> None:
    """Paused, without a speed, before the draw and after the call nothing is said, or kept."""
    still: dict[str, Any] = {"rate_per_s": 0.0, "low_per_s": 0.0, "high_per_s": 0.0}
    for other in (frame(state="paused"), frame(**still), frame(drawn=500), frame(serving=400)):
        assert wait_of(other, PLACE, "") is None


def test_a_wait_that_got_longer_is_news_for_two_minutes() -> None:
    """A quarter worse and 5 s is said to be so; less is not shown at all."""
    first = str(wait().said)
    edge = wait(first, at_s=AT_S + 100, serving=145)  # 255 s where 200 were left
    assert (edge.high_s, edge.rose) == (200, False)
    rose = wait(first, at_s=AT_S + 100, serving=144)
    assert (rose.high_s, rose.rose) == (256, True)
    then = wait(str(rose.said), at_s=AT_S + 219, serving=270)
    assert (then.high_s, then.rose) == (130, True)
    later = wait(str(then.said), at_s=AT_S + 220, serving=270)
    assert (later.high_s, later.rose) == (129, False)


def test_what_falls_is_kept_and_measured_by() -> None:
    """The best that was said is what a later word is compared with, also after a pause."""
    best = wait(str(wait().said), at_s=AT_S + 10, serving=300)
    assert (best.low_s, best.high_s, best.rose) == (50, 100, False)
    after = wait(str(best.said), at_s=AT_S + 200, serving=300)
    assert (after.high_s, after.rose) == (100, True)


@pytest.mark.parametrize(
    "before",
    ["", "x", "1.1.0.400-9", "1.1.0.400-9-9-9", "1.1.0.400-٩-0", "1.1.0.400--1-0", "1.1.0.401-9-9",
     "1.2.0.400-9-9", "2.1.0.400-9-9", "1.1.1.400-9-9", f"1.1.0.400-{'9' * 40}-0"],
)  # fmt: skip
def test_what_was_said_to_another_place_or_by_nobody_counts_for_nothing(before: str) -> None:
    """A cookie of an earlier place, or one that we did not write, is as none."""
    assert wait(before) == wait()


def test_what_was_said_reads_back() -> None:
    """The cookie's text is what it was made of, and only the page itself is told it."""
    said = Said("1.1.0.400", 7, 8)
    assert Said.read(str(said)) == said


def test_the_chance_follows_stock_and_people_ahead() -> None:
    """As with scripts: likely, possible, unlikely, or not known; nothing once it is over."""
    at = [chance_of(frame(), replace(PLACE, number=number)) for number in (100, 300, 600, 601)]
    assert at == [None, "likely", "possible", "unlikely"]
    assert chance_of(frame(likely=-1, possible=-1), PLACE) is None
    assert chance_of(frame(state="sold_out"), PLACE) is None
    assert chance_of(frame(drawn=500, tail=400), PLACE) == "possible", "all are before the draw"
