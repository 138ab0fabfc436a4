"""The shapes of what operators are answered. What all answers share is in `answers`."""

import msgspec

from gateway.answers import (
    Band,
    DropAnswer,
    LaneAnswer,
    Outgoing,
    RateReason,
    RoomState,
    SaleState,
)
from gateway.partner_answers import BreakAnswer


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
    """What the room was told; null stayed as it was."""

    id: str
    rate_per_s: float | None = None
    burst: int | None = None
    active_max: int | None = None
    grace_s: int | None = None


class MessageAnswer(Outgoing, frozen=True):
    """What everybody in line is told now."""

    id: str
    message: str


class EpochAnswer(Outgoing, frozen=True):
    """The epoch of the line that is on."""

    id: str
    epoch: int


class CourseAnswer(Outgoing, frozen=True):
    """How the recorded time went, or would have gone, and what follows from its end.

    `waits_s` is the wait of whoever joins at the end, `through_s` the time until the line is empty
    and `lasts_s` until nothing is left, each from the end on if people come on as in the last
    minute; null: not within a day. `line` is how many waited at each moment.
    """

    admitted: int
    inside_max: int
    waiting: int
    waits_s: float | None
    through_s: float | None
    lasts_s: float | None
    line: list[int]


class ForecastAnswer(Outgoing, frozen=True):
    """What another rate would have made of the recorded traffic; nothing was changed.

    `was` is the record, `model` what the forecast makes of the rules in force: where these two
    differ, so much is `would_be` to be doubted. `no_show_share`, `visit_s` and `units_each` were
    measured in the record and are taken to stay. `at_ms` are the moments of the lines.
    """

    id: str
    rate_per_s: float
    burst: int
    active_max: int
    no_show_share: float
    visit_s: float
    units_each: float
    was: CourseAnswer
    model: CourseAnswer
    would_be: CourseAnswer
    at_ms: list[int]


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


class RoomAnswer(Outgoing, frozen=True):
    """A sale's waiting room at `at_ms`; an old `at_ms` says that the store does not answer.

    In all lanes `called` turns of `joined` places were called, `waiting` are to be called yet;
    `active` passes are in force, of `active_max` (0: no bound); `admitted` were given in this drop;
    `reason` is what rules the outflow; `revision` counts what operators changed, for `If-Match`.
    """

    state: RoomState
    reason: RateReason
    message: str
    drop: int
    epoch: int
    lanes: list[LaneAnswer]
    called: int
    joined: int
    waiting: int
    active: int
    active_max: int
    admitted: int
    rate_per_s: float
    burst: int
    grace_ms: int
    stock: Band
    opens_at_ms: int
    next_opens_at_ms: int
    revision: int
    at_ms: int


class BoardAnswer(Outgoing, frozen=True):
    """A sale as its operators see it. `lag` facts are not in the books yet.

    `room` and `total` are absent while this process has never read them.
    """

    id: str
    title: str
    state: SaleState
    revision: int
    currency: str
    timezone: str
    closes_at_ms: int
    drops: list[DropAnswer]
    fact: int
    settled: int
    lag: int
    server_time_ms: int
    room: RoomAnswer | None = None
    total: OfferCountsAnswer | None = None


class BoardsAnswer(Outgoing, frozen=True):
    """All sales in the key's scope, by id. `actor` is what changes are noted under.

    `acts` says whether the key may change anything: an auditor's may not.
    """

    actor: str
    acts: bool
    sales: list[BoardAnswer]


class HistoryAnswer(Outgoing, frozen=True):
    """How a sale's last minutes went, a moment a second, the oldest first, in columns.

    `left` is what the drop that is on may still sell, `available` is that of all drops.
    """

    at_ms: list[int]
    joined: list[int]
    waiting: list[int]
    active: list[int]
    admitted: list[int]
    rate_milli: list[int]
    left: list[int]
    available: list[int]
    held: list[int]
    sold: list[int]
    redeemed: list[int]
    lag: list[int]
    server_time_ms: int


class ChangeAnswer(Outgoing, frozen=True):
    """One thing that was done: `what` is configure, rate or state, `detail` its values as text."""

    at_ms: int
    what: str
    actor: str
    detail: str


class ChangesAnswer(Outgoing, frozen=True):
    """What operators did to a sale's room, the newest first."""

    changes: list[ChangeAnswer]


class AllotmentOfPartnerAnswer(Outgoing, frozen=True):
    """Units of one offer set aside for a partner; `left` are neither sold nor gone.

    `exported`: the partner has taken codes, so those of units that come back are dead.
    """

    id: str
    partner: str
    partner_title: str
    offer: str
    units: int
    left: int
    sold: int
    returned: int
    voided: int
    exported: bool


class AllotmentsOfSaleAnswer(Outgoing, frozen=True):
    """All partners' allotments in a sale."""

    allotments: list[AllotmentOfPartnerAnswer]


class KeptRunAnswer(Outgoing, frozen=True):
    """A reconciliation of a partner's business day; `counts` are exact, by class."""

    run: str
    digest: str
    partner: str
    date: str
    made_at_ms: int
    lines_ours: int
    lines_theirs: int
    lines_matched: int
    counts: dict[str, int]
    cut: bool


class KeptBreakAnswer(BreakAnswer, frozen=True, kw_only=True):
    """A break and its position in its run."""

    position: int


class BreaksAnswer(Outgoing, frozen=True):
    """The newest reconciliations, and a page of what one of them found.

    `run` is the one that was asked for, else the newest; ask again with `after=next`.
    """

    runs: list[KeptRunAnswer]
    breaks: list[KeptBreakAnswer]
    run: str | None = None
    next: int | None = None


class CountsAnswer(Outgoing, frozen=True):
    """Where a sale's units are, in all and by offer, as of a fact number."""

    id: str
    state: SaleState
    fact: int
    total: OfferCountsAnswer
    offers: list[OfferCountsAnswer]


class WithheldOffer(Outgoing, frozen=True):
    """Units of an offer that are kept back; `ranges` are first, count, first, count."""

    offer: str
    units: int
    ranges: list[int]


class WithheldAnswer(Outgoing, frozen=True):
    """What is kept back of a sale, because a lost store may have sold it; it counts as held."""

    id: str
    units: int
    offers: list[WithheldOffer]


class FreedAnswer(Outgoing, frozen=True):
    """Units of an offer that are on sale again, by this call; 0 when none were withheld."""

    id: str
    offer: str
    units: int


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
