"""How fast a venue's back end may be asked. No I/O and no clock: time is an argument, in seconds.

Belongs here: the token bucket and how its rate follows the answers. Sending is `client`'s.
"""

from __future__ import annotations

import random

SLOWER_AFTER_REFUSAL = 0.7
SLOWER_AFTER_FAILURE = 0.9
FLOOR_SHARE = 0.02
"""The rate never falls below this share of the ceiling, so that a run always ends."""

RISE_SHARE = 0.02
"""Of the ceiling, per good answer: 35 good answers undo one refusal at full speed, no more."""

WAIT_MIN_S = 0.001
"""A shorter wait may not move the clock, and the caller would ask for ever."""

FAILURE_WAIT_S = 0.1
FAILURE_WAIT_MAX_S = 5.0
RETRY_AFTER_MAX_S = 120.0
"""A venue that asks for more is not believed: its header may be nonsense."""


class Pace:
    """A token bucket whose rate rises with good answers and falls with bad ones (AIMD).

    Never lets more than `ceiling_per_s * w + burst` through in any `w` seconds, whatever is
    answered; after a refusal nothing passes until its Retry-After is over, for any caller.
    """

    def __init__(self, *, ceiling_per_s: float, burst: int, seed: int = 0) -> None:
        if ceiling_per_s <= 0 or burst < 1:
            raise ValueError("a pace needs ceiling_per_s > 0 and burst >= 1")
        self.ceiling_per_s, self.burst = ceiling_per_s, burst
        self.rate_per_s = ceiling_per_s
        self._tokens = float(burst)
        self._at_s: float | None = None
        self._shut_until_s = float("-inf")
        self._failures = 0
        self._dice = random.Random(seed)

    def wait_s(self, now_s: float) -> float:
        """0.0 when a request may go now (its token is taken), else when to ask anew."""
        if now_s < self._shut_until_s:
            return self._shut_until_s - now_s
        self._earn(now_s)
        if self._tokens < 1.0:
            return max(WAIT_MIN_S, (1.0 - self._tokens) / self.rate_per_s)
        self._tokens -= 1.0
        return 0.0

    def answered(self, now_s: float) -> None:
        """The venue did what was asked: a little faster."""
        self._failures = 0
        self._change_rate(now_s, self.rate_per_s + RISE_SHARE * self.ceiling_per_s)

    def refused(self, now_s: float, retry_after_s: float) -> None:
        """The venue said 429: silence for that long, then slower, and no saved-up burst."""
        self._change_rate(now_s, self.rate_per_s * SLOWER_AFTER_REFUSAL)
        self._shut(now_s, min(retry_after_s, RETRY_AFTER_MAX_S))

    def failed(self, now_s: float, retry_after_s: float = 0.0) -> None:
        """A 5xx, a lost line or no answer in time: back off, longer with each failure in a row."""
        backoff_s = min(FAILURE_WAIT_MAX_S, FAILURE_WAIT_S * 2.0**self._failures)
        self._failures = min(self._failures + 1, 16)
        self._change_rate(now_s, self.rate_per_s * SLOWER_AFTER_FAILURE)
        wait_s = max(backoff_s * self._dice.uniform(0.5, 1.0), retry_after_s)
        self._shut(now_s, min(wait_s, RETRY_AFTER_MAX_S))

    def _earn(self, now_s: float) -> None:
        """Up to now, and nothing for the time that `_shut` skipped by setting `_at_s` ahead."""
        since_s = 0.0 if self._at_s is None else max(0.0, now_s - self._at_s)
        self._tokens = min(float(self.burst), self._tokens + since_s * self.rate_per_s)
        self._at_s = now_s if self._at_s is None else max(now_s, self._at_s)

    def _change_rate(self, now_s: float, rate_per_s: float) -> None:
        """What was earned so far was earned at the old rate."""
        self._earn(now_s)
        floor = FLOOR_SHARE * self.ceiling_per_s
        self.rate_per_s = min(self.ceiling_per_s, max(floor, rate_per_s))

    def _shut(self, now_s: float, wait_s: float) -> None:
        """Nothing is earned while shut, or the silence would end in a burst."""
        self._shut_until_s = max(self._shut_until_s, now_s + wait_s)
        self._tokens = min(self._tokens, 1.0)
        self._at_s = max(now_s, self._shut_until_s)
