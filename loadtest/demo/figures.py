"""What the demo found: the fields of build/demo.json, and whether every invariant held. Pure."""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict, dataclass, field
from typing import Any


@dataclass(slots=True)
class Figures:
    """One drop in figures; money in minor units, times in seconds or milliseconds as named."""

    shoppers: int = 0
    joined: int = 0
    admitted: int = 0
    orders_confirmed: int = 0
    orders_of_partner: int = 0
    gave_up: int = 0
    units_released: int = 0
    units_sold: int = 0
    units_voided: int = 0
    units_returned: int = 0
    units_left: int = 0
    refusals: dict[str, int] = field(default_factory=dict)
    ends: dict[str, int] = field(default_factory=dict)
    oversold: int = 0
    over_limit: int = 0
    double_redeemed: int = 0
    lost_orders: int = 0
    paid_too_late: int = 0
    paid_too_late_refunded: int = 0
    redeemed: int = 0
    kiosk_surprises: int = 0
    venue_seats_bought: int = 0
    venue_seats_bought_twice: int = 0
    venue_redemptions: int = 0
    ledger_orders: int = 0
    trial_balance: int = 0
    breaks_planted: int = 0
    breaks_found: int = 0
    breaks: dict[str, int] = field(default_factory=dict)
    breaks_wrong: int = 0
    audit: dict[str, bool] = field(default_factory=dict)
    requests: int = 0
    polls: int = 0
    crowd_cpu_s: float = 0.0
    p50_ms: float = 0.0
    p99_ms: float = 0.0
    calls_ms: dict[str, dict[str, float]] = field(default_factory=dict)
    seconds: dict[str, float] = field(default_factory=dict)

    def broken(self) -> list[str]:
        """The invariants that do not hold, in words; empty when all do."""
        ended = self.units_sold + self.units_voided + self.units_returned
        must_be_zero = (
            "oversold", "over_limit", "double_redeemed", "lost_orders", "trial_balance",
            "units_left", "kiosk_surprises", "venue_seats_bought_twice", "breaks_wrong",
        )  # fmt: skip
        wrong = [f"{name} is {getattr(self, name)}" for name in must_be_zero if getattr(self, name)]
        checks = {
            f"of {self.units_released} released units {ended} are sold, voided or returned": ended
            == self.units_released,
            f"{self.breaks_planted} lies planted, {self.breaks_found} found": self.breaks_planted
            == self.breaks_found,
            f"{self.ledger_orders} orders in the books, {self.orders_confirmed} acknowledged":
                0 <= self.ledger_orders - self.orders_confirmed <= self.gave_up,
            f"{self.paid_too_late} paid too late, {self.paid_too_late_refunded} got it back":
                self.paid_too_late == self.paid_too_late_refunded,
            "nobody bought anything": self.orders_confirmed > 0,
            "nothing was redeemed": self.redeemed > 0,
            "no lie was planted": self.breaks_planted > 0,
        }  # fmt: skip
        wrong += [words for words, holds in checks.items() if not holds]
        return wrong + [f"the audit: {name}" for name, holds in self.audit.items() if not holds]

    def as_json(self) -> dict[str, Any]:
        """The fields, and `invariants_ok`."""
        broken = self.broken()
        return {**asdict(self), "invariants_ok": not broken, "broken": broken}


def compare_breaks(
    planted: list[tuple[str, str]], found: list[tuple[str, str]]
) -> tuple[Counter[str], int]:
    """Found breaks by class, and how many differ from what was planted, either way."""
    there, here = Counter(planted), Counter(found)
    wrong = (there - here) + (here - there)
    return Counter(kind for kind, _ in found), sum(wrong.values())
