"""From stream entries to facts whose numbers are proved: no gap passes, no bad message stops.

Pure: entries in, a `Reading` or a `Gap` out. A number is told by its position (an entry's id is the
number of its last fact), so a fact that cannot be read still accounts for its number. What a fact
means for the books is not decided here.
"""

import contextlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import Any

import msgspec

from inventory.facts import ENTRY_FIELD, Allotted, Changed, Fact, Line, Recalled, Voided

SERIAL_MAX = 2**27 - 1
OFFER_MAX = 2**31 - 1
AMOUNT_MAX = 10**12  # minor units; the sum of millions of them stays below 2**63
COUNTER_MAX = 2**53 - 1
AT_MS_MAX = 253_370_764_800_000  # the first day of the year 9999
TEXT_MAX = 512
UNITS_MAX = 1_000_000  # serials that one fact names one by one, or as ranges that are spread
DIGEST_BYTES = 16

_entry = msgspec.msgpack.Decoder(list[msgspec.Raw])
_fact = msgspec.msgpack.Decoder(Fact)
_LIMITS = {
    "at_ms": AT_MS_MAX,
    "expires_at_ms": COUNTER_MAX,
    "number": COUNTER_MAX,
    "offer": OFFER_MAX,
    "drop": OFFER_MAX,
    "serial": SERIAL_MAX,
}
_MUST_SAY = frozenset({"order", "seller", "allotment", "partner", "owner"})


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

    The first epoch follows an empty cursor. A later one must say with its first fact, a change
    named `epoch <epoch>-<number>`, which fact was the last kept, and that must be our cursor.
    """
    if (epoch, number, found) == (0, 0, 1):
        return None
    with contextlib.suppress(msgspec.MsgspecError, ValueError, IndexError):
        first = _fact.decode(_entry.decode(fields[1])[0])
        if isinstance(first, Changed) and (first.number, first.what) == (
            1,
            f"epoch {epoch}-{number}",
        ):
            return None
    return Gap(
        f"epoch {found} begins with entry {found}-{last} and does not say that it follows fact "
        f"{epoch}-{number}, the last one in the books"
    )


def what_is_wrong(fact: Fact) -> str:
    """Why the fact cannot be posted ('' when it can): a value beyond its bounds."""
    for name, value in zip(fact.__struct_fields__, msgspec.structs.astuple(fact), strict=True):
        wrong = (_wrong_list if isinstance(value, list) else _wrong_value)(name, value)
        if wrong:
            return wrong
    if isinstance(fact, Allotted | Voided) and sum(fact.ranges[1::2]) > UNITS_MAX:
        return "ranges names too many units"
    if isinstance(fact, Recalled) and sum(fact.back[1::2]) + sum(fact.voided[1::2]) > UNITS_MAX:
        return "back and voided name too many units"
    if isinstance(fact, Voided) and fact.state not in {"available", "sold"}:
        return f"units cannot be voided from {fact.state}"
    return ""


def _wrong_value(name: str, value: int | str) -> str:
    if isinstance(value, int):
        if 0 <= value <= _LIMITS.get(name, AMOUNT_MAX):
            return ""
        return f"{name} is {value}"
    if len(value) > TEXT_MAX or "\0" in value or (not value and name in _MUST_SAY):
        return f"{name} is not a text of 1 to {TEXT_MAX} characters"
    return ""


def _wrong_list(name: str, values: list[Any]) -> str:
    if values and isinstance(values[0], int):
        return _wrong_ranges(name, values)
    units = amount = 0
    for line in values:
        for field_name, value in zip(
            line.__struct_fields__, msgspec.structs.astuple(line), strict=True
        ):
            if isinstance(value, list):
                if not value or min(value) < 0 or max(value) > SERIAL_MAX:
                    return f"{name} has no serials, or one beyond its bounds"
            elif wrong := _wrong_value(field_name, value):
                return f"{name}: {wrong}"
        if isinstance(line, Line):
            units, amount = units + len(line.serials), amount + line.price_minor * len(line.serials)
    if units > UNITS_MAX or amount > AMOUNT_MAX:
        return f"{name} names {units} units of together {amount}"
    return ""


def _wrong_ranges(name: str, ranges: list[int]) -> str:
    if len(ranges) % 2:
        return f"{name} has no count at its end"
    for first, count in zip(ranges[::2], ranges[1::2], strict=True):
        if first < 0 or count < 1 or first + count - 1 > SERIAL_MAX:
            return f"{name} has the range {first}, {count}"
    return ""
