"""Allotments: units set aside for a partner, who takes their codes and sells them itself.

Here belong making one, exporting it, hearing what was sold of it, and taking units back. The codes'
text belongs to `codes` and `catalogue`.
"""

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any, ClassVar

import msgspec

from inventory import keys
from inventory.batching import STOCK_KEYS, stock_keys
from inventory.facts import Ranges
from inventory.outcomes import Closed, KeyReused, NotFound, NotYours, TooFew, UnknownOffer
from inventory.records import PackedAllotment, allotment_decoder
from inventory.sales import SaleView, forgotten
from lua import Store, signature

ALLOTMENT_MAKE = signature(
    "allotment_make",
    keys=(*STOCK_KEYS, "allotments", "done"),
    argv=("now_ms", "number", "allotment", "partner", "offer", "quantity"),
    replies=(
        "no_slot",
        "replayed",
        "key_reused",
        "closed",
        "unknown_offer",
        "too_few",
        "allotted",
    ),
)
ALLOTMENT_EXPORT = signature(
    "allotment_export",
    keys=("sale", "facts", "allotments"),
    argv=("now_ms", "number", "partner"),
    replies=("no_slot", "not_found", "not_yours", "exported"),
)
ALLOTMENT_REPORT = signature(
    "allotment_report",
    keys=(*STOCK_KEYS, "allotments", "done"),
    argv=("now_ms", "number", "partner", "key", "fingerprint", "lines"),
    replies=("no_slot", "not_found", "not_yours", "replayed", "key_reused", "reported"),
)
ALLOTMENT_RECALL = signature(
    "allotment_recall",
    keys=(*STOCK_KEYS, "allotments", "done"),
    argv=("now_ms", "number", "partner", "key", "by", "serials"),
    replies=("no_slot", "not_found", "not_yours", "replayed", "key_reused", "recalled"),
)

LINES_MAX = 1_000
_UNIT_STATES = {"a": "allotted", "s": "sold", "r": "redeemed", "v": "voided", "-": "back"}
_REPORTED = {"s": "sold", "d": "sold_before", "n": "not_yours"}
_RECALLED = {"b": "back", "v": "voided", "n": "not_unsold"}


@dataclass(frozen=True, slots=True)
class Allotment:
    """An allotment as it stands. `left` units are neither sold nor gone."""

    number: int
    id: str
    partner: str
    offer: int
    ranges: Ranges
    exported: bool
    units: int
    sold: int
    back: int
    voided: int

    @property
    def left(self) -> int:
        """Units still set aside."""
        return self.units - self.sold - self.back - self.voided

    @property
    def last(self) -> int:
        """Its highest serial."""
        return self.ranges[-2] + self.ranges[-1] - 1


@dataclass(frozen=True, slots=True)
class AllottedUnit:
    """One unit of an allotment. `state` is one of allotted, sold, redeemed, voided, back."""

    serial: int
    state: str
    generation: int


@dataclass(frozen=True, slots=True)
class Allotted:
    """The units are set aside; `replayed` when they were before."""

    units: int
    replayed: bool


@dataclass(frozen=True, slots=True)
class Lines:
    """One status per line, in order; `replayed` when the key brought them before."""

    statuses: tuple[str, ...]
    replayed: bool
    code: ClassVar[str] = "lines"


@dataclass(frozen=True, slots=True)
class SoldUnit:
    """One line of a partner's report."""

    serial: int
    amount_minor: int
    reference: str


AllotOutcome = Allotted | KeyReused | Closed | UnknownOffer | TooFew
ExportOutcome = Allotment | NotFound | NotYours
LinesOutcome = Lines | NotFound | NotYours | KeyReused


