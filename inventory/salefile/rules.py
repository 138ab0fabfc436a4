"""What the parts of a sale must say together: the sale, its drops, its signers and its offers.

Each check adds its problems and goes on, so that one run tells everything. Seats, codes and
allotments have their checks in `shelf`; what one field may say stands with its type in `values`.
"""

import zoneinfo
from collections.abc import Callable
from functools import cache
from typing import TypeVar

from inventory.facts import SHOP
from inventory.salefile import shelf
from inventory.salefile.draft import PARTS, Draft, Table
from inventory.salefile.problems import Place, Problem, Problems, shown
from inventory.salefile.values import LANES_MAX, Drop, Offer, Record, SaleFile, all_lanes

R = TypeVar("R", bound=Record)


def finished(draft: Draft, files: list[str], problems: Problems) -> SaleFile | list[Problem]:
    """The sale when all is well, else every problem, in the order of `files` and lines."""
    check(draft, problems)
    if draft.sale is None or draft.room is None or problems.count:
        return problems.listed(files)
    lists = {name: getattr(draft, name).records for name in PARTS}
    return SaleFile(sale=draft.sale, room=draft.room, **lists)


def check(draft: Draft, problems: Problems) -> None:
    """Tell everything that does not fit together."""
    _check_sale(draft, problems)
    unique(draft.drops, lambda drop: drop.id, "drop", problems)
    _check_drops(draft, problems)
    _check_lanes(draft, problems)
    unique(draft.logins, lambda login: login.name, "login", problems)
    unique(draft.payments, lambda payment: payment.name, "payment", problems)
    unique(draft.venues, lambda venue: venue.venue, "venue", problems)
    unique(draft.partners, lambda partner: partner.partner, "partner", problems)
    unique(draft.offers, lambda offer: offer.offer, "offer", problems)
    unique(draft.allotments, lambda line: line.allotment, "allotment", problems)
    _check_realms(draft, problems)
    for venue, place in draft.venues.placed():
        _check_zone(venue.timezone, place, problems)
    _check_references(draft, problems)
    opens = {drop.id: drop.opens_at_ms for drop in draft.drops.records}
    for offer, place in draft.offers.placed():
        _check_windows(offer, opens.get(offer.drop), place, problems)
    shelf.check(draft, problems)


def unique(table: Table[R], identity: Callable[[R], object], what: str, problems: Problems) -> None:
    """Tell every record whose identity an earlier one has."""
    seen: dict[object, Place] = {}
    for record, place in table.placed():
        named = identity(record)
        first = seen.setdefault(named, place)
        if first is not place:
            where = f"on line {first.line}" if first.line else f"at {first.file}"
            problems.add(place, f"the {what} {shown(named)} stands already {where}")


@cache
def _zone_is_known(name: str) -> bool:
    try:
        zoneinfo.ZoneInfo(name)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError):
        return False
    return True


def _check_zone(name: str, place: Place, problems: Problems) -> None:
    if not _zone_is_known(name):
        hint = problems.nearest(name, sorted(zoneinfo.available_timezones()))
        problems.add(place, f"there is no time zone {shown(name)}{hint}")


def _check_sale(draft: Draft, problems: Problems) -> None:
    if draft.sale is None:
        return
    _check_zone(draft.sale.timezone, draft.sale_place, problems)
    drops = draft.drops.records
    if drops and draft.sale.closes_at_ms <= max(drop.opens_at_ms for drop in drops):
        problems.add(draft.sale_place, "closes_at must be later than the opening of every drop")
    if draft.sale.stripes > 1:
        for line, place in draft.allotments.placed():
            told = "is an allotment, which needs stripes = 1 in [sale]"
            problems.add(place, f"{shown(line.allotment)} {told}")
        for offer, place in draft.offers.placed():
            if offer.kind == "seated" or offer.codes == "outside":
                told = "has seats or outside codes, which need stripes = 1 in [sale]"
                problems.add(place, f"the offer {shown(offer.offer)} {told}")


