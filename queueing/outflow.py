"""Outflow: how fast the line moves: the pump, and what operators set.

Here belong the verbs that change a room's speed and state. The loop that pumps is the gateway's;
how many units are left it is told.
"""

import secrets
from dataclasses import dataclass

from lua.catalogue import signature
from lua.store import Store
from queueing import keys
from queueing.current import CurrentLine
from queueing.frame import CeilingReason, State, state_of
from queueing.rules import RoomRules, rate_milli
from queueing.setting import Changed, NoRoom

ROOM_CONFIGURE = signature(
    "room_configure",
    keys=("room", "changes"),
    argv=(
        "now_ms", "openings", "lobby_ms", "pass_ms", "active_max", "rate_milli", "burst",
        "grace_ms", "lanes", "rest_ms", "actor",
    ),
    replies=("begun", "same", "configured"),
)  # fmt: skip
ROOM_PUMP = signature(
    "room_pump",
    keys=("room", "line", "leases", "calls"),
    argv=(
        "now_ms", "drop", "epoch", "owner", "stock_left", "may_return", "ceiling_milli",
        "ceiling_reason", "inside_max", "deciding_ms", "likely", "possible",
    ),
    replies=("missing", "moved", "resting", "pumped"),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class DropBegun:
    """Refused: that drop has opened, its number and time stand on places and passes."""

    drop: int


@dataclass(frozen=True, slots=True)
class Pumped:
    """What one pumping did and saw: turns called now, and how many wait after it."""

    drop: int
    epoch: int
    state: State
    called: int
    waiting: int
    active: int


@dataclass(frozen=True, slots=True)
class Ceiling:
    """What measurements allow, whatever the operator set, and which of them allows no more."""

    rate_per_s: float
    reason: CeilingReason


@dataclass(frozen=True, slots=True)
class Supply:
    """How far the stock that is left goes; -1: not known, or without bound.

    No more than `inside_max` passes are in force at once that are younger than `deciding_ms`;
    `likely` it serves so many more places of the line, `possible`y so many.
    """

    inside_max: int = -1
    deciding_ms: int = -1
    likely: int = -1
    possible: int = -1


UNKNOWN_SUPPLY = Supply()


@dataclass(frozen=True, slots=True)
class Resting:
    """Another process pumps, until then at least by the store's clock."""

    until_ms: int


PumpReport = Pumped | Resting | NoRoom


class Outflow:
    """The verbs configure and pump."""

    def __init__(self, store: Store, current: CurrentLine) -> None:
        self._store = store
        self._current = current
        self._owner = secrets.token_hex(8)

    async def configure(
        self, sale: str, rules: RoomRules, actor: str, now_ms: int = 0, *, rest_ms: int = 0
    ) -> Changed | DropBegun:
        """Make the room, paused until it is opened, or change its rules; repeat freely.

        One that its store forgot rests for `rest_ms`, for gateways to hand in what they saw of it.

        What was set by hand stays unless the rules bring another value than they last did.
        """
        reply = await self._store.run(
            ROOM_CONFIGURE,
            (keys.room(sale), keys.changes(sale)),
            (
                now_ms,
                " ".join(str(opening_ms) for opening_ms in rules.openings_ms),
                rules.lobby_ms,
                rules.pass_ms,
                rules.active_max,
                rate_milli(rules.rate_per_s),
                rules.burst,
                rules.grace_ms,
                " ".join(f"{lane.name}:{lane.weight}" for lane in rules.lanes),
                rest_ms,
                actor,
            ),
        )
        match reply:
            case [b"begun", drop]:
                return DropBegun(drop)
            case [b"same" | b"configured" as word]:
                return Changed(word == b"configured")
            case _:
                raise AssertionError(f"room_configure replied {reply}")

    async def pump(
        self,
        sale: str,
        stock_left: int | None,
        now_ms: int = 0,
        *,
        may_return: int = 0,
        ceiling: Ceiling | None = None,
        supply: Supply = UNKNOWN_SUPPLY,
    ) -> PumpReport:
        """One pumping: call what the time since the last one allows. Run it 2 to 10 times a second.

        `stock_left` is how many units can be sold now, None when that is not known; `may_return`
        how many are held. With none left nobody is called or let in until a pumping brings another
        number; the room is sold out only when none may return either. A `ceiling` below the
        operator's rate rules turns and claims from this pumping to the next one, and so does the
        bound of the `supply` on who is inside.
        """
        on, reply = await self._current.run(
            ROOM_PUMP,
            sale,
            lambda on: (
                keys.room(sale),
                keys.line(sale, on),
                keys.leases(sale),
                keys.calls(sale, on),
            ),
            lambda on: (
                now_ms,
                on.drop,
                on.epoch,
                self._owner,
                -1 if stock_left is None else stock_left,
                may_return,
                -1 if ceiling is None else rate_milli(ceiling.rate_per_s),
                "" if ceiling is None else ceiling.reason,
                supply.inside_max,
                supply.deciding_ms,
                supply.likely,
                supply.possible,
            ),
        )
        match reply:
            case [b"pumped", state, called, waiting, active]:
                return Pumped(on.drop, on.epoch, state_of(state), called, waiting, active)
            case [b"resting", until_ms]:
                return Resting(until_ms)
            case [b"missing"]:
                return NoRoom()
            case _:
                raise AssertionError(f"room_pump replied {reply}")
