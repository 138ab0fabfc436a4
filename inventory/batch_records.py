"""The records of a batch as order_hold, order_confirm and order_end read them.

Their forms are the `RECORD` of each script. What a record or a fact will keep as it is comes packed
already: the script only joins it.
"""

import struct
from collections.abc import Sequence
from typing import TYPE_CHECKING

import msgspec

if TYPE_CHECKING:
    from inventory.orders import ConfirmRequest, HoldRequest, LineRequest

_HOLD = struct.Struct(">H48sBQHB")
_LINE = struct.Struct(">HBB")
_ONE_LINE = struct.Struct(">BHBB")
_CONFIRM = struct.Struct(">H24sQB")
_END = struct.Struct(">H24sB")
_pack = msgspec.msgpack.Encoder().encode


def hold_record(request: "HoldRequest", bucket: int) -> bytes:
    """One order asked for; `bucket` is the number of its bucket in KEYS."""
    pass_id = request.pass_id.encode()
    said = _pack(request.seller) + _pack(request.reference)
    payment, fingerprint = _pack(request.payment), _pack(request.fingerprint)
    head = _HOLD.pack(
        bucket,
        (request.order + request.buyer).encode(),
        request.one_step,
        request.pass_expires_ms,
        request.pass_drop,
        len(pass_id),
    )
    lines = _lines(request.lines)
    return b"".join(
        (
            *(head, pass_id, len(said).to_bytes(2), said, len(payment).to_bytes(2), payment),
            *(len(fingerprint).to_bytes(1), fingerprint, lines),
        )
    )


def _lines(lines: "Sequence[LineRequest]") -> bytes:
    line = lines[0]
    if len(lines) == 1 and not line.serials:  # nearly all
        return _ONE_LINE.pack(1, line.offer, line.quantity, 0)
    parts = [len(lines).to_bytes(1)]
    for line in lines:
        parts.append(_LINE.pack(line.offer, line.quantity, len(line.serials)))
        if line.serials:
            parts.append(struct.pack(f">{len(line.serials)}I", *line.serials))
    return b"".join(parts)


def confirm_record(request: "ConfirmRequest", bucket: int) -> bytes:
    """One payment for an order."""
    buyer, seller = request.buyer.encode(), request.seller.encode()
    head = _CONFIRM.pack(bucket, request.order.encode(), request.amount_minor, len(buyer))
    return b"".join((head, buyer, _short(seller), _long(request.payment.encode())))


def end_record(order: str, bucket: int, buyer: str, seller: str) -> bytes:
    """One hold to end."""
    owner = buyer.encode()
    return b"".join((_END.pack(bucket, order.encode(), len(owner)), owner, _short(seller.encode())))


def _short(text: bytes) -> bytes:
    return bytes((len(text),)) + text


def _long(text: bytes) -> bytes:
    return len(text).to_bytes(2) + text
