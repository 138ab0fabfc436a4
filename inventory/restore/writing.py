"""A replayed slot into the store: seized first, written in bounded pieces, opened last.

Until it opens, every script is fenced from the slot. Whoever seizes it later takes it away from an
earlier rebuilding, which then can write no more; an interrupted one starts from the beginning.
"""

import asyncio
from collections.abc import Callable, Iterable, Iterator, Sequence

import msgspec

from inventory import facts as f, keys
from inventory.chunks import chunked
from inventory.ids import HEAD_LENGTH, bucket_of, tag_of
from inventory.records import BUYER_PREFIX, PackedOrder, pack_counted, pack_offer, pack_order
from inventory.restore.replay import NOBODY, Slot
from inventory.sales import SaleRecord
from lua import Store, signature

SLOT_SEIZE = signature("slot_seize", keys=("sale",), argv=("token", "record+"), replies=("seized",))
SLOT_RESTORE = signature(
    "slot_restore",
    keys=("sale", "keys+"),
    argv=("token", "pieces", "values+"),
    replies=("lost", "written"),
)
SLOT_OPEN = signature(
    "slot_open",
    keys=("sale", "facts"),
    argv=("token", "epoch", "fact", "state"),
    replies=("lost", "opened"),
)

FIELDS_AT_ONCE = 250
"""Fields of one command."""
KEYS_AT_ONCE = 500
CALL_BYTES = 128 * 1024
"""A call is sent as soon as its pieces have this size."""
NAME_BYTES = 24
"""About so long is a field's name, or a score."""
CALLS_AT_ONCE = 4
FACTS_AT_ONCE = 256
"""Facts of one stream entry."""
ENTRY = keys.UNIT_ENTRY_BYTES
BLANK = "-0" + NOBODY
Blob = tuple[int, int, bytes]
"""A stream entry: epoch, number of its last fact, packed facts."""
Piece = tuple[str, str, list[str | int | bytes]]
"""A command, its key and its arguments."""
Field = tuple[str | int | bytes, str | bytes]
Progress = Callable[[str, int, int], None]
_pack = msgspec.msgpack.Encoder().encode


class LostToAnother(Exception):
    """Somebody else seized the slot; whatever this rebuilding wrote is overwritten."""

    def __init__(self) -> None:
        super().__init__("somebody else rebuilds the slot")


class Rebuilding:
    """One rebuilding of one slot, known by its token."""

    def __init__(self, store: Store, sale: SaleRecord, stripe: int, token: str) -> None:
        self._store, self._sale, self._stripe, self._token = store, sale, stripe, token
        self._slot_key = keys.sale(sale.id, stripe)

    async def seize(self, revision: int) -> None:
        """Close the slot for everybody else."""
        record = {"state": "announced", "revision": str(revision)} | slot_fields(self._sale)
        await self._store.write("SADD", keys.SALES, self._sale.id)
        flat = [part for pair in record.items() for part in pair]
        await self._store.run(SLOT_SEIZE, [self._slot_key], [self._token, *flat])

    async def surviving(self, after: tuple[int, int]) -> list[Blob]:
        """The facts after a number that the damaged slot still has."""
        key = keys.facts(self._sale.id, self._stripe)
        found: list[Blob] = []
        start = f"({after[0]}-{after[1]}"
        while entries := await self._store.read("XRANGE", key, start, "+", "COUNT", FIELDS_AT_ONCE):
            for name, fields in entries:
                epoch, _, last = name.decode().partition("-")
                if fields[0] == f.ENTRY_FIELD:
                    found.append((int(epoch), int(last), fields[1]))
            start = f"({entries[-1][0].decode()}"
        return found

    async def write(
        self, slot: Slot, entries: Sequence[Blob], last_serial: int, progress: Progress
    ) -> None:
        """Everything but the record. Raises LostToAnother."""
        await self._send(_cleared(self._sale, self._stripe, last_serial))
        await self._send(_pieces(self._sale, self._stripe, slot, progress))
        stream = keys.facts(self._sale.id, self._stripe)
        await self._send(
            ("XADD", stream, [f"{epoch}-{last}", blob]) for epoch, last, blob in entries
        )

    async def open(self, epoch: int, fact: int, state: str) -> None:
        """Let it sell. Raises LostToAnother."""
        slot_keys = [self._slot_key, keys.facts(self._sale.id, self._stripe)]
        args = (self._token, epoch, fact, state)
        if await self._store.run(SLOT_OPEN, slot_keys, args) != [b"opened"]:
            raise LostToAnother

    async def _send(self, pieces: Iterable[Piece]) -> None:
        """Write pieces, several calls at a time; what is still to be packed waits for them."""
        waiting: set[asyncio.Task[None]] = set()
        try:
            for call in _calls(pieces):
                waiting.add(asyncio.create_task(self._call(call)))
                if len(waiting) >= CALLS_AT_ONCE:
                    done, waiting = await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
                    for one in done:
                        one.result()
            await asyncio.gather(*waiting)
        finally:
            for one in waiting:
                one.cancel()

    async def _call(self, pieces: list[Piece]) -> None:
        names = list(dict.fromkeys(key for _, key, _ in pieces))
        number = {key: at for at, key in enumerate(names, start=2)}
        packed = _pack([(command, number[key], len(given)) for command, key, given in pieces])
        args: list[str | int | bytes] = [self._token, packed]
        for _, _, given in pieces:
            args += given
        if await self._store.run(SLOT_RESTORE, [self._slot_key, *names], args) != [b"written"]:
            raise LostToAnother


