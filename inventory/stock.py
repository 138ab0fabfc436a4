"""Stock: offers on the shelf's list, lots of units put on it, what is left taken off, the counters.

Selling belongs to `orders`, setting units aside to `allotments`. What a serial means belongs to
`catalogue`; the scripts never read it.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import msgspec

from inventory import keys
from inventory.batching import STOCK_KEYS, stock_keys
from inventory.facts import Ranges
from inventory.records import OfferCounts, unpack_offer
from inventory.sales import SaleView, forgotten
from lua import Script, Store, signature

OFFER_PUT = signature(
    "offer_put",
    keys=("sale", "offers", "seats"),
    argv=("batch",),
    replies=("no_slot", "fixed", "updated", "put"),
)
STOCK_ADD = signature(
    "stock_add",
    keys=(*STOCK_KEYS, "lending", "done"),
    argv=("now_ms", "batch"),
    replies=(
        "no_slot",
        "replayed",
        "key_reused",
        "closed",
        "unknown_offer",
        "not_addable",
        "added",
    ),
)
STOCK_RETURN = signature(
    "stock_return",
    keys=STOCK_KEYS,
    argv=("now_ms", "batch"),
    replies=("no_slot", "not_closed", "unknown_offer", "more", "returned"),
)
COUNTS_READ = signature(
    "counts_read",
    keys=("sale", "offers", "lending"),
    argv=("first", "count"),
    replies=("no_slot", "counts"),
)

OFFERS_AT_ONCE = 64
LOTS_AT_ONCE = 64
COUNTS_AT_ONCE = 256
COUNT_ROUNDS_MAX = 4


@dataclass(frozen=True, slots=True)
class OfferRecord:
    """An offer as the scripts know it.

    `size` serials from `base` on are reserved for it. `layout` of a seated offer has one character
    a serial: '.' a seat that is not on the shelf yet, '|' a row's end or an aisle.
    """

    number: int
    kind: Literal["pooled", "seated"]
    drop: int
    price_minor: int
    venue: str
    together: Literal["split", "refuse"]
    ends_at_ms: int
    redeem_from_ms: int
    redeem_until_ms: int
    codes: Literal["minted", "outside"]
    base: int
    size: int
    layout: str = ""


@dataclass(frozen=True, slots=True)
class Lot:
    """Units of one offer that came on the shelf together, under a name of their own."""

    lot: str
    offer: int
    ranges: Ranges


@dataclass(frozen=True, slots=True)
class StockRefused:
    """Why one record of a batch was not taken; `number` is its place in the batch."""

    number: int
    reason: str
    what: str


class Stock:
    """The shelves of one store. Sales with K > 1 keep their offers in every stripe."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def put_offers(
        self, sale: SaleView, offers: Sequence[OfferRecord], stripe: int = 0
    ) -> list[StockRefused]:
        """Create offers or update their windows, at most OFFERS_AT_ONCE. Repeatable."""
        records = [
            [
                offer.number,
                offer.venue,
                offer.kind[0],
                offer.drop,
                offer.price_minor,
                offer.ends_at_ms,
                offer.together[0],
                offer.redeem_from_ms,
                offer.redeem_until_ms,
                offer.codes[0],
                offer.base,
                offer.size,
                offer.layout,
            ]
            for offer in offers
        ]
        slot_keys = (
            keys.sale(sale.id, stripe),
            keys.offers(sale.id, stripe),
            keys.seats(sale.id, stripe),
        )
        return await self._refusals(sale, OFFER_PUT, slot_keys, (msgspec.msgpack.encode(records),))

    async def add(
        self, sale: SaleView, lots: Sequence[Lot], stripe: int = 0, now_ms: int = 0
    ) -> list[StockRefused]:
        """Put lots on the shelf, at most LOTS_AT_ONCE. A lot that was added before adds nothing."""
        records = [[lot.lot, lot.offer, lot.ranges] for lot in lots]
        slot_keys = (
            *stock_keys(sale, stripe),
            keys.lending(sale.id, stripe),
            keys.done(sale.id, stripe),
        )
        args = (now_ms, msgspec.msgpack.encode(records))
        return await self._refusals(sale, STOCK_ADD, slot_keys, args)

    async def take_off(
        self, sale: SaleView, offers: Sequence[int], stripe: int = 0, now_ms: int = 0
    ) -> int:
        """Return what is left of these offers of a closed sale to their venues; how many units."""
        waiting, returned = list(offers), 0
        while waiting:
            chunk, waiting = waiting[:OFFERS_AT_ONCE], waiting[OFFERS_AT_ONCE:]
            args = (now_ms, msgspec.msgpack.encode(chunk))
            reply = await self._store.run(STOCK_RETURN, stock_keys(sale, stripe), args)
            if reply == [b"no_slot"]:
                forgotten(reply, sale.id)
            for offer, answer in zip(chunk, reply, strict=True):
                assert answer[0] in (b"more", b"returned"), f"offer {offer}: {answer!r}"
                returned += answer[1]
                if answer[0] == b"more":
                    waiting.append(offer)
        return returned

    async def counts(self, sale: SaleView, stripe: int = 0) -> list[OfferCounts]:
        """Every offer's counters, read in bounded steps, each step at one fact number."""
        last = await self._last_offer(sale, stripe)
        found: list[OfferCounts] = []
        for first in range(1, last + 1, COUNTS_AT_ONCE):
            found += await self.counts_of(sale, first, COUNTS_AT_ONCE, stripe)
        return found

    async def counts_everywhere(self, sale: SaleView) -> list[OfferCounts]:
        """Every offer's counters in every stripe, stripe 0 first, each as of its own number.

        Read once more when a transfer ended meanwhile, whose units would be counted twice.
        """
        found: list[OfferCounts] = []
        for _ in range(COUNT_ROUNDS_MAX):
            found = []
            for stripe in range(sale.stripes):
                found += await self.counts(sale, stripe)
            moving: Counter[int] = Counter()
            for one in found:
                moving[one.offer] += one.moving
            if min(moving.values(), default=0) >= 0:
                break
        return found

    async def counts_of(
        self, sale: SaleView, first: int, count: int, stripe: int = 0
    ) -> list[OfferCounts]:
        """The counters of `count` offer numbers from `first` on, at one fact number."""
        names = (keys.sale, keys.offers, keys.lending)
        slot_keys = [name(sale.id, stripe) for name in names]
        reply = await self._store.run(COUNTS_READ, slot_keys, (first, count))
        if reply == [b"no_slot"]:
            forgotten(reply, sale.id)
        _, epoch, fact, *flat = reply
        pairs = zip(flat[::2], flat[1::2], strict=True)
        return [
            _counts(first + at, stripe, (epoch, fact), record, moving)
            for at, (record, moving) in enumerate(pairs)
            if record
        ]

    async def seats(self, sale: SaleView, offer: int) -> str:
        """A seated offer's seats now, a character for each position of its layout; "" for none.

        1: free, 0: taken, '.': not on the shelf, '|': a row's end or an aisle.
        """
        raw = await self._store.read("HGET", keys.seats(sale.id), offer)
        return bytes(raw or b"").decode("ascii")

    async def _last_offer(self, sale: SaleView, stripe: int) -> int:
        """The highest offer number, which catalogue gives without gaps."""
        return int(await self._store.read("HLEN", keys.offers(sale.id, stripe)))

    async def _refusals(
        self, sale: SaleView, script: Script, slot_keys: Sequence[str], args: Sequence[Any]
    ) -> list[StockRefused]:
        reply = await self._store.run(script, slot_keys, args)
        if reply == [b"no_slot"]:
            forgotten(reply, sale.id)
        good = (b"put", b"updated", b"added", b"replayed")
        return [
            StockRefused(at, answer[0].decode(), " ".join(map(_text, answer[1:])))
            for at, answer in enumerate(reply)
            if answer[0] not in good
        ]


def _text(value: bytes | int) -> str:
    return value.decode() if isinstance(value, bytes) else str(value)


def _counts(
    number: int, stripe: int, as_of: tuple[int, int], packed: bytes, moving: int
) -> OfferCounts:
    offer = unpack_offer(packed)
    return OfferCounts(
        offer=number,
        stripe=stripe,
        epoch=as_of[0],
        fact=as_of[1],
        drop=offer.drop,
        released=offer.released,
        available=offer.available,
        held=offer.held,
        allotted=offer.allotted,
        sold=offer.sold,
        redeemed=offer.redeemed,
        voided=offer.voided,
        returned=offer.returned,
        moving=moving,
    )
