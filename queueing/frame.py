"""The frame: the one small public document of a room, and what a client computes from it.

Here belong its fields, the poll rule, and when to ask again. The script room_frame makes it; a
gateway keeps it in memory, so a poll costs the store nothing.
"""

from dataclasses import dataclass, replace
from typing import Any, Literal

from queueing.eta import speed_of
from queueing.keys import Line
from queueing.supply import share_out

State = Literal["lobby", "open", "paused", "draining", "sold_out", "closed"]
Stock = Literal["plenty", "low", "none", "unknown"]
CeilingReason = Literal["latency", "errors", "settlement", "store", "stock"]
RateReason = Literal["opening", "draw", "operator", "active", CeilingReason]

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
class LaneFrame:
    """One lane of a line. Turns up to `serving` may claim; `tail` is the last number given.

    Numbers up to `drawn` have the turn that the draw gave them, later ones their own. `rate_per_s`
    is how fast its turns are called while the room is open, `low_per_s` to `high_per_s` how far
    that has swung. `likely` and `possible`: so many ahead are likely, or may possibly, be reached
    by the stock; -1 is not known. Turns up to `late` have outlived their grace. `admitted` passes
    were given, which is for operators alone.
    """

    name: str
    serving: int = 0
    tail: int = 0
    drawn: int = 0
    rate_per_s: float = 0.0
    low_per_s: float = 0.0
    high_per_s: float = 0.0
    likely: int = -1
    possible: int = -1
    late: int = 0
    admitted: int = 0

    @property
    def waiting(self) -> int:
        """How many have not been called yet."""
        return self.tail - self.serving


_NO_LANE = LaneFrame(name="everyone")


@dataclass(frozen=True, slots=True, kw_only=True)
class Frame:
    """The state of a room at `at_ms` by the store's clock.

    `rate_per_s`: how fast shoppers are let in while the state is open; `reason`: what rules that
    now; `message`: what the operator has to say, "" for nothing. With the lane of the place, a
    client's wait is max(0, opens_at_ms - at_ms) + (turn - lane.serving) / lane.rate_per_s, and it
    asks again after clamp(poll_ms, poll_max_ms, wait / poll_share), drawn out by up to
    `poll_spread` at random. A called turn is claimed within `grace_ms`. Joins are taken from
    `lobby_at_ms`; `next_opens_at_ms` is the drop after this one, 0 for none. Before the first lobby
    `drop` is 0 and the times are those of the first drop. `seed` is of the draw, "" until revealed.

    For operators alone: `active` passes are in force, of `active_max` (0: no bound), and those of
    `deciding` are young enough to be used yet; `burst` turns at once after a quiet time; the
    operator set `operator_rate_per_s`; of the called a share of `comes` claims. `revision` counts
    what operators changed.
    """

    sale: str
    drop: int
    epoch: int
    state: State
    reason: RateReason
    message: str = ""
    rate_per_s: float
    stock: Stock
    lanes: tuple[LaneFrame, ...]
    seed: str = ""
    opens_at_ms: int
    lobby_at_ms: int
    next_opens_at_ms: int
    at_ms: int
    grace_ms: int
    poll_ms: int
    poll_max_ms: int = POLL_FAR_MS
    poll_share: int = POLL_SHARE
    poll_spread: float = POLL_SPREAD
    active: int = 0
    deciding: int = 0
    active_max: int = 0
    burst: int = 0
    comes: float = 1.0
    revision: int = 0
    operator_rate_per_s: float = 0.0

    @property
    def waiting(self) -> int:
        """How many have not been called yet, in all lanes."""
        return sum(lane.waiting for lane in self.lanes)

    @property
    def called(self) -> int:
        """How many turns were called in this line."""
        return sum(lane.serving for lane in self.lanes)

    @property
    def joined(self) -> int:
        """How many places were given in this line."""
        return sum(lane.tail for lane in self.lanes)

    @property
    def admitted(self) -> int:
        """How many passes were given in this line."""
        return sum(lane.admitted for lane in self.lanes)

    def lane(self, index: int) -> LaneFrame:
        """A lane; one in which nobody was called where the room does not know it (any more)."""
        return self.lanes[index] if index < len(self.lanes) else _NO_LANE

    def ahead(self, lane: int, turn: int) -> int:
        """How many turns of its lane are to be called up to and with this one; 0: it was called."""
        return max(0, turn - self.lane(lane).serving)

    def poll_after_ms(self, lane: int, turn: int) -> int:
        """When the holder of `turn` should look again; each turn has its own spread."""
        wait_ms = max(0, self.opens_at_ms - self.at_ms) + queue_ms(
            self.ahead(lane, turn), self.lane(lane).rate_per_s
        )
        return spread(wait_ms, poll_floor_ms(self.state), turn)


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
    b"draw": "draw",
    b"operator": "operator",
    b"active": "active",
    b"stock": "stock",
    b"latency": "latency",
    b"errors": "errors",
    b"settlement": "settlement",
    b"store": "store",
}


