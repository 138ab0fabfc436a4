"""Lending: units move from one stripe of a sale to another, whatever dies on the way.

A transfer takes three scripts, each repeatable: the lender takes the units off its shelf into a
record, the receiver puts them on its own once, the lender forgets the record. Whoever finds a
record finishes it, so a crash costs nothing but time. Here belong moving and looking; who needs
units, and who may be told that there are none, belongs to `searching`.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import msgspec

from inventory import keys
from inventory.batching import STOCK_KEYS, stock_keys
from inventory.sales import SaleRecord, SaleView, forgotten
from lua import Fault, NothingHappened, Store, signature

STRIPE_LEND = signature(
    "stripe_lend",
    keys=(*STOCK_KEYS, "lending"),
    argv=("now_ms", "receiver", "offer", "least", "most", "keep"),
    replies=("no_slot", "open", "nothing", "lent"),
)
STRIPE_RECEIVE = signature(
    "stripe_receive",
    keys=(*STOCK_KEYS, "lending"),
    argv=("now_ms", "lender", "transfer"),
    replies=("no_slot", "replayed", "unknown_offer", "received"),
)
STRIPE_SETTLE = signature(
    "stripe_settle",
    keys=("sale", "lending"),
    argv=("receiver", "epoch", "fact"),
    replies=("no_slot", "gone", "settled"),
)
STRIPE_LOOK = signature(
    "stripe_look",
    keys=("sale", "offers", "due", "lending"),
    argv=("now_ms", "stripes", "offers"),
    replies=("no_slot", "look"),
)

LOOKED_AT_ONCE = 256
LEND_MAX = 1_000_000
OPEN_ROUNDS_MAX = 4
"""How many open transfers between the same two stripes are finished before a new one is given up:
each was begun by somebody else a moment ago."""
# A stripe with less than this part of the mean is filled up before it runs dry.
LOW_PART = 4
EVEN_OFFERS_MAX = 64
"""Offers of one sale that a turn evens out; the others wait for the next."""


@dataclass(frozen=True, slots=True)
class Loan:
    """Units that one stripe wants of another: `least` of them whatever the lender has left.

    Up to `most` as long as the lender keeps `keep`.
    """

    offer: int
    lender: int
    receiver: int
    least: int
    most: int
    keep: int


@dataclass(frozen=True, slots=True)
class Transfer:
    """Units on their way. `packed` is the lender's record as the receiver needs it."""

    lender: int
    receiver: int
    epoch: int
    fact: int
    units: int
    packed: bytes


@dataclass(frozen=True, slots=True)
class Look:
    """What one stripe has: by offer what is available, held, and how many ever came."""

    stripe: int
    now_ms: int
    first_due_ms: int
    open: tuple[Transfer, ...]
    counts: dict[int, tuple[int, int, int]]

    def available(self, offer: int) -> int:
        """Units of an offer on this stripe's shelf."""
        return self.counts[offer][0]

    def held(self, offer: int) -> int:
        """Units of an offer that may come back to this stripe's shelf."""
        return self.counts[offer][1]

    def came(self, offer: int) -> int:
        """Units of an offer that ever came on this stripe's shelf."""
        return self.counts[offer][2]