def slot_fields(sale: SaleRecord) -> dict[str, bytes | str]:
    """The fields of a slot record that its sale file says."""
    return {
        "number": str(sale.number),
        "title": sale.title,
        "currency": sale.currency,
        "timezone": sale.timezone,
        "limit": str(sale.limit),
        "hold_ms": str(sale.hold_ms),
        "stripes": str(sale.stripes),
        "buckets": str(sale.buckets),
        "carry": str(int(sale.carry)),
        "closes_at_ms": str(sale.closes_at_ms),
        "drops": _pack([drop.opens_at_ms for drop in sale.drops]),
        "drop_ids": " ".join(drop.id for drop in sale.drops),
    }


def entries_of(epoch: int, facts: Sequence[f.Fact]) -> list[Blob]:
    """The stream entries of facts that are numbered already."""
    return [(epoch, some[-1].number, _pack(some)) for some in chunked(facts, FACTS_AT_ONCE)]


def _calls(pieces: Iterable[Piece]) -> Iterator[list[Piece]]:
    call: list[Piece] = []
    size = 0
    for piece in pieces:
        call.append(piece)
        # Every second argument is a value, which is text or bytes; what names it is short.
        size += sum(map(len, piece[2][1::2])) + NAME_BYTES * (len(piece[2]) // 2)  # type: ignore[arg-type]
        if size >= CALL_BYTES or len(call) >= KEYS_AT_ONCE:
            yield call
            call, size = [], 0
    if call:
        yield call


def _cleared(sale: SaleRecord, stripe: int, last_serial: int) -> Iterator[Piece]:
    names = [
        name(sale.id, stripe)
        for name in (keys.offers, keys.seats, keys.back, keys.units, keys.due, keys.allotments,
                     keys.done, keys.withheld, keys.lending)
    ]  # fmt: skip
    names += [keys.bucket(sale.id, stripe, number) for number in range(sale.buckets)]
    names += [
        keys.redemptions(sale.id, stripe, serial)
        for serial in range(0, last_serial + 1, keys.SERIALS_PER_REDEMPTION_BUCKET)
    ]
    return (("UNLINK", name, []) for name in names)


def _pieces(sale: SaleRecord, stripe: int, slot: Slot, progress: Progress) -> Iterator[Piece]:
    yield from _shelf(sale, stripe, slot)
    yield from _buckets(sale, stripe, slot, progress)
    yield from _hash(keys.units(sale.id, stripe), _unit_chunks(slot))
    held = (one for one in slot.orders.items() if one[1].state == "held")
    due = ((order.expires_at_ms, name) for name, order in held)
    yield from _sorted_set(keys.due(sale.id, stripe), due)
    allotments = ((number, _pack(one)) for number, one in slot.allotments.items())
    yield from _hash(keys.allotments(sale.id, stripe), allotments)
    yield from _hash(keys.done(sale.id, stripe), slot.done.items())
    used: dict[str, list[Field]] = {}
    for serial, told in slot.redemptions.items():
        used.setdefault(keys.redemptions(sale.id, stripe, serial), []).append((serial, told))
    for key, fields in used.items():
        yield from _hash(key, fields)


def _shelf(sale: SaleRecord, stripe: int, slot: Slot) -> Iterator[Piece]:
    offers = slot.offers.items()
    packed = ((number, pack_offer(offer.packed())) for number, offer in offers)
    yield from _hash(keys.offers(sale.id, stripe), packed)
    seats = ((number, bytes(offer.seats)) for number, offer in offers if offer.seats)
    yield from _hash(keys.seats(sale.id, stripe), seats)
    back = ((number, str(serial)) for number, offer in offers for serial in offer.back)
    yield from _sorted_set(keys.back(sale.id, stripe), back)
    withheld = (
        (number, _pack([end for pair in offer.withheld for end in pair]))
        for number, offer in offers
        if offer.withheld
    )
    yield from _hash(keys.withheld(sale.id, stripe), withheld)
    yield from _hash(keys.lending(sale.id, stripe), lending_fields(slot))


def lending_fields(slot: Slot) -> Iterator[Field]:
    """What a stripe lent to others and has from them."""
    for number, offer in slot.offers.items():
        if offer.high is not None:
            yield f"high:{number}", str(offer.high)
            yield f"m:{number}", str(offer.moving)
    for receiver, lent in slot.lent.items():
        backs = [[back.serial, back.generation] for back in lent.backs]
        record = [lent.epoch, lent.fact, lent.offer, lent.ranges, backs]
        yield f"out:{receiver}", _pack(record)
    for lender, name in slot.received.items():
        yield f"in:{lender}", _pack(list(name))


def _hash(key: str, fields: Iterable[Field]) -> Iterator[Piece]:
    for some in chunked(fields, FIELDS_AT_ONCE):
        yield "HSET", key, [part for pair in some for part in pair]


def _sorted_set(key: str, members: Iterable[tuple[int, str]]) -> Iterator[Piece]:
    for some in chunked(members, FIELDS_AT_ONCE):
        yield "ZADD", key, [part for pair in some for part in pair]


def _buckets(sale: SaleRecord, stripe: int, slot: Slot, progress: Progress) -> Iterator[Piece]:
    """Orders and buyers, in the buckets that the orders' ids name; packed as they are sent."""
    names: dict[str, list[str]] = {}
    for name in slot.orders:
        names.setdefault(name[:HEAD_LENGTH], []).append(name)
    done = 0
    for some in names.values():
        fields = _bucket([slot.orders[name] for name in some], slot)
        yield from _hash(keys.bucket(sale.id, stripe, bucket_of(some[0])), fields)
        done += len(some)
        progress("orders", done, len(slot.orders))


def _bucket(orders: Iterable[PackedOrder], slot: Slot) -> Iterator[Field]:
    """The first order of a tag by it, with what its buyer has; all others by their ids."""
    first: dict[str, str] = {}
    for order in orders:
        buyer, tag = order.buyer, tag_of(order.buyer)
        counted = pack_counted(slot.counts.get(buyer, 0), slot.passes.get(buyer, ()))
        if tag not in first:
            order.counted = "" if counted == order.counted_alone else counted
        elif first[tag] != buyer and counted != "0":
            yield BUYER_PREFIX + buyer.encode(), counted
        yield order.id if tag in first else tag, pack_order(order)
        first.setdefault(tag, buyer)


def _unit_chunks(slot: Slot) -> Iterator[Field]:
    """Unit entries, packed side by side; a chunk ends with its last entry that is not blank."""
    chunks: dict[int, dict[int, str]] = {}
    for serial, (state, generation, owner) in slot.units.items():
        chunk, place = divmod(serial, keys.UNITS_PER_CHUNK)
        chunks.setdefault(chunk, {})[place] = f"{state}{chr(ord('0') + generation)}{owner}"
    for chunk, entries in chunks.items():
        yield chunk, "".join(entries.get(place, BLANK) for place in range(max(entries) + 1))
