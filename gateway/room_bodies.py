"""The bodies of what an operator changes in a room that runs, or tries on its record."""

from typing import Annotated

from msgspec import Meta

from gateway.bodies import Incoming
from queueing import (
    ACTIVE_MAX,
    BURST_MAX,
    GRACE_MAX_MS,
    GRACE_MIN_MS,
    MESSAGE_MAX,
    RATE_MAX_PER_S,
)

EPOCH_MAX = 65_534


class RateBody(Incoming, frozen=True):
    """How the room lets people in; what is not named stays.

    `rate_per_s` shoppers a second and `burst` at once after a quiet time; `active_max` inside at
    once (0: no bound); `grace_s` during which a called turn has its full right.
    """

    rate_per_s: Annotated[float, Meta(ge=0, le=RATE_MAX_PER_S)] | None = None
    burst: Annotated[int, Meta(ge=1, le=BURST_MAX)] | None = None
    active_max: Annotated[int, Meta(ge=0, le=ACTIVE_MAX)] | None = None
    grace_s: Annotated[int, Meta(ge=GRACE_MIN_MS // 1000, le=GRACE_MAX_MS // 1000)] | None = None

    def __post_init__(self) -> None:
        if {self.rate_per_s, self.burst, self.active_max, self.grace_s} == {None}:
            raise ValueError("Name at least one of `rate_per_s`, `burst`, `active_max`, `grace_s`")


class MessageBody(Incoming, frozen=True):
    """What everybody in line is told; "" for nothing."""

    message: Annotated[str, Meta(max_length=MESSAGE_MAX)]


class ResetBody(Incoming, frozen=True):
    """The epoch that is to end, as the sale's `room` shows it: so a repeat ends no second one."""

    epoch: Annotated[int, Meta(ge=1, le=EPOCH_MAX)]


class ForecastBody(Incoming, frozen=True):
    """Rules to try on the recorded traffic; what is not named is as it is in force."""

    rate_per_s: Annotated[float, Meta(ge=0, le=RATE_MAX_PER_S)] | None = None
    burst: Annotated[int, Meta(ge=1, le=BURST_MAX)] | None = None
    active_max: Annotated[int, Meta(ge=0, le=ACTIVE_MAX)] | None = None
