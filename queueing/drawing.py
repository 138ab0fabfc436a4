"""Drawing: the steps of a draw in the store: commit, fix the list, reveal the seed.

Here belong the verbs, the document made of them, and what a process remembers of growing lists. Any
gateway makes any step; each is written once. When a step is due the gateway's loop knows; the
algorithm is in draw.
"""

from collections.abc import AsyncIterator

from lua.catalogue import signature
from lua.store import Store
from queueing import keys
from queueing.beacon import Beacon, Round
from queueing.draw import (
    CHUNK_BYTES,
    LEAF_BYTES,
    DrawnLine,
    ListDigest,
    commitment,
    digest_of,
    secret_of,
    seed_of,
)
from queueing.draw_record import Draw, draw_of
from queueing.fairness import BeaconOutcome, Fairness, LaneList
from queueing.rules import LANES_MAX

ROOM_DRAW_COMMIT = signature(
    "room_draw_commit",
    keys=("room", "line", "changes"),
    argv=("now_ms", "drop", "epoch", "commitment", "beacon"),
    replies=("missing", "past", "again", "committed"),
)
ROOM_DRAW_LOOK = signature(
    "room_draw_look",
    keys=("room", "line", "lists+"),
    argv=("now_ms", "drop"),
    replies=("missing", "draw"),
)
ROOM_DRAW_FIX = signature(
    "room_draw_fix",
    keys=("room", "line", "changes"),
    argv=("now_ms", "drop", "epoch", "registered", "digest", "lists"),
    replies=("missing", "past", "early", "again", "other", "fixed"),
)
ROOM_DRAW_REVEAL = signature(
    "room_draw_reveal",
    keys=("room", "line", "changes"),
    argv=(
        "now_ms", "drop", "epoch", "digest", "secret", "seed", "outcome", "round", "randomness",
        "signature",
    ),
    replies=("missing", "past", "unfixed", "again", "revealed"),
)  # fmt: skip

STEPS_MAX = 6
"""Commit, fix, reveal, and each once more where another gateway was in between."""
PIECE_CHUNKS = 16
"""So many pieces of 64 KiB are read at once: a million leaves in 16 calls."""


