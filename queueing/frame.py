"""The frame: the one small public document of a room, and what a client computes from it.

Here belong its fields, the poll rule, and when to ask again. The script room_frame makes it; a
gateway keeps it in memory, so a poll costs the store nothing.
"""

from dataclasses import dataclass
from typing import Any, Literal

State = Literal["lobby", "open", "paused", "draining", "sold_out", "closed"]
Stock = Literal["plenty", "low", "none", "unknown"]
RateReason = Literal["opening", "operator", "active", "stock"]

POLL_NEAR_MS = 1_000
POLL_FAR_MS = 60_000
POLL_SHARE = 6
"""Clients ask again after a sixth of the wait that is left: near the turn often, far away seldom.
An hour in line is some 75 polls; a fixed 5 s would be 720, and notice the turn later."""
POLL_IDLE_MS = 5_000
POLL_SPREAD = 0.25
"""Every wait is drawn out by up to a quarter, so that a crowd that came at once does not come
back at once."""
_GOLDEN = 2_654_435_769


@dataclass(frozen=True, slots=True, kw_only=True)
class Frame:
    """The state of a room at `at_ms` by the store's clock.

    `serving`: numbers up to it may claim; `tail`: the last number given; `rate_per_s`: how fast
    turns are called while the state is open; `reason`: what rules that now. A client's wait is
    max(0, opens_at_ms - at_ms) + (number - serving) / rate_per_s, and it asks again after
    clamp(poll_ms, poll_max_ms, wait / poll_share), drawn out by up to `poll_spread` at random.
    Joins are taken from `lobby_at_ms`; `next_opens_at_ms` is the drop after this one, 0 for none.
    Before the first lobby `drop` is 0 and the times are those of the first drop.

    For operators alone: `active` passes are in force, of `active_max` (0: no bound); `burst` turns
    at once after a quiet time; `admitted` passes were given in this drop.
    """

    sale: str
    drop: int
    state: State
    serving: int
    tail: int
    rate_per_s: float
    stock: Stock
    reason: RateReason
    opens_at_ms: int
    lobby_at_ms: int
    next_opens_at_ms: int
    at_ms: int
    poll_ms: int
    poll_max_ms: int = POLL_FAR_MS
    poll_share: int = POLL_SHARE
    poll_spread: float = POLL_SPREAD
    active: int = 0
    active_max: int = 0
    burst: int = 0
    admitted: int = 0

    def ahead(self, number: int) -> int:
        """How many turns are still to be called up to and with this one; 0: it has been called."""
        return max(0, number - self.serving)

    def poll_after_ms(self, number: int) -> int:
        """When the holder of `number` should look again; each number has its own spread."""
        wait_ms = max(0, self.opens_at_ms - self.at_ms) + queue_ms(
            self.ahead(number), self.rate_per_s
        )
        return spread(wait_ms, poll_floor_ms(self.state), number)


_STATES: dict[bytes, State] = {
    b"lobby": "lobby",
    b"open": "open",
    b"paused": "paused",
    b"draining": "draining",
    b"sold_out": "sold_out",
    b"closed": "closed",
}
_STOCKS: dict[bytes, Stock] = {
    b"plenty": "plenty",
    b"low": "low",
    b"none": "none",
    b"unknown": "unknown",
}
_REASONS: dict[bytes, RateReason] = {
    b"opening": "opening",
    b"operator": "operator",
    b"active": "active",
    b"stock": "stock",
}


def frame_of(sale: str, drop: int, fields: list[Any]) -> Frame:
    """The frame from the words that room_frame replies after 'frame'."""
    at_ms, state, serving, tail, rate_milli, stock, reason, *rest = fields
    opens_ms, lobby_ms, next_ms, active, active_max, burst, admitted = rest
    return Frame(
        sale=sale,
        drop=drop,
        state=state_of(state),
        serving=serving,
        tail=tail,
        rate_per_s=rate_milli / 1000,
        stock=_STOCKS[stock],
        reason=_REASONS[reason],
        opens_at_ms=opens_ms,
        lobby_at_ms=lobby_ms,
        next_opens_at_ms=next_ms,
        at_ms=at_ms,
        poll_ms=poll_floor_ms(state_of(state)),
        active=active,
        active_max=active_max,
        burst=burst,
        admitted=admitted,
    )


def lost_frame(sale: str) -> Frame:
    """The frame of a room that this store does not know: nobody moves, nobody is sent away."""
    return Frame(
        sale=sale,
        drop=0,
        state="paused",
        serving=0,
        tail=0,
        rate_per_s=0,
        stock="unknown",
        reason="operator",
        opens_at_ms=0,
        lobby_at_ms=0,
        next_opens_at_ms=0,
        at_ms=0,
        poll_ms=poll_floor_ms("paused"),
    )


def state_of(word: bytes) -> State:
    """The state that a script named."""
    return _STATES[word]


def poll_floor_ms(state: State) -> int:
    """The shortest sensible time between two polls: slower where nothing can happen soon."""
    match state:
        case "lobby" | "open":
            return POLL_NEAR_MS
        case "paused" | "draining" | "sold_out":
            return POLL_IDLE_MS
        case "closed":
            return POLL_FAR_MS


def spread(wait_ms: int, floor_ms: int, number: int) -> int:
    """The poll rule for one number: a share of the wait, bounded, drawn out by its own fraction.

    The fraction comes from the number (multiplicative hashing), so it needs no chance here and
    neighbours in line fall far apart.
    """
    base = min(POLL_FAR_MS, max(floor_ms, wait_ms // POLL_SHARE))
    return base + int(base * POLL_SPREAD * fraction(number))


def fraction(number: int) -> float:
    """A fraction in [0, 1) of a number; consecutive numbers are spread evenly."""
    return (number * _GOLDEN % 2**32) / 2**32


def queue_ms(ahead: int, rate_per_s: float) -> int:
    """How long `ahead` turns take; at a rate of 0 as if it were 1, for polls to be spread by."""
    return int(ahead * 1000 / (rate_per_s or 1.0))
