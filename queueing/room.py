"""Rooms: the waiting rooms of all sales, as the gateway uses them.

Here belongs who may go in, and when, as one object that a process shares. Decisions are in
lua/room_*.lua; the words of each verb are in its module (joins, turns, outflow, places, passes).
"""

from collections.abc import Sequence

from lua.catalogue import signature
from lua.store import Store
from queueing import keys
from queueing.current import CurrentLine
from queueing.drawing import Drawing
from queueing.drawn import KnownDraws
from queueing.frame import Frame, frame_of, lost_frame
from queueing.joins import Joins
from queueing.measures import Measures
from queueing.outflow import Outflow
from queueing.passes import PassKeys, PassTokens
from queueing.places import PlaceTokens
from queueing.recovery import Recovery
from queueing.setting import Setting
from queueing.turns import Turns

ROOM_FRAME = signature(
    "room_frame",
    keys=("room", "line", "leases"),
    argv=("now_ms", "drop", "epoch"),
    replies=("missing", "moved", "frame"),
)


class Rooms:
    """The verbs of the waiting room. Share one per process and event loop.

    Operators: configure, set_room, set_state, reset, changes. Shoppers: join, frame,
    claim (claim_all for many), leave, and finish on their behalf. The loops: pump, and `recovery`.
    Tokens: read_place, read_pass. Sales are named by their id; `now_ms` 0 is the store's clock.
    Faults are lua's; every verb may be repeated.
    """

    def __init__(
        self,
        store: Store,
        place_keys: Sequence[tuple[int, bytes]],
        pass_keys: PassKeys,
        draw_key: bytes,
    ) -> None:
        places = PlaceTokens(place_keys)
        passes = PassTokens(pass_keys)
        self._current = CurrentLine(store)
        outflow = Outflow(store, self._current)
        setting = Setting(store)
        self._draws = KnownDraws()
        self.recovery = Recovery(store, self._current)
        turns = Turns(store, passes, self._draws, self.recovery)
        self.drawing = Drawing(store, draw_key)
        """The steps of a line's draw, and its document."""

        self.configure = outflow.configure
        self.set_room = setting.set_room
        self.set_state = setting.set_state
        self.reset = setting.reset
        self.changes = setting.changes
        self.pump = outflow.pump
        self.join = Joins(self._current, places, self.recovery).join
        self.claim = turns.claim
        self.claim_all = turns.claim_all
        self.leave = turns.leave
        self.finish = turns.finish
        self.measure = Measures(store).measure
        self.read_place = places.read
        self.read_pass = passes.read

    async def frame(self, sale: str, now_ms: int = 0) -> Frame:
        """The room's public state, in one store call (two when a line has just begun).

        Keep it and refresh it a few times a second: polls are answered from it.
        """
        given = self.recovery.given(sale)
        on, reply = await self._current.run(
            ROOM_FRAME,
            sale,
            lambda on: (keys.room(sale), keys.line(sale, on), keys.leases(sale)),
            lambda on: (now_ms, on.drop, on.epoch),
        )
        match reply:
            case [b"frame", *fields]:
                frame = frame_of(sale, on, fields)
                self._draws.note(frame)
                self.recovery.saw(frame, given)
                return frame
            case [b"missing"]:
                return lost_frame(sale)
            case _:
                raise AssertionError(f"room_frame replied {reply}")
