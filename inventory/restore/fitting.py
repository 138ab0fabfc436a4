"""Facts that were told after the books' last one, some of which may be missing: what of them holds.

A fact that its client was told of is kept whenever it can be true beside all others. Where only the
end of an earlier hold is missing, that hold is ended first; a payment whose hold is missing becomes
a sale in one step. What cannot be kept is told, and its units are not for sale.
"""

from collections.abc import Iterable

import msgspec

from inventory import facts as f
from inventory.restore.replay import Replay, allotment_owner
from inventory.restore.shelf import BadStory

Bought = f.Held | f.Sold | f.Reclaimed
_REFUNDABLE = ("confirmed", "partly_refunded", "paid_unfulfilled")


class Fitting:
    """Appends facts to a replayed slot, under numbers from `first` on.

    `kept` are the facts as they are now numbered, `restored` how many of them were told before,
    `lost` those that could not be kept.
    """

    def __init__(self, replay: Replay, first: int) -> None:
        self.slot = replay.slot
        self.kept: list[f.Fact] = []
        self.lost: list[f.Fact] = []
        self.restored = 0
        self._replay = replay
        self._next = first
        self._holders: dict[int, str] | None = None

    def add(self, fact: f.Fact) -> None:
        """Append a fact that must fit. Raises BadStory."""
        numbered = msgspec.structs.replace(fact, number=self._next)
        self._replay.fold(numbered)
        self.kept.append(numbered)
        self._next += 1

    def offer(self, fact: f.Fact) -> None:
        """Append a fact that somebody was told, if it can be kept; one that repeats is left out."""
        found = self._fitted(fact)
        if found is None:
            self.lost.append(fact)
            return
        for one in found:
            self._holders = None if isinstance(one, f.Held | f.Expired) else self._holders
            self.add(one)
        self.restored += bool(found)

    def _fitted(self, fact: f.Fact) -> list[f.Fact] | None:
        """What must be appended; [] when nothing need be, None when the fact cannot be kept."""
        match fact:
            case f.Held() | f.Sold():
                return [] if fact.order in self.slot.orders else self._bought(fact, fact.lines)
            case f.Confirmed() | f.Reclaimed():
                return self._paid(fact)
            case f.Released() | f.Expired():
                return [fact] if self._state(fact.order) == "held" else []
            case f.Unfulfilled():
                return self._unfulfilled(fact)
            case f.Refunded():
                return self._refunded(fact)
            case f.Begun():
                return []
            case f.Changed():
                return [fact]
            case _:
                return self._units(fact)

    def _bought(self, fact: Bought, lines: list[f.Line]) -> list[f.Fact] | None:
        """The fact, after the ends of the holds that must have ended before it."""
        ended: dict[str, f.Fact] = {}
        for line in lines:
            offer = self.slot.offers.get(line.offer)
            if offer is None:
                return None
            for serial in line.serials:
                if offer.is_free(serial):
                    continue
                holder = self._holder_of(serial)
                if holder is None:
                    return None
                ended[holder] = self._end_of(holder, fact.at_ms)
        return [*ended.values(), fact]

    def _paid(self, fact: f.Confirmed | f.Reclaimed) -> list[f.Fact] | None:
        order = self.slot.orders.get(fact.order)
        if order is None:
            sold = f.Sold(
                number=fact.number,
                at_ms=fact.at_ms,
                order=fact.order,
                buyer=fact.buyer,
                seller=fact.seller,
                reference=fact.reference,
                drop=0,
                lines=fact.lines,
                amount_minor=fact.amount_minor,
                expires_at_ms=0,
                payment=fact.payment,
            )
            return self._bought(sold, sold.lines)
        if order.payment:
            return [] if order.payment == fact.payment else None
        if isinstance(fact, f.Confirmed):
            return [fact] if order.state == "held" else None
        before: list[f.Fact] = []
        if order.state == "held":
            before = [self._end_of(fact.order, fact.at_ms)]
        ours = {serial for _, _, serials in order.lines for serial in serials} if before else set()
        others = [
            f.Line(line.offer, line.price_minor, [one for one in line.serials if one not in ours])
            for line in fact.lines
        ]
        found = self._bought(fact, others)
        return None if found is None else [*before, *found]

    def _unfulfilled(self, fact: f.Unfulfilled) -> list[f.Fact] | None:
        state = self._state(fact.order)
        if state == "held":
            return [self._end_of(fact.order, fact.at_ms), fact]
        if state in ("released", "expired"):
            return [fact]
        return [] if state == "paid_unfulfilled" else None

    def _refunded(self, fact: f.Refunded) -> list[f.Fact] | None:
        order = self.slot.orders.get(fact.order)
        if order is None:
            return None
        if any(refund == fact.refund for refund, _, _ in order.refunds):
            return []
        sold = [*f_serials([*fact.back, *fact.voided])]
        used = [*f_serials(fact.redeemed)]
        fits = order.state in _REFUNDABLE and (
            self._all_are("s", fact.order, sold) and self._all_are("r", fact.order, used)
        )
        return [fact] if fits else None

    def _units(self, fact: f.Fact) -> list[f.Fact] | None:
        """Facts that say nothing of orders."""
        slot = self.slot
        match fact:
            case f.Stocked():
                return [] if f"lot:{fact.lot}" in slot.done else [fact]
            case f.Redeemed():
                owner = self._owner(fact.owner)
                if fact.serial in slot.redemptions and self._all_are("r", owner, [fact.serial]):
                    return []
                return [fact] if self._all_are("s", owner, [fact.serial]) else None
            case f.Allotted():
                if fact.allotment in slot.numbers:
                    return []
                return [fact] if self._is_free(fact.offer, fact.ranges) else None
            case f.Exported():
                return [fact] if fact.allotment in slot.numbers else None
            case f.Lent():
                free = [*fact.ranges, *(end for one in fact.backs for end in (one.serial, 1))]
                return [fact] if self._is_free(fact.offer, free) else None
            case f.Received():
                known = slot.received.get(fact.lender, (0, 0))
                return [fact] if (fact.epoch, fact.fact) > known else []
            case f.Reported() | f.Recalled():
                return self._left_allotment(fact)
            case f.Returned() | f.Withheld():
                return [fact] if self._is_free(fact.offer, fact.ranges) else None
            case f.Voided():
                fits = fact.state == "sold" or self._is_free(fact.offer, fact.ranges)
                return [fact] if fits else None
            case _:
                return self._freed(fact)

    def _freed(self, fact: f.Fact) -> list[f.Fact] | None:
        assert isinstance(fact, f.Freed), f"a fact of a new kind: {fact}"
        known = self.slot.offers[fact.offer].withheld
        pairs = zip(fact.ranges[::2], fact.ranges[1::2], strict=True)
        fits = all(
            any(low <= first and first + count <= low + units for low, units in known)
            for first, count in pairs
        )
        return [fact] if fits else None

    def _left_allotment(self, fact: f.Reported | f.Recalled) -> list[f.Fact] | None:
        number = self.slot.numbers.get(fact.allotment)
        if number is None:
            return None
        if fact.key in self.slot.done:
            return []
        serials = (
            [line.serial for line in fact.sales]
            if isinstance(fact, f.Reported)
            else f.spread([*fact.back, *fact.voided])
        )
        return [fact] if self._all_are("a", allotment_owner(number), serials) else None

    def _owner(self, owner: str) -> str:
        number = self.slot.numbers.get(owner)
        return owner if number is None else allotment_owner(number)

    def _all_are(self, state: str, owner: str, serials: Iterable[int]) -> bool:
        units = self.slot.units
        return all(units.get(one, ("", 0, ""))[::2] == (state, owner) for one in serials)

    def _is_free(self, number: int, ranges: f.Ranges) -> bool:
        offer = self.slot.offers.get(number)
        return offer is not None and all(offer.is_free(serial) for serial in f.spread(ranges))

    def _state(self, order_id: str) -> str:
        order = self.slot.orders.get(order_id)
        return order.state if order else ""

    def _holder_of(self, serial: int) -> str | None:
        """The order that holds a unit."""
        if self._holders is None:
            self._holders = {
                one: name
                for name, order in self.slot.orders.items()
                if order.state == "held"
                for _, _, serials in order.lines
                for one in serials
            }
        return self._holders.get(serial)

    def _end_of(self, order_id: str, at_ms: int) -> f.Expired:
        """The end of a hold that must have run out by then."""
        order = self.slot.orders[order_id]
        lines = [f.Line(*line) for line in order.lines]
        return f.Expired(0, at_ms, order_id, order.buyer, order.seller, lines)


def f_serials(lines: Iterable[f.Line]) -> Iterable[int]:
    """The serials of some lines."""
    return (serial for line in lines for serial in line.serials)


def units_named(fact: f.Fact) -> dict[int, list[int]]:
    """The units that a fact gave to somebody, by offer: what must not be sold if it is lost."""
    match fact:
        case f.Held() | f.Sold() | f.Confirmed() | f.Reclaimed():
            return {line.offer: line.serials for line in fact.lines}
        case f.Redeemed():
            return {fact.offer: [fact.serial]}
        case f.Allotted():
            return {fact.offer: f.spread(fact.ranges)}
        case f.Lent():
            backs = [back.serial for back in fact.backs]
            return {fact.offer: [*f.spread(fact.ranges), *backs]}
        case f.Reported():
            return {fact.offer: [line.serial for line in fact.sales]}
        case _:
            return {}


__all__ = ["BadStory", "Fitting", "units_named"]
