"""Joins: into a lane of the line that is on, many in one call.

Here belong the request, its outcomes and the call. What a place token looks like is in places.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import msgspec

from lua.catalogue import signature
from lua.faults import Fenced
from lua.memory import slot_of
from queueing import keys
from queueing.current import CurrentLine
from queueing.draw import DrawnLine, leaf
from queueing.keys import Line
from queueing.places import Place, PlaceTokens
from queueing.recovery import Recovery

BATCH_MAX = 256

ROOM_JOIN = signature(
    "room_join",
    keys=("room", "line", "joins+", "lists+"),
    argv=("now_ms", "drop", "epoch", "batch", "leaves"),
    replies=("missing", "moved", "again", "early", "refused", "joined"),
    durable=True,
)


@dataclass(frozen=True, slots=True)
class JoinRequest:
    """One buyer wants into the line.

    A buyer has one place in a line: another join key finds it too. Only after leaving does a new
    join key get a new place; a repeat of the old one still gets the old number. Who was let in has
    not left while the pass works, and finds that turn again. Who has a place keeps its lane; a lane
    that the room does not have is lane 0.
    """

    join_key: str
    buyer: str
    lane: int = 0
    shown: Place | None = None
    """The place that the buyer has, if it shows one: a store that forgot it finds it by that."""

    def place_in(self, on: Line) -> tuple[int, int]:
        """Lane and number of the place that is shown if it is in this line, else lane and 0."""
        if self.shown is None or self.shown.buyer != self.buyer:
            return self.lane, 0
        if Line(self.shown.drop, self.shown.epoch) != on:
            return self.lane, 0
        return self.shown.lane, self.shown.number


@dataclass(frozen=True, slots=True)
class Joined:
    """The buyer's place. `replayed` when this buyer had it before."""

    place_token: str
    place: Place
    replayed: bool


@dataclass(frozen=True, slots=True)
class NotYet:
    """Joins are taken from `lobby_opens_ms` on."""

    lobby_opens_ms: int


@dataclass(frozen=True, slots=True)
class RoomClosed:
    """No joins: the room is drained or closed."""

    reason: Literal["draining", "closed"]


JoinOutcome = Joined | NotYet | RoomClosed


class Joins:
    """The verb join."""

    def __init__(self, current: CurrentLine, tokens: PlaceTokens, recovery: Recovery) -> None:
        self._current = current
        self._recovery = recovery
        self._tokens = tokens

    async def join(
        self, sale: str, batch: Sequence[JoinRequest], now_ms: int = 0
    ) -> list[JoinOutcome]:
        """One outcome per request, in their order; newcomers are numbered in that order too.

        One call to the store for each 256 requests. Faults are the store's (Fenced while it does
        not know the room); repeat freely.
        """
        outcomes: list[JoinOutcome] = []
        for first in range(0, len(batch), BATCH_MAX):
            outcomes += await self._join_some(sale, batch[first : first + BATCH_MAX], now_ms)
        return outcomes

    async def _join_some(
        self, sale: str, batch: Sequence[JoinRequest], now_ms: int
    ) -> list[JoinOutcome]:
        addresses = [keys.join_address(request.buyer, request.join_key) for request in batch]
        pairs = list(zip(addresses, batch, strict=True))
        lanes = 1 + max(request.lane for request in batch)
        on, replies = await self._current.run(
            ROOM_JOIN,
            sale,
            lambda on: (
                keys.room(sale),
                keys.line(sale, on),
                *(keys.joins(sale, on, address.bucket) for address in addresses),
                *(keys.leaves(sale, on, lane) for lane in range(lanes)),
            ),
            lambda on: (
                now_ms,
                on.drop,
                on.epoch,
                msgspec.msgpack.encode(
                    [(one.field, one.mark, *request.place_in(on)) for one, request in pairs]
                ),
                _leaves(sale, on, batch),
            ),
        )
        return [
            self._outcome(sale, on, request, reply)
            for request, reply in zip(batch, replies, strict=True)
        ]

    def _outcome(self, sale: str, on: Line, request: JoinRequest, reply: list[Any]) -> JoinOutcome:
        match reply:
            case [b"joined" | b"again" as word, lane, number, at_ms]:
                place = Place(sale, on.drop, on.epoch, lane, number, request.buyer, at_ms)
                self._recovery.joined(sale, on, lane, number)
                return Joined(self._tokens.mint(place), place, word == b"again")
            case [b"early", lobby_opens_ms]:
                return NotYet(lobby_opens_ms)
            case [b"refused", b"draining"]:
                return RoomClosed("draining")
            case [b"refused", b"closed"]:
                return RoomClosed("closed")
            case [b"missing"]:
                raise Fenced(slot_of(keys.room(sale)))
            case _:
                raise AssertionError(f"room_join replied {reply}")


def _leaves(sale: str, on: Line, batch: Sequence[JoinRequest]) -> bytes:
    """What stands for each of them in the list of the line that is on."""
    line = DrawnLine(sale, on.drop, on.epoch)
    return b"".join(leaf(line, request.join_key) for request in batch)
