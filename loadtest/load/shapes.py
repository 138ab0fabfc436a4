"""How many users there are at a moment of a load. Pure, so that a shape can be looked at."""

from __future__ import annotations

from collections.abc import Callable

FEWEST = 12
"""So many are always there: every kind of user at least once."""

STEPS = 5
CALM_SHARE = 0.2
"""Of a spike's users, those who are there before and after it."""

Shape = Callable[[float, int], int]
"""(share of the time that has gone by, most users) → users."""


def spike(gone: float, users: int) -> int:
    """A few, then at once everybody, then few again: the opening of a drop."""
    return users if 0.15 <= gone < 0.85 else round(users * CALM_SHARE)


def step(gone: float, users: int) -> int:
    """More and more, by stairs: which step is one too many shows in the report."""
    return round(users * (int(gone * STEPS) + 1) / STEPS)


def soak(gone: float, users: int) -> int:
    """Everybody, all the time: what grows, leaks or wears out shows after hours."""
    return users


SHAPES: dict[str, Shape] = {"spike": spike, "step": step, "soak": soak}


def users_at(shape: str, at_s: float, *, seconds: float, users: int) -> int | None:
    """How many users a shape asks for after `at_s` of its `seconds`; None when it is over."""
    if at_s >= seconds:
        return None
    return max(min(FEWEST, users), SHAPES[shape](at_s / seconds, users))
