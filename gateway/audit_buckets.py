"""The audit's walk through the buckets of buyers: limits, owners, and orders against the books.

One bucket is read at one fact number, a few of them side by side, while the sale goes on.
A unit that two orders claim is therefore looked at again before it is called a violation: it may
have changed hands between two readings.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from typing import TYPE_CHECKING

from gateway.audit_checks import Check
from inventory.audit import BucketView, any_filled, read_bucket, units_of
from inventory.facts import SERIAL_MAX
from inventory.ids import parse_order_id
from inventory.records import PackedOrder
from inventory.sales import SaleView
from lua.store import Store
from settlement import OrderState

if TYPE_CHECKING:
    from gateway.audit import BooksReader

ORDERS_AT_ONCE = 1_000
BUCKETS_AT_ONCE = 16

Progress = Callable[[str, int, int], None]


async def audit_buckets(
    store: Store, reader: "BooksReader", sale: SaleView, progress: Progress
) -> tuple[Check, ...]:
    """Invariants 2 and 3: limits, one owner for each unit, every order in the books."""
    limits, owners, booked = (
        Check("buyers_within_limit"),
        Check("one_owner"),
        Check("orders_booked"),
    )
    seen, twice = bytearray((SERIAL_MAX + 1) // 8), set[int]()
    waiting: list[BucketView] = []
    async for bucket in _buckets(store, sale, progress):
        for buyer, wrong in _limits(sale, bucket):
            limits.look(wrong and f"buyer {buyer}: {wrong}")
        for order in bucket.orders.values():
            owners.looked_at += 1
            twice.update(serial for serial in units_of(order) if _seen(seen, serial))
        waiting.append(bucket)
        if sum(len(one.orders) for one in waiting) >= ORDERS_AT_ONCE:
            await _compare(booked, reader, sale, waiting)
            waiting = []
    await _compare(booked, reader, sale, waiting)
    if twice:
        await _look_twice(owners, store, sale, twice, progress)
    for buyer, units in (await reader.books.over_limit(sale.id, sale.limit)).items():
        limits.wrong(f"buyer {buyer}: {units} units in the books, the limit is {sale.limit}")
    return limits, owners, booked


async def _buckets(store: Store, sale: SaleView, progress: Progress) -> AsyncIterator[BucketView]:
    total = sale.stripes * sale.buckets
    for stripe in range(sale.stripes):
        for first in range(0, sale.buckets, BUCKETS_AT_ONCE):
            numbers = range(first, min(first + BUCKETS_AT_ONCE, sale.buckets))
            if await any_filled(store, sale, stripe, numbers):
                read = (read_bucket(store, sale, stripe, number) for number in numbers)
                for bucket in await asyncio.gather(*read):
                    yield bucket
            progress("buyers", stripe * sale.buckets + numbers[-1] + 1, total)


def _limits(sale: SaleView, bucket: BucketView) -> list[tuple[str, str | None]]:
    claimed: dict[str, int] = {}
    for order in bucket.orders.values():
        claimed[order.buyer] = claimed.get(order.buyer, 0) + len(units_of(order))
    told: list[tuple[str, str | None]] = []
    for buyer in bucket.counts.keys() | claimed.keys():
        counted, has = bucket.counts.get(buyer, 0), claimed.get(buyer, 0)
        wrong = None
        if counted > sale.limit:
            wrong = f"counted {counted} units, the limit is {sale.limit}"
        elif has > counted:  # a unit that was redeemed and refunded stays counted
            wrong = f"has {has} units, counted {counted}"
        told.append((buyer, wrong))
    return told


def _seen(seen: bytearray, serial: int) -> bool:
    at, bit = serial >> 3, 1 << (serial & 7)
    was = bool(seen[at] & bit)
    seen[at] |= bit
    return was


async def _compare(
    check: Check, reader: "BooksReader", sale: SaleView, buckets: Sequence[BucketView]
) -> None:
    for stripe in {bucket.stripe for bucket in buckets}:
        last = max((one.epoch, one.fact) for one in buckets if one.stripe == stripe)
        await reader.wait_for(stripe, last)
    orders = {name: order for bucket in buckets for name, order in bucket.orders.items()}
    names = list(orders)
    for at in range(0, len(names), ORDERS_AT_ONCE):
        some = names[at : at + ORDERS_AT_ONCE]
        booked = await reader.books.order_states(sale.id, some)
        for name in some:
            check.look(_unlike(name, orders[name], booked.get(name)))


def _unlike(name: str, order: PackedOrder, booked: OrderState | None) -> str | None:
    if booked is None:
        return f"order {name} ({order.state}) is not in the books"
    if booked.number < order.fact:
        return f"order {name}: the books stop at fact {booked.number}, the store at {order.fact}"
    if booked.number > order.fact:
        return None  # it has changed since the bucket was read
    ours = (order.state, order.amount_minor, order.refunded_minor)
    theirs = (booked.state, booked.amount_minor, booked.refunded_minor)
    return None if ours == theirs else f"order {name}: store {ours}, books {theirs}"


async def _look_twice(
    check: Check, store: Store, sale: SaleView, twice: set[int], progress: Progress
) -> None:
    claims: dict[int, list[str]] = {serial: [] for serial in twice}
    async for bucket in _buckets(store, sale, progress):
        for name, order in bucket.orders.items():
            for serial in twice.intersection(units_of(order)):
                claims[serial].append(name)
    for serial, names in claims.items():
        # Who claims it before and after the others were read has claimed it all the time.
        first = [name for name in names[:1] if await _claims(store, sale, name, serial)]
        others = [name for name in names[1:] if await _claims(store, sale, name, serial)]
        if first and others and await _claims(store, sale, first[0], serial):
            check.wrong(f"unit {serial} is claimed by the orders {', '.join(first + others)}")
        elif len(others) > 1:
            check.wrong(f"unit {serial} is claimed by the orders {', '.join(others)}")


async def _claims(store: Store, sale: SaleView, name: str, serial: int) -> bool:
    """Whether an order's own record still has the unit, whatever the unit says."""
    address = parse_order_id(name)
    assert address is not None, "a bucket holds orders by their ids"
    bucket = await read_bucket(store, sale, address.stripe, address.bucket)
    order = bucket.orders.get(name)
    return order is not None and serial in units_of(order)
