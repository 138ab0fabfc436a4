"""A draw made by hand, for the tests of its parts: lists, digest, seed and the document of them."""

from hashlib import sha256

from queueing.beacon import Beacon, Round
from queueing.draw import (
    CHUNK_BYTES,
    DrawnLine,
    ListDigest,
    commitment,
    digest_of,
    leaf,
    secret_of,
    seed_of,
)
from queueing.fairness import Fairness, LaneList

KEY = b"k" * 32
LINE = DrawnLine("cinema-3-8", 2, 1)
OPENS_MS = 1_764_000_000_000
BEACON = Beacon(
    url="https://beacon.example", chain="ab" * 32, genesis_ms=1_692_803_367_000, period_ms=3_000
)


def join_key(lane: int, number: int) -> str:
    """The key that a shopper of the list joined with."""
    return f"join-{lane}-{number}"


def a_list(lane: int, registered: int, line: DrawnLine = LINE) -> bytes:
    """The leaves of a lane."""
    return b"".join(leaf(line, join_key(lane, n)) for n in range(1, registered + 1))


def round_of(number: int) -> Round:
    """A round as the beacon would tell it."""
    signature = sha256(f"round {number}".encode()).digest() + b"\1" * 16
    return Round(number, sha256(signature).hexdigest(), signature.hex())


def lane_list(name: str, lane: int, leaves: bytes, line: DrawnLine = LINE) -> LaneList:
    """What the document says of a list that is fixed."""
    digest = ListDigest(line, lane)
    for at in range(0, len(leaves), CHUNK_BYTES):
        digest.add(leaves[at : at + CHUNK_BYTES])
    return LaneList(
        name=name,
        registered=len(leaves) // 16,
        chunks=digest.chunks,
        digest=digest.value.hex(),
        unknown=digest.unknown,
    )


def document(
    lists: dict[int, bytes], beacon: Beacon | None = None, line: DrawnLine = LINE
) -> Fairness:
    """The fairness document of an honest draw over these lists."""
    lanes = [lane_list(f"lane {lane}", lane, leaves, line) for lane, leaves in lists.items()]
    digest = digest_of([(lane.registered, bytes.fromhex(lane.digest)) for lane in lanes])
    secret, terms = secret_of(KEY, line), beacon.terms if beacon else ""
    fixed_ms = OPENS_MS + 100
    used = round_of(beacon.round_for(fixed_ms)) if beacon else None
    randomness = used.randomness if used else ""
    return Fairness(
        sale=line.sale,
        drop=line.drop,
        epoch=line.epoch,
        state="drawn",
        lobby_at_ms=OPENS_MS - 600_000,
        opens_at_ms=OPENS_MS,
        at_ms=OPENS_MS + 9_000,
        commitment=commitment(secret, line, terms).hex(),
        committed_at_ms=OPENS_MS - 700_000,
        beacon=terms,
        beacon_outcome="used" if used else "none",
        lanes=lanes,
        digest=digest.hex(),
        fixed_at_ms=fixed_ms,
        round=used.number if used else 0,
        round_at_ms=beacon.at_ms(used.number) if beacon and used else 0,
        randomness=randomness,
        signature=used.signature if used else "",
        secret=secret.hex(),
        seed=seed_of(secret, line, digest, bytes.fromhex(randomness)).hex(),
        revealed_at_ms=OPENS_MS + 8_000,
    ).explained()
