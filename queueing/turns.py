"""Turns: what becomes of a place: claimed, left, finished.

Here belong the outcomes of a claim and when to ask again. Pacing itself is the claim script's.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import msgspec

from lua.catalogue import signature
from lua.faults import Fenced
from lua.memory import slot_of
from lua.store import Store
from queueing import frame, keys
from queueing.drawn import KnownDraws
from queueing.passes import Pass, PassTokens
from queueing.places import Place
from queueing.recovery import Recovery

ROOM_CLAIM = signature(
    "room_claim",
    keys=("room", "line", "leases", "turns+"),
    argv=("now_ms", "drop", "epoch", "batch"),
    replies=(
        "missing", "left", "spent", "again", "reset", "over", "closed", "wait", "turn", "missed",
        "full", "pace", "admitted",
    ),
    durable=True,
)  # fmt: skip
ROOM_LEAVE = signature(
    "room_leave",
    keys=("room", "leases", "turns", "joins"),
    argv=("now_ms", "lane", "number", "field", "lease", "is_spent"),
    replies=("missing", "again", "inside", "left"),
)

BATCH_MAX = 256
FINISH_MAX = 256


@dataclass(frozen=True, slots=True)
class Admitted:
    """The holder may go in. `replayed` when this place had its pass before."""

    pass_token: str
    pass_claims: Pass
    replayed: bool


WaitReason = Literal["lobby", "paused", "draining", "sold_out", "all_held", "turn", "full", "pace"]


@dataclass(frozen=True, slots=True)
class Wait:
    """Not now; the place is kept. `ahead` turns are to be called yet, 0: it has been called.

    lobby: not open yet · paused, draining, sold_out: nobody is let in · all_held: nor now, but what
    is held may come back · turn: not called yet · full: as many are inside as may be ·
    pace: called, and a token is a moment away.
    """

    ahead: int
    retry_ms: int
    reason: WaitReason


GoneReason = Literal["spent", "left", "reset", "over", "closed", "missed"]


@dataclass(frozen=True, slots=True)
class Gone:
    """The place will not be let in any more.

    spent: its pass has run out · left: its holder left · reset: an operator began the line anew ·
    over: a later drop's lobby has come · closed: the room is · missed: called too long ago.
    """

    reason: GoneReason


ClaimOutcome = Admitted | Wait | Gone


@dataclass(frozen=True, slots=True)
class Left:
    """The place is out of the line, and its slot in the room is free."""


@dataclass(frozen=True, slots=True)
class Inside:
    """The place has this pass, which works; nothing was changed."""

    pass_claims: Pass


class Turns:
    """The verbs claim, leave and finish."""

    def __init__(
        self, store: Store, tokens: PassTokens, draws: KnownDraws, recovery: Recovery
    ) -> None:
        self._store = store
        self._recovery = recovery
        self._tokens = tokens
        self._draws = draws

    async def claim(self, sale: str, place: Place, now_ms: int = 0) -> ClaimOutcome:
        """Let the holder in if it is the turn of the place; a repeat gives the same pass."""
        [outcome] = await self.claim_all(sale, [place], now_ms)
        return outcome

    async def claim_all(
        self, sale: str, places: Sequence[Place], now_ms: int = 0
    ) -> list[ClaimOutcome]:
        """One outcome per place: tokens are given in their order, in one call for each line.

        Refusals in the order of room_claim's REPLY. Faults are the store's (Fenced while it does
        not know the room); repeat freely.
        """
        lines: dict[keys.Line, list[int]] = {}
        for at, place in enumerate(places):
            assert place.sale == sale, "the place was read for another sale"
            lines.setdefault(keys.Line(place.drop, place.epoch), []).append(at)
        told: dict[int, ClaimOutcome] = {}
        for on, members in lines.items():
            for first in range(0, len(members), BATCH_MAX):
                some = members[first : first + BATCH_MAX]
                outcomes = await self._claim_some(sale, on, [places[at] for at in some], now_ms)
                told.update(zip(some, outcomes, strict=True))
        return [told[at] for at in range(len(places))]

    async def _claim_some(
        self, sale: str, on: keys.Line, places: Sequence[Place], now_ms: int
    ) -> list[ClaimOutcome]:
        packed = msgspec.msgpack.encode(
            [(place.lane, place.number, self._draws.turn_of(place)) for place in places]
        )
        replies = await self._store.run(
            ROOM_CLAIM,
            (
                keys.room(sale),
                keys.line(sale, on),
                keys.leases(sale),
                *(keys.turns(sale, on, place.lane, place.number) for place in places),
            ),
            (now_ms, on.drop, on.epoch, packed),
        )
        return [self._told(place, reply) for place, reply in zip(places, replies, strict=True)]

    def _told(self, place: Place, reply: list[Any]) -> ClaimOutcome:
        number = place.number
        match reply:
            case [b"admitted" | b"again" as word, issued_ms, expires_ms]:
                token, minted = self._minted(place, issued_ms, expires_ms)
                if word == b"admitted":
                    self._recovery.let_in(minted, self._draws.turn_of(place))
                return Admitted(token, minted, word == b"again")
            case [b"spent" | b"left" | b"reset" | b"over" | b"closed" | b"missed" as word, *_]:
                return Gone(_GONE[word])
            case [b"wait", state, ahead, wait_ms]:
                return _waiting(state, ahead, wait_ms, number)
            case [b"turn", ahead, wait_ms]:
                return Wait(ahead, frame.spread(wait_ms, frame.POLL_NEAR_MS, number), "turn")
            case [b"pace", wait_ms]:
                return Wait(0, wait_ms, "pace")
            case [b"full", wait_ms]:
                return Wait(0, wait_ms, "full")
            case [b"missing"]:
                raise Fenced(slot_of(keys.room(place.sale)))
            case _:
                raise AssertionError(f"room_claim replied {reply}")

    def _minted(self, place: Place, issued_at_ms: int, expires_at_ms: int) -> tuple[str, Pass]:
        return self._tokens.mint(
            sale=place.sale,
            drop=place.drop,
            epoch=place.epoch,
            lane=place.lane,
            number=place.number,
            buyer=place.buyer,
            issued_at_ms=issued_at_ms,
            expires_at_ms=expires_at_ms,
        )

    async def leave(
        self, sale: str, place: Place, now_ms: int = 0, *, is_spent: bool = False
    ) -> Left | Inside:
        """Take the place out of the line for good, and its holder out of the room. Repeat freely.

        Nothing happens while its pass works, unless the caller is sure that it buys nothing any
        more (`is_spent`): the slot stays taken and the turn is the holder's still.
        """
        assert place.sale == sale, "the place was read for another sale"
        address = keys.join_address(place.buyer)
        on = keys.Line(place.drop, place.epoch)
        lease = keys.lease(place.drop, place.epoch, place.lane, place.number)
        reply = await self._store.run(
            ROOM_LEAVE,
            (
                keys.room(sale),
                keys.leases(sale),
                keys.turns(sale, on, place.lane, place.number),
                keys.joins(sale, on, address.bucket),
            ),
            (now_ms, place.lane, place.number, address.field, lease, int(is_spent)),
        )
        match reply:
            case [b"left" | b"again"]:
                return Left()
            case [b"inside", issued_ms, expires_ms]:
                return Inside(self._minted(place, issued_ms, expires_ms)[1])
            case [b"missing"]:
                raise Fenced(slot_of(keys.room(sale)))
            case _:
                raise AssertionError(f"room_leave replied {reply}")

    async def finish(self, sale: str, passes: Sequence[Pass]) -> None:
        """Purchases are done: free the slots of these passes, FINISH_MAX at most.

        May be lost (the leases end anyway) or repeated.
        """
        assert 0 < len(passes) <= FINISH_MAX, "a message has a bounded size"
        members = [keys.lease(one.drop, one.epoch, one.lane, one.number) for one in passes]
        await self._store.write("ZREM", keys.leases(sale), *members)


_GONE: dict[bytes, GoneReason] = {
    b"spent": "spent",
    b"left": "left",
    b"reset": "reset",
    b"over": "over",
    b"closed": "closed",
    b"missed": "missed",
}


def _waiting(state: bytes, ahead: int, wait_ms: int, number: int) -> Wait:
    match state:
        case b"lobby":
            return Wait(ahead, frame.spread(wait_ms, frame.POLL_NEAR_MS, number), "lobby")
        case b"paused":
            return Wait(ahead, frame.spread(wait_ms, frame.POLL_IDLE_MS, number), "paused")
        case b"draining":
            return Wait(ahead, frame.spread(wait_ms, frame.POLL_IDLE_MS, number), "draining")
        case b"sold_out":
            return Wait(ahead, frame.spread(wait_ms, frame.POLL_IDLE_MS, number), "sold_out")
        case b"all_held":
            return Wait(ahead, frame.spread(wait_ms, frame.POLL_NEAR_MS, number), "all_held")
        case _:
            raise AssertionError(f"room_claim waits in the state {state!r}")
