"""The records of a batch as order_hold, order_confirm and order_end read them, and their replies.

The forms of records are the `RECORD` of each script. What a record or a fact will keep as it is
comes packed already: the script only joins it. A reply is one text, parted by spaces.
"""

import struct
from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import accumulate
from typing import TYPE_CHECKING, Any

import msgspec

from inventory import keys
from inventory.batching import apart
from inventory.ids import HEAD_LENGTH, bucket_of, tag_of
from inventory.records import pack_asked

if TYPE_CHECKING:
    from inventory.orders import ConfirmRequest, HoldRequest, LineRequest

_WANT, _HOLD = struct.Struct(">HH"), struct.Struct(">24sH")
_PASS = struct.Struct(">QHB")
_LINE = struct.Struct(">HBB")
_OFFERS_AT, _OFFER_BYTES, _UNITS_BYTES, _WISH_BYTES = 4, 2, 4, 3
_WITH_PASS, _WITH_LINES = 2, 4
_MADE = frozenset({b"held", b"sold"})
_facts = msgspec.msgpack.Decoder(list[msgspec.Raw])
CONFIRM = struct.Struct(">H24sQBB")
_END = struct.Struct(">H24sB")
HeldLine = tuple[int, int, tuple[int, ...]]
"""Offer, quantity and the serials that were named."""


class HoldBatch:
    """What one call of order_hold is asked: each buyer it reads once, and what each order wants.

    Buyers' tags stand bucket by bucket, and an order's record says where among them its buyer's is.
    Who asks twice in one batch is read where he was named first, so each order sees what the
    earlier ones took. Many orders want the same: a wish is told once, and a record says which.
    """

    def __init__(self, sale: str, stripe: int) -> None:
        self._bucket_keys = keys.buckets(sale, stripe)
        self._buckets: dict[str, int] = {}
        self._tags: list[dict[str, int]] = []
        self._wishes: dict[tuple[int, int, int], int] = {}
        self._wants: list[tuple[int, int, int]] = []
        self._records: list[bytes] = []
        self.keys: list[str] = []

    def add(self, request: "HoldRequest") -> None:
        """One more order."""
        order, buyer, lines = request.order, request.buyer, request.lines
        bucket = self._bucket_of(order)
        tags = self._tags[bucket]
        place = tags.setdefault(tag_of(buyer), len(tags) + 1)
        one, pass_id = request, request.pass_id
        kept = pack_asked((buyer, one.seller, one.reference, one.payment, one.fingerprint, pass_id))
        line, kind, more = lines[0], int(one.one_step), b""
        if pass_id:
            kind += _WITH_PASS
            head = _PASS.pack(one.pass_expires_ms, one.pass_drop, len(pass_id))
            more = head + pass_id.encode()
        if len(lines) > 1 or line.serials:
            wish = kind + _WITH_LINES, 0, 0
            more += _packed_lines(lines)
        else:
            wish = kind, line.offer, line.quantity
        number = self._wishes.setdefault(wish, len(self._wishes) + 1)
        self._wants.append((bucket, place, number))
        self._records.append(_HOLD.pack(order.encode(), len(kept)) + kept + more)

    def args(self) -> tuple[bytes, bytes, bytes]:
        """Tags, what is wanted, and records, as the script reads them."""
        counts = bytes(len(tags) - 1 for tags in self._tags)
        names = counts + "".join(tag for tags in self._tags for tag in tags).encode()
        before = [0, *accumulate(map(len, self._tags))]
        pack, parts = _WANT.pack, list[bytes]()
        for (bucket, place, wish), record in zip(self._wants, self._records, strict=True):
            parts += (pack(before[bucket] + place, wish), record)
        return names, self._asked(), b"".join(parts)

    def _asked(self) -> bytes:
        """Offers in the order in which they were first asked for, their units, and the wishes."""
        times = Counter(wish for _, _, wish in self._wants)
        places, units, wishes = dict[int, int](), list[int](), bytearray()
        for (kind, offer, quantity), number in self._wishes.items():
            place = 0
            if kind < _WITH_LINES:
                place = places.setdefault(offer, len(places))
                if place == len(units):
                    units.append(0)
                units[place] += quantity * times[number]
            wishes += bytes((kind, place, quantity))
        form = f">HH{len(units)}H{len(units)}I"
        return struct.pack(form, len(self._wants), len(units), *places, *units) + wishes

    def replies(self, got: Sequence[bytes]) -> list[list[Any]]:
        """What the script says of each order: its word, then its record and marks, or integers."""
        verdicts, *replayed, facts = got
        made, stood = iter(_facts.decode(facts) if facts else ()), iter(replayed)
        replies: list[list[Any]] = []
        for line in verdicts.split(b"\n"):
            times, _, verdict = line.rpartition(b"*")
            word, _, rest = verdict.partition(b" ")
            for _ in range(int(times or 1)):
                if word in _MADE:
                    replies.append([word, next(made), rest])
                else:
                    replies.append(apart(verdict, next(stood) if word == b"replayed" else b""))
        return replies

    def _bucket_of(self, order: str) -> int:
        head = order[:HEAD_LENGTH]
        number = self._buckets.get(head)
        if number is None:
            self.keys.append(f"{self._bucket_keys}{bucket_of(order)}")
            self._tags.append({})
            number = self._buckets[head] = len(self.keys) - 1
        return number


def _packed_lines(lines: "Sequence[LineRequest]") -> bytes:
    parts = [len(lines).to_bytes(1)]
    for line in lines:
        parts.append(_LINE.pack(line.offer, line.quantity, len(line.serials)))
        if line.serials:
            parts.append(struct.pack(f">{len(line.serials)}I", *line.serials))
    return b"".join(parts)


def holds_in(asked: bytes, batch: bytes) -> "Iterator[tuple[str, list[HeldLine]]]":
    """The orders that a call of order_hold was asked for, and their lines."""
    offers = int.from_bytes(asked[_OFFERS_AT - 2 : _OFFERS_AT])
    at, wishes = 0, _OFFERS_AT + (_OFFER_BYTES + _UNITS_BYTES) * offers - _WISH_BYTES
    while at < len(batch):
        _, wish = _WANT.unpack_from(batch, at)
        order, kept = _HOLD.unpack_from(batch, at + _WANT.size)
        at += _WANT.size + _HOLD.size + kept
        kind, offer, quantity = asked[wishes + _WISH_BYTES * wish :][:_WISH_BYTES]
        if kind & _WITH_PASS:
            at += _PASS.size + batch[at + _PASS.size - 1]
        if kind & _WITH_LINES:
            lines, at = _lines_in(batch, at)
        else:
            number = int.from_bytes(asked[_OFFERS_AT + _OFFER_BYTES * offer :][:_OFFER_BYTES])
            lines = [(number, quantity, ())]
        yield order.decode(), lines


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


def _short(text: bytes) -> bytes:
    return bytes((len(text),)) + text


def _long(text: bytes) -> bytes:
    return len(text).to_bytes(2) + text
