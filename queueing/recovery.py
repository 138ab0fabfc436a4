"""Recovery: what this process saw of each room, in case its store forgets it, and handing it in.

Here belong the copy of a room (rules and line, half a second old), the passes that were given and
are in force, and the two calls: look, and recover. How what several gateways saw becomes one room
is decided in lua/room_recover.lua; when to look is the gateway's.
"""

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import msgspec

from lua.catalogue import signature
from lua.faults import Fenced
from lua.memory import slot_of
from lua.store import Store
from queueing import keys
from queueing.current import CurrentLine
from queueing.frame import Frame
from queueing.keys import Line
from queueing.passes import Pass

ROOM_LOOK = signature(
    "room_look",
    keys=("room", "line", "leases"),
    argv=("now_ms", "drop", "epoch"),
    replies=("missing", "moved", "seen"),
)
ROOM_RECOVER = signature(
    "room_recover",
    keys=("room", "line", "leases", "turns+"),
    argv=("now_ms", "seen", "passes"),
    replies=("missing", "kept", "recovering", "open"),
)

PASSES_MAX = 100_000
"""Of one room; the oldest goes first. What nobody remembers counts as a stranger who is inside."""
PIECE = 250
LATELY_MS = 2_000
"""Numbers that were given within this may have been given again by a gateway that died."""


@dataclass(frozen=True, slots=True)
class Whole:
    """The room goes on, and this process has a copy of it."""


@dataclass(frozen=True, slots=True)
class Recovering:
    """What this process saw has been handed in; the room opens again at `opens_again_ms`."""

    opens_again_ms: int


@dataclass(frozen=True, slots=True)
class Missing:
    """The store knows no such room, and this process saw none."""


RoomLook = Whole | Recovering | Missing


@dataclass(slots=True)
class _Seen:
    """What was seen of one room: its hashes as they were, raised by what was told since."""

    on: Line = field(default_factory=lambda: Line(1, 1))
    room: dict[str, str] = field(default_factory=dict)
    line: dict[str, str] = field(default_factory=dict)
    tails: deque[tuple[int, int]] = field(default_factory=deque)  # at_ms, of all lanes
    active: int = 0
    given: int = 0
    """Passes that this process gave; of these `counted` may be in `active`, the later ones not."""
    counted: int = 0
    passes: deque[Pass] = field(default_factory=lambda: deque(maxlen=PASSES_MAX))
    handed: str = ""

    @property
    def life(self) -> str:
        """Which of the room's lives the copy is of."""
        return self.room.get("life", "")

    def raise_to(self, name: str, lane: int, number: int) -> None:
        """A number of a lane is at least so high."""
        field_name = f"{name}:{lane}"
        if number > int(self.line.get(field_name, 0)):
            self.line[field_name] = str(number)

    def lately(self) -> int:
        """How many numbers all lanes gave in the last seconds that were seen."""
        return self.tails[-1][1] - self.tails[0][1] if self.tails else 0

    def forget_ended(self, now_ms: int) -> None:
        """Passes that have ended are forgotten, up to the first that has not."""
        while self.passes and self.passes[0].expires_at_ms <= now_ms:
            self.passes.popleft()

    def in_force(self, now_ms: int) -> list[Pass]:
        """The passes that have not ended."""
        return [one for one in self.passes if one.expires_at_ms > now_ms]


@dataclass(frozen=True, slots=True)
class _Copy:
    """A room as it was looked at, after this process had given so many passes."""

    on: Line
    at_ms: int
    active: int
    given: int
    room: dict[str, str]
    line: dict[str, str]


