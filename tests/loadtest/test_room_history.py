"""The room's history checker: right histories pass, each kind of wrong one is found and named."""

from dataclasses import replace
from typing import Any

from loadtest.room_history import Claim, Join, RoomHistory, Seen

LINE = "1.1"


def join(number: int, began: float, **more: Any) -> Join:
    """A join of a buyer of its own, answered at once."""
    about: dict[str, Any] = {"key": f"k{number}", "buyer": f"b{number}", "spot": (LINE, 0, number)}
    return Join(began=began, ended=began + 0.1, **(about | more))


def let_in(number: int, began: float, ended: float = 0.0, **more: Any) -> Claim:
    """A claim that was admitted."""
    about: dict[str, Any] = {
        "buyer": f"b{number}",
        "spot": (LINE, 0, number),
        "told": "admitted",
        "pass_id": f"p{number}",
    }
    return Claim(began=began, ended=ended or began + 0.01, **(about | more))


def frame(serving: int, began: float) -> Seen:
    """A frame that was read."""
    return Seen(line=LINE, lane=0, serving=serving, began=began, ended=began + 0.01)


def rules(*told: Join | Claim | Seen, losses: tuple[float, ...] = ()) -> set[str]:
    """The classes of what is wrong in a room of 10 a second and a burst of 2."""
    history = RoomHistory(
        10,
        2,
        [one for one in told if isinstance(one, Join)],
        [one for one in told if isinstance(one, Claim)],
        [one for one in told if isinstance(one, Seen)],
        list(losses),
    )
    return {one.rule for one in history.wrong()}


ORDINARY: tuple[Join | Claim | Seen, ...] = (
    *(join(number, number) for number in range(1, 6)),
    replace(join(1, 7), spot=(LINE, 0, 1)),
    frame(0, 8),
    frame(3, 10),
    *(let_in(number, 10 + number / 10) for number in (1, 3, 2)),
    replace(let_in(4, 11), told="not_called", pass_id=""),
    let_in(1, 12),
    frame(5, 13),
    let_in(4, 14),
)


def test_an_ordinary_history_is_right() -> None:
    """Joined, repeated, called, let in at the rate, asked again, told to wait."""
    assert not rules(*ORDINARY)


def test_more_than_the_rate_allows_is_found() -> None:
    """Twelve in a second are the rate and a burst; thirteen are not; nor is a later repeat one."""
    crowd = [let_in(number, 10, 11) for number in range(1, 13)]
    assert not rules(*crowd, let_in(1, 10, 11))
    assert rules(*crowd, let_in(13, 10, 11)) == {"overshoot"}


def test_what_may_lie_outside_of_the_window_is_not_counted() -> None:
    """An answer that came late may have been decided late."""
    slow = [let_in(number, 10.0, 10.1 + number / 10) for number in range(1, 14)]
    assert not rules(*slow)
    assert rules(*(replace(one, ended=10.1) for one in slow)) == {"overshoot"}


def test_a_later_join_with_an_earlier_number_is_found() -> None:
    """Who came when the other had its place already; at the same time either may be first."""
    assert rules(join(5, 1), join(4, 2)) == {"inverted"}
    assert not rules(join(5, 1), join(4, 1.05))
    assert not rules(join(5, 1), join(6, 2), replace(join(5, 3), spot=(LINE, 0, 5)))


def test_a_turn_that_is_passed_over_is_found() -> None:
    """A place that is told to wait for its turn after one behind it was let in."""
    waits = replace(let_in(2, 12), told="not_called", pass_id="")
    assert rules(let_in(3, 10), waits) == {"inverted"}
    assert not rules(let_in(3, 10), replace(waits, told="wait"))
    assert not rules(let_in(3, 13), waits)


def test_a_second_place_is_found() -> None:
    """One key with two numbers, or one number of two buyers; a store that forgot is forgiven."""
    first, second = join(1, 1), replace(join(1, 5), spot=(LINE, 0, 9))
    assert rules(first, second) == {"second place"}
    assert not rules(first, second, losses=(3,))
    assert rules(first, replace(second, shown=True), losses=(3,)) == {"second place"}
    assert rules(first, second, losses=(7,)) == {"second place"}
    assert rules(join(1, 1), replace(join(2, 1), spot=(LINE, 0, 1))) == {"second place"}


def test_a_second_pass_is_found() -> None:
    """One place with two pass ids, or one id for two places."""
    assert rules(let_in(1, 1), let_in(1, 5, pass_id="other")) == {"second pass"}
    assert rules(let_in(1, 1), let_in(2, 5, pass_id="p1")) == {"second pass"}


def test_a_pass_for_a_place_that_was_never_called_is_found() -> None:
    """A frame read after the pass says that its turn had not come; one read before says nothing."""
    assert rules(let_in(7, 1), frame(6, 2)) == {"never called"}
    assert not rules(frame(6, 0.5), let_in(7, 1), frame(7, 2))


def test_a_line_that_goes_back_is_found() -> None:
    """Who was called stays called."""
    assert rules(frame(6, 1), frame(5, 2)) == {"went back"}
    assert not rules(frame(6, 1), frame(6, 2))
