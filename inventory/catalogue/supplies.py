"""A lot that somebody brings: checked as a whole, and turned into serials and codes.

Belongs here: what a supply may say, without any table or store. `stocking` takes it in.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from inventory.catalogue.known import FILE_LOT, KnownOffer, Lot, OutsideUnit
from inventory.catalogue.sealing import OutsideCodes
from inventory.catalogue.unit_plan import lot_digest
from inventory.codes import normalised
from inventory.facts import gathered
from inventory.salefile import Layout
from inventory.salefile.fields import OutsideText, matches

PIECES_MAX = 4_000
LOT_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Piece:
    """One unit of a lot: its seat (empty when pooled) and its venue's code (empty when minted)."""

    seat: str = ""
    code: str = ""


@dataclass(frozen=True, slots=True)
class Supply:
    """A lot as it is brought: either `units` of a pooled offer with minted codes, or `pieces`."""

    lot: str
    offer: str
    units: int = 0
    pieces: tuple[Piece, ...] = ()


@dataclass(slots=True)
class Check:
    """Turns one supply into a lot, or into everything that is wrong with it.

    `present` are the serials of all lots of the offer, `outside` the units whose codes may clash.
    """

    sale: str
    supply: Supply
    offer: KnownOffer
    layout: Layout | None
    codes: OutsideCodes
    present: set[int]
    outside: Mapping[bytes, OutsideUnit]

    def lot(self) -> tuple[Lot, list[tuple[OutsideUnit, str]]]:
        """The lot and its codes. Call it when there are no problems."""
        serials = self._serials()
        ranges = gathered(serials)
        coded = [
            (OutsideUnit(self._digest(piece), serial, self.offer.number), piece.code)
            for serial, piece in zip(serials, self.supply.pieces, strict=False)
            if piece.code
        ]
        digests = [unit.digest for unit, _ in coded]
        digest = lot_digest(self.offer.number, ranges, digests)
        return Lot(self.supply.lot, self.offer.number, ranges, digest), coded

    def is_repeat_of(self, lot: Lot) -> bool:
        """Whether a lot that is known under this name has this content."""
        if lot.offer != self.offer.number or lot.units != self._count():
            return False
        if self.layout is not None and lot.ranges != gathered(self._serials()):
            return False
        digests = [self._digest(piece) for piece in self.supply.pieces if piece.code]
        return lot.digest == lot_digest(self.offer.number, lot.ranges, digests)

    def _count(self) -> int:
        return len(self.supply.pieces) or self.supply.units

    def _digest(self, piece: Piece) -> bytes:
        return self.codes.digest(self.sale, piece.code)

    def _serials(self) -> list[int]:
        if self.layout is None:
            first = self.offer.base + self.offer.taken_in
            return list(range(first, first + self._count()))
        found = (self.layout.positions.get(piece.seat) for piece in self.supply.pieces)
        return [self.offer.base + position for position in found if position is not None]

    def problems(self) -> list[str]:
        """All that is wrong with the supply."""
        supply, record = self.supply, self.offer.record
        problems = []
        if not LOT_NAME.fullmatch(supply.lot) or supply.lot.startswith(FILE_LOT):
            told = f"1 to 64 of A-Z, a-z, 0-9, . _ and -, not beginning with {FILE_LOT}"
            problems.append(f"lot: expected {told}")
        if len(supply.pieces) > PIECES_MAX:
            return [*problems, f"a lot has at most {PIECES_MAX:,} seats or codes"]
        if bool(supply.pieces) == bool(supply.units) or supply.units < 0:
            return [*problems, "say either units or seats"]
        if record.codes == "outside" and record.supply == "file":
            problems.append(f"the offer {record.offer} has its codes from the sale file: add there")
        if supply.units and (record.kind == "seated" or record.codes == "outside"):
            problems.append(f"the offer {record.offer} needs each unit's seat or code")
        if supply.pieces and record.kind == "pooled" and record.codes == "minted":
            problems.append(f"the offer {record.offer} has neither seats nor codes: say units")
        # What a venue sells is bounded by what the file says; an operator may add more than that.
        room = record.units if record.supply == "venue" else self.offer.size
        if self.layout is None and self.offer.taken_in + self._count() > room:
            problems.append(f"the offer {record.offer} has room for {room:,} units")
        return problems + self._seat_problems() + self._code_problems()

    def _seat_problems(self) -> list[str]:
        problems, seen = [], set()
        for piece in self.supply.pieces:
            if self.layout is None:
                if piece.seat:
                    problems.append(f"seat {piece.seat[:20]!r}: the offer is pooled")
                continue
            position = self.layout.positions.get(piece.seat)
            if position is None:
                problems.append(f"seat {piece.seat[:20]!r}: the hall has no such seat")
            elif position in seen or self.offer.base + position in self.present:
                problems.append(f"seat {piece.seat}: it was brought before")
            else:
                seen.add(position)
        return problems

    def _code_problems(self) -> list[str]:
        problems, seen = [], set()
        wanted = self.offer.record.codes == "outside"
        for number, piece in enumerate(self.supply.pieces, start=1):
            called = f"seat {piece.seat}" if piece.seat else f"unit {number}"
            if bool(piece.code) != wanted:
                problems.append(f"{called}: a code {'is missing' if wanted else 'is not wanted'}")
            elif wanted and not matches(OutsideText, piece.code):
                problems.append(f"{called}: the code is not 4 to 64 ASCII characters")
            elif wanted:
                code = normalised(piece.code)
                if code in seen or self._digest(piece) in self.outside:
                    problems.append(f"{called}: its code belongs to another unit")
                seen.add(code)
        return problems
