"""Redeeming: a code at a kiosk becomes a used unit, once.

The code's own check comes first and costs the store nothing; then one script decides. Looking up an
outside code by its keyed digest belongs to `catalogue`, which is handed in as a function.
"""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import msgspec

from inventory import keys
from inventory.codes import Codes, Foreign, Forged, Minted, Typo
from inventory.sales import SaleView, forgotten
from lua import Store, signature

UNIT_REDEEM = signature(
    "unit_redeem",
    keys=("sale", "offers", "units", "allotments", "facts", "redemptions+"),
    argv=("now_ms", "batch"),
    replies=(
        "no_slot",
        "replayed",
        "unknown",
        "wrong_venue",
        "already_redeemed",
        "void",
        "not_sold",
        "too_early",
        "too_late",
        "redeemed",
    ),
)
ANY_GENERATION = -1
BATCH_MAX = 64
_FIXED_KEYS = 5


@dataclass(frozen=True, slots=True)
class UnitAddress:
    """Which unit a code means. `generation` is ANY_GENERATION for an outside code."""

    sale: SaleView
    offer: int
    serial: int
    generation: int


@dataclass(frozen=True, slots=True)
class RedeemRequest:
    """One unit to use at a kiosk; `key` is the kiosk's own for this try."""

    address: UnitAddress
    venue: str
    kiosk: str
    key: str


@dataclass(frozen=True, slots=True)
class RedeemedUnit:
    """The unit is used now, by this call or (`replayed`) by an earlier one with the same key."""

    sale: str
    offer: int
    serial: int
    at_ms: int
    owner: str
    replayed: bool
    code: ClassVar[str] = "redeemed"


@dataclass(frozen=True, slots=True)
class UnknownCode:
    """No such code; `typo` when its check symbol shows that it was mistyped."""

    typo: bool
    code: ClassVar[str] = "unknown_code"


@dataclass(frozen=True, slots=True)
class WrongVenue:
    """The code belongs to another venue."""

    venue: str
    code: ClassVar[str] = "wrong_venue"


@dataclass(frozen=True, slots=True)
class AlreadyRedeemed:
    """Used before, then and there."""

    at_ms: int
    venue: str
    kiosk: str
    code: ClassVar[str] = "already_redeemed"


@dataclass(frozen=True, slots=True)
class VoidCode:
    """The unit came back since this code was shown, or was voided."""

    code: ClassVar[str] = "void"


@dataclass(frozen=True, slots=True)
class NotSold:
    """The code is genuine and inert: nobody bought its unit, or no sale was reported."""

    code: ClassVar[str] = "not_sold"


@dataclass(frozen=True, slots=True)
class TooEarly:
    """The offer's window opens later."""

    from_ms: int
    code: ClassVar[str] = "too_early"


@dataclass(frozen=True, slots=True)
class TooLate:
    """The offer's window is over."""

    until_ms: int
    code: ClassVar[str] = "too_late"


RedeemRefusal = UnknownCode | WrongVenue | AlreadyRedeemed | VoidCode | NotSold | TooEarly | TooLate
RedeemOutcome = RedeemedUnit | RedeemRefusal

FindMinted = Callable[[int, int], Awaitable[tuple[SaleView, int] | None]]
"""(sale number, serial) → the sale and the offer number of the serial."""
FindOutside = Callable[[str, str], Awaitable[tuple[SaleView, int, int] | None]]
"""(normalised code, venue) → the sale, the offer number and the serial."""
RedeemIn = Callable[[int, RedeemRequest], Awaitable[RedeemOutcome]]
"""(stripe, request) → its outcome in that stripe; a caller may gather several into one call."""


