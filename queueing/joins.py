"""Joins: into a lane of the line that is on, many in one call.

Here belong the request, its outcomes and the call. What a place token looks like is in places.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from struct import Struct
from typing import Literal

from lua.catalogue import signature
from lua.faults import Fenced
from lua.memory import slot_of
from queueing import keys
from queueing.current import CurrentLine
from queueing.draw import DrawnLine, leaf
from queueing.keys import JoinAddress, Line
from queueing.places import Place, PlaceTokens
from queueing.recovery import Recovery
from queueing.rules import LANES_MAX

BATCH_MAX = 256
_NUMBER_BYTES = 5
_RECORD = Struct(f">8sH3sB{_NUMBER_BYTES}s")
_SHOWN = Struct(f">B{_NUMBER_BYTES}s")

ROOM_JOIN = signature(
    "room_join",
    keys=("room", "line", "kept", "joins+", "lists+"),
    argv=("now_ms", "drop", "epoch", "batch", "leaves", "shown"),
    replies=("missing", "moved", "early", "told", "again", "draining", "closed", "joined"),
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
        on, reply = await self._current.run(
            ROOM_JOIN,
            sale,
            lambda on: (
                keys.room(sale),
                keys.line(sale, on),
                keys.kept(sale, on),
                *(keys.joins(sale, on, address.bucket) for address in addresses),
                *(keys.leaves(sale, on, lane) for lane in range(_lanes(on, batch))),
            ),
            lambda on: (now_ms, on.drop, on.epoch, *_asked(sale, on, addresses, batch)),
        )
        match reply:
            case [b"told", at_ms, *told]:
                places = (
                    Place(sale, on.drop, on.epoch, *_lane_and_number(one), request.buyer, at_ms)
                    for request, one in zip(batch, told[1::2], strict=True)
                )
                return [
                    self._outcome(place, word)
                    for place, word in zip(places, told[::2], strict=True)
                ]
            case [b"early", lobby_opens_ms]:
                return [NotYet(lobby_opens_ms)] * len(batch)
            case [b"missing"]:
                raise Fenced(slot_of(keys.room(sale)))
            case _:
                raise AssertionError(f"room_join replied {reply}")

    def _outcome(self, place: Place, word: bytes) -> JoinOutcome:
        match word:
            case b"joined" | b"again":
                on = Line(place.drop, place.epoch)
                self._recovery.joined(place.sale, on, place.lane, place.number)
                return Joined(self._tokens.mint(place), place, word == b"again")
            case b"draining":
                return RoomClosed("draining")
            case b"closed":
                return RoomClosed("closed")
            case _:
                raise AssertionError(f"room_join told {word!r}")


def _lanes(on: Line, batch: Sequence[JoinRequest]) -> int:
    """How many lanes, from the first on, hold all that the records name."""
    return 1 + max(request.place_in(on)[0] for request in batch)


def _lane_and_number(told: int) -> tuple[int, int]:
    return told % LANES_MAX, told // LANES_MAX


def _asked(
    sale: str, on: Line, addresses: Sequence[JoinAddress], batch: Sequence[JoinRequest]
) -> tuple[bytes, bytes, bytes]:
    """Records, leaves and highest numbers shown, as the script takes them."""
    line, highest = DrawnLine(sale, on.drop, on.epoch), dict[int, int]()
    records, leaves = [], []
    for address, request in zip(addresses, batch, strict=True):
        lane, number = request.place_in(on)
        if number > highest.get(lane, 0):
            highest[lane] = number
        shown = number.to_bytes(_NUMBER_BYTES, "big")
        records.append(_RECORD.pack(address.field, address.bucket, address.mark, lane, shown))
        leaves.append(leaf(line, request.join_key))
    shown_lanes = (
        _SHOWN.pack(lane, one.to_bytes(_NUMBER_BYTES, "big")) for lane, one in highest.items()
    )
    return b"".join(records), b"".join(leaves), b"".join(shown_lanes)
