"""The proof: a fairness document and its lists, checked from nothing but themselves.

Here belong the checks and their words, in the order in which one follows from the other. Reading
the files is the command's.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

from queueing.beacon import BadBeacon, Beacon, Round
from queueing.draw import (
    ALGORITHM,
    CHUNK_BYTES,
    CHUNK_LEAVES,
    LEAF_BYTES,
    ListDigest,
    Permutation,
    commitment,
    digest_of,
    leaf,
    permutation,
    seed_of,
    split,
    turn_of,
)
from queueing.fairness import Fairness, LaneList

Grade = Literal["holds", "remark", "broken"]
LASTING = ("sale", "drop", "epoch", "commitment", "beacon", "digest", "fixed_at_ms", "seed")
"""What never changes once it is there."""
_HEXADECIMAL = ("commitment", "digest", "randomness", "signature", "secret", "seed")


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was checked, in words. remark: it is true, and a reader should know it."""

    grade: Grade
    what: str


def verify(draw: Fairness, lists: Mapping[int, bytes]) -> Iterator[Finding]:
    """All that can be checked of a draw with its lists, by lane; ends at the first thing broken.

    A document whose seed is not revealed yet is checked as far as it goes.
    """
    for check in (_form, _lists, _digest, _secret, _round, _seed, _turns, _vectors):
        for finding in check(draw, lists):
            yield finding
            if finding.grade == "broken":
                return
        if check is _digest and not draw.seed:
            yield Finding("remark", f"the draw is {draw.state}: its order is not revealed yet")
            return


def _form(draw: Fairness, _: Mapping[int, bytes]) -> Iterator[Finding]:
    if draw.algorithm != ALGORITHM:
        yield Finding("broken", f"the algorithm {draw.algorithm} is not known to this program")
    for name in _HEXADECIMAL:
        if not _is_hexadecimal(getattr(draw, name)):
            yield Finding("broken", f"{name} is not hexadecimal")
    for number, lane in enumerate(draw.lanes):
        if not _is_hexadecimal(lane.digest) or lane.registered < 0:
            yield Finding("broken", f"lane {number} is not written as it must be")
    if draw.seed and not draw.digest:
        yield Finding("broken", "there is a seed, but no list was fixed")


def _is_hexadecimal(text: str) -> bool:
    try:
        return bytes.fromhex(text).hex() == text
    except ValueError:
        return False


def _lists(draw: Fairness, lists: Mapping[int, bytes]) -> Iterator[Finding]:
    for number, lane in enumerate(draw.lanes):
        leaves = lists.get(number, b"")
        have = len(leaves) / LEAF_BYTES
        if have < lane.registered or (draw.digest and have != lane.registered):
            yield Finding(
                "broken", f"lane {number}: the list has {have:g} leaves, not {lane.registered}"
            )
            return
        digest = _digest_of_list(draw, number, leaves, lane, fixed=bool(draw.digest))
        yield _same(
            digest.value.hex(),
            lane.digest,
            f"lane {number}: the digest of its list of {lane.registered}",
            "the list is not the one that was published",
        )
        if digest.unknown != lane.unknown:
            yield Finding("broken", f"lane {number}: {digest.unknown} leaves are lost, not as told")
        elif lane.unknown:
            yield Finding("remark", f"lane {number}: {lane.unknown} leaves were lost and are zeros")


def _digest_of_list(
    draw: Fairness, number: int, leaves: bytes, lane: LaneList, *, fixed: bool
) -> ListDigest:
    """The digest of as much of a list as the document speaks of."""
    digest = ListDigest(draw.line, number)
    end = lane.registered * LEAF_BYTES if fixed else lane.chunks * CHUNK_BYTES
    for at in range(0, end, CHUNK_BYTES):
        digest.add(leaves[at : min(end, at + CHUNK_BYTES)])
    return digest


def _digest(draw: Fairness, _: Mapping[int, bytes]) -> Iterator[Finding]:
    if draw.digest:
        yield _same(
            digest_of([(lane.registered, bytes.fromhex(lane.digest)) for lane in draw.lanes]).hex(),
            draw.digest,
            "the digest of all lanes",
            "a lane was changed after the digest was published",
        )


def _secret(draw: Fairness, _: Mapping[int, bytes]) -> Iterator[Finding]:
    made = commitment(bytes.fromhex(draw.secret), draw.line, draw.beacon).hex()
    yield _same(
        made,
        draw.commitment,
        "the commitment to the secret and the beacon",
        "the secret or the beacon is not the one that was committed to",
    )
    if draw.committed_at_ms > draw.lobby_at_ms:
        yield Finding("remark", "the commitment was published only after the lobby had opened")