class Redemption:
    """Redeems codes of one store's sales."""

    def __init__(
        self, store: Store, codes: Codes, *, find_minted: FindMinted, find_outside: FindOutside
    ) -> None:
        self._store = store
        self._codes = codes
        self._find_minted = find_minted
        self._find_outside = find_outside

    async def redeem(
        self,
        typed: str,
        *,
        venue: str,
        kiosk: str,
        key: str,
        now_ms: int = 0,
        redeem_in: RedeemIn | None = None,
    ) -> RedeemOutcome:
        """Redeem what was typed or scanned at a kiosk; `key` is the kiosk's own for this try.

        `redeem_in` asks one stripe; without it each request is a call of its own, at `now_ms`.
        """
        address = await self._address(typed, venue)
        if isinstance(address, UnknownCode):
            return address
        request = RedeemRequest(address, venue, kiosk, key)
        told: RedeemOutcome = NotSold()
        # A serial does not say its stripe, and stripes lend units: only the stripe that has the
        # unit now can say more than "not sold" or, by the generation it had when it left, "void".
        # Sales with one stripe, the usual case, ask once.
        for stripe in range(address.sale.stripes):
            if redeem_in is not None:
                outcome = await redeem_in(stripe, request)
            else:
                outcome = (await self.redeem_all(address.sale, stripe, [request], now_ms))[0]
            if not isinstance(outcome, NotSold | VoidCode):
                return outcome
            told = told if isinstance(told, VoidCode) else outcome
        return told

    async def redeem_all(
        self, sale: SaleView, stripe: int, batch: Sequence[RedeemRequest], now_ms: int = 0
    ) -> list[RedeemOutcome]:
        """Redeem in one stripe of a sale, in order; one outcome each. At most BATCH_MAX."""
        assert 0 < len(batch) <= BATCH_MAX, "a batch has a bounded size"
        slot = (keys.sale, keys.offers, keys.units, keys.allotments, keys.facts)
        slot_keys = [name(sale.id, stripe) for name in slot]
        numbers: dict[str, int] = {}
        records = []
        for one in batch:
            address = one.address
            used = keys.redemptions(sale.id, stripe, address.serial)
            number = numbers.setdefault(used, _FIXED_KEYS + 1 + len(numbers))
            unit = (address.offer, address.serial, address.generation)
            records.append((number, *unit, one.venue, one.kiosk, one.key))
        args = (now_ms, msgspec.msgpack.encode(records))
        replies = await self._store.run(UNIT_REDEEM, [*slot_keys, *numbers], args)
        if replies == [b"no_slot"]:
            forgotten(replies, sale.id)
        return [_outcome(one.address, reply) for one, reply in zip(batch, replies, strict=True)]

    async def _address(self, typed: str, venue: str) -> UnitAddress | UnknownCode:
        match self._codes.check(typed):
            case Typo():
                # Sixteen symbols of ours with a wrong check may still be a venue's own code.
                return await self._outside(typed, venue, typo=True)
            case Forged():
                return await self._outside(typed, venue, typo=False)
            case Foreign():
                return await self._outside(typed, venue, typo=False)
            case Minted(sale_number, serial, generation):
                found = await self._find_minted(sale_number, serial)
                if found is None:
                    return UnknownCode(typo=False)
                return UnitAddress(found[0], found[1], serial, generation)

    async def _outside(self, typed: str, venue: str, *, typo: bool) -> UnitAddress | UnknownCode:
        found = await self._find_outside(typed, venue)
        if found is None:
            return UnknownCode(typo=typo)
        sale, offer, serial = found
        return UnitAddress(sale, offer, serial, ANY_GENERATION)


def _outcome(address: UnitAddress, reply: list[Any]) -> RedeemOutcome:
    match reply:
        case [b"redeemed" | b"replayed" as word, at_ms, owner]:
            return RedeemedUnit(
                sale=address.sale.id,
                offer=address.offer,
                serial=address.serial,
                at_ms=at_ms,
                owner=owner.decode(),
                replayed=word == b"replayed",
            )
        case [b"unknown"]:
            return UnknownCode(typo=False)
        case [b"wrong_venue", venue]:
            return WrongVenue(venue.decode())
        case [b"already_redeemed", at_ms, venue, kiosk]:
            return AlreadyRedeemed(at_ms, venue.decode(), kiosk.decode())
        case [b"void"]:
            return VoidCode()
        case [b"not_sold"]:
            return NotSold()
        case [b"too_early", from_ms]:
            return TooEarly(from_ms)
        case [b"too_late", until_ms]:
            return TooLate(until_ms)
        case _:
            raise AssertionError(f"unknown reply {reply!r}")
