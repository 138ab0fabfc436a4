"""Setting: what an operator changes while a room runs.

Here belong the verbs set_room, set_state and reset, and the journal of all changes. The
room's rules as a whole, and the pump, are in outflow.
"""

from dataclasses import dataclass
from typing import Any, Literal

from lua.catalogue import signature
from lua.store import Store
from queueing import keys
from queueing.rules import checked_active_max, checked_burst, checked_grace_ms, rate_milli

MESSAGE_MAX = 280

ROOM_SET = signature(
    "room_set",
    keys=("room", "changes"),
    argv=(
        "now_ms", "revision", "rate_milli", "burst", "active_max", "grace_ms", "message", "actor",
    ),
    replies=("missing", "same", "stale", "changed"),
)  # fmt: skip
ROOM_RESET = signature(
    "room_reset",
    keys=("room", "changes"),
    argv=("now_ms", "epoch", "actor"),
    replies=("missing", "same", "reset"),
)
ROOM_STATE = signature(
    "room_state",
    keys=("room", "changes"),
    argv=("now_ms", "state", "actor", "revision"),
    replies=("missing", "same", "stale", "changed"),
)

SetState = Literal["open", "paused", "draining", "closed"]


@dataclass(frozen=True, slots=True, kw_only=True)
class RoomSettings:
    """What to change; None leaves it as it is. Raises BadRules outside the rules' limits.

    `message` is told to everybody who waits, in 280 characters at most; "" takes it back.
    """

    rate_per_s: float | None = None
    burst: int | None = None
    active_max: int | None = None
    grace_ms: int | None = None
    message: str | None = None

    def __post_init__(self) -> None:
        self.arguments()
        assert self.message is None or len(self.message) <= MESSAGE_MAX, "the message is too long"

    def arguments(self) -> tuple[int, int, int, int, str]:
        """As room_set takes them."""
        return (
            -1 if self.rate_per_s is None else rate_milli(self.rate_per_s),
            0 if self.burst is None else checked_burst(self.burst),
            -1 if self.active_max is None else checked_active_max(self.active_max),
            0 if self.grace_ms is None else checked_grace_ms(self.grace_ms),
            "" if self.message is None else f"={self.message}",
        )


@dataclass(frozen=True, slots=True)
class Changed:
    """The room is as asked; `changed` is false when it already was."""

    changed: bool


@dataclass(frozen=True, slots=True)
class RoomSet:
    """The room is as asked, at this revision; `changed` is false when it already was."""

    revision: int
    changed: bool


@dataclass(frozen=True, slots=True)
class LineReset:
    """The epoch that is on; `changed` is false when the one that was named had ended before."""

    epoch: int
    changed: bool


@dataclass(frozen=True, slots=True)
class StaleRevision:
    """Refused: the room was changed since the revision that was named; this one is in force."""

    revision: int


@dataclass(frozen=True, slots=True)
class NoRoom:
    """The store knows no room for the sale."""


@dataclass(frozen=True, slots=True)
class Change:
    """One entry of the operators' journal: what was asked for, by whom, and its values as text.

    `entry` is the id that the store gave it.
    """

    entry: str
    at_ms: int
    what: str
    actor: str
    detail: str


class Setting:
    """What operators change, and what they have changed."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def set_room(
        self,
        sale: str,
        settings: RoomSettings,
        actor: str,
        expected_revision: int | None = None,
        now_ms: int = 0,
    ) -> RoomSet | StaleRevision | NoRoom:
        """Change what is named; in force at the next claim. A revision of None is any."""
        reply = await self._store.run(
            ROOM_SET, _keys(sale), (now_ms, _named(expected_revision), *settings.arguments(), actor)
        )
        return _room_set(reply)

    async def reset(self, sale: str, epoch: int, actor: str, now_ms: int = 0) -> LineReset | NoRoom:
        """End the line of `epoch` and begin one anew: places are gone, passes go on to work.

        Repeat freely: the second time that epoch has ended, and nothing is changed.
        """
        reply = await self._store.run(ROOM_RESET, _keys(sale), (now_ms, epoch, actor))
        match reply:
            case [b"reset" | b"same" as word, epoch]:
                return LineReset(epoch, word == b"reset")
            case [b"missing"]:
                return NoRoom()
            case _:
                raise AssertionError(f"room_reset replied {reply}")

    async def set_state(
        self,
        sale: str,
        state: SetState,
        actor: str = "",
        expected_revision: int | None = None,
        now_ms: int = 0,
    ) -> RoomSet | StaleRevision | NoRoom:
        """Open, pause, drain or close; in force at the next claim. A revision of None is any.

        paused: joins go on, nobody is let in · draining: neither, as the stock takes no new holds
        either, but it may be opened again · closed: places are gone.
        """
        argv = (now_ms, state, actor, _named(expected_revision))
        return _room_set(await self._store.run(ROOM_STATE, _keys(sale), argv))

    async def changes(self, sale: str, limit: int = 100) -> list[Change]:
        """The newest changes first; the store keeps the last 1,000."""
        entries = await self._store.read("XREVRANGE", keys.changes(sale), "+", "-", "COUNT", limit)
        return [
            Change(name.decode(), int(at_ms), what.decode(), actor.decode(), detail.decode())
            for name, [_, at_ms, _, what, _, actor, _, detail] in entries
        ]


def _keys(sale: str) -> tuple[str, str]:
    return keys.room(sale), keys.changes(sale)


def _named(revision: int | None) -> int:
    return -1 if revision is None else revision


def _room_set(reply: list[Any]) -> RoomSet | StaleRevision | NoRoom:
    match reply:
        case [b"same" | b"changed" as word, revision]:
            return RoomSet(revision, word == b"changed")
        case [b"stale", revision]:
            return StaleRevision(revision)
        case [b"missing"]:
            return NoRoom()
        case _:
            raise AssertionError(f"a change of a room replied {reply}")
