"""What an offer's units must say together: layouts, seats, outside codes, allotments, serials."""

from collections import Counter, defaultdict
from collections.abc import Mapping

from inventory.codes import normalised
from inventory.facts import SERIAL_MAX
from inventory.salefile.draft import Draft, Table
from inventory.salefile.layouts import POSITIONS_MAX, Layout, layouts_of
from inventory.salefile.problems import Place, Problems, shown
from inventory.salefile.values import Offer, OutsideCode, SeatRun

SPARE_MIN = 1_000


def check(draft: Draft, problems: Problems) -> None:
    """Tell everything about units that does not fit together."""
    told_before = problems.count
    _check_runs(draft.seats, problems)
    halls_are_known = draft.seats.is_whole and problems.count == told_before
    layouts = layouts_of(draft.seats.records) if halls_are_known else {}
    _check_size_of_layouts(draft.seats, layouts, problems)
    offers = {offer.offer: offer for offer in draft.offers.records}
    said = {run.layout for run in draft.seats.records}
    for offer, place in draft.offers.placed():
        _check_form(offer, draft.seats, said, layouts, place=place, problems=problems)
    codes = _check_codes(draft, offers, layouts, problems)
    units: dict[str, int] = {}
    for offer, place in draft.offers.placed():
        units[offer.offer] = _check_units(
            offer,
            codes[offer.offer],
            all_codes_known=draft.codes.is_whole,
            layouts=layouts,
            place=place,
            problems=problems,
        )
    _check_allotments(draft, offers, layouts, units, problems)
    reserved = sum(
        reserve(offer, layouts.get(offer.layout), units[offer.offer])
        for offer in draft.offers.records
    )
    if reserved > SERIAL_MAX:
        problems.add(draft.sale_place, f"needs more than {SERIAL_MAX:,} serials for its units")


def _check_runs(seats: Table[SeatRun], problems: Problems) -> None:
    """Rows in one piece, runs in ascending order without overlap."""
    last_row: dict[str, str] = {}
    ends: dict[tuple[str, str], int] = {}
    for run, place in seats.placed():
        row = (run.layout, run.row)
        if run.last < run.first:
            problems.add(place, f"the seats {run.first} to {run.last} run backwards")
        elif row in ends and last_row[run.layout] != run.row:
            told = f"the row {run.row} of {shown(run.layout)} stands already further up"
            problems.add(place, f"{told}; put the lines of one row together")
        elif run.first <= ends.get(row, 0):
            told = f"seats of the row {run.row} of {shown(run.layout)} overlap"
            problems.add(place, f"{told}: {run.first} comes after {ends[row]}")
        last_row[run.layout] = run.row
        ends[row] = max(run.last, ends.get(row, 0))


def _check_size_of_layouts(
    seats: Table[SeatRun], layouts: Mapping[str, Layout], problems: Problems
) -> None:
    last_line = {run.layout: place for run, place in seats.placed()}
    for layout in layouts.values():
        if len(layout.labels) > POSITIONS_MAX:
            told = f"the layout {shown(layout.id)} has {len(layout.labels):,} seats and aisles"
            problems.add(last_line[layout.id], f"{told}; at most {POSITIONS_MAX:,} are possible")


def _check_codes(
    draft: Draft, offers: Mapping[str, Offer], layouts: Mapping[str, Layout], problems: Problems
) -> Counter[str]:
    """How many good codes each offer has."""
    seen: dict[str, Place] = {}
    seats: dict[str, set[str]] = defaultdict(set)
    counted: Counter[str] = Counter()
    for line, place in draft.codes.placed():
        first = seen.setdefault(normalised(line.code), place)
        if first is not place:
            # The code itself is a secret and does not go into a message.
            where = f"on line {first.line}" if first.line else f"at {first.file}"
            told = f"the code of this line stands already {where}"
            problems.add(place, f"{told} (case, spaces and hyphens do not tell codes apart)")
        draft.offers.refer(line.offer, offers, "offer", place, problems)
        if offer := offers.get(line.offer):
            _check_code(line, offer, layouts, seats[line.offer], place=place, problems=problems)
            counted[line.offer] += 1
    return counted


