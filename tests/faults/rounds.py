"""How often a fault is repeated, and how soon a drop must go on after it."""

import os

ROUNDS = int(os.environ.get("FAULT_ROUNDS", "1"))
"""Once in the test run, as often as `make faults` says there."""
PROMISED_S = 5.0
"""From the end of a trouble until somebody succeeds again."""
TRIES_MAX = 4
"""A machine that does much else at the same time is asked so often beyond the rounds."""
GUARD_S = 30.0
"""Nothing else may make it take longer than this."""


def again(took: list[float]) -> bool:
    """Whether the trouble comes once more; `took` has the seconds of each that was."""
    if len(took) < ROUNDS:
        return True
    return min(took) > PROMISED_S and len(took) < ROUNDS + TRIES_MAX


def is_kept(took: list[float]) -> bool:
    """Whether the promise was kept where the machine let it, and the guard always."""
    return min(took) <= PROMISED_S and max(took) <= GUARD_S
