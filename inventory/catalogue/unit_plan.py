"""The part of planning that counts: offers with their serials, lots, outside codes, allotments.

Never fewer units than were brought, never another code for a unit, never more set aside than is
there. Numbers and serials are given here, in the order of the file, and never again.
"""

import hashlib
from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import replace

from inventory.catalogue.known import FILE_LOT, Known, KnownAllotment, KnownOffer, Lot, OutsideUnit
from inventory.catalogue.planning import Standing, Step, Work
from inventory.catalogue.policy import Until, differences
from inventory.catalogue.sealing import OutsideCodes
from inventory.facts import SERIAL_MAX, Ranges, gathered
from inventory.salefile import Layout, Offer, OutsideCode, SaleFile, layouts_of, reserve


class UnitPlan:
    """Plans the units of one sale file against what is known; fills `work`."""

    def __init__(
        self,
        known: Known,
        sale_file: SaleFile,
        standing: Standing,
        work: Work,
        *,
        codes: OutsideCodes,
        outside: Mapping[bytes, OutsideUnit],
    ) -> None:
        self._known, self._file, self._standing, self._work = known, sale_file, standing, work
        self._codes, self._outside = codes, outside
        self._layouts = layouts_of(sale_file.seats)
        self._lines: dict[str, list[OutsideCode]] = defaultdict(list)
        for line in sale_file.codes:
            self._lines[line.offer].append(line)
        self._coded = {unit.serial for unit in outside.values()}
        self._codes_known = Counter(unit.offer for unit in outside.values())
        self._added: Counter[str] = Counter()
        work.next_serial = known.next_serial

    def run(self) -> None:
        """Plan offers in the order of the file, then allotments."""
        for offer in self._file.offers:
            known = self._known.offers.get(offer.offer)
            if known is None:
                self._add_units(self._new_offer(offer), is_new=True)
            else:
                self._compare(known, offer)
                self._add_units(replace(known, record=offer), is_new=False)
        named = {offer.offer for offer in self._file.offers}
        for name in sorted(self._known.offers.keys() - named):
            told = "is not in the file; an applied offer stays, its unsold units go back at the end"
            self._work.refuse("offer", name, told)
        if self._work.next_serial > SERIAL_MAX:
            told = f"needs serials above {SERIAL_MAX:,}; begin another sale"
            self._work.refuse("sale", self._known.id, told)
        self._plan_allotments()

    def _new_offer(self, offer: Offer) -> KnownOffer:
        layout = self._layouts.get(offer.layout)
        size = reserve(offer, layout, len(self._lines[offer.offer]))
        number = len(self._known.offers) + len(self._work.new_offers) + 1
        known = KnownOffer(number, self._work.next_serial, size, offer)
        self._work.next_serial += size
        self._work.new_offers.append(known)
        self._work.additions.append(Step("offer", offer.offer, ""))
        return known

    def _compare(self, known: KnownOffer, offer: Offer) -> None:
        work, standing = self._work, self._standing
        taken = standing.has_opened or known.number not in standing.untouched
        for name, until, told in differences(known.record, offer):
            late = standing.has_opened if until is Until.OPENING else taken
            if until is Until.APPLIED or (until in (Until.OPENING, Until.TAKEN) and late):
                work.refuse("offer", offer.offer, f"{name} may not change {until.value} ({told})")
            elif until is not Until.COUNTED:
                work.changes.append(Step("offer", offer.offer, told))
        if known.record != offer:
            work.changed_offers.append(replace(known, record=offer))

    def _add_units(self, offer: KnownOffer, *, is_new: bool) -> None:
        record = offer.record
        if record.codes == "outside" and record.supply == "file":
            ranges, digests = self._coded_units(offer)
        else:
            ranges, digests = self._plain_units(offer, is_new=is_new), []
        if not ranges:
            return
        lot_id = f"{FILE_LOT}{self._known.revision + 1}.{offer.number}"
        lot = Lot(lot_id, offer.number, ranges, lot_digest(offer.number, ranges, digests))
        self._work.lots.append(lot)
        self._added[record.offer] = lot.units
        if not is_new:
            self._work.additions.append(Step("offer", record.offer, f"{lot.units} units more"))

    def _plain_units(self, offer: KnownOffer, *, is_new: bool) -> Ranges:
        record = offer.record
        if record.kind == "seated":
            layout = self._layouts[record.layout]
            return seats_of(offer, layout) if is_new and record.supply == "file" else []
        brought = offer.filed if record.supply == "file" else offer.taken_in
        if record.units < brought:
            told = f"units may not become fewer than there are ({brought} → {record.units})"
            self._work.refuse("offer", record.offer, told)
            return []
        more = record.units - brought if record.supply == "file" else 0
        if offer.taken_in + more > offer.size or record.units > offer.size:
            told = f"has room for {offer.size:,} units and no more; add another offer"
            self._work.refuse("offer", record.offer, told)
            return []
        return [offer.base + offer.taken_in, more] if more else []

    def _coded_units(self, offer: KnownOffer) -> tuple[Ranges, list[bytes]]:
        """The units whose codes are new, with their codes; what was known must still be there."""
        record, sale = offer.record, self._known.id
        layout = self._layouts.get(record.layout)
        next_serial, found, new = offer.base + offer.taken_in, 0, []
        for line in self._lines[record.offer]:
            digest = self._codes.digest(sale, line.code)
            serial = offer.base + layout.positions[line.seat] if layout else next_serial
            unit = self._outside.get(digest)
            if (
                unit is not None
                and unit.offer == offer.number
                and (layout is None or unit.serial == serial)
            ):
                found += 1
            elif unit is not None or (layout and serial in self._coded):
                seat = f" of seat {line.seat}" if line.seat else ""
                told = f"the code{seat} may not change, nor serve two units"
                self._work.refuse("offer", record.offer, told)
            else:
                new.append((OutsideUnit(digest, serial, offer.number), line.code))
                next_serial += 1
        if missing := self._codes_known[offer.number] - found:
            told = f"{missing} of its codes are not in the file any more"
            self._work.refuse("offer", record.offer, told)
        if layout is None and next_serial > offer.base + offer.size:
            told = f"has room for {offer.size:,} units and no more; add another offer"
            self._work.refuse("offer", record.offer, told)
        self._work.codes += new
        return gathered([unit.serial for unit, _ in new]), [unit.digest for unit, _ in new]

    def _plan_allotments(self) -> None:
        known, work = self._known, self._work
        numbers = {name: offer.number for name, offer in known.offers.items()}
        left = Counter(
            {name: self._standing.left.get(number, 0) for name, number in numbers.items()}
        )
        left.update(self._added)
        number = len(known.allotments)
        for line in self._file.allotments:
            before = known.allotments.get(line.allotment)
            if before is not None:
                for _, _, told in differences(before.line, line):
                    work.refuse("allotment", line.allotment, f"may not change ({told})")
                continue
            number += 1
            work.allotments.append(KnownAllotment(number, line))
            told = f"{line.quantity} of {line.offer} for {line.partner}"
            work.additions.append(Step("allotment", line.allotment, told))
            left[line.offer] -= line.quantity
            if left[line.offer] < 0:
                told = f"takes {-left[line.offer]} more of {line.offer} than are left"
                work.refuse("allotment", line.allotment, told)
        named = {line.allotment for line in self._file.allotments}
        for name in sorted(known.allotments.keys() - named):
            told = "is not in the file; units come back by recalling them"
            work.refuse("allotment", name, told)


def seats_of(offer: KnownOffer, layout: Layout) -> Ranges:
    """All seats of a hall as serials of an offer."""
    return gathered([offer.base + position for position in layout.positions.values()])


def lot_digest(offer: int, ranges: Ranges, digests: list[bytes]) -> bytes:
    """What tells one lot's content from another's, without its codes."""
    content = f"{offer} {ranges} ".encode() + b"".join(digests)
    return hashlib.sha256(content).digest()
