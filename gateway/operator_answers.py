"""The shapes of what operators are answered. What all answers share is in `answers`."""

import msgspec

from gateway.answers import Outgoing, SaleState


class AppliedAnswer(Outgoing, frozen=True):
    """What applying a sale did."""

    id: str
    number: int
    revision: int
    units_added: int
    changed: bool


class SaleStateAnswer(Outgoing, frozen=True):
    """A sale's state after a verb."""

    id: str
    state: SaleState
    revision: int


class RateAnswer(Outgoing, frozen=True):
    """The rate that the room was told."""

    id: str
    rate_per_s: float
    burst: int | None = None


class StockAnswer(Outgoing, frozen=True):
    """Units that came on the shelf with a lot."""

    offer: str
    lot: str
    added: int


class OfferCountsAnswer(Outgoing, frozen=True):
    """Where an offer's units are: released is the sum of the others."""

    offer: str
    released: int
    available: int
    held: int
    allotted: int
    sold: int
    redeemed: int
    voided: int
    returned: int


class CountsAnswer(Outgoing, frozen=True):
    """Where a sale's units are, in all and by offer, as of a fact number."""

    id: str
    state: SaleState
    fact: int
    total: OfferCountsAnswer
    offers: list[OfferCountsAnswer]


class CheckAnswer(Outgoing, frozen=True):
    """One check of the audit: how many things it looked at, and what it found wrong."""

    name: str
    ok: bool
    looked_at: int
    violations: list[str] = msgspec.field(default_factory=list)


class AuditAnswer(Outgoing, frozen=True):
    """Every invariant, checked on the live system."""

    ok: bool
    sale: str
    checks: list[CheckAnswer]