class Lending:
    """The transfers between the stripes of one store's sales."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def look(
        self, sale: SaleView, offers: Sequence[int], now_ms: int = 0
    ) -> list[Look | NothingHappened]:
        """Every stripe, and the fault of those that are out of reach. At most LOOKED_AT_ONCE."""
        looks = (self._look_at(sale, stripe, offers, now_ms) for stripe in range(sale.stripes))
        return list(await asyncio.gather(*looks))

    async def move(self, sale: SaleView, loan: Loan, now_ms: int = 0) -> int:
        """Move units; how many arrived by this call. Raises Fault."""
        lender, receiver = loan.lender, loan.receiver
        slot_keys = (*stock_keys(sale, lender), keys.lending(sale.id, lender))
        amounts = (min(amount, LEND_MAX) for amount in (loan.least, loan.most, loan.keep))
        args = (now_ms, receiver, loan.offer, *amounts)
        for _ in range(OPEN_ROUNDS_MAX):
            match await self._store.run(STRIPE_LEND, slot_keys, args):
                case [b"nothing"]:
                    return 0
                case [b"open", packed]:
                    await self.finish(sale, _transfer(lender, receiver, packed), now_ms)
                case [b"lent", packed]:
                    transfer = _transfer(lender, receiver, packed)
                    is_there = await self.finish(sale, transfer, now_ms)
                    return transfer.units if is_there else 0
                case reply:
                    forgotten(reply, sale.id)
        return 0

    async def finish(self, sale: SaleView, transfer: Transfer, now_ms: int = 0) -> bool:
        """Bring a transfer to its end, whoever began it; False when the receiver cannot yet."""
        slot_keys = (*stock_keys(sale, transfer.receiver), keys.lending(sale.id, transfer.receiver))
        args = (now_ms, transfer.lender, transfer.packed)
        match await self._store.run(STRIPE_RECEIVE, slot_keys, args):
            case [b"received", _] | [b"replayed"]:
                pass
            case [b"unknown_offer", _]:
                return False
            case reply:
                forgotten(reply, sale.id)
        record = (keys.sale(sale.id, transfer.lender), keys.lending(sale.id, transfer.lender))
        settled = (transfer.receiver, transfer.epoch, transfer.fact)
        reply = await self._store.run(STRIPE_SETTLE, record, settled)
        if reply == [b"no_slot"]:
            forgotten(reply, sale.id)
        return True

    async def even_out(self, sale: SaleView, offers: int, now_ms: int = 0) -> int:
        """Finish what crashes left open, and fill up stripes that run dry; how many units moved.

        `offers` is the number of the sale's last offer. Raises the first Fault at the end.
        """
        moved = 0
        faults: list[Fault] = []
        for first in range(1, offers + 1, LOOKED_AT_ONCE):
            numbers = range(first, min(first + LOOKED_AT_ONCE, offers + 1))
            looks = await self.look(sale, numbers, now_ms)
            faults += [look for look in looks if isinstance(look, Fault)]
            whole = [look for look in looks if isinstance(look, Look)]
            for transfer in (one for look in whole for one in look.open):
                try:
                    await self.finish(sale, transfer, now_ms)
                except Fault as fault:
                    faults.append(fault)
            for loan in uneven(whole, numbers)[:EVEN_OFFERS_MAX]:
                try:
                    moved += await self.move(sale, loan, now_ms)
                except Fault as fault:
                    faults.append(fault)
        if faults:
            raise faults[0]
        return moved

    async def _look_at(
        self, sale: SaleView, stripe: int, offers: Sequence[int], now_ms: int
    ) -> Look | NothingHappened:
        names = (keys.sale, keys.offers, keys.due, keys.lending)
        slot_keys = [name(sale.id, stripe) for name in names]
        args = (now_ms, sale.stripes, msgspec.msgpack.encode(list(offers)))
        try:
            reply = await self._store.run(STRIPE_LOOK, slot_keys, args)
            if reply == [b"no_slot"]:
                forgotten(reply, sale.id)
        except NothingHappened as fault:
            return fault
        _, at_ms, first_due_ms, transfers, counts = reply
        found = (
            _transfer(stripe, receiver, packed)
            for receiver, packed in enumerate(transfers)
            if packed
        )
        pairs = zip(offers, counts, strict=True)
        return Look(
            stripe,
            at_ms,
            first_due_ms,
            tuple(found),
            {offer: (available, held, came) for offer, (available, held, came) in pairs},
        )


async def received_from(store: Store, sale: SaleRecord, lender: int) -> dict[int, tuple[int, int]]:
    """The name of the last transfer that each other stripe has from this one. Raises Fault."""
    found: dict[int, tuple[int, int]] = {}
    for stripe in range(sale.stripes):
        packed = await store.read("HGET", keys.lending(sale.id, stripe), f"in:{lender}")
        if packed is not None:
            found[stripe] = _name_decoder.decode(packed)
    return found


def uneven(looks: Sequence[Look], offers: Sequence[int]) -> list[Loan]:
    """The loans that fill up stripes with little.

    One for each offer and turn: from the fullest stripe to the emptiest, half of what parts them,
    when the emptiest has little of the mean.
    """
    wanted = []
    for offer in offers:
        left = [(look.available(offer), look.stripe) for look in looks]
        total = sum(units for units, _ in left)
        (least, receiver), (greatest, lender) = min(left, default=(0, 0)), max(left, default=(0, 0))
        units = (greatest - least) // 2
        if least * LOW_PART * len(looks) < total and units > 0:
            wanted.append(Loan(offer, lender, receiver, 0, units, greatest - units))
    return wanted


def _transfer(lender: int, receiver: int, packed: bytes) -> Transfer:
    epoch, fact, _, ranges, backs = _transfer_decoder.decode(packed)
    return Transfer(lender, receiver, epoch, fact, sum(ranges[1::2]) + len(backs), packed)


_name_decoder = msgspec.msgpack.Decoder(tuple[int, int])
_transfer_decoder: msgspec.msgpack.Decoder[tuple[int, int, int, list[int], list[Any]]] = (
    msgspec.msgpack.Decoder(tuple[int, int, int, list[int], list[Any]])
)
