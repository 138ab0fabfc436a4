"""The records of a batch as order_hold, order_confirm and order_end read them, and their replies.

The forms of records are the `RECORD` of each script. What a record or a fact will keep as it is
comes packed already: the script only joins it. A reply is one text, parted by spaces.
"""

import struct
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import msgspec

from inventory.records import BUYER_PREFIX

if TYPE_CHECKING:
    from inventory.orders import ConfirmRequest, HoldRequest, LineRequest

HOLD = struct.Struct(">H24s26sBQHB")
LINE = struct.Struct(">HBB")
_ONE_LINE = struct.Struct(">BHBB")
CONFIRM = struct.Struct(">H24sQBB")
_END = struct.Struct(">H24sB")
_pack = msgspec.msgpack.Encoder().encode
_TELLS_OF_AN_ORDER = frozenset(
    b"held sold replayed confirmed reclaimed unfulfilled unfulfilled_again ended not_held".split()
)


def hold_record(request: "HoldRequest", bucket: int) -> bytes:
    """One order asked for; `bucket` is the number of its bucket in KEYS."""
    pass_id = request.pass_id.encode()
    fingerprint = _pack(request.fingerprint)
    who = _pack(request.buyer) + _pack(request.seller) + _pack(request.reference)
    rest = _pack(request.payment) + fingerprint + _pack(request.pass_id)
    head = HOLD.pack(
        bucket,
        request.order.encode(),
        BUYER_PREFIX + request.buyer.encode(),
        request.one_step,
        request.pass_expires_ms,
        request.pass_drop,
        len(pass_id),
    )
    return b"".join(
        (
            *(head, pass_id, len(who).to_bytes(2), who, len(rest).to_bytes(2), rest),
            *(len(fingerprint).to_bytes(1), fingerprint, _lines(request.lines)),
        )
    )


def _lines(lines: "Sequence[LineRequest]") -> bytes:
    line = lines[0]
    if len(lines) == 1 and not line.serials:  # nearly all
        return _ONE_LINE.pack(1, line.offer, line.quantity, 0)
    parts = [len(lines).to_bytes(1)]
    for line in lines:
        parts.append(LINE.pack(line.offer, line.quantity, len(line.serials)))
        if line.serials:
            parts.append(struct.pack(f">{len(line.serials)}I", *line.serials))
    return b"".join(parts)


def confirm_record(request: "ConfirmRequest", bucket: int, is_last: bool) -> bytes:
    """One payment for an order; `is_last` when no other stripe has units for it."""
    buyer, seller = request.buyer.encode(), request.seller.encode()
    amount = request.amount_minor
    head = CONFIRM.pack(bucket, request.order.encode(), amount, is_last, len(buyer))
    return b"".join((head, buyer, _short(seller), _long(request.payment.encode())))


def end_record(order: str, bucket: int, buyer: str, seller: str) -> bytes:
    """One hold to end."""
    owner = buyer.encode()
    return b"".join((_END.pack(bucket, order.encode(), len(owner)), owner, _short(seller.encode())))


def apart(reply: bytes) -> list[Any]:
    """A reply as its word and its parts: marks and record of an order, a payment, or integers."""
    word, _, rest = reply.partition(b" ")
    if word in _TELLS_OF_AN_ORDER:
        marks, _, record = rest.partition(b" ")
        return [word, record, marks]
    if word == b"already_paid":
        return [word, rest]
    return [word, *map(int, rest.split())]


def _short(text: bytes) -> bytes:
    return bytes((len(text),)) + text


def _long(text: bytes) -> bytes:
    return len(text).to_bytes(2) + text
