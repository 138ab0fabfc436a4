"""The shapes of what partners are answered. What all answers share is in `answers`."""

from typing import Any

import msgspec

from gateway.answers import OrderAnswer, Outgoing, SaleState
from gateway.problems import Problem


class KeyAnswer(Outgoing, frozen=True):
    """One of the partner's keys, masked; `current` is the one that asked."""

    id: str
    masked: str
    title: str
    current: bool
    expires_at_ms: int | None = None


class KeysAnswer(Outgoing, frozen=True):
    """The partner's keys in force."""

    keys: list[KeyAnswer]


class NewKeyAnswer(Outgoing, frozen=True):
    """A new key. `key` is shown in this answer and its repeats, and kept nowhere."""

    id: str
    key: str
    old_expires_at_ms: int
    expires_at_ms: int | None = None


class PartnerSaleAnswer(Outgoing, frozen=True):
    """A sale that the partner may sell in."""

    id: str
    title: str
    state: SaleState
    currency: str
    timezone: str


class PartnerAnswer(Outgoing, frozen=True):
    """Who a partner's key is."""

    partner: str
    title: str
    key: KeyAnswer
    sales: list[PartnerSaleAnswer]
    server_time_ms: int


class BatchItemAnswer(Outgoing, frozen=True):
    """What one order of a batch got: the status a single call would have had, and its body."""

    status: int
    order: OrderAnswer | None = None
    problem: Problem | None = None
    replayed: bool = False


class BatchAnswer(Outgoing, frozen=True):
    """One result for each order of the batch, in their order."""

    results: list[BatchItemAnswer]


class AllotmentAnswer(Outgoing, frozen=True):
    """Units of one offer set aside for a partner; `left` are neither sold nor gone."""

    id: str
    sale: str
    offer: str
    units: int
    left: int
    sold: int
    returned: int
    voided: int


class AllotmentsAnswer(Outgoing, frozen=True):
    """The partner's allotments in a sale."""

    allotments: list[AllotmentAnswer]


class UnitCodeAnswer(Outgoing, frozen=True):
    """One unit of an allotment and its pickup code: one line of the export."""

    unit: int
    offer: str
    state: str
    code: str | None = None
    seat: str | None = None


class UnitStatusAnswer(Outgoing, frozen=True):
    """What became of one unit of a report or return."""

    unit: int
    status: str


class UnitStatusesAnswer(Outgoing, frozen=True):
    """One result for each unit, in the order they were sent."""

    results: list[UnitStatusAnswer]


class EventAnswer(Outgoing, frozen=True):
    """One thing that happened to a partner's orders, allotments or codes."""

    seq: int
    type: str
    at_ms: int
    data: dict[str, Any]


class EventsAnswer(Outgoing, frozen=True):
    """A page of the feed; ask again with `after=next`."""

    events: list[EventAnswer]
    next: int


class BreakAnswer(Outgoing, frozen=True):
    """One difference between our books and the partner's statement."""

    class_: str = msgspec.field(name="class")
    order: str
    detail: str
    owner: str
    default_action: str
    line: int | None = None
    ours: dict[str, Any] | None = None
    theirs: dict[str, Any] | None = None


class RunAnswer(Outgoing, frozen=True):
    """A reconciliation: the same files give the same digest.

    `counts` are exact, by class; `cut` says that there are more breaks than the list has.
    """

    run: str
    digest: str
    lines_ours: int
    lines_theirs: int
    lines_matched: int
    counts: dict[str, int]
    cut: bool
    breaks: list[BreakAnswer]


class StatementLineAnswer(Outgoing, frozen=True):
    """One line of our statement for a partner and day."""

    line: int
    order: str
    reference: str
    status: str
    quantity: int
    amount_minor: int
    currency: str
    at: str


class StatementAnswer(Outgoing, frozen=True):
    """What we saw of a partner's day, up to the facts of `as_of`; `digest` is the CSV's."""

    partner: str
    date: str
    digest: str
    as_of: dict[str, str]
    totals: dict[str, dict[str, int]]
    lines: list[StatementLineAnswer]
    sale: str | None = None
