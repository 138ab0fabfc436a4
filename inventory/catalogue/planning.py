"""What a sale file would add to and change in a sale, and what of it is refused.

Planning compares and writes nothing: `tables` writes the work, `publishing` brings it to the store.
All refusals are found, and with one of them nothing is done. Units have their part in `unit_plan`.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TypeVar

from inventory.catalogue.known import Known, KnownAllotment, KnownOffer, Lot, OutsideUnit
from inventory.catalogue.policy import Until, differences
from inventory.salefile import (
    Drop,
    LaneLine,
    Layout,
    Partner,
    Record,
    SaleFile,
    Venue,
    all_lanes,
    layouts_of,
)
from inventory.sales import State

R = TypeVar("R")


@dataclass(frozen=True, slots=True)
class Step:
    """One addition, change or refusal: of which part, what it is called, and what is to be said."""

    part: str
    name: str
    told: str

    def __str__(self) -> str:
        return f"{self.part} {self.name}: {self.told}" if self.told else f"{self.part} {self.name}"


@dataclass(frozen=True, slots=True)
class Plan:
    """A dry run. `revision` is what the sale would have; nothing changes where there are refusals.

    `is_pending` tells that the store has not got all of the last revision yet.
    """

    sale: str
    revision: int
    is_new: bool
    additions: tuple[Step, ...]
    changes: tuple[Step, ...]
    refusals: tuple[Step, ...]
    units_added: int
    is_pending: bool

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to do at all."""
        return not (self.additions or self.changes or self.refusals or self.is_pending)


@dataclass(frozen=True, slots=True)
class Standing:
    """How the sale stands in the store. `state` None: the store does not know it.

    `left` has the units that are on the shelf or on their way to it, by offer number; `untouched`
    are the offers of which no unit has left it.
    """

    state: State | None
    now_ms: int
    left: Mapping[int, int] = field(default_factory=dict)
    untouched: frozenset[int] = frozenset()

    @property
    def has_opened(self) -> bool:
        """Whether buyers may have seen the sale."""
        return self.state not in (None, "announced")


@dataclass(slots=True)
class Work:
    """A plan and all that carrying it out writes."""

    additions: list[Step] = field(default_factory=list)
    changes: list[Step] = field(default_factory=list)
    refusals: list[Step] = field(default_factory=list)
    venues: dict[str, Venue | None] = field(default_factory=dict)
    partners: dict[str, Partner | None] = field(default_factory=dict)
    layouts: dict[str, Layout | None] = field(default_factory=dict)
    new_offers: list[KnownOffer] = field(default_factory=list)
    changed_offers: list[KnownOffer] = field(default_factory=list)
    lots: list[Lot] = field(default_factory=list)
    codes: list[tuple[OutsideUnit, str]] = field(default_factory=list)
    allotments: list[KnownAllotment] = field(default_factory=list)
    next_serial: int = 1

    def refuse(self, part: str, name: str, told: str) -> None:
        """Note something that may not be done."""
        self.refusals.append(Step(part, name, told))

    @property
    def is_empty(self) -> bool:
        """Whether the catalogue already says what the file says."""
        return not (self.additions or self.changes)


def plan_parts(known: Known, sale_file: SaleFile, standing: Standing, work: Work) -> None:
    """Compare everything but units: rules, room, drops, signers, venues, partners, layouts."""
    if known.revision:
        before = known.document
        _compare("sale", before.sale, sale_file.sale, standing, work, name=known.id)
        _check_limit(known, sale_file, standing, work)
        _compare("room", before.room, sale_file.room, standing, work, name=known.id)
    else:
        work.additions.append(Step("sale", known.id, sale_file.sale.title))
    _plan_drops(known, sale_file.drops, standing, work)
    _plan_lanes(known, all_lanes(sale_file.lanes), standing, work)
    for part, old, new in (
        ("login", known.document.logins, sale_file.logins),
        ("payment", known.document.payments, sale_file.payments),
    ):
        _plan_named(
            part, {one.name: one for one in old}, {one.name: one for one in new}, standing, work
        )
    venues = {venue.venue: venue for venue in sale_file.venues}
    partners = {partner.partner: partner for partner in sale_file.partners}
    _plan_named("venue", known.venues, venues, standing, work)
    _plan_named("partner", known.partners, partners, standing, work)
    work.venues = _changed(known.venues, venues)
    work.partners = _changed(known.partners, partners)
    _plan_layouts(known, layouts_of(sale_file.seats), work)