class Drawing:
    """The verbs of the draw. Faults are the store's; every verb may be repeated, by anybody."""

    def __init__(self, store: Store, key: bytes) -> None:
        self._store = store
        self._key = key
        self._growing: dict[DrawnLine, list[ListDigest]] = {}

    async def go_on(self, line: DrawnLine, beacon: Beacon | None, now_ms: int = 0) -> Draw | None:
        """Make the steps that are due for the line that is on; how its draw stands then.

        `beacon` is what a new commitment names. A seed that waits for a beacon is left to `reveal`.
        """
        draw = await self.look(line, now_ms)
        for _ in range(STEPS_MAX):
            if draw is None or not await self._step(draw, beacon, now_ms):
                return draw
            draw = await self.look(line, now_ms)
        return draw

    async def _step(self, draw: Draw, beacon: Beacon | None, now_ms: int) -> bool:
        """The next step of a draw; false when none is due."""
        if not draw.is_on or draw.seed:
            return False
        if not draw.commitment:
            return await self.commit(draw.line, beacon, now_ms)
        if draw.now_ms < draw.opens_ms:
            await self.grow(draw)
            return False
        if draw.state == "undrawn":
            return False
        if not draw.digest:
            await self.fix(draw, now_ms)
            return True
        return not draw.beacon and await self.reveal(draw, "none", None, now_ms)

    async def look(self, line: DrawnLine, now_ms: int = 0) -> Draw | None:
        """What is written of a draw; None: the store knows no such room or drop."""
        reply = await self._store.run(ROOM_DRAW_LOOK, _look_keys(line), (now_ms, line.drop))
        match reply:
            case [b"draw", *fields]:
                return draw_of(line, fields)
            case [b"missing"]:
                return None
            case _:
                raise AssertionError(f"room_draw_look replied {reply}")

    async def commit(self, line: DrawnLine, beacon: Beacon | None, now_ms: int = 0) -> bool:
        """Commit to the line's secret and beacon; false when it was, or the line is not to be."""
        terms = beacon.terms if beacon else ""
        made = commitment(secret_of(self._key, line), line, terms).hex()
        reply = await self._store.run(
            ROOM_DRAW_COMMIT, _keys(line), (now_ms, line.drop, line.epoch, made, terms)
        )
        return bool(reply[0] == b"committed")

    async def grow(self, draw: Draw) -> None:
        """Take the whole pieces that were added to the lists since into their running digests."""
        digests = self._digests(draw)
        for lane, (digest, registered) in enumerate(zip(digests, draw.registered, strict=True)):
            whole = registered * LEAF_BYTES // CHUNK_BYTES
            async for leaves in self.pieces(draw, lane, digest.chunks, whole * CHUNK_BYTES):
                digest.add(leaves)

    def _digests(self, draw: Draw) -> list[ListDigest]:
        """The running digests of a draw, begun anew where a list has become shorter."""
        known = self._growing.get(draw.line, [])
        if len(known) != len(draw.registered) or any(
            digest.chunks * CHUNK_BYTES > registered * LEAF_BYTES
            for digest, registered in zip(known, draw.registered, strict=True)
        ):
            known = [ListDigest(draw.line, lane) for lane in range(len(draw.registered))]
            for old in [one for one in self._growing if one.sale == draw.line.sale]:
                del self._growing[old]
            self._growing[draw.line] = known
        return known

    async def pieces(
        self, draw: Draw, lane: int, first: int = 0, end: int = -1, at_once: int = PIECE_CHUNKS
    ) -> AsyncIterator[bytes]:
        """A lane's list from its piece `first` to the byte `end`, 64 KiB at a time.

        `at_once` pieces are read, and held, together. Leaves that the store has lost are zeros.
        """
        end = draw.registered[lane] * LEAF_BYTES if end < 0 else end
        at = first * CHUNK_BYTES
        while at < end:
            upto = min(end, at + at_once * CHUNK_BYTES)
            got = await self._store.read(
                "GETRANGE", keys.leaves(draw.line.sale, _on(draw.line), lane), at, upto - 1
            )
            got += bytes(upto - at - len(got))
            for begin in range(0, len(got), CHUNK_BYTES):
                yield got[begin : begin + CHUNK_BYTES]
            at = upto

    async def fix(self, draw: Draw, now_ms: int = 0) -> bool:
        """Close the lists and publish their digest, once the drop has opened; false: look again.

        All of it is read again: what a process has computed while the list grew may be of a store
        that has lost it since.
        """
        lanes: list[ListDigest] = []
        for lane in range(len(draw.registered)):
            lanes.append(ListDigest(draw.line, lane))
            async for leaves in self.pieces(draw, lane):
                lanes[lane].add(leaves)
        counted = [(drawn, one.value) for drawn, one in zip(draw.registered, lanes, strict=True)]
        reply = await self._store.run(
            ROOM_DRAW_FIX,
            _keys(draw.line),
            (
                now_ms,
                draw.line.drop,
                draw.line.epoch,
                " ".join(map(str, draw.registered)),
                digest_of(counted).hex(),
                " ".join(f"{one.value.hex()}:{one.unknown}" for one in lanes),
            ),
        )
        return reply[0] in (b"fixed", b"again")

    async def reveal(
        self, draw: Draw, outcome: BeaconOutcome, told: Round | None, now_ms: int = 0
    ) -> bool:
        """Make the seed of a fixed list and publish it; false: look again.

        `told` is the beacon's round where it is used; else the round that was waited for counts.
        """
        secret = secret_of(self._key, draw.line)
        beacon = draw.waits_for
        randomness, signature = (told.randomness, told.signature) if told else ("", "")
        seed = seed_of(secret, draw.line, bytes.fromhex(draw.digest), bytes.fromhex(randomness))
        reply = await self._store.run(
            ROOM_DRAW_REVEAL,
            _keys(draw.line),
            (
                now_ms,
                draw.line.drop,
                draw.line.epoch,
                draw.digest,
                secret.hex(),
                seed.hex(),
                outcome,
                beacon.round_for(draw.fixed_ms) if beacon else 0,
                randomness,
                signature,
            ),
        )
        self._growing.pop(draw.line, None)
        return reply[0] in (b"revealed", b"again")

    def document(self, draw: Draw) -> Fairness:
        """The fairness document of a draw, its growing lists as far as this process has them."""
        beacon = draw.waits_for
        awaited = beacon.round_for(draw.fixed_ms) if beacon and draw.fixed_ms else 0
        number = draw.round if draw.seed else awaited
        return Fairness(
            sale=draw.line.sale,
            drop=draw.line.drop,
            epoch=draw.line.epoch,
            state=draw.state,
            lobby_at_ms=draw.lobby_ms,
            opens_at_ms=draw.opens_ms,
            at_ms=draw.now_ms,
            commitment=draw.commitment,
            committed_at_ms=draw.committed_ms,
            beacon=draw.beacon,
            beacon_outcome=draw.beacon_outcome,
            lanes=self._lane_lists(draw),
            digest=draw.digest,
            fixed_at_ms=draw.fixed_ms,
            round=number,
            round_at_ms=beacon.at_ms(number) if beacon and number else 0,
            randomness=draw.randomness,
            signature=draw.signature,
            secret=draw.secret,
            seed=draw.seed,
            revealed_at_ms=draw.revealed_ms,
            lost=draw.lost,
        ).explained()

    def _lane_lists(self, draw: Draw) -> list[LaneList]:
        told = [
            (digest, -(-registered * LEAF_BYTES // CHUNK_BYTES), unknown)
            for (digest, unknown), registered in zip(draw.lists, draw.registered, strict=False)
        ] or [(one.value.hex(), one.chunks, one.unknown) for one in self._digests(draw)]
        return [
            LaneList(name=name, registered=registered, chunks=chunks, digest=digest, unknown=lost)
            for name, registered, (digest, chunks, lost) in zip(
                draw.lanes, draw.registered, told, strict=False
            )
        ]


def _on(line: DrawnLine) -> keys.Line:
    return keys.Line(line.drop, line.epoch)


def _key(line: DrawnLine) -> str:
    return keys.line(line.sale, _on(line))


def _look_keys(line: DrawnLine) -> tuple[str, ...]:
    lists = (keys.leaves(line.sale, _on(line), lane) for lane in range(LANES_MAX))
    return keys.room(line.sale), _key(line), *lists


def _keys(line: DrawnLine) -> tuple[str, str, str]:
    return keys.room(line.sale), _key(line), keys.changes(line.sale)
