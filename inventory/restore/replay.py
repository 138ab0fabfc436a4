"""Facts folded into a slot in plain values: what the scripts would have made of them.

Each fact moves here what its script moves in the store, so after the same facts both are the same;
a test holds them together. Here belongs what a fact does; which facts can be kept where some are
missing belongs to `fitting`, how the slot is written to `writing`.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

import msgspec

from inventory import facts as f
from inventory.outcomes import OrderState
from inventory.records import PackedAllotment, PackedOrder
from inventory.restore.shelf import BadStory, ShelfOffer
from inventory.sales import SaleRecord
from inventory.stock import OfferRecord

NOBODY = " " * 24
_STATES = {"open": "open", "pause": "paused", "resume": "open", "drain": "draining",
           "close": "closed"}  # fmt: skip
_pack = msgspec.msgpack.Encoder().encode


@dataclass(frozen=True, slots=True)
class SlotRules:
    """What facts do not say of a slot. `last_serial` is beyond every serial that was given."""

    record: SaleRecord
    revision: int
    offers: tuple[OfferRecord, ...]
    last_serial: int


@dataclass(slots=True)
class Slot:
    """Everything that facts say of one slot.

    `units` has state, generation and owner of each unit that was ever sold or allotted; `done` what
    lots, reports and returns did; `redemptions` when and where a unit was used; `lent` the last
    transfer to each other stripe and `received` the name of the last one from it.
    """

    offers: dict[int, ShelfOffer]
    state: str = "announced"
    orders: dict[str, PackedOrder] = field(default_factory=dict)
    counts: dict[str, int] = field(default_factory=dict)
    passes: dict[str, list[str]] = field(default_factory=dict)
    units: dict[int, tuple[str, int, str]] = field(default_factory=dict)
    allotments: dict[int, PackedAllotment] = field(default_factory=dict)
    numbers: dict[str, int] = field(default_factory=dict)
    done: dict[str, bytes] = field(default_factory=dict)
    redemptions: dict[int, bytes] = field(default_factory=dict)
    lent: dict[int, f.Lent] = field(default_factory=dict)
    received: dict[int, tuple[int, int]] = field(default_factory=dict)

    def generation(self, serial: int) -> int:
        """The generation of a unit's code."""
        known = self.units.get(serial)
        return known[1] if known else 0