def _check_drops(draft: Draft, problems: Problems) -> None:
    if not draft.drops.records and draft.drops.is_whole:
        problems.add(draft.sale_place, "needs at least one drop")
    earlier: Drop | None = None
    lobby_ms = draft.room.lobby_s * 1000 if draft.room else 0
    for drop, place in draft.drops.placed():
        if earlier and drop.opens_at_ms <= earlier.opens_at_ms:
            told = f"the drop {shown(drop.id)} must open later than {shown(earlier.id)} before it"
            problems.add(place, f"{told}; put the drops in the order of their times")
        elif earlier and drop.opens_at_ms - earlier.opens_at_ms < lobby_ms:
            told = f"the lobby of {shown(drop.id)} would open before {shown(earlier.id)} has"
            problems.add(place, f"{told}; shorten lobby_s in [room] or part the drops")
        earlier = drop


def _check_lanes(draft: Draft, problems: Problems) -> None:
    unique(draft.lanes, lambda lane: lane.name, "lane", problems)
    unique(draft.lanes, lambda lane: (lane.claim, lane.is_), "claim and value", problems)
    for position, (lane, place) in enumerate(draft.lanes.placed()):
        if bool(lane.claim) != bool(lane.is_):
            problems.add(place, f"the lane {shown(lane.name)} needs both claim and is, or neither")
        elif not lane.claim and position > 0:
            problems.add(place, f"the lane {shown(lane.name)} is everyone's and must stand first")
    if len(all_lanes(draft.lanes.records)) > LANES_MAX:
        problems.add(draft.lanes.place(0), f"with everyone's a room has at most {LANES_MAX} lanes")


def _check_realms(draft: Draft, problems: Problems) -> None:
    for partner, place in draft.partners.placed():
        if partner.partner == SHOP:
            told = "is the seller of what shoppers buy themselves; name the partner otherwise"
            problems.add(place, f"the partner {shown(SHOP)} {told}")
    # A buyer is called <realm>:<subject>, and the realm is a login's name or a partner's id.
    partners = {partner.partner for partner in draft.partners.records}
    for login, place in draft.logins.placed():
        if login.name in partners:
            told = "is a partner's id too; both name buyers, so they must differ"
            problems.add(place, f"the login {shown(login.name)} {told}")
    unique(
        draft.logins, lambda login: (login.issuer, login.audience), "issuer and audience", problems
    )
    unique(draft.payments, lambda payment: payment.issuer, "issuer", problems)


def _check_references(draft: Draft, problems: Problems) -> None:
    venues = {venue.venue for venue in draft.venues.records}
    drops = {drop.id for drop in draft.drops.records}
    for offer, place in draft.offers.placed():
        draft.venues.refer(offer.venue, venues, "venue", place, problems)
        draft.drops.refer(offer.drop, drops, "drop", place, problems)


def _check_windows(offer: Offer, opens_at_ms: int | None, place: Place, problems: Problems) -> None:
    wrong = []
    if offer.ends_at_ms <= offer.starts_at_ms:
        wrong.append("ends_at must be later than starts_at")
    if offer.redeem_until_ms <= offer.redeem_from_ms:
        wrong.append("redeem_until must be later than redeem_from")
    if offer.redeem_from_ms >= offer.ends_at_ms:
        wrong.append("redeem_from must be earlier than ends_at")
    if opens_at_ms is not None and offer.ends_at_ms <= opens_at_ms:
        wrong.append(f"ends_at must be later than the opening of its drop {shown(offer.drop)}")
    if opens_at_ms is not None and offer.redeem_until_ms <= opens_at_ms:
        wrong.append(f"redeem_until must be later than the opening of its drop {offer.drop!r}")
    for told in wrong:
        problems.add(place, f"the offer {shown(offer.offer)}: {told}")
