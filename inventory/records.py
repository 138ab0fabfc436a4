"""How the scripts pack an order, an offer and an allotment, read back into values.

The field order here is the one written down in `lua/include/{orders,stock,allotments}.lua`; a test
holds the two together.
"""

from dataclasses import dataclass
from typing import Any, cast

import msgspec

from inventory.outcomes import Order, OrderState, OrderUnit, UnitState

_UNIT_STATES: dict[str, UnitState] = {"s": "sold", "r": "redeemed", "v": "voided", "-": "gone"}


class PackedOrder(msgspec.Struct, array_like=True, frozen=True):
    """An order's record in its buyer's bucket."""

    state: str
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


class PackedOffer(msgspec.Struct, array_like=True, frozen=True):
    """An offer's record: its rules, its serials and its counters."""

    kind: str
    drop: int
    price_minor: int
    venue: str
    together: str
    ends_at_ms: int
    redeem_from_ms: int
    redeem_until_ms: int
    codes: str
    base: int
    size: int
    next: int
    end: int
    released: int
    available: int
    held: int
    allotted: int
    sold: int
    redeemed: int
    voided: int
    returned: int
    backs: int
    more: list[int]


class PackedAllotment(msgspec.Struct, array_like=True, frozen=True):
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


order_decoder = msgspec.msgpack.Decoder(PackedOrder)
offer_decoder = msgspec.msgpack.Decoder(PackedOffer)
allotment_decoder = msgspec.msgpack.Decoder(PackedAllotment)


def order_from(order_id: str, reply: list[Any]) -> Order:
    """An order from `order_record states generations` of a reply."""
    packed = order_decoder.decode(reply[0])
    states, generations = reply[1].decode(), reply[2].decode()
    held = packed.state == "held"
    flat = [(offer, price, serial) for offer, price, serials in packed.lines for serial in serials]
    units = tuple(
        OrderUnit(
            offer=offer,
            serial=serial,
            price_minor=price,
            state="held" if held else _UNIT_STATES[state],
            generation=ord(generation) - ord("0"),
        )
        for (offer, price, serial), state, generation in zip(flat, states, generations, strict=True)
    )
    return Order(
        id=order_id,
        state=cast("OrderState", packed.state),
        buyer=packed.buyer,
        seller=packed.seller,
        reference=packed.reference,
        drop=packed.drop,
        pass_id=packed.pass_id,
        units=units,
        amount_minor=packed.amount_minor,
        refunded_minor=packed.refunded_minor,
        held_at_ms=packed.held_at_ms,
        expires_at_ms=packed.expires_at_ms,
        payment=packed.payment,
        fact=packed.fact,
    )