def _round(draw: Fairness, _: Mapping[int, bytes]) -> Iterator[Finding]:
    match draw.beacon_outcome:
        case "none":
            if draw.beacon or draw.randomness:
                yield Finding("broken", "a beacon was announced, and the draw does without a word")
        case "awaited":
            yield Finding("broken", "the seed was revealed while the beacon was still awaited")
        case "unanswered":
            if draw.randomness:
                yield Finding("broken", "the beacon is said not to have answered, yet has a value")
            yield Finding("remark", f"the beacon's round {draw.round} was not had: made without it")
        case "used":
            yield from _round_used(draw)


def _round_used(draw: Fairness) -> Iterator[Finding]:
    try:
        right = Beacon.of(draw.beacon).round_for(draw.fixed_at_ms)
        Round(draw.round, draw.randomness, draw.signature)
    except BadBeacon as wrong:
        yield Finding("broken", str(wrong))
    else:
        yield _same(
            right,
            draw.round,
            "the beacon's round after the list was fixed",
            "an earlier round was known before, a later one was chosen",
        )


def _seed(draw: Fairness, _: Mapping[int, bytes]) -> Iterator[Finding]:
    made = seed_of(
        bytes.fromhex(draw.secret),
        draw.line,
        bytes.fromhex(draw.digest),
        bytes.fromhex(draw.randomness),
    )
    yield _same(
        made.hex(),
        draw.seed,
        "the seed of secret, digest and beacon",
        "the order was not made from what was published",
    )


def _turns(draw: Fairness, _: Mapping[int, bytes]) -> Iterator[Finding]:
    for number, lane in enumerate(draw.lanes):
        if not lane.registered:
            continue
        drawn = Permutation(bytes.fromhex(draw.seed), number, lane.registered)
        seen = bytearray(lane.registered)
        for place in range(1, lane.registered + 1):
            seen[drawn.turn(place) - 1] = 1
        yield Finding(
            "holds" if all(seen) else "broken",
            f"lane {number}: each of the {lane.registered} has a turn of its own",
        )


def _vectors(draw: Fairness, _: Mapping[int, bytes]) -> Iterator[Finding]:
    for told in draw.vectors:
        registered = draw.lanes[told.lane].registered if told.lane in range(len(draw.lanes)) else 0
        if not 1 <= told.number <= registered:
            yield Finding("broken", f"lane {told.lane} has no number {told.number} to be drawn")
            return
        turn = permutation(bytes.fromhex(draw.seed), told.lane, registered).turn(told.number)
        if turn != told.turn:
            yield Finding(
                "broken", f"lane {told.lane}: number {told.number} has turn {turn}, not {told.turn}"
            )


def turn_of_key(
    draw: Fairness, lists: Mapping[int, bytes], join_key: str
) -> tuple[int, int, int] | None:
    """Lane, number and turn (0: not drawn yet) of who joined with that key; None: not listed."""
    own = leaf(draw.line, join_key)
    for lane, leaves in lists.items():
        for number, one in enumerate(split(leaves), start=1):
            if one == own:
                drawn = draw.lanes[lane].registered
                return lane, number, turn_of(draw.seed, lane, drawn, number) or 0
    return None


def against(draw: Fairness, lists: Mapping[int, bytes], copy: Fairness) -> Iterator[Finding]:
    """What a copy of the document, kept from an earlier time, says against it, if anything."""
    for name in LASTING:
        was, now = getattr(copy, name), getattr(draw, name)
        if was and was != now:
            yield Finding("broken", f"at {copy.at_ms} {name} was {was}, and now it is {now}")
            return
    if draw.beacon_outcome == "used" and not copy.digest and copy.at_ms >= draw.round_at_ms:
        yield Finding(
            "broken", f"at {copy.at_ms} the beacon's round was there, and the list not fixed yet"
        )
    for number, lane in enumerate(copy.lanes):
        leaves = lists.get(number, b"")
        end = lane.registered if copy.digest else lane.chunks * CHUNK_LEAVES
        if len(leaves) < end * LEAF_BYTES or (
            _digest_of_list(draw, number, leaves, lane, fixed=bool(copy.digest)).value.hex()
            != lane.digest
        ):
            yield Finding("broken", f"lane {number}: the list was another at {copy.at_ms}")


def _same(made: object, told: object, what: str, otherwise: str) -> Finding:
    """Whether what was made again is what the document tells."""
    if made == told:
        return Finding("holds", f"{what}: {made}")
    return Finding("broken", f"{what} is {made}, not {told}: {otherwise}")
