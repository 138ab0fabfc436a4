"""A plain-Python model of a small sale: the oracle of the random story.

It decides by sets and dictionaries what the scripts decide in the store. It predicts every refusal
and every counter; which free units a buyer gets it does not predict, it checks what it is told.
"""

from dataclasses import dataclass, field

from inventory.outcomes import Order
from tests.inventory.conftest import BASES, HOLD_MS, LAYOUT, OUTSIDE, POOLED, PRICE, SEATED

STOCK = {
    POOLED: list(range(5)),
    SEATED: [BASES[SEATED] + at for at, sign in enumerate(LAYOUT) if sign == "."],
    OUTSIDE: [2000, 2001, 2002],
}
LIMIT = 4
GENERATION_MAX = 31


@dataclass
class ModelOrder:
    """What the model knows of an order."""

    id: str
    buyer: str
    quantities: dict[int, int]
    serials: list[int]
    state: str
    expires_at_ms: int
    payment: str = ""
    refunded: set[int] = field(default_factory=set)
    refunds: dict[str, tuple[int, ...]] = field(default_factory=dict)

    @property
    def amount(self) -> int:
        """Minor units."""
        return PRICE * sum(self.quantities.values())


@dataclass
class Model:
    """The whole sale."""

    now: int
    state: str = "open"
    free: dict[int, set[int]] = field(
        default_factory=lambda: {offer: set(serials) for offer, serials in STOCK.items()}
    )
    units: dict[int, str] = field(default_factory=dict)
    generations: dict[int, int] = field(default_factory=dict)
    orders: dict[str, ModelOrder] = field(default_factory=dict)
    passes: dict[str, str] = field(default_factory=dict)
    counts: dict[str, int] = field(default_factory=dict)
    redeemed: dict[tuple[int, int], str] = field(default_factory=dict)

    def offer_of(self, serial: int) -> int:
        """The offer of a serial."""
        return serial // 1000 + 1

    def longest_run(self) -> int:
        """The most seats side by side that are free."""
        signs = "".join(
            "|" if sign == "|" else "1" if BASES[SEATED] + at in self.free[SEATED] else "0"
            for at, sign in enumerate(LAYOUT)
        )
        return max(len(run) for run in signs.replace("|", "0").split("0"))

    def due(self) -> list[ModelOrder]:
        """Holds whose time is over and that were not given back yet."""
        return [
            order
            for order in self.orders.values()
            if order.state == "held" and order.expires_at_ms <= self.now
        ]

    def sweep(self) -> int:
        """Give back all due holds."""
        due = self.due()
        for order in due:
            self.end(order, "expired")
        return len(due)

    def end(self, order: ModelOrder, state: str) -> None:
        """A hold ends without a sale."""
        for serial in order.serials:
            self.free[self.offer_of(serial)].add(serial)
            del self.units[serial]
        self.counts[order.buyer] -= len(order.serials)
        order.state = state

    def shortage(self, quantities: dict[int, int]) -> str | None:
        """Why these units cannot be had now, sweeping due holds before saying so."""
        why = self._shortage(quantities)
        if why and self.sweep():
            why = self._shortage(quantities)
        return why

    def _shortage(self, quantities: dict[int, int]) -> str | None:
        for offer, quantity in quantities.items():
            if len(self.free[offer]) < quantity:
                if any(
                    self.offer_of(serial) == offer and state == "held"
                    for serial, state in self.units.items()
                ):
                    return "all_held"
                return "too_few" if self.free[offer] else "sold_out"
            if offer == SEATED and self.longest_run() < quantity:
                return "not_together"
        return None

    def hold_refusal(self, buyer: str, quantities: dict[int, int], pass_id: str) -> str | None:
        """The refusal a hold must get, or None."""
        if self.state != "open":
            return self.state
        if pass_id in self.passes:
            return "pass_spent"
        if self.counts.get(buyer, 0) + sum(quantities.values()) > LIMIT:
            return "limit_reached"
        return self.shortage(quantities)

    def take(self, order: Order, buyer: str, quantities: dict[int, int], state: str) -> None:
        """Adopt the units an order was given, after checking that it could be given them."""
        serials = [unit.serial for unit in order.units]
        assert len(set(serials)) == len(serials) == sum(quantities.values())
        for unit in order.units:
            assert unit.serial in self.free[unit.offer], f"unit {unit.serial} was not free"
            assert unit.generation == self.generations.get(unit.serial, 0)
            self.free[unit.offer].discard(unit.serial)
            self.units[unit.serial] = state
        seats = sorted(unit.serial for unit in order.units if unit.offer == SEATED)
        assert seats == list(range(seats[0], seats[0] + len(seats))) if seats else True
        self.counts[buyer] = self.counts.get(buyer, 0) + len(serials)
        known = self.orders.get(order.id)
        if known is None:
            expires = self.now + HOLD_MS
            self.orders[order.id] = ModelOrder(
                order.id, buyer, quantities, serials, "held", expires
            )
        else:
            known.serials = serials

    def refund(self, order: ModelOrder, key: str, serials: tuple[int, ...]) -> int:
        """Give money back for these units; the amount."""
        chosen = serials or tuple(s for s in order.serials if s not in order.refunded)
        if order.state == "paid_unfulfilled":
            order.state = "refunded"
            order.refunds[key] = serials
            return order.amount
        for serial in chosen:
            offer, generation = self.offer_of(serial), self.generations.get(serial, 0)
            if self.units[serial] == "redeemed":
                continue
            self.counts[order.buyer] -= 1
            if offer == OUTSIDE or generation == GENERATION_MAX:
                self.units[serial] = "voided"
            else:
                del self.units[serial]
                self.generations[serial] = generation + 1
                self.free[offer].add(serial)
        order.refunded |= set(chosen)
        order.refunds[key] = serials
        whole = len(order.refunded) == len(order.serials)
        order.state = "refunded" if whole else "partly_refunded"
        return PRICE * len(chosen)

    def counters(self, offer: int) -> dict[str, int]:
        """The counters an offer must have."""
        found = {"available": len(self.free[offer])}
        for serial, state in self.units.items():
            if self.offer_of(serial) == offer:
                found[state] = found.get(state, 0) + 1
        return {name: count for name, count in found.items() if count}