class Recovery:
    """The memory of one process, and its part in giving rooms back."""

    def __init__(self, store: Store, current: CurrentLine) -> None:
        self._store = store
        self._current = current
        self._seen: dict[str, _Seen] = {}

    def let_in(self, given: Pass, turn: int) -> None:
        """A pass was given: it is in force until it ends, and its turn had been called."""
        seen = self._of(given.sale)
        seen.passes.append(given)
        seen.given += 1
        if seen.on == Line(given.drop, given.epoch):
            seen.raise_to("serving", given.lane, turn)

    def joined(self, sale: str, on: Line, lane: int, number: int) -> None:
        """A number was given."""
        seen = self._of(sale)
        if seen.on == on:
            seen.raise_to("tail", lane, number)

    def given(self, sale: str) -> int:
        """How many passes this process has given: ask before a frame is."""
        return self._of(sale).given

    def saw(self, frame: Frame, given: int) -> None:
        """A frame was read after so many passes: nobody who was called in it is ever uncalled."""
        seen = self._of(frame.sale)
        if seen.on != Line(frame.drop, frame.epoch):
            return
        for lane, stands in enumerate(frame.lanes):
            seen.raise_to("serving", lane, stands.serving)
            seen.raise_to("tail", lane, stands.tail)
        seen.active, seen.counted = frame.active, given

    async def look(self, sale: str, now_ms: int = 0) -> RoomLook:
        """Copy the room if it goes on; else, or if it went on without us, hand in what we saw.

        Faults are the store's. Repeat freely.
        """
        seen = self._of(sale)
        given = seen.given
        try:
            on, reply = await self._current.run(
                ROOM_LOOK,
                sale,
                lambda on: (keys.room(sale), keys.line(sale, on), keys.leases(sale)),
                lambda on: (now_ms, on.drop, on.epoch),
            )
        except Fenced:
            return await self._hand_in(sale, seen, now_ms)
        match reply:
            case [b"seen", at_ms, active, room, line]:
                copy = _pairs(room)
                if seen.life not in ("", copy.get("life", "")) and seen.handed != copy["life"]:
                    return await self._hand_in(sale, seen, at_ms)
                copied = _Copy(on, at_ms, active, given, copy, _pairs(line))
                return await self._copied(sale, seen, copied)
            case [b"missing"]:
                return await self._hand_in(sale, seen, now_ms)
            case _:
                raise AssertionError(f"room_look replied {reply}")

    def revision(self, sale: str) -> int:
        """How many changes are in the room's journal, as of the copy; 0 before there is one."""
        return int(self._of(sale).room.get("revision", 0))

    def is_met(self, sale: str) -> bool:
        """Whether a call met the fence of this room, and waits for it."""
        return slot_of(keys.room(sale)) in self._store.memory.fenced()

    def forget_all_but(self, sales: set[str]) -> None:
        """Drop what is known of sales that are gone."""
        for sale in self._seen.keys() - sales:
            del self._seen[sale]

    def _of(self, sale: str) -> _Seen:
        return self._seen.setdefault(sale, _Seen())

    async def _copied(self, sale: str, seen: _Seen, copy: _Copy) -> RoomLook:
        same = seen.on == copy.on and seen.life == copy.room.get("life", "")
        if same and _is_lower(copy.line, seen.line):
            return await self._hand_in(sale, seen, copy.at_ms)
        if seen.on != copy.on:
            seen.tails.clear()
        seen.on, seen.room, seen.line = copy.on, copy.room, copy.line
        seen.active, seen.counted = copy.active, copy.given
        tails = [int(number) for name, number in copy.line.items() if _rises(name) == "tail"]
        seen.tails.append((copy.at_ms, sum(tails)))
        while seen.tails[0][0] < copy.at_ms - LATELY_MS:
            seen.tails.popleft()
        seen.forget_ended(copy.at_ms)
        self._store.memory.reopen(slot_of(keys.room(sale)), (0, 0))
        return Whole()

    async def _hand_in(self, sale: str, seen: _Seen, now_ms: int) -> RoomLook:
        """One call; the passes too, once for each life that the room begins."""
        reply = await self._recover(sale, seen, (), now_ms)
        if reply[0] in (b"recovering", b"open") and seen.handed != reply[1].decode():
            passes = seen.in_force(now_ms)
            for first in range(0, len(passes), PIECE):
                reply = await self._recover(sale, seen, passes[first : first + PIECE], now_ms)
            seen.handed = reply[1].decode()
        match reply:
            case [b"recovering", _, opens_again_ms]:
                return Recovering(opens_again_ms)
            case [b"open" | b"kept", _]:
                return Whole()
            case [b"missing"]:
                return Missing()
            case _:
                raise AssertionError(f"room_recover replied {reply}")

    async def _recover(
        self, sale: str, seen: _Seen, passes: Sequence[Pass], now_ms: int
    ) -> list[Any]:
        told = (
            seen.life,
            int(seen.room.get("revision", 0)),
            seen.active + seen.given - seen.counted,
            seen.lately(),
            _flat(seen.room),
            _flat(seen.line),
            int(seen.room.get("edits", 0)),
        )
        rows = [(one.number, _lease(one), one.issued_at_ms, one.expires_at_ms) for one in passes]
        buckets = [
            keys.turns(sale, Line(one.drop, one.epoch), one.lane, one.number) for one in passes
        ]
        return await self._store.run(
            ROOM_RECOVER,
            (keys.room(sale), keys.line(sale, seen.on), keys.leases(sale), *buckets),
            (now_ms, msgspec.msgpack.encode(told), msgspec.msgpack.encode(rows)),
        )


def _rises(name: str) -> str:
    """The name of a count of a lane that never falls; '' for another field."""
    word, _, lane = name.partition(":")
    return word if lane and word in ("tail", "serving", "admitted", "drawn") else ""


def _is_lower(line: dict[str, str], seen: dict[str, str]) -> bool:
    """Whether a line stands lower than it was seen."""
    return any(int(line.get(name, 0)) < int(seen[name]) for name in seen if _rises(name))


def _lease(one: Pass) -> str:
    return keys.lease(one.drop, one.epoch, one.lane, one.number)


def _pairs(flat: list[bytes]) -> dict[str, str]:
    texts = [one.decode() for one in flat]
    return dict(zip(texts[::2], texts[1::2], strict=True))


def _flat(pairs: dict[str, str]) -> list[str]:
    return [text for pair in pairs.items() for text in pair]