class Replay:
    """Folds facts into `slot`, one after the other. Raises BadStory."""

    def __init__(self, offers: Iterable[OfferRecord]) -> None:
        self.slot = Slot({one.number: ShelfOffer.empty(one) for one in offers})
        self._does: dict[type, Callable[[Any], None]] = {
            f.Held: self._held,
            f.Sold: self._sold,
            f.Confirmed: self._confirmed,
            f.Reclaimed: self._reclaimed,
            f.Released: self._ended,
            f.Expired: self._ended,
            f.Unfulfilled: self._unfulfilled,
            f.Refunded: self._refunded,
            f.Redeemed: self._redeemed,
            f.Stocked: self._stocked,
            f.Voided: self._voided,
            f.Returned: self._returned,
            f.Withheld: self._withheld,
            f.Freed: self._freed,
            f.Allotted: self._allotted,
            f.Exported: self._exported,
            f.Reported: self._reported,
            f.Recalled: self._recalled,
            f.Lent: self._lent,
            f.Received: self._received,
            f.Changed: self._changed,
            f.Begun: self._nothing,
        }

    def fold(self, fact: f.Fact) -> None:
        """One more fact."""
        try:
            self._does[type(fact)](fact)
        except KeyError as error:
            raise BadStory(f"fact {fact.number} names {error}, which nobody knows") from error

    def _take(self, lines: list[f.Line], to: str) -> None:
        for line in lines:
            offer = self.slot.offers[line.offer]
            offer.take(line.serials)
            if to == "held":
                offer.held += len(line.serials)
            else:
                offer.sold += len(line.serials)

    def _count(self, buyer: str, units: int) -> None:
        self.slot.counts[buyer] = self.slot.counts.get(buyer, 0) + units

    def _begin(
        self, fact: f.Held | f.Sold, state: OrderState, pass_id: str, expires_at_ms: int
    ) -> None:
        slot = self.slot
        payment = fact.payment if isinstance(fact, f.Sold) else ""
        slot.orders[fact.order] = PackedOrder(
            id=fact.order,
            state=state,
            buyer=fact.buyer,
            seller=fact.seller,
            reference=fact.reference,
            fingerprint=fact.fingerprint,
            drop=fact.drop,
            pass_id=pass_id,
            lines=[(line.offer, line.price_minor, line.serials) for line in fact.lines],
            amount_minor=fact.amount_minor,
            refunded_minor=0,
            held_at_ms=fact.at_ms,
            expires_at_ms=expires_at_ms,
            payment=payment,
            fact=fact.number,
            refunds=[],
        )
        self._count(fact.buyer, _units(fact.lines))
        if pass_id:
            slot.passes.setdefault(fact.buyer, []).append(pass_id)

    def _held(self, fact: f.Held) -> None:
        self._take(fact.lines, "held")
        self._begin(fact, "held", fact.pass_id, fact.expires_at_ms)

    def _sold(self, fact: f.Sold) -> None:
        self._take(fact.lines, "sold")
        self._begin(fact, "confirmed", fact.pass_id, 0)
        self._sell(fact.lines, fact.order)

    def _sell(self, lines: list[f.Line], owner: str) -> None:
        units = self.slot.units
        for line in lines:
            for serial in line.serials:
                known = units.get(serial)
                units[serial] = ("s", known[1] if known else 0, owner)

    def _confirmed(self, fact: f.Confirmed) -> None:
        for line in fact.lines:
            offer = self.slot.offers[line.offer]
            offer.held -= len(line.serials)
            offer.sold += len(line.serials)
        self._pay(fact)
        self._sell(fact.lines, fact.order)

    def _pay(self, fact: f.Confirmed | f.Reclaimed) -> None:
        order = self.slot.orders[fact.order]
        order.state, order.payment, order.expires_at_ms = "confirmed", fact.payment, 0
        order.fact = fact.number

    def _reclaimed(self, fact: f.Reclaimed) -> None:
        self._take(fact.lines, "sold")
        self._pay(fact)
        order = self.slot.orders[fact.order]
        order.lines = [(line.offer, line.price_minor, line.serials) for line in fact.lines]
        self._count(fact.buyer, _units(fact.lines))
        self._sell(fact.lines, fact.order)

    def _ended(self, fact: f.Released | f.Expired) -> None:
        order = self.slot.orders[fact.order]
        order.state = "released" if isinstance(fact, f.Released) else "expired"
        order.expires_at_ms, order.fact = 0, fact.number
        for line in fact.lines:
            offer = self.slot.offers[line.offer]
            offer.give(line.serials)
            offer.held -= len(line.serials)
            self._count(fact.buyer, -len(line.serials))

    def _unfulfilled(self, fact: f.Unfulfilled) -> None:
        order = self.slot.orders[fact.order]
        order.state, order.payment, order.fact = "paid_unfulfilled", fact.payment, fact.number

    def _refunded(self, fact: f.Refunded) -> None:
        slot, order = self.slot, self.slot.orders[fact.order]
        named = {s for part in (fact.back, fact.voided, fact.redeemed)
                 for line in part for s in line.serials}  # fmt: skip
        before = {serial for _, _, serials in order.refunds for serial in serials}
        left = [] if order.state == "paid_unfulfilled" else [
            serial for _, _, serials in order.lines for serial in serials if serial not in before
        ]  # fmt: skip
        chosen = sorted(named) if fact.named else [one for one in left if one in named]
        asked = " ".join(map(str, chosen)) if fact.named else ""
        order.refunds.append((fact.refund, asked, chosen))
        order.refunded_minor += fact.amount_minor
        order.state = "refunded" if len(chosen) == len(left) else "partly_refunded"
        order.fact = fact.number
        for line in fact.back:
            offer = slot.offers[line.offer]
            offer.give(line.serials)
            offer.sold -= len(line.serials)
            for serial in line.serials:
                slot.units[serial] = ("-", slot.generation(serial) + 1, NOBODY)
            self._count(fact.buyer, -len(line.serials))
        for line in fact.voided:
            self._void(line.offer, line.serials)
            self._count(fact.buyer, -len(line.serials))

    def _void(self, number: int, serials: list[int]) -> None:
        """Sold → voided; the owner stays."""
        offer = self.slot.offers[number]
        offer.sold -= len(serials)
        offer.voided += len(serials)
        for serial in serials:
            _, generation, owner = self.slot.units[serial]
            self.slot.units[serial] = ("v", generation, owner)

    def _redeemed(self, fact: f.Redeemed) -> None:
        offer = self.slot.offers[fact.offer]
        offer.sold -= 1
        offer.redeemed += 1
        _, generation, owner = self.slot.units[fact.serial]
        self.slot.units[fact.serial] = ("r", generation, owner)
        told = [fact.at_ms, fact.venue, fact.kiosk, fact.key, fact.owner]
        self.slot.redemptions[fact.serial] = _pack(told)

    def _stocked(self, fact: f.Stocked) -> None:
        offer = self.slot.offers[fact.offer]
        for first, count in _pairs(fact.ranges):
            offer.stock(first, count)
        content = f"{fact.offer} {' '.join(map(str, fact.ranges))}"
        self.slot.done[f"lot:{fact.lot}"] = content.encode()

    def _voided(self, fact: f.Voided) -> None:
        if fact.state == "sold":
            self._void(fact.offer, f.spread(fact.ranges))
            return
        offer = self.slot.offers[fact.offer]
        for first, count in _pairs(fact.ranges):
            offer.take_range(first, count)
            offer.voided += count

    def _returned(self, fact: f.Returned) -> None:
        offer = self.slot.offers[fact.offer]
        for first, count in _pairs(fact.ranges):
            offer.take_range(first, count)
            offer.returned += count

    def _withheld(self, fact: f.Withheld) -> None:
        offer = self.slot.offers[fact.offer]
        for first, count in _pairs(fact.ranges):
            offer.withhold(first, count)

    def _freed(self, fact: f.Freed) -> None:
        offer = self.slot.offers[fact.offer]
        for first, count in _pairs(fact.ranges):
            offer.free_withheld(first, count)

    def _allotted(self, fact: f.Allotted) -> None:
        slot, number = self.slot, fact.allotment_number
        offer, owner = slot.offers[fact.offer], allotment_owner(number)
        serials = f.spread(fact.ranges)
        units = len(serials)
        offer.take(serials)
        offer.allotted += units
        for serial in serials:
            slot.units[serial] = ("a", slot.generation(serial), owner)
        slot.numbers[fact.allotment] = number
        slot.allotments[number] = PackedAllotment(
            fact.allotment, fact.partner, fact.offer, fact.ranges, 0, units, 0, 0, 0
        )

    def _exported(self, fact: f.Exported) -> None:
        self.slot.allotments[self.slot.numbers[fact.allotment]].exported = 1

    def _reported(self, fact: f.Reported) -> None:
        slot = self.slot
        allotment = slot.allotments[slot.numbers[fact.allotment]]
        offer = slot.offers[fact.offer]
        for line in fact.sales:
            _, generation, owner = slot.units[line.serial]
            slot.units[line.serial] = ("s", generation, owner)
        offer.allotted -= len(fact.sales)
        offer.sold += len(fact.sales)
        allotment.sold += len(fact.sales)
        slot.done[fact.key] = _pack([fact.fingerprint, fact.statuses])

    def _recalled(self, fact: f.Recalled) -> None:
        slot = self.slot
        allotment = slot.allotments[slot.numbers[fact.allotment]]
        offer, back, voided = slot.offers[fact.offer], f.spread(fact.back), f.spread(fact.voided)
        for serial in back:
            generation = slot.generation(serial) + allotment.exported
            slot.units[serial] = ("-", generation, NOBODY)
        for serial in voided:
            _, generation, owner = slot.units[serial]
            slot.units[serial] = ("v", generation, owner)
        offer.give(back)
        offer.allotted -= len(back) + len(voided)
        offer.voided += len(voided)
        allotment.back += len(back)
        allotment.voided += len(voided)
        slot.done[fact.key] = _pack([fact.fingerprint, fact.statuses])

    def _lent(self, fact: f.Lent) -> None:
        """It stays open: whether it arrived the receiver knows, and a repeat does no harm."""
        self.slot.offers[fact.offer].lend(fact.ranges, [back.serial for back in fact.backs])
        self.slot.lent[fact.receiver] = fact

    def _received(self, fact: f.Received) -> None:
        slot = self.slot
        slot.offers[fact.offer].receive(fact.ranges, [back.serial for back in fact.backs])
        slot.received[fact.lender] = (fact.epoch, fact.fact)
        for back in fact.backs:
            if slot.generation(back.serial) != back.generation:
                slot.units[back.serial] = ("-", back.generation, NOBODY)

    def _changed(self, fact: f.Changed) -> None:
        self.slot.state = _STATES.get(fact.what, self.slot.state)

    def _nothing(self, fact: f.Begun) -> None:
        """No unit moves."""


def allotment_owner(number: int) -> str:
    """How a unit entry names an allotment."""
    return f"allotment:{number:014d}"


def _units(lines: list[f.Line]) -> int:
    # Nearly every order has one line, and a sum costs five times a length.
    return len(lines[0].serials) if len(lines) == 1 else sum(len(line.serials) for line in lines)


def _pairs(ranges: f.Ranges) -> "zip[tuple[int, int]]":
    return zip(ranges[::2], ranges[1::2], strict=True)
