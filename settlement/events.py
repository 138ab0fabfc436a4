"""What a partner hears of a fact: the events of its feed, as they will be delivered.

The content is frozen here, in the transaction that books the fact: what is signed and sent later is
what was stored. Offers are told by number; the edge, which has the catalogue, adds their names.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import msgspec

from inventory.facts import Line

EventType = Literal[
    "order.held",
    "order.sold",
    "order.released",
    "order.expired",
    "order.unfulfilled",
    "order.refunded",
    "code.redeemed",
    "allotment.allotted",
    "allotment.reported",
    "allotment.recalled",
]


@dataclass(frozen=True, slots=True)
class Event:
    """One event of a partner's feed, before it has its number there. `data` is JSON."""

    partner: str
    type: EventType
    at_ms: int
    data: str
    number: int


def units_of(lines: Sequence[Line]) -> list[dict[str, Any]]:
    """The units of an order's lines, one by one."""
    return [
        {"offer_number": line.offer, "unit": serial} for line in lines for serial in line.serials
    ]


def units_in(lines: Sequence[Line], state: str) -> Iterable[dict[str, Any]]:
    """The same with the state that each unit has now."""
    return (unit | {"state": state} for unit in units_of(lines))


def as_json(data: dict[str, Any]) -> str:
    """The text of an event's content."""
    return msgspec.json.encode(data).decode()
