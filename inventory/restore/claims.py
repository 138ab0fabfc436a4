"""What a call that was never answered may have taken: the lines of its orders, without their units.

The forms of the records are those of `batch_records`. An order that the slot has is no claim: what
became of it is known.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from inventory.batch_records import CONFIRM, holds_in
from inventory.restore.replay import Slot
from inventory.restore.withholding import Claim

Argument = str | int | bytes


@dataclass(frozen=True, slots=True)
class Call:
    """A script that was sent, with the verb's arguments, and never answered."""

    script: str
    args: Sequence[Argument]


def claims_of(call: Call, slot: Slot) -> list[Claim]:
    """The units that the call may have taken beyond what the slot says."""
    match call.script:
        case "order_hold":
            return list(_holds(_bytes(call.args[2]), _bytes(call.args[3]), slot))
        case "order_confirm":
            return list(_confirms(_bytes(call.args[1]), slot))
        case "allotment_make" if int(call.args[1]) not in slot.allotments:
            return [(int(call.args[4]), int(call.args[5]), ())]
        case _:
            return []  # it takes nothing off the shelf


def _holds(asked: bytes, batch: bytes, slot: Slot) -> Iterator[Claim]:
    for order, lines in holds_in(asked, batch):
        if order not in slot.orders:
            yield from lines


def _confirms(batch: bytes, slot: Slot) -> Iterator[Claim]:
    """A payment that came late may have taken as many units as its order had."""
    at = 0
    while at < len(batch):
        _, name, _, _, length = CONFIRM.unpack_from(batch, at)
        at += CONFIRM.size + length
        at += 1 + batch[at]
        at += 2 + int.from_bytes(batch[at : at + 2])
        order = slot.orders.get(name.decode())
        if order is not None and order.state in ("released", "expired"):
            for offer, _, serials in order.lines:
                yield offer, len(serials), ()


def _bytes(value: Argument) -> bytes:
    assert isinstance(value, bytes), "a batch is packed"
    return value
