"""What the tables can hold: the bounds of every value of a fact, asked before anything is written.

A fact within them is posted, whatever it says; one beyond them is quarantined. Asked for every
fact, so the usual value is passed by the first comparison.
"""

from typing import Any

import msgspec

from inventory.facts import SERIAL_MAX, Allotted, Fact, Line, Recalled, Voided

OFFER_MAX = 2**31 - 1
AMOUNT_MAX = 10**12  # minor units; the sum of millions of them stays below 2**63
COUNTER_MAX = 2**53 - 1
AT_MS_MAX = 253_370_764_800_000  # the first day of the year 9999
TEXT_MAX = 512
STATUSES_MAX = 1_000  # letters, one for each line of a report or a return
UNITS_MAX = 1_000_000  # serials that one fact names one by one, or as ranges that are spread

_LIMITS = {
    "at_ms": AT_MS_MAX,
    "expires_at_ms": COUNTER_MAX,
    "number": COUNTER_MAX,
    "offer": OFFER_MAX,
    "drop": OFFER_MAX,
    "serial": SERIAL_MAX,
    "allotment_number": COUNTER_MAX,
    "kept_epoch": COUNTER_MAX,
    "kept_number": COUNTER_MAX,
}
_SMALLEST = SERIAL_MAX
_MUST_SAY = frozenset({"order", "seller", "allotment", "partner", "owner"})


def what_is_wrong(fact: Fact) -> str:
    """Why the fact cannot be posted ('' when it can): a value beyond its bounds."""
    wrong = _wrong_fields(fact)
    if wrong:
        return wrong
    if isinstance(fact, Allotted | Voided) and sum(fact.ranges[1::2]) > UNITS_MAX:
        return "ranges names too many units"
    if isinstance(fact, Recalled) and sum(fact.back[1::2]) + sum(fact.voided[1::2]) > UNITS_MAX:
        return "back and voided name too many units"
    if isinstance(fact, Voided) and fact.state not in {"available", "sold"}:
        return f"units cannot be voided from {fact.state}"
    return ""


def _wrong_fields(record: msgspec.Struct) -> str:
    names, values = record.__struct_fields__, msgspec.structs.astuple(record)
    for name, value in zip(names, values, strict=True):
        kind = type(value)
        if kind is str:
            if value and len(value) <= TEXT_MAX and "\0" not in value:
                continue
            wrong = _wrong_text(name, value)
        elif kind is int:
            if 0 <= value <= _SMALLEST or 0 <= value <= _LIMITS.get(name, AMOUNT_MAX):
                continue
            wrong = f"{name} is {value}"
        else:
            wrong = _wrong_list(name, value)
        if wrong:
            return wrong
    return ""


def _wrong_text(name: str, value: str) -> str:
    if name == "statuses" and len(value) <= STATUSES_MAX and "\0" not in value:
        return ""
    if value or name in _MUST_SAY:
        return f"{name} is not a text of 1 to {TEXT_MAX} characters"
    return ""


def _wrong_list(name: str, values: list[Any]) -> str:
    """A list of orders' lines, of a report's lines, of ranges, or of serials."""
    units = amount = 0
    for value in values:
        if type(value) is int:
            return _wrong_serials(values) if name == "serials" else _wrong_ranges(name, values)
        if wrong := _wrong_fields(value):
            return f"{name}: {wrong}"
        if type(value) is Line:
            units += len(value.serials)
            amount += value.price_minor * len(value.serials)
    if units > UNITS_MAX or amount > AMOUNT_MAX:
        return f"{name} names {units} units of together {amount}"
    return "serials names none" if name == "serials" and not values else ""


def _wrong_serials(serials: list[int]) -> str:
    if min(serials) < 0 or max(serials) > SERIAL_MAX:
        return "serials has one beyond its bounds"
    return ""


def _wrong_ranges(name: str, ranges: list[int]) -> str:
    if len(ranges) % 2:
        return f"{name} has no count at its end"
    for first, count in zip(ranges[::2], ranges[1::2], strict=True):
        if first < 0 or count < 1 or first + count - 1 > SERIAL_MAX:
            return f"{name} has the range {first}, {count}"
    return ""
