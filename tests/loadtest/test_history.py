"""The history checker: right histories pass, and each kind of wrong one is found and named."""

import random
from dataclasses import replace
from typing import Any

import pytest

from loadtest.history import Attempt, Buy, GiveBack, History, Kept, Redeem

RELEASED = {"pool": 3}


def buy(key: str, began: float, ended: float = 0.0, *units: int, **more: Any) -> Buy:
    """A buying of one unit by a buyer of its own; told ok with the units that are given."""
    told = "ok" if units else "unknown"
    about: dict[str, Any] = {
        "buyer": key,
        "offer": "pool",
        "quantity": max(1, len(units)),
        "told": told,
    }
    about |= {"order": f"o-{key}" if units else "", "units": units}
    return Buy(key=key, began=began, ended=ended or began + 1, **(about | more))


def no(key: str, began: float, why: str = "sold_out", **more: Any) -> Buy:
    """A refusal."""
    return buy(key, began, told="refused", why=why, **more)


def rules(*attempts: Attempt, kept: dict[str, Kept] | None = None, limit: int = 2) -> set[str]:
    """The classes of what is wrong; orders that were told are kept unless `kept` is given."""
    if kept is None:
        back = {one.order for one in attempts if isinstance(one, GiveBack) and one.told == "ok"}
        kept = {
            one.order: Kept(one.key, one.units)
            for one in attempts
            if isinstance(one, Buy) and one.order and one.order not in back
        }
    return {one.rule for one in History(RELEASED, limit, list(attempts), kept).wrong()}


def test_an_ordinary_history_is_right() -> None:
    """Sold to the last unit, refused after that, repeated, one given back and sold again."""
    sold = [buy(f"k{n}", n, n + 0.5, n) for n in range(3)]
    assert not rules(
        *sold,
        no("late", 10),
        replace(sold[0], began=11, ended=12, replayed=True),
        GiveBack(key="r", order="o-k1", began=13, ended=14, told="ok"),
        buy("next", 13.5, 15, 1),
        no("late", 20),
        Redeem(key="d1", code="A", began=21, ended=22, told="ok"),
        Redeem(key="d1", code="A", began=23, ended=24, told="ok", replayed=True),
    )


def test_a_unit_with_two_owners_is_found() -> None:
    """Two orders with one unit; but not when the first was being given back."""
    first, second = buy("a", 0, 1, 7), buy("b", 2, 3, 7)
    assert rules(first, second) == {"oversold"}
    assert not rules(first, GiveBack(key="r", order="o-a", began=1.5, ended=4, told="ok"), second)
    early = GiveBack(key="r", order="o-a", began=3.5, ended=4, told="ok")
    assert rules(first, early, second) == {"oversold"}


def test_more_units_than_released_are_found() -> None:
    """Four orders of different units, three released."""
    assert rules(*(buy(f"k{n}", n, n + 1, n) for n in range(4))) == {"oversold"}


def test_a_limit_that_was_broken_is_found() -> None:
    """Two orders of one buyer, together over the limit; one after the other is no wrong."""
    first = buy("a", 0, 1, 1, 2, buyer="ann")
    second = buy("b", 5, 6, 3, buyer="ann")
    assert rules(first, second) == {"over limit"}
    assert not rules(first, GiveBack(key="r", order="o-a", began=2, ended=3, told="ok"), second)


def test_a_success_that_is_gone_is_found() -> None:
    """Told and not there; or there with other units."""
    assert rules(buy("a", 0, 1, 1), kept={}) == {"lost success"}
    assert rules(buy("a", 0, 1, 1), kept={"o-a": Kept("a", (2,))}) == {"lost success"}


def test_a_refusal_after_a_success_is_found() -> None:
    """A repeat of a success hears the success; a fault in between is no lie."""
    first = buy("a", 0, 1, 1)
    full = [buy("b", 0, 1, 2, 3)]
    assert rules(first, *full, no("a", 2)) == {"lost success"}
    assert not rules(first, *full, no("a", 0.5), buy("a", 2, told="nothing"), buy("a", 3))


def test_an_answer_that_changes_is_found() -> None:
    """One key, two orders; or the same order made anew."""
    first = buy("a", 0, 1, 1)
    other = replace(first, began=2, ended=3, order="o-2", units=(2,), replayed=True)
    assert "not repeatable" in rules(first, other)
    assert rules(first, replace(first, began=2, ended=3)) == {"not repeatable"}


def test_a_denial_of_what_was_done_is_found() -> None:
    """Refused, or told that nothing happened, and the order is there; `not known` is honest."""
    kept = {"x": Kept("a", (4,))}
    for told in ("refused", "nothing"):
        assert rules(buy("a", 0, told=told), kept=kept) >= {"denied"}
    assert not rules(buy("a", 0, told="unknown"), kept=kept)


