"""The operator's board: what a sale looks like now, and how its last minutes went.

Read from what this process keeps in memory, so that any number of consoles cost the store nothing.
It fails open: when the store is gone, `room.at_ms` says how old the numbers are. Deciding and
changing belong to the desks.
"""

import time
from array import array
from collections.abc import Sequence
from typing import Final

from gateway.answers import DropAnswer
from gateway.counting import Counts, Tally
from gateway.desk_outcomes import units_answer
from gateway.frames import Frames
from gateway.operator_answers import BoardAnswer, HistoryAnswer, RoomAnswer
from gateway.room_outcomes import lane_answers
from gateway.shelves import Shelf
from lua.faults import Fault
from queueing import Frame, Moment

HISTORY_MAX = 900
"""So many moments are remembered, one a second: a console opened late sees the last 15 minutes."""
_COLUMNS: Final = (
    "at_ms", "joined", "waiting", "active", "admitted", "rate_milli", "left", "available",
    "held", "sold", "redeemed", "lag",
)  # fmt: skip
_RECORDED = ("at_ms", "joined", "waiting", "admitted", "active", "left")


class Board:
    """Shows sales to operators."""

    def __init__(self, frames: Frames, counts: Counts) -> None:
        self._frames = frames
        self._counts = counts
        self._history: dict[str, dict[str, array[int]]] = {}

    async def show(self, shelf: Shelf) -> BoardAnswer:
        """A sale as it stands, as far as this process knows it."""
        view, frame, tally = (
            shelf.view,
            self._frames.latest(shelf.view.id),
            await self._tally(shelf),
        )
        return BoardAnswer(
            id=view.id,
            title=view.title,
            state=view.state,
            revision=view.revision,
            currency=view.currency,
            timezone=view.timezone,
            closes_at_ms=view.closes_at_ms,
            drops=[DropAnswer(id=drop.id, opens_at_ms=drop.opens_at_ms) for drop in view.drops],
            room=_room(frame) if frame is not None else None,
            total=units_answer("", tally.total) if tally is not None else None,
            fact=view.fact,
            settled=view.settled,
            lag=view.fact - view.settled,
            server_time_ms=_now_ms(),
        )

    def note(self, shelves: Sequence[Shelf]) -> int:
        """Remember how these sales stand now, and forget those that are gone; how many."""
        for gone in self._history.keys() - {shelf.view.id for shelf in shelves}:
            del self._history[gone]
        for shelf in shelves:
            frame, tally = self._frames.latest(shelf.view.id), self._counts.kept(shelf.view.id)
            if frame is not None and tally is not None:
                self._remember(shelf, frame, tally)
        return len(self._history)

    def history(self, sale: str) -> HistoryAnswer:
        """How a sale's last minutes went, the oldest first."""
        kept = self._history.get(sale) or {name: array("q") for name in _COLUMNS}
        return HistoryAnswer(
            **{name: list(kept[name]) for name in _COLUMNS}, server_time_ms=_now_ms()
        )

    def record(self, sale: str) -> list[Moment]:
        """The same of the line that is on: places that were given never become fewer in it."""
        kept = self._history.get(sale)
        if kept is None:
            return []
        joined = kept["joined"]
        begun = max((at for at in range(1, len(joined)) if joined[at] < joined[at - 1]), default=0)
        return [
            Moment(at_ms, came, came - waiting, admitted, inside, left)
            for at_ms, came, waiting, admitted, inside, left in zip(
                *(kept[name][begun:] for name in _RECORDED), strict=True
            )
        ]

    async def _tally(self, shelf: Shelf) -> Tally | None:
        try:
            return await self._counts.recent(shelf)
        except Fault:
            return self._counts.kept(shelf.view.id)

    def _remember(self, shelf: Shelf, frame: Frame, tally: Tally) -> None:
        kept = self._history.setdefault(shelf.view.id, {name: array("q") for name in _COLUMNS})
        total, left = tally.total, tally.of_drop(shelf, frame.drop).available
        moment = (
            frame.at_ms, frame.joined, frame.waiting, frame.active, frame.admitted,
            round(frame.rate_per_s * 1000), left, total.available, total.held, total.sold,
            total.redeemed, shelf.view.fact - shelf.view.settled,
        )  # fmt: skip
        if kept["at_ms"] and kept["at_ms"][-1] == frame.at_ms:
            return  # the store has said nothing new: the curves have a gap here
        for name, value in zip(_COLUMNS, moment, strict=True):
            kept[name].append(value)
            del kept[name][:-HISTORY_MAX]


def _room(frame: Frame) -> RoomAnswer:
    return RoomAnswer(
        state=frame.state,
        reason=frame.reason,
        message=frame.message,
        drop=frame.drop,
        epoch=frame.epoch,
        lanes=lane_answers(frame),
        called=frame.called,
        joined=frame.joined,
        waiting=frame.waiting,
        active=frame.active,
        active_max=frame.active_max,
        admitted=frame.admitted,
        rate_per_s=frame.rate_per_s,
        burst=frame.burst,
        grace_ms=frame.grace_ms,
        stock=frame.stock,
        opens_at_ms=frame.opens_at_ms,
        next_opens_at_ms=frame.next_opens_at_ms,
        revision=frame.revision,
        at_ms=frame.at_ms,
    )


def _now_ms() -> int:
    return int(time.time() * 1000)