def frame_of(sale: str, on: Line, fields: list[Any]) -> Frame:
    """The frame from the words that room_frame replies after 'frame'."""
    at_ms, state, reason, message, rate_milli, set_milli, stock, seed, *rest = fields
    (
        opens_ms,
        lobby_ms,
        next_ms,
        grace_ms,
        active,
        deciding,
        active_max,
        burst,
        comes,
        revision,
        *reach,
        lanes,
    ) = rest
    return Frame(
        sale=sale,
        drop=on.drop,
        epoch=on.epoch,
        state=state_of(state),
        reason=_REASONS[reason],
        message=message.decode(),
        rate_per_s=rate_milli / 1000,
        operator_rate_per_s=set_milli / 1000,
        stock=_STOCKS[stock],
        lanes=_lanes(lanes, rate_milli, reach),
        seed=seed.decode(),
        opens_at_ms=opens_ms,
        lobby_at_ms=lobby_ms,
        next_opens_at_ms=next_ms,
        at_ms=at_ms,
        grace_ms=grace_ms,
        poll_ms=poll_floor_ms(state_of(state)),
        active=active,
        deciding=deciding,
        active_max=active_max,
        burst=burst,
        comes=comes / 1000,
        revision=revision,
    )


def _lanes(lanes: list[list[Any]], rate_milli: int, reach: list[int]) -> tuple[LaneFrame, ...]:
    """The lanes from room_frame's lists. Until its speed is measured each has its share.

    `reach`: how many places of all lanes the stock likely and possibly serves.
    """
    weights = [lane[5] for lane in lanes]
    waiting = [max(0, tail - serving) for _, serving, tail, *_ in lanes]
    likely, possible = (share_out(places, waiting, weights) for places in reach)
    made = []
    for at, (name, serving, tail, drawn, admitted, weight, v10, v60, late) in enumerate(lanes):
        share = rate_milli * weight / sum(weights)
        speed = speed_of(*((one if one >= 0 else share) / 1000 for one in (v10, v60)))
        made.append(
            LaneFrame(
                name=name.decode(),
                serving=serving,
                tail=tail,
                drawn=drawn,
                admitted=admitted,
                late=late,
                rate_per_s=speed.per_s,
                low_per_s=speed.low_per_s,
                high_per_s=speed.high_per_s,
                likely=likely[at],
                possible=possible[at],
            )
        )
    return tuple(made)


def lost_frame(sale: str) -> Frame:
    """The frame of a room that this store does not know: nobody moves, nobody is sent away."""
    return Frame(
        sale=sale,
        drop=0,
        epoch=0,
        state="paused",
        reason="store",
        rate_per_s=0,
        stock="unknown",
        lanes=(_NO_LANE,),
        opens_at_ms=0,
        lobby_at_ms=0,
        next_opens_at_ms=0,
        at_ms=0,
        grace_ms=0,
        poll_ms=poll_floor_ms("paused"),
    )


def standing_still(frame: Frame, at_ms: int) -> Frame:
    """A frame while its store does not answer for the room: every place is safe, nobody moves.

    It may be over in a moment, so clients go on asking as often as before. A lobby is one until
    its draw: its frame stays before the opening however late it is, or numbers would be taken for
    turns.
    """
    if frame.at_ms < frame.opens_at_ms:
        at_ms = min(at_ms, frame.opens_at_ms - 1)
    match frame.state:
        case "lobby" | "open" | "paused":
            return replace(frame, state="paused", reason="store", at_ms=at_ms)
        case "draining" | "sold_out" | "closed":
            return replace(frame, at_ms=at_ms)


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
