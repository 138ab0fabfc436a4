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
_STATES: dict[str, OrderState] = {
    "held": "held",
    "sold": "confirmed",
    "free": "released",
    "late": "expired",
    "part": "partly_refunded",
    "back": "refunded",
    "owed": "paid_unfulfilled",
}
_WORDS = {state: word for word, state in _STATES.items()}
_HEAD = struct.Struct(">4sBQBQB24sBHBQBQ")
_OFFER = struct.Struct(">cHQQII4icQQcII5iq")
_U16, _U32, _U64, _TEXT_4, _TEXT_24 = 0xCD, 0xCE, 0xCF, 0xA4, 0xB8
_GENERATION_0 = ord("0")
_pack = msgspec.msgpack.Encoder().encode
BUYER_PREFIX = b"b:"
"""Before a buyer in a field of a bucket whose tag another one has taken; all others are orders."""


class _Kept(msgspec.Struct, array_like=True, frozen=True):
    """An order's record: a fact as the scripts write it, with what may stand behind it."""

    word: str
    fact: int
    held_at_ms: int
    id: str
    drop: int
    amount_minor: int
    expires_at_ms: int
    lines: list[tuple[int, int, list[int]]]
    buyer: str
    seller: str
    reference: str
    payment: str
    fingerprint: str
    pass_id: str
    more: tuple[str, int, list[tuple[str, str, list[int]]]] = ("", 0, [])


@dataclass(slots=True)
class PackedOrder:
    """An order's record in its buyer's bucket. Lines are (offer, price of one, serials).

    `counted` is there in a buyer's first order when it does not follow from that order alone: the
    units that are counted for the buyer and the passes that are spent.
    """

    id: str
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
    counted: str = ""

    @property
    def counted_alone(self) -> str:
        """What this order alone makes of its buyer's units and passes."""
        counts = self.state in ("held", "confirmed")
        units = sum(len(serials) for _, _, serials in self.lines) if counts else 0
        return pack_counted(units, [self.pass_id] if self.pass_id else [])


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


_kept_decoder = msgspec.msgpack.Decoder(_Kept)
allotment_decoder = msgspec.msgpack.Decoder(PackedAllotment)


def state_of(word: bytes) -> OrderState:
    """The state that a script means by its word."""
    return _STATES[word.decode()]


def pack_order(order: PackedOrder) -> bytes:
    """An order's record, up to the lines of fixed width."""
    head = _HEAD.pack(
        _WORDS[order.state].encode(),
        *(_U64, order.fact),
        *(_U64, order.held_at_ms),
        *(_TEXT_24, order.id.encode()),
        *(_U16, order.drop),
        *(_U64, order.amount_minor),
        *(_U64, order.expires_at_ms),
    )
    asked = pack_asked(
        (
            *(order.buyer, order.seller, order.reference),
            *(order.payment, order.fingerprint, order.pass_id),
        )
    )
    parts = [head, _pack_lines(order.lines), asked]
    if order.refunds or order.counted:
        parts.append(_pack((order.counted, order.refunded_minor, order.refunds)))
    fields = len(_Kept.__struct_fields__) - (len(parts) == 3)
    return b"".join((_array_head(fields), bytes((_TEXT_4,)), *parts))


def pack_asked(asked: tuple[str, ...]) -> bytes:
    """What lies behind the lines in an order's record and its first fact.

    Buyer, seller, reference, payment, fingerprint, pass.
    """
    return _pack(asked)[1:]


def _pack_lines(lines: Sequence[tuple[int, int, Sequence[int]]]) -> bytes:
    """Every serial has four bytes, so that a script can join lines without packing them."""
    parts = [_array_head(len(lines))]
    for offer, price_minor, serials in lines:
        parts += [_array_head(3), _pack(offer), _pack(price_minor), _array_head(len(serials))]
        parts += [bytes((_U32,)) + serial.to_bytes(4) for serial in serials]
    return b"".join(parts)


def _array_head(count: int) -> bytes:
    return bytes((0x90 + count,)) if count < 16 else b"\xdc" + count.to_bytes(2)


def unpack_order(record: bytes) -> PackedOrder:
    """The inverse of `pack_order`. Raises msgspec.DecodeError."""
    kept = _kept_decoder.decode(record)
    counted, refunded_minor, refunds = kept.more
    return PackedOrder(
        id=kept.id,
        state=_STATES[kept.word],
        buyer=kept.buyer,
        seller=kept.seller,
        reference=kept.reference,
        fingerprint=kept.fingerprint,
        drop=kept.drop,
        pass_id=kept.pass_id,
        lines=kept.lines,
        amount_minor=kept.amount_minor,
        refunded_minor=refunded_minor,
        held_at_ms=kept.held_at_ms,
        expires_at_ms=kept.expires_at_ms,
        payment=kept.payment,
        fact=kept.fact,
        refunds=refunds,
        counted=counted,
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


def pack_counted(count: int, passes: Sequence[str]) -> str:
    """The units that are counted for a buyer, and the passes that are spent."""
    return " ".join((str(count), *passes, "") if passes else (str(count),))


def units_counted(counted: str) -> int:
    """The units in what `pack_counted` made."""
    return int(counted.split(" ", 1)[0])


def order_from(order_id: str, record: bytes, marks: bytes) -> Order:
    """An order from its record and the marks of its units, as a script replies."""
    kept = _kept_decoder.decode(record)
    state = _STATES[kept.word]
    units, at = [], 0
    for offer, price_minor, serials in kept.lines:
        for serial in serials:
            unit_state = "held" if state == "held" else _UNIT_STATES[marks[at]]
            generation = marks[at + 1] - _GENERATION_0
            units.append(OrderUnit(offer, serial, price_minor, unit_state, generation))
            at += 2
    return Order(
        id=order_id,
        state=state,
        buyer=kept.buyer,
        seller=kept.seller,
        reference=kept.reference,
        drop=kept.drop,
        pass_id=kept.pass_id,
        units=tuple(units),
        amount_minor=kept.amount_minor,
        refunded_minor=kept.more[1],
        held_at_ms=kept.held_at_ms,
        expires_at_ms=kept.expires_at_ms,
        payment=kept.payment,
        fact=kept.fact,
    )