@pytest.mark.parametrize("why", ["sold_out", "too_few", "all_held"])
def test_a_refusal_while_units_were_left_is_found(why: str) -> None:
    """Two of three sold, a third refused; an attempt without an answer may have had the last."""
    sold = [buy("a", 0, 1, 1), buy("b", 0, 1, 2)]
    assert rules(*sold, no("c", 5, why)) == {"wrongly refused"}
    assert not rules(*sold, buy("d", 2), no("c", 5, why))
    assert rules(*sold, buy("d", 9), no("c", 5, why)) == {"wrongly refused"}
    assert not rules(*sold, no("c", 5, why, quantity=2))


def test_a_refusal_for_withheld_units_is_right() -> None:
    """A store that was built anew keeps back what it may have sold: no wrong, but no more of it."""
    refused: list[Attempt] = [buy("a", 0, 1, 1), no("b", 5, "all_held")]
    kept = {"o-a": Kept("a", (1,))}
    assert {one.rule for one in History(RELEASED, 2, refused, kept, {"pool": 1}).wrong()} == {
        "wrongly refused"
    }
    assert not History(RELEASED, 2, refused, kept, {"pool": 2}).wrong()


def test_a_limit_told_to_somebody_below_it_is_found() -> None:
    """One unit of two, and refused for the limit."""
    assert rules(
        buy("a", 0, 1, 1, buyer="ann"), no("b", 2, "limit_reached", buyer="ann")
    ) == {"wrongly refused"}  # fmt: skip
    assert not rules(buy("a", 0, 1, 1, 2, buyer="ann"), no("b", 2, "limit_reached", buyer="ann"))


def test_a_code_let_in_twice_is_found() -> None:
    """Two keys, one code."""
    first = Redeem(key="d1", code="ABCD", began=0, ended=1, told="ok")
    assert rules(first, replace(first, key="d2", began=2, ended=3)) == {"redeemed twice"}
    assert not rules(first, replace(first, key="d2", began=2, told="refused"))


def played(dice: random.Random, *, steps: int = 60) -> History:
    """A history of a shop that is right: overlapping attempts, lost answers, repeats, refunds."""
    free, now = list(range(8)), 0.0
    owner: dict[str, str] = {}
    history = History({"pool": 8}, 3)
    asked: dict[str, tuple[str, int]] = {}
    done: dict[str, tuple[int, ...]] = {}
    ever: set[str] = set()
    for step in range(steps):
        now += dice.random()
        began, ended = now - 2 * dice.random(), now + 2 * dice.random()
        if done and dice.random() < 0.2:
            key = dice.choice(sorted(done))
            history.attempts.append(
                GiveBack(key=f"r{step}", order=f"o-{key}", began=now, ended=ended, told="ok")
            )
            free += done.pop(key)
            now = ended
            continue
        key = dice.choice(sorted(asked)) if asked and dice.random() < 0.3 else f"k{step}"
        if key in ever and key not in done:
            continue  # it was given back
        buyer, quantity = asked.setdefault(key, (dice.choice("abcd"), dice.randint(1, 2)))
        try_ = Buy(key=key, buyer=buyer, offer="pool", quantity=quantity, began=began, ended=ended)
        replayed = key in done
        has = sum(len(units) for one, units in done.items() if owner[one] == buyer)
        if not replayed and has + quantity > 3:
            history.attempts.append(replace(try_, told="refused", why="limit_reached"))
        elif not replayed and len(free) < quantity:
            history.attempts.append(replace(try_, told="refused", why="sold_out"))
        else:
            if not replayed:
                done[key], owner[key] = tuple(free.pop(0) for _ in range(quantity)), buyer
                ever.add(key)
            told = replace(try_, told="ok", order=f"o-{key}", units=done[key], replayed=replayed)
            history.attempts.append(try_ if dice.random() < 0.2 else told)
        now = ended
    history.kept = {f"o-{key}": Kept(key, units) for key, units in done.items()}
    return history


def test_histories_that_can_be_are_never_accused() -> None:
    """Five hundred random plays of a shop that keeps its word."""
    for seed in range(500):
        assert not played(random.Random(seed)).wrong(), f"seed {seed}"


def test_a_single_lie_in_a_long_history_is_found() -> None:
    """One answer of a random right history is turned into a lie of each kind."""
    found = 0
    for seed in range(200):
        history = played(random.Random(seed))
        told = [one for one in history.attempts if isinstance(one, Buy) and one.told == "ok"]
        if len(told) < 2:
            continue
        at = history.attempts.index(told[-1])
        history.attempts[at] = replace(told[-1], units=(999,) * len(told[-1].units))
        found += 1 if history.wrong() else 0
    assert found > 100
