"""The records of a batch as order_hold, order_confirm and order_end read them, and their replies.

The forms of records are the `RECORD` of each script. What a record or a fact will keep as it is
comes packed already: the script only joins it. A reply is one text, parted by spaces.
"""

import struct
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from inventory import keys
from inventory.ids import HEAD_LENGTH, ORDER_ID_LENGTH, bucket_of
from inventory.records import BUYER_PREFIX, pack_asked

if TYPE_CHECKING:
    from inventory.orders import ConfirmRequest, HoldRequest, LineRequest

_HOLD = struct.Struct(">HHBHBH")
_MORE = struct.Struct(">HHQHB")
_LINE = struct.Struct(">HBB")
_ASKED = struct.Struct(">HI")
_PAIR_BYTES = ORDER_ID_LENGTH + len(BUYER_PREFIX) + ORDER_ID_LENGTH
CONFIRM = struct.Struct(">H24sQBB")
_END = struct.Struct(">H24sB")
HeldLine = tuple[int, int, tuple[int, ...]]
"""Offer, quantity and the serials that were named."""


class HoldBatch:
    """What one call of order_hold is asked: each name it reads once, and what each order wants.

    An order's record says where among the names of its bucket its own are. Who asks twice in one
    batch, order or buyer, is read where he was named first, so each sees what the earlier took.
    """

    def __init__(self, sale: str, stripe: int) -> None:
        self._sale, self._stripe = sale, stripe
        self._buckets: dict[str, int] = {}
        self._names: list[list[bytes]] = []
        self._places: dict[str, int] = {}
        self._asked: dict[int, int] = {}
        self._records: list[bytes] = []
        self.keys: list[str] = []

    def add(self, request: "HoldRequest") -> None:
        """One more order."""
        order, buyer, lines = request.order, request.buyer, request.lines
        bucket = self._bucket_of(order)
        names = self._names[bucket - 1]
        place = len(names) + 1
        names += (order.encode(), BUYER_PREFIX + buyer.encode())
        order_at = self._places.setdefault(order, place)
        field_at = self._places.setdefault(buyer, place + 1)
        one = request
        kept = pack_asked(
            (buyer, one.seller, one.reference, one.payment, one.fingerprint, one.pass_id)
        )
        line, more = lines[0], b""
        plain = len(lines) == 1 and not line.serials
        if plain:
            self._asked[line.offer] = self._asked.get(line.offer, 0) + line.quantity
        if not plain or request.pass_id or order_at != place or field_at != place + 1:
            more = _more(request, order_at, field_at, () if plain else lines)
        step = request.one_step + 2 * bool(more)
        head = _HOLD.pack(bucket, place, step, line.offer, line.quantity, len(kept))
        self._records.append(head + kept + more)

    def args(self) -> tuple[bytes, bytes, bytes]:
        """Names, offers and records, as the script reads them."""
        counts = bytes(len(names) // 2 - 1 for names in self._names)
        flat = (name for names in self._names for name in names)
        names = b"".join((len(counts).to_bytes(2), counts, *flat))
        asked = b"".join(_ASKED.pack(*pair) for pair in self._asked.items())
        return names, asked, b"".join(self._records)

    def _bucket_of(self, order: str) -> int:
        head = order[:HEAD_LENGTH]
        number = self._buckets.get(head)
        if number is None:
            self.keys.append(keys.bucket(self._sale, self._stripe, bucket_of(order)))
            self._names.append([])
            number = self._buckets[head] = len(self.keys)
        return number


def _more(
    request: "HoldRequest", order_at: int, field_at: int, lines: "Sequence[LineRequest]"
) -> bytes:
    pass_id = request.pass_id.encode()
    ends, drop = request.pass_expires_ms, request.pass_drop
    head = _MORE.pack(order_at, field_at, ends, drop, len(pass_id))
    parts = [head, pass_id, len(lines).to_bytes(1)]
    for line in lines:
        parts.append(_LINE.pack(line.offer, line.quantity, len(line.serials)))
        if line.serials:
            parts.append(struct.pack(f">{len(line.serials)}I", *line.serials))
    return b"".join(parts)


def holds_in(names: bytes, batch: bytes) -> "Iterator[tuple[str, list[HeldLine]]]":
    """The orders that a call of order_hold was asked for, and their lines."""
    buckets = int.from_bytes(names[:2])
    at, named = 2 + buckets, []
    for count in names[2:at]:
        named.append(at)
        at += (count + 1) * _PAIR_BYTES
    at = 0
    while at < len(batch):
        bucket, place, step, offer, quantity, kept = _HOLD.unpack_from(batch, at)
        at += _HOLD.size + kept
        lines: list[HeldLine] = []
        if step > 1:
            lines, at = _lines_in(batch, at + _MORE.size + batch[at + _MORE.size - 1])
        start = named[bucket - 1] + place // 2 * _PAIR_BYTES
        order = names[start : start + ORDER_ID_LENGTH].decode()
        yield order, lines or [(offer, quantity, ())]


def _lines_in(batch: bytes, at: int) -> "tuple[list[HeldLine], int]":
    count, lines = batch[at], []
    at += 1
    for _ in range(count):
        offer, quantity, serials = _LINE.unpack_from(batch, at)
        at += _LINE.size
        lines.append((offer, quantity, struct.unpack_from(f">{serials}I", batch, at)))
        at += 4 * serials
    return lines, at


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


def apart(verdict: bytes, record: bytes) -> list[Any]:
    """A reply as its word and its parts: record and marks of an order, a payment, or integers."""
    word, _, rest = verdict.partition(b" ")
    if record:
        return [word, record, rest]
    if word == b"already_paid":
        return [word, rest]
    return [word, *map(int, rest.split())]


def _short(text: bytes) -> bytes:
    return bytes((len(text),)) + text


def _long(text: bytes) -> bytes:
    return len(text).to_bytes(2) + text