def _changed(old: Mapping[str, R], new: Mapping[str, R]) -> dict[str, R | None]:
    gone: dict[str, R | None] = dict.fromkeys(old.keys() - new.keys())
    return gone | {name: one for name, one in new.items() if old.get(name) != one}


def _compare(
    part: str, old: Record, new: Record, standing: Standing, work: Work, *, name: str
) -> None:
    for field_name, until, told in differences(old, new):
        if until is Until.COUNTED:
            continue
        if until is Until.APPLIED or (until is not Until.ALWAYS and standing.has_opened):
            work.refuse(part, name, f"{field_name} may not change {until.value} ({told})")
        else:
            work.changes.append(Step(part, name, told))


def _check_limit(known: Known, sale_file: SaleFile, standing: Standing, work: Work) -> None:
    old, new = known.document.sale.limit_per_buyer, sale_file.sale.limit_per_buyer
    if new < old and standing.has_opened:
        told = f"limit_per_buyer may not sink once the sale has opened ({old} → {new})"
        work.refuse("sale", known.id, told)
    elif new != old:
        work.changes.append(Step("sale", known.id, f"limit_per_buyer: {old} → {new}"))


def _plan_drops(known: Known, drops: list[Drop], standing: Standing, work: Work) -> None:
    old = known.document.drops if known.revision else []
    for number, before in enumerate(old):
        after = drops[number] if number < len(drops) else None
        if after is None or after.id != before.id:
            told = f"must stay the drop number {number + 1}; new drops go to the end"
            work.refuse("drop", before.id, told)
        elif after.opens_at_ms != before.opens_at_ms:
            [(_, _, told)] = differences(before, after)
            moved = min(before.opens_at_ms, after.opens_at_ms)
            if standing.has_opened and moved <= standing.now_ms:
                told = f"an opening in the past may not move, nor one into the past ({told})"
                work.refuse("drop", before.id, told)
            else:
                work.changes.append(Step("drop", before.id, told))
    work.additions += [Step("drop", drop.id, "") for drop in drops[len(old) :]]


def _plan_lanes(known: Known, lanes: list[LaneLine], standing: Standing, work: Work) -> None:
    old = all_lanes(known.document.lanes) if known.revision else []
    for number, before in enumerate(old):
        if number >= len(lanes) or lanes[number].name != before.name:
            told = f"must stay the lane number {number}; new lanes go to the end"
            work.refuse("lane", before.name, told)
        else:
            _compare("lane", before, lanes[number], standing, work, name=before.name)
    work.additions += [Step("lane", lane.name, "") for lane in lanes[max(1, len(old)) :]]


def _plan_named(
    part: str,
    old: Mapping[str, Record],
    new: Mapping[str, Record],
    standing: Standing,
    work: Work,
) -> None:
    for name in sorted(new.keys() & old.keys()):
        _compare(part, old[name], new[name], standing, work, name=name)
    work.additions += [Step(part, name, "") for name in new if name not in old]
    for name in sorted(old.keys() - new.keys()):
        if standing.has_opened:
            told = "may not be taken out once the sale has opened"
            work.refuse(part, name, told)
        else:
            work.changes.append(Step(part, name, "is taken out"))


def _plan_layouts(known: Known, layouts: Mapping[str, Layout], work: Work) -> None:
    used = {offer.record.layout for offer in known.offers.values()}
    for name in sorted(layouts.keys() & known.layouts.keys()):
        if layouts[name] != known.layouts[name]:
            if name in used:
                told = "may not change, for its seats have serials; give a new plan a new name"
                work.refuse("layout", name, told)
            else:
                work.changes.append(Step("layout", name, "other seats"))
    work.additions += [Step("layout", name, "") for name in layouts if name not in known.layouts]
    kept = {name: known.layouts[name] for name in used & known.layouts.keys()}
    work.layouts = _changed(known.layouts, kept | dict(layouts))
