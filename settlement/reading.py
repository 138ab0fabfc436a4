"""From stream entries to facts whose numbers are proved: no gap passes, no bad message stops.

Pure: entries in, a `Reading` or a `Gap` out. A number is told by its position (an entry's id is the
number of its last fact), so a fact that cannot be read still accounts for its number. What a fact
means for the books is not decided here.
"""

import contextlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from hashlib import blake2b

import msgspec

from inventory.facts import ENTRY_FIELD, Begun, Fact
from settlement.bounds import what_is_wrong

DIGEST_BYTES = 16

_entry = msgspec.msgpack.Decoder(list[msgspec.Raw])
_fact = msgspec.msgpack.Decoder(Fact)

Entry = tuple[int, int, Sequence[bytes]]
"""epoch and number of a stream entry's id, and its fields."""


@dataclass(frozen=True, slots=True)
class Numbered:
    """A fact, its number, and its packed content with a digest of it."""

    number: int
    fact: Fact
    body: bytes
    digest: bytes


@dataclass(frozen=True, slots=True)
class Unreadable:
    """Numbers first..last that cannot be posted, and the content that should have told them."""

    first: int
    last: int
    reason: str
    detail: str
    content: bytes


@dataclass(frozen=True, slots=True)
class Gap:
    """The stream cannot go on from the cursor: `why` says what was expected and what was found."""

    why: str


@dataclass(slots=True)
class Reading:
    """What follows the cursor, in order, and what repeats numbers up to it."""

    epoch: int
    last: int
    facts: list[Numbered] = field(default_factory=list)
    unreadable: list[Unreadable] = field(default_factory=list)
    repeats: list[Numbered] = field(default_factory=list)


def digest_of(body: bytes) -> bytes:
    """The digest by which two contents of the same number are compared."""
    return blake2b(body, digest_size=DIGEST_BYTES).digest()


def read(entries: Iterable[Entry], epoch: int, number: int) -> Reading | Gap:
    """Facts after `epoch`-`number` from the entries of its stripe, in order.

    Entries of one reading are all of one epoch; a new epoch begins a reading of its own.
    """
    reading = Reading(epoch, number)
    for entry_epoch, last, fields in entries:
        if entry_epoch != epoch:
            if reading.facts or reading.unreadable or reading.repeats:
                break
            gap = _new_epoch(epoch, number, entry_epoch, last, fields)
            if gap is not None:
                return gap
            epoch, reading = entry_epoch, Reading(entry_epoch, 0)
        gap = _read_entry(reading, last, fields)
        if gap is not None:
            return gap
    return reading


def _read_entry(reading: Reading, last: int, fields: Sequence[bytes]) -> Gap | None:
    content = fields[1] if len(fields) == 2 and fields[0] == ENTRY_FIELD else b""
    try:
        bodies = _entry.decode(content)
    except (msgspec.MsgspecError, ValueError) as error:
        is_new = last > reading.last
        first, reason = (reading.last + 1, "entry") if is_new else (last, "repeat")
        reading.unreadable.append(Unreadable(first, last, reason, str(error), b"".join(fields)))
        reading.last = max(reading.last, last)
        return None
    first = last - len(bodies) + 1
    if first > reading.last + 1:
        return Gap(f"fact {reading.epoch}-{reading.last + 1} is missing: the next is {first}")
    if first < 1:
        return Gap(f"entry {reading.epoch}-{last} holds {len(bodies)} facts, more than its number")
    for number, raw in enumerate(bodies, first):
        _read_fact(reading, number, bytes(raw))
    return None


def _read_fact(reading: Reading, number: int, body: bytes) -> None:
    is_new = number > reading.last
    reading.last = max(reading.last, number)
    try:
        fact = _fact.decode(body)
        if fact.number != number:
            raise ValueError(f"the fact says number {fact.number} at the place of {number}")
        if wrong := what_is_wrong(fact):
            raise ValueError(wrong)
    except (msgspec.MsgspecError, ValueError) as error:
        reason = "fact" if is_new else "repeat"
        reading.unreadable.append(Unreadable(number, number, reason, str(error), body))
        return
    read_fact = Numbered(number, fact, body, digest_of(body))
    (reading.facts if is_new else reading.repeats).append(read_fact)


def _new_epoch(
    epoch: int, number: int, found: int, last: int, fields: Sequence[bytes]
) -> Gap | None:
    """None when an entry of another epoch may follow the cursor.

    The first epoch follows an empty cursor. A later one must say with its first fact which fact was
    the last kept, and that must be our cursor.
    """
    if (epoch, number, found) == (0, 0, 1):
        return None
    with contextlib.suppress(msgspec.MsgspecError, ValueError, IndexError):
        first = _fact.decode(_entry.decode(fields[1])[0])
        if isinstance(first, Begun):
            kept = (first.kept_epoch, first.kept_number)
            if first.number == 1 and kept == (epoch, number):
                return None
    return Gap(
        f"epoch {found} begins with entry {found}-{last} and does not say that it follows fact "
        f"{epoch}-{number}, the last one in the books"
    )
