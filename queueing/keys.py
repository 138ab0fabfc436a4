"""The names of the room's keys. They share the tag `{<sale>:room}`, apart from the stock's.

Here belongs how a key is called and how a large map is cut into buckets. Keys are never built in
Lua. Each drop has a line of its own, so a new drop starts from nothing; and so has each epoch of a
drop, so that an operator's reset is one number changed.
"""

from dataclasses import dataclass
from hashlib import blake2b

JOIN_BUCKETS = 16_384
"""At a million in line a bucket holds 61: the store keeps up to 128 in its packed form, 512 from
Valkey 9 on, and an emptier bucket costs more a shopper than a full one."""
TURNS_PER_BUCKET = 128
_MARK_BYTES = 3


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a sale: a drop, in one epoch of its room."""

    drop: int
    epoch: int

    def __str__(self) -> str:
        return f"{self.drop}.{self.epoch}"


@dataclass(frozen=True, slots=True)
class JoinAddress:
    """Where a buyer's join is remembered: bucket of the line, field in it, mark of the join key."""

    bucket: int
    field: bytes
    mark: bytes


def room(sale: str) -> str:
    """Hash: rules, state, the bucket of tokens, who pumps."""
    return f"{{{sale}:room}}:room"


def changes(sale: str) -> str:
    """Stream: what operators changed, the newest 1,000."""
    return f"{{{sale}:room}}:changes"


def leases(sale: str) -> str:
    """Sorted set: `<drop>.<epoch>.<lane>:<number>` of who is inside, scored by its pass's end."""
    return f"{{{sale}:room}}:leases"


def lease(drop: int, epoch: int, lane: int, number: int) -> str:
    """The member of `leases` that stands for one place."""
    return f"{drop}.{epoch}.{lane}:{number}"


def measured(sale: str, on: Line) -> str:
    """Hash: what each gateway measured of one line in its last second, and the line's sums."""
    return f"{{{sale}:room}}:measured:{on}"


def line(sale: str, on: Line) -> str:
    """Hash: seed, stock and the pump's credit; of each lane tail, serving, drawn and admitted."""
    return f"{{{sale}:room}}:line:{on}"


def joins(sale: str, on: Line, bucket: int) -> str:
    """Hash: a buyer's field → lane, number and mark of the join key; one bucket of a line."""
    return f"{{{sale}:room}}:j:{on}:{bucket}"


def kept(sale: str, on: Line) -> str:
    """String: a bit for each of a line's buckets of joins that has its expiry."""
    return f"{{{sale}:room}}:kept:{on}"


def leaves(sale: str, on: Line, lane: int) -> str:
    """String: the leaves of a lane's shoppers who came before the opening, 16 bytes for a number.

    One string, not pieces: who appends need not know where it ends, and any part of it can be read.
    """
    return f"{{{sale}:room}}:leaves:{on}.{lane}"


def calls(sale: str, on: Line) -> str:
    """Sorted set by the clock of grace: how far each lane had been called when, a mark a second."""
    return f"{{{sale}:room}}:calls:{on}"


def turns(sale: str, on: Line, lane: int, number: int) -> str:
    """Hash: number → what became of its turn; the bucket of that number in its lane."""
    return f"{{{sale}:room}}:t:{on}.{lane}:{(number - 1) // TURNS_PER_BUCKET}"


def join_address(buyer: str, join_key: str = "") -> JoinAddress:
    """The address of a buyer's join.

    The field is eight bytes, for which the store takes ten; with its bucket it tells 78 bits of the
    buyer, so two buyers of a million share an address once in 10^11 sales.
    """
    digest = blake2b(buyer.encode(), digest_size=16).digest()
    bucket = int.from_bytes(digest[:4], "big") % JOIN_BUCKETS
    mark = blake2b(join_key.encode(), digest_size=_MARK_BYTES).digest()
    return JoinAddress(bucket, digest[8:], mark)
