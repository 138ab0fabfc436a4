"""How the scripts pack an order, a buyer, an offer and an allotment: both directions.

The order of fields here is the one written down in `lua/include/{orders,offers,allotments}.lua`.
"""

import struct
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import msgspec

from inventory.outcomes import Order, OrderState, OrderUnit, UnitState

_UNIT_STATES: dict[int, UnitState] = {
    ord("s"): "sold",
    ord("r"): "redeemed",
    ord("v"): "voided",
    ord("-"): "gone",
}
_STATES: dict[bytes, OrderState] = {
    b"h": "held",
    b"c": "confirmed",
    b"r": "released",
    b"e": "expired",
    b"p": "partly_refunded",
    b"f": "refunded",
    b"u": "paid_unfulfilled",
}
_LETTERS = {state: letter for letter, state in _STATES.items()}
_HEAD = struct.Struct(">cQQQQH")
_OFFER = struct.Struct(">cHQQII4icQQcII5iq")
_FIELDS, _FIELDS_WITH_REFUNDS = 7, 9
_GENERATION_0 = ord("0")
_pack = msgspec.msgpack.Encoder().encode
BUYER_PREFIX = b"b:"
"""Before a buyer in a field of a bucket; every other field is an order's id."""


class _Asked(msgspec.Struct, array_like=True, frozen=True):
    lines: list[tuple[int, int, list[int]]]
    buyer: str
    seller: str
    reference: str
    payment: str
    fingerprint: str
    pass_id: str
    refunded_minor: int = 0
    refunds: list[tuple[str, str, list[int]]] = []


@dataclass(slots=True)
class PackedOrder:
    """An order's record in its buyer's bucket. Lines are (offer, price of one, serials)."""

    state: OrderState
    buyer: str
    seller: str
    reference: str
    fingerprint: str
    drop: int
    pass_id: str
    lines: list[tuple[int, int, list[int]]]
    amount_minor: int
    refunded_minor: int
    held_at_ms: int
    expires_at_ms: int
    payment: str
    fact: int
    refunds: list[tuple[str, str, list[int]]]


class PackedOffer(msgspec.Struct, frozen=True):
    """An offer's record: its rules, its serials and its counters.

    `kind`, `together` and `codes` are first letters. `more` has the ends of further ranges.
    """

    venue: str
    kind: str
    drop: int
    price_minor: int
    ends_at_ms: int
    next: int
    end: int
    available: int
    held: int
    sold: int
    backs: int
    together: str
    redeem_from_ms: int
    redeem_until_ms: int
    codes: str
    base: int
    size: int
    released: int
    allotted: int
    redeemed: int
    voided: int
    returned: int
    came: int
    more: list[int]


class PackedAllotment(msgspec.Struct, array_like=True):
    """An allotment's record."""

    id: str
    partner: str
    offer: int
    ranges: list[int]
    exported: int
    units: int
    sold: int
    back: int
    voided: int


@dataclass(frozen=True, slots=True)
class OfferCounts:
    """One offer's counters as of one fact number of one stripe and epoch."""

    offer: int
    stripe: int
    epoch: int
    fact: int
    drop: int
    released: int
    available: int
    held: int
    allotted: int
    sold: int
    redeemed: int
    voided: int
    returned: int
    moving: int = 0
    """Lent to other stripes less received from them: below zero where more came than went."""

    @property
    def difference(self) -> int:
        """What the first invariant misses; 0 when the offer adds up."""
        return self.released - (
            self.available
            + self.held
            + self.allotted
            + self.sold
            + self.redeemed
            + self.voided
            + self.returned
            + self.moving
        )

    @property
    def is_negative(self) -> bool:
        """Whether any counter is below zero, which a sum may hide."""
        lowest = min(
            self.released,
            self.available,
            self.held,
            self.allotted,
            self.sold,
            self.redeemed,
            self.voided,
            self.returned,
        )
        return lowest < 0


_asked_decoder = msgspec.msgpack.Decoder(_Asked)
allotment_decoder = msgspec.msgpack.Decoder(PackedAllotment)


def state_of(letter: bytes) -> OrderState:
    """The state that a script means by its letter."""
    return _STATES[letter]


def pack_order(order: PackedOrder) -> bytes:
    """An order's record: a head of fixed width, then what was asked for as an array."""
    head = _HEAD.pack(
        _LETTERS[order.state],
        order.fact,
        order.held_at_ms,
        order.expires_at_ms,
        order.amount_minor,
        order.drop,
    )
    asked = pack_asked(
        (
            *(order.buyer, order.seller, order.reference),
            *(order.payment, order.fingerprint, order.pass_id),
        )
    )
    if order.refunds:
        asked += _pack(order.refunded_minor) + _pack(order.refunds)
    fields = _FIELDS_WITH_REFUNDS if order.refunds else _FIELDS
    return head + _array_head(fields) + _pack_lines(order.lines) + asked


