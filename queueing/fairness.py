"""The fairness document: all that somebody needs who wants to compute a draw again.

Here belong its shape and what it says in plain words of who could have steered. Checking it is in
proof; where its values come from, in drawing. Digests are hexadecimal, times milliseconds.
"""

from typing import Literal

import msgspec

from queueing.draw import ALGORITHM, CHUNK_LEAVES, LEAF_BYTES, DrawnLine, permutation

DrawState = Literal["announced", "committed", "fixed", "drawn", "undrawn"]
BeaconOutcome = Literal["none", "awaited", "used", "unanswered"]
VECTORS = 10


class Shape(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=False):
    """A part of the document."""


class LaneList(Shape, frozen=True):
    """The list of one lane.

    While it grows, `digest` covers the first `chunks` whole pieces; once it is fixed, all
    `registered` leaves. `unknown` of them were lost by a store and are zeros.
    """

    name: str
    registered: int
    chunks: int
    digest: str
    unknown: int


class Vector(Shape, frozen=True):
    """The turn of a number, to test one's own computing with."""

    lane: int
    number: int
    turn: int


class Fairness(Shape, frozen=True):
    """One draw. Empty texts and zeros are what is not there yet.

    `state`: announced (not committed to yet), committed, fixed (the list is, its digest published),
    drawn (secret and seed revealed), undrawn (reset before, or nobody was registered). `beacon` is
    its terms: url, chain hash, genesis, period, delay and wait in milliseconds. `round` is the
    first one at or after `fixed_at_ms` + delay. `lost` leaves of a fixed list are gone.
    """

    sale: str
    drop: int
    epoch: int
    state: DrawState
    lobby_at_ms: int
    opens_at_ms: int
    at_ms: int
    algorithm: str = ALGORITHM
    leaf_bytes: int = LEAF_BYTES
    chunk_leaves: int = CHUNK_LEAVES
    commitment: str = ""
    committed_at_ms: int = 0
    beacon: str = ""
    beacon_outcome: BeaconOutcome = "none"
    lanes: list[LaneList] = []
    digest: str = ""
    fixed_at_ms: int = 0
    round: int = 0
    round_at_ms: int = 0
    randomness: str = ""
    signature: str = ""
    secret: str = ""
    seed: str = ""
    revealed_at_ms: int = 0
    lost: int = 0
    vectors: list[Vector] = []
    remarks: list[str] = []

    @property
    def line(self) -> DrawnLine:
        """Whose draw it is."""
        return DrawnLine(self.sale, self.drop, self.epoch)

    def explained(self) -> "Fairness":
        """The document with its test vectors and its remarks."""
        return msgspec.structs.replace(self, vectors=_vectors(self), remarks=_remarks(self))


def _vectors(draw: Fairness) -> list[Vector]:
    """The turns of the first numbers of each lane, once there is a seed."""
    return [
        Vector(lane=lane, number=number, turn=permutation(seed, lane, drawn).turn(number))
        for seed in ([bytes.fromhex(draw.seed)] if draw.seed else [])
        for lane, drawn in enumerate(one.registered for one in draw.lanes)
        for number in range(1, min(drawn, VECTORS) + 1)
    ]


def _remarks(draw: Fairness) -> list[str]:
    """What could be steered and by whom, and what went otherwise than it should."""
    told = [_STEERED[draw.beacon_outcome], _LIST]
    late_ms = draw.committed_at_ms - draw.lobby_at_ms
    if late_ms > 0:
        told.append(f"The commitment was published {late_ms} ms after the lobby had opened.")
    unknown = sum(lane.unknown for lane in draw.lanes)
    if unknown:
        told.append(
            f"The list is incomplete: the store lost the leaves of {unknown} numbers, which stand "
            "in it as zeros. Their shoppers are drawn like all others, but cannot find themselves."
        )
    if draw.lost:
        told.append(
            f"The store has lost {draw.lost} leaves since the list was fixed: what is left of it "
            "does not give its digest. Whoever kept the whole list can still check it."
        )
    if draw.beacon_outcome == "unanswered":
        told.append(
            f"The beacon's round {draw.round} was not had in {draw.beacon.split()[-1]} ms, so the "
            "draw was made without it. Ask the beacon whether that round was there."
        )
    return told


_STEERED: dict[BeaconOutcome, str] = {
    "none": (
        "No outside beacon: whoever holds the secret and could add the last joins before the "
        "opening, which is the operator, could have tried many lists and kept the one whose order "
        "it liked. Nobody else could: the secret was committed to before, and is not known to them."
    ),
    "awaited": (
        "With the beacon nobody can steer the order: the list is fixed before the round exists, "
        "and the secret was committed to before. The operator alone could still leave the beacon "
        "out by saying that it did not answer; this document would say so."
    ),
    "used": (
        "Nobody could steer the order, if the digest of the list was public before the round came: "
        "compare with a copy of this document from then. The round's signature was not checked, "
        "only that randomness is its SHA-256: compare both with any relay of the beacon."
    ),
    "unanswered": (
        "The draw was made without the beacon: the operator, who says that it did not answer, "
        "could have chosen between two orders, and could have tried many lists for the other one."
    ),
}
_LIST = (
    "The list proves that nobody was moved, added or taken out after its digest was published. It "
    "does not prove that each leaf is a person: who joins many times has many places."
)