def _check_code(
    line: OutsideCode,
    offer: Offer,
    layouts: Mapping[str, Layout],
    seats: set[str],
    *,
    place: Place,
    problems: Problems,
) -> None:
    called = f"the offer {shown(line.offer)}"
    if offer.codes != "outside":
        problems.add(place, f"{called} has minted codes; write outside in its column codes")
    if offer.supply == "venue":
        told = "is bought from its venue, which brings its own codes"
        problems.add(place, f"{called} {told}; take the line out or write file in supply")
    if offer.kind == "pooled":
        if line.seat:
            problems.add(place, f"{called} is pooled and has no seat {line.seat}; leave it empty")
        return
    if not line.seat:
        problems.add(place, f"{called} is seated; say which seat the code is for")
    elif line.seat in seats:
        problems.add(place, f"the seat {line.seat} of {called} has a code already")
    elif offer.layout in layouts and line.seat not in layouts[offer.layout].positions:
        problems.add(place, f"the layout {shown(offer.layout)} has no seat {line.seat}")
    seats.add(line.seat)


def _check_form(
    offer: Offer,
    seats: Table[SeatRun],
    said: set[str],
    layouts: Mapping[str, Layout],
    *,
    place: Place,
    problems: Problems,
) -> None:
    """A seated offer has a layout and as many units as it, a pooled one has none."""
    called = f"the offer {shown(offer.offer)}"
    if offer.kind == "pooled":
        if offer.layout:
            problems.add(place, f"{called} is pooled and takes no layout")
        return
    if not offer.layout:
        problems.add(place, f"{called} is seated and needs a layout")
        return
    seats.refer(offer.layout, said, "layout", place, problems)
    layout = layouts.get(offer.layout)
    if layout and offer.units not in (0, layout.seats):
        told = f"{called} has {offer.units} units, but its layout has {layout.seats} seats"
        problems.add(place, f"{told}; leave units empty")


def _check_units(
    offer: Offer,
    codes: int,
    *,
    all_codes_known: bool,
    layouts: Mapping[str, Layout],
    place: Place,
    problems: Problems,
) -> int:
    """How many units this file brings for the offer; what is wrong with the number is told."""
    called = f"the offer {shown(offer.offer)}"
    if offer.codes == "outside" and offer.supply == "file":
        if codes == 0 and all_codes_known:
            problems.add(place, f"{called} has outside codes, but there is no code for it")
        elif offer.kind == "pooled" and offer.units not in (0, codes) and all_codes_known:
            told = f"{called} has {offer.units} units, but {codes} codes"
            problems.add(place, f"{told}; leave units empty or bring the rest")
        return codes
    if offer.kind == "pooled" and offer.units == 0:
        problems.add(place, f"{called} needs units")
    if offer.supply == "venue":
        return 0
    return layouts[offer.layout].seats if offer.layout in layouts else offer.units


def _check_allotments(
    draft: Draft,
    offers: Mapping[str, Offer],
    layouts: Mapping[str, Layout],
    units: Mapping[str, int],
    problems: Problems,
) -> None:
    partners = {partner.partner for partner in draft.partners.records}
    left = dict(units)
    for line, place in draft.allotments.placed():
        called = f"the allotment {shown(line.allotment)}"
        draft.partners.refer(line.partner, partners, "partner", place, problems)
        draft.offers.refer(line.offer, offers, "offer", place, problems)
        offer = offers.get(line.offer)
        if offer is None or not _has_known_units(offer, draft, layouts):
            continue
        if offer.supply == "venue":
            told = "which is bought from its venue and has no units yet; allot it afterwards"
            problems.add(place, f"{called} takes units of {shown(line.offer)}, {told}")
            continue
        left[line.offer] -= line.quantity
        if left[line.offer] < 0:
            told = f"{called} takes more of {shown(line.offer)} than there is"
            problems.add(place, f"{told}: {units[line.offer]} units, {-left[line.offer]} too many")


def _has_known_units(offer: Offer, draft: Draft, layouts: Mapping[str, Layout]) -> bool:
    if offer.codes == "outside" and not draft.codes.is_whole:
        return False
    return offer.kind == "pooled" or offer.layout in layouts


def reserve(offer: Offer, layout: Layout | None, brought: int) -> int:
    """How many serials an offer takes for good: a hall's positions, or its units and as many again.

    A pooled offer's serials cannot be moved later, so there is room to bring more units of it.
    """
    if layout is not None:
        return len(layout.labels)
    units = max(offer.units, brought)
    return units + max(units, SPARE_MIN)