def pack_asked(asked: tuple[str, ...]) -> bytes:
    """What lies behind the lines in an order's record and its first fact.

    Buyer, seller, reference, payment, fingerprint, pass.
    """
    assert len(asked) == _FIELDS - 1, "the lines come before"
    return _pack(asked)[1:]


def _pack_lines(lines: Sequence[tuple[int, int, Sequence[int]]]) -> bytes:
    """Every serial has four bytes, so that a script can join lines without packing them."""
    parts = [_array_head(len(lines))]
    for offer, price_minor, serials in lines:
        parts += [_array_head(3), _pack(offer), _pack(price_minor), _array_head(len(serials))]
        parts += [b"\xce" + serial.to_bytes(4) for serial in serials]
    return b"".join(parts)


def _array_head(count: int) -> bytes:
    return bytes((0x90 + count,)) if count < 16 else b"\xdc" + count.to_bytes(2)


def unpack_order(record: bytes) -> PackedOrder:
    """The inverse of `pack_order`. Raises msgspec.DecodeError or struct.error."""
    letter, fact, held_at_ms, expires_at_ms, amount_minor, drop = _HEAD.unpack_from(record)
    asked = _asked_decoder.decode(memoryview(record)[_HEAD.size :])
    return PackedOrder(
        state=_STATES[letter],
        buyer=asked.buyer,
        seller=asked.seller,
        reference=asked.reference,
        fingerprint=asked.fingerprint,
        drop=drop,
        pass_id=asked.pass_id,
        lines=asked.lines,
        amount_minor=amount_minor,
        refunded_minor=asked.refunded_minor,
        held_at_ms=held_at_ms,
        expires_at_ms=expires_at_ms,
        payment=asked.payment,
        fact=fact,
        refunds=asked.refunds,
    )


def pack_offer(offer: PackedOffer) -> bytes:
    """An offer's record: the venue, what has a fixed width, the ends of further ranges."""
    venue = offer.venue.encode()
    fixed = msgspec.structs.astuple(offer)[1:-1]
    letters = (one.encode() if isinstance(one, str) else one for one in fixed)
    more = struct.pack(f">{len(offer.more)}I", *offer.more)
    return bytes((len(venue),)) + venue + _OFFER.pack(*letters) + more


def unpack_offer(record: bytes) -> PackedOffer:
    """The inverse of `pack_offer`. Raises struct.error."""
    at = 1 + record[0]
    fixed = _OFFER.unpack_from(record, at)
    values: list[Any] = [one.decode() if isinstance(one, bytes) else one for one in fixed]
    more = record[at + _OFFER.size :]
    ends = struct.unpack(f">{len(more) // 4}I", more)
    return PackedOffer(*[record[1:at].decode(), *values, list(ends)])


def pack_buyer(count: int, passes: Sequence[str]) -> bytes:
    """A buyer's record: the units that are counted and the passes that are spent."""
    return " ".join((str(count), *passes, "") if passes else (str(count),)).encode()


def unpack_buyer(record: bytes) -> tuple[int, list[str]]:
    """The inverse of `pack_buyer`."""
    count, *passes = record.decode().split()
    return int(count), passes


def order_from(order_id: str, record: bytes, marks: bytes) -> Order:
    """An order from its record and the marks of its units, as a script replies."""
    letter, fact, held_at_ms, expires_at_ms, amount_minor, drop = _HEAD.unpack_from(record)
    asked = _asked_decoder.decode(memoryview(record)[_HEAD.size :])
    state = _STATES[letter]
    units, at = [], 0
    for offer, price_minor, serials in asked.lines:
        for serial in serials:
            unit_state = "held" if state == "held" else _UNIT_STATES[marks[at]]
            generation = marks[at + 1] - _GENERATION_0
            units.append(OrderUnit(offer, serial, price_minor, unit_state, generation))
            at += 2
    return Order(
        id=order_id,
        state=state,
        buyer=asked.buyer,
        seller=asked.seller,
        reference=asked.reference,
        drop=drop,
        pass_id=asked.pass_id,
        units=tuple(units),
        amount_minor=amount_minor,
        refunded_minor=asked.refunded_minor,
        held_at_ms=held_at_ms,
        expires_at_ms=expires_at_ms,
        payment=asked.payment,
        fact=fact,
    )