class Allotments:
    """The allotments of one store's sales. A sale with allotments has one stripe."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def allot(
        self,
        sale: SaleView,
        *,
        number: int,
        allotment: str,
        partner: str,
        offer: int,
        quantity: int,
        now_ms: int = 0,
    ) -> AllotOutcome:
        """Set units aside. `number` names the allotment for ever; a repeat changes nothing."""
        args = (now_ms, number, allotment, partner, offer, quantity)
        match await self._store.run(ALLOTMENT_MAKE, self._keys(sale), args):
            case [b"allotted", units]:
                return Allotted(units, replayed=False)
            case [b"replayed", units]:
                return Allotted(units, replayed=True)
            case [b"key_reused"]:
                return KeyReused()
            case [b"closed"]:
                return Closed()
            case [b"unknown_offer", unknown]:
                return UnknownOffer(unknown)
            case [b"too_few", short, left]:
                return TooFew(short, left)
            case reply:
                forgotten(reply, sale.id)
                raise AssertionError("forgotten() always raises")

    async def listed(self, sale: SaleView, partner: str | None = None) -> list[Allotment]:
        """All allotments of a sale, or one partner's, by number."""
        flat = await self._store.read("HGETALL", keys.allotments(sale.id))
        found = [
            _allotment(int(number), allotment_decoder.decode(packed))
            for number, packed in zip(flat[::2], flat[1::2], strict=True)
        ]
        mine = [one for one in found if partner is None or one.partner == partner]
        return sorted(mine, key=lambda one: one.number)

    async def export(
        self, sale: SaleView, number: int, *, partner: str, now_ms: int = 0
    ) -> ExportOutcome:
        """The allotment, noted as exported before any of its codes is shown."""
        slot_keys = (keys.sale(sale.id), keys.facts(sale.id), keys.allotments(sale.id))
        match await self._store.run(ALLOTMENT_EXPORT, slot_keys, (now_ms, number, partner)):
            case [b"exported", packed]:
                return _allotment(number, allotment_decoder.decode(packed))
            case [b"not_found"]:
                return NotFound()
            case [b"not_yours"]:
                return NotYours()
            case reply:
                forgotten(reply, sale.id)
                raise AssertionError("forgotten() always raises")

    async def units(
        self, sale: SaleView, allotment: Allotment, *, after: int = -1, limit: int = LINES_MAX
    ) -> tuple[AllottedUnit, ...]:
        """The first `limit` units whose serial is above `after`, as they are now, by serial."""
        serials = list(islice(_above(allotment.ranges, after), limit))
        if not serials:
            return ()
        chunks = sorted({serial // keys.UNITS_PER_CHUNK for serial in serials})
        packed = await self._store.read("HMGET", keys.units(sale.id), *chunks)
        by_chunk = dict(zip(chunks, packed, strict=True))
        owner = f"allotment:{allotment.number:014d}"
        return tuple(
            _unit(serial, by_chunk[serial // keys.UNITS_PER_CHUNK], owner) for serial in serials
        )

    async def report(
        self,
        sale: SaleView,
        number: int,
        *,
        partner: str,
        key: str,
        lines: Sequence[SoldUnit],
        now_ms: int = 0,
    ) -> LinesOutcome:
        """Hear what a partner sold: sold, sold_before or not_yours for each line, in order."""
        packed = msgspec.msgpack.encode(
            [[line.serial, line.amount_minor, line.reference] for line in lines]
        )
        fingerprint = hashlib.blake2b(packed, digest_size=16).hexdigest()
        args = (now_ms, number, partner, f"{partner}:{key}", fingerprint, packed)
        reply = await self._store.run(ALLOTMENT_REPORT, self._keys(sale), args)
        return _lines(sale, reply, b"reported", _REPORTED)

    async def take_back(
        self,
        sale: SaleView,
        number: int,
        *,
        partner: str,
        key: str,
        serials: Sequence[int],
        by: str,
        now_ms: int = 0,
    ) -> LinesOutcome:
        """Take units out: given back by their partner, or recalled (`partner` '').

        One status each, in ascending order of serials: back, voided or not_unsold.
        """
        packed = msgspec.msgpack.encode(sorted(serials))
        args = (now_ms, number, partner, f"{partner}:{key}", by, packed)
        reply = await self._store.run(ALLOTMENT_RECALL, self._keys(sale), args)
        return _lines(sale, reply, b"recalled", _RECALLED)

    def _keys(self, sale: SaleView) -> list[str]:
        return [*stock_keys(sale, 0), keys.allotments(sale.id), keys.done(sale.id)]


def _above(ranges: Ranges, after: int) -> Iterator[int]:
    """The serials of ascending ranges that are above `after`."""
    for first, count in zip(ranges[::2], ranges[1::2], strict=True):
        yield from range(max(first, after + 1), first + count)


def _unit(serial: int, chunk: bytes, owner: str) -> AllottedUnit:
    at = serial % keys.UNITS_PER_CHUNK * keys.UNIT_ENTRY_BYTES
    entry = chunk[at : at + keys.UNIT_ENTRY_BYTES].decode()
    state = _UNIT_STATES[entry[0]] if entry[2:] == owner else "back"
    return AllottedUnit(serial, state, ord(entry[1]) - ord("0"))


def _lines(sale: SaleView, reply: list[Any], word: bytes, statuses: dict[str, str]) -> LinesOutcome:
    match reply:
        case [b"reported" | b"recalled" | b"replayed" as said, letters]:
            named = tuple(statuses[letter] for letter in letters.decode())
            return Lines(named, replayed=said != word)
        case [b"not_found"]:
            return NotFound()
        case [b"not_yours"]:
            return NotYours()
        case [b"key_reused"]:
            return KeyReused()
        case _:
            forgotten(reply, sale.id)
            raise AssertionError("forgotten() always raises")


def _allotment(number: int, packed: PackedAllotment) -> Allotment:
    return Allotment(
        number=number,
        id=packed.id,
        partner=packed.partner,
        offer=packed.offer,
        ranges=packed.ranges,
        exported=packed.exported == 1,
        units=packed.units,
        sold=packed.sold,
        back=packed.back,
        voided=packed.voided,
    )
