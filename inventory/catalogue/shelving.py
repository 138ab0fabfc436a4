"""Putting lots of units on the store's shelf, and the sealed codes of those that have some.

Both the publication of a sale and stock that comes later go through here; every step is a bounded
chunk and repeatable.
"""

import asyncio
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Self

from inventory import keys
from inventory.allotments import Allotments
from inventory.catalogue.known import Lot
from inventory.catalogue.lot_tables import Connection, read_sealed
from inventory.catalogue.meaning import CODES_PER_CHUNK, packed
from inventory.catalogue.planning import Step
from inventory.chunks import chunked
from inventory.facts import Ranges
from inventory.sales import Sales, SaleView
from inventory.stock import LOTS_AT_ONCE, Lot as StockLot, Stock
from lua import Store

CODE_CHUNKS_AT_ONCE = 64
WRITES_AT_ONCE = 16
Progress = Callable[[str, int, int], None]
"""(phase, done, total), after every chunk. What it raises ends the publication there."""


def silent(_phase: str, _done: int, _total: int) -> None:
    """Progress that nobody watches."""


@dataclass(frozen=True, slots=True)
class Shelf:
    """The store's verbs that publishing needs."""

    store: Store
    sales: Sales
    stock: Stock
    allotments: Allotments

    @classmethod
    def of(cls, store: Store) -> Self:
        """The verbs of one store."""
        return cls(store, Sales(store), Stock(store), Allotments(store))


async def write_codes(
    connection: Connection, store: Store, sale: str, lots: Sequence[Lot], progress: Progress
) -> None:
    """Write the sealed codes of these lots and the look-ups that find them. Repeatable."""
    touched = sorted({chunk for lot in lots for chunk in _chunks_of(lot.ranges)})
    done = 0
    for chunks in chunked(touched, CODE_CHUNKS_AT_ONCE):
        sealed: dict[int, dict[int, bytes]] = defaultdict(dict)
        found: dict[str, list[str | int]] = defaultdict(list)
        for serial, digest, code in await read_sealed(connection, sale, chunks, CODES_PER_CHUNK):
            sealed[serial // CODES_PER_CHUNK][serial] = code
            name = digest.hex()
            found[keys.outside_lookup(sale, name)] += [name, serial]
        outside = keys.outside(sale)
        fields = ((outside, [chunk, packed(codes)]) for chunk, codes in sealed.items())
        await _write_fields(store, [*fields, *found.items()])
        done += len(chunks)
        progress("codes", done, len(touched))


async def _write_fields(store: Store, writes: Sequence[tuple[str, list[Any]]]) -> None:
    # Several at a time share one fsync; the order does not matter, and each is repeatable.
    for some in chunked(writes, WRITES_AT_ONCE):
        await asyncio.gather(*(store.write("HSET", key, *pairs) for key, pairs in some))


async def add_lots(
    shelf: Shelf, sale: SaleView, lots: Sequence[Lot], now_ms: int, progress: Progress
) -> list[Step]:
    """Put lots on the shelf, in the order of their serials; what the store refused. Repeatable."""
    refused: list[Step] = []
    done = 0
    for chunk in chunked(lots, LOTS_AT_ONCE):
        for stripe in range(sale.stripes):
            shares = ((lot, share(lot.ranges, stripe, sale.stripes)) for lot in chunk)
            batch = [StockLot(lot.id, lot.offer, part) for lot, part in shares if part]
            refused += [
                Step("lot", batch[one.number].lot, f"{one.reason} {one.what}")
                for one in await shelf.stock.add(sale, batch, stripe, now_ms)
            ]
        done += len(chunk)
        progress("units", done, len(lots))
    return refused


def share(ranges: Ranges, stripe: int, stripes: int) -> Ranges:
    """A stripe's share of a pooled lot: stripes hold serials of their own."""
    if stripes == 1:
        return ranges
    part: Ranges = []
    for first, count in zip(ranges[::2], ranges[1::2], strict=True):
        start, end = count * stripe // stripes, count * (stripe + 1) // stripes
        if end > start:
            part += [first + start, end - start]
    return part


def _chunks_of(ranges: Ranges) -> Iterator[int]:
    for first, count in zip(ranges[::2], ranges[1::2], strict=True):
        yield from range(first // CODES_PER_CHUNK, (first + count - 1) // CODES_PER_CHUNK + 1)
