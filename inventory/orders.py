"""Orders: hold, sell in one step, confirm, release, expire, refund and read.

Each verb makes keys, sends one script a batch, and turns its words into outcomes. Decisions are
the scripts'. Holds that ran out are given back before anyone hears that nothing is left: a script
that finds some answers `due`, and the verb expires them and asks again.
"""

from collections.abc import Callable, Sequence
from typing import Any

import msgspec

from inventory import keys, outcomes as out
from inventory.batch_records import HoldBatch, confirm_record, end_record
from inventory.batching import Records, address_in, by_stripe, stock_keys
from inventory.order_scripts import (
    ORDER_CONFIRM,
    ORDER_END,
    ORDER_HOLD,
    ORDER_READ,
    ORDER_REFUND,
)
from inventory.records import order_from
from inventory.replies import confirm_outcome, hold_outcome, refund_outcome
from inventory.sales import SaleView, forgotten
from inventory.searching import SHORT, Batch, Needs, Replies, Search
from lua import Fault, MayHaveHappened, Script, Store

BATCH_MAX = 256
LINES_MAX = 20
QUANTITY_MAX = 20
EXPIRE_AT_ONCE = 256
# A hold that finds stock tied up by expired holds sweeps at most this often before it gives the
# answer "all held"; the sweep of the gateways' loop goes on meanwhile.
DUE_ROUNDS_MAX = 16


class LineRequest(msgspec.Struct, frozen=True, gc=False):
    """So many units of an offer, or exactly these serials (`quantity` then counts them)."""

    offer: int
    quantity: int
    serials: tuple[int, ...] = ()


class HoldRequest(msgspec.Struct, frozen=True, gc=False):
    """One order asked for. `order` and `buyer` come from `Identities`; `pass_id` '' for a partner.

    `one_step` sells at once; `payment` is then `<adapter>:<reference>`.
    """

    order: str
    buyer: str
    seller: str
    lines: tuple[LineRequest, ...]
    fingerprint: str
    reference: str = ""
    pass_id: str = ""
    pass_expires_ms: int = 0
    pass_drop: int = 0
    one_step: bool = False
    payment: str = ""


class ConfirmRequest(msgspec.Struct, frozen=True, gc=False):
    """A proved payment for an order. `buyer` or `seller` says whose order it must be."""

    order: str
    payment: str
    amount_minor: int
    buyer: str = ""
    seller: str = ""


class Orders:
    """The orders of one store."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._search = Search(store, self._expire_some)

    async def hold(
        self, sale: SaleView, batch: Sequence[HoldRequest], now_ms: int = 0
    ) -> list[out.HoldOutcome]:
        """Hold or sell for each request, in order; one outcome each. At most BATCH_MAX."""
        replies = await self._hold(sale, batch, now_ms)
        if sale.stripes > 1:
            await self._look_elsewhere(sale, batch, replies, now_ms)
        return [hold_outcome(r.order, reply) for r, reply in zip(batch, replies, strict=True)]

    async def confirm(
        self, sale: SaleView, batch: Sequence[ConfirmRequest], now_ms: int = 0
    ) -> list[out.ConfirmOutcome]:
        """Confirm each order by its payment, in order; one outcome each. At most BATCH_MAX."""
        replies = await self._confirm(sale, batch, sale.stripes == 1, now_ms)
        if sale.stripes > 1:
            await self._reclaim_elsewhere(sale, batch, replies, now_ms)
        return [
            confirm_outcome(request.order, reply)
            for request, reply in zip(batch, replies, strict=True)
        ]

    async def release(
        self, sale: SaleView, order: str, *, buyer: str = "", seller: str = "", now_ms: int = 0
    ) -> out.ReleaseOutcome:
        """Give a hold back. `buyer` or `seller` says whose order it must be."""
        match (await self._end(sale, "released", [(order, buyer, seller)], now_ms))[0]:
            case [b"not_found"]:
                return out.NotFound()
            case [b"not_yours"]:
                return out.NotYours()
            case [b"ended", *rest]:
                return out.Released(order_from(order, *rest), replayed=False)
            case [b"not_held", *rest]:
                stands = order_from(order, *rest)
                if stands.state in ("released", "expired"):
                    return out.Released(stands, replayed=True)
                return out.NotHeld(stands)
            case reply:
                raise AssertionError(f"unknown reply {reply!r}")

    async def expire_due(self, sale: SaleView, limit: int = EXPIRE_AT_ONCE, now_ms: int = 0) -> int:
        """Give back holds that have run out, at most `limit` a stripe; how many were.

        A stripe that cannot be reached does not keep the others back; its Fault is raised then.
        """
        ended, first = 0, None
        for stripe in range(sale.stripes):
            try:
                ended += await self._expire_stripe(sale, stripe, limit, now_ms)
            except Fault as fault:
                first = first or fault
        if first is not None:
            raise first
        return ended

    async def refund(
        self,
        sale: SaleView,
        order: str,
        *,
        seller: str,
        key: str,
        serials: Sequence[int] = (),
        now_ms: int = 0,
    ) -> out.RefundOutcome:
        """Refund these units, or all that are left. `seller` '' is the operator."""
        address = address_in(sale, order)
        if address is None:
            return out.NotFound()
        wanted = msgspec.msgpack.encode(sorted(serials))
        slot_keys = [
            *stock_keys(sale, address.stripe),
            keys.bucket(sale.id, address.stripe, address.bucket),
        ]
        args = (now_ms, order, seller, key, wanted)
        reply = await self._store.run(ORDER_REFUND, slot_keys, args)
        if reply == [b"no_slot"]:
            forgotten(reply, sale.id)
        return refund_outcome(order, reply)

    async def read(self, sale: SaleView, order: str) -> out.Order | None:
        """An order as it stands, or None."""
        address = address_in(sale, order)
        if address is None:
            return None
        slot_keys = (
            keys.sale(sale.id, address.stripe),
            keys.units(sale.id, address.stripe),
            keys.bucket(sale.id, address.stripe, address.bucket),
        )
        match await self._store.run(ORDER_READ, slot_keys, (order,)):
            case [b"found", *rest]:
                return order_from(order, *rest)
            case [b"not_found"]:
                return None
            case reply:
                forgotten(reply, sale.id)
                raise AssertionError("forgotten() always raises")

    async def _run_batch(
        self,
        sale: SaleView,
        script: Script,
        orders: Sequence[str],
        call: Callable[[int, Sequence[int]], Records | HoldBatch],
        now_ms: int,
    ) -> Replies:
        """One reply per request, after expiring what is due for those that wait for it.

        `call` makes the records of a stripe's call from their places in the batch.
        """
        assert 0 < len(orders) <= BATCH_MAX, "a batch has a bounded size"
        replies: list[list[Any]] = [[] for _ in orders]
        for stripe, members in by_stripe(orders).items():
            waiting, rounds = members, 0
            while waiting:
                if rounds == DUE_ROUNDS_MAX:
                    raise MayHaveHappened("holds run out faster than they come back; repeat")
                if rounds > 0:
                    await self._expire_stripe(sale, stripe, EXPIRE_AT_ONCE, now_ms)
                records = call(stripe, waiting)
                slot_keys = [*stock_keys(sale, stripe), *records.keys]
                got = await self._store.run(script, slot_keys, (now_ms, *records.args()))
                if got[0] == b"no_slot":
                    forgotten(got[:1], sale.id)
                for at, reply in zip(waiting, records.replies(got), strict=True):
                    replies[at] = reply
                waiting = [at for at in waiting if replies[at] == [b"due"]]
                rounds += 1
        return replies

    async def _hold(self, sale: SaleView, batch: Sequence[HoldRequest], now_ms: int) -> Replies:
        def call(stripe: int, waiting: Sequence[int]) -> HoldBatch:
            records = HoldBatch(sale.id, stripe)
            for at in waiting:
                records.add(batch[at])
            return records

        orders = [request.order for request in batch]
        return await self._run_batch(sale, ORDER_HOLD, orders, call, now_ms)

    async def _confirm(
        self, sale: SaleView, batch: Sequence[ConfirmRequest], is_last: bool, now_ms: int
    ) -> Replies:
        """`is_last`: no other stripe has units for a payment that came late."""

        def call(stripe: int, waiting: Sequence[int]) -> Records:
            records = Records(sale, stripe)
            for at in waiting:
                bucket = records.bucket_of(orders[at])
                records.add(confirm_record(batch[at], bucket, is_last))
            return records

        orders = [request.order for request in batch]
        return await self._run_batch(sale, ORDER_CONFIRM, orders, call, now_ms)

    async def _look_elsewhere(
        self,
        sale: SaleView,
        batch: Sequence[HoldRequest],
        replies: Replies,
        now_ms: int,
    ) -> None:
        """Borrow from other stripes for those that their own has too few units for."""

        def need_of(at: int) -> Needs:
            word, *rest = replies[at]
            if word not in SHORT:
                return {}
            lines = (line for line in batch[at].lines if line.offer == rest[0])
            return {rest[0]: sum(line.quantity for line in lines)}

        async def ask(members: Sequence[int]) -> Replies:
            return await self._hold(sale, [batch[at] for at in members], now_ms)

        orders = [request.order for request in batch]
        await self._search.go_on(Batch(sale, orders, need_of, ask, now_ms), replies)

    async def _reclaim_elsewhere(
        self, sale: SaleView, batch: Sequence[ConfirmRequest], replies: Replies, now_ms: int
    ) -> None:
        """Borrow for payments that came late; those that find nothing anywhere are decided then."""

        def need_of(at: int) -> Needs:
            word, *rest = replies[at]
            return dict(zip(rest[::2], rest[1::2], strict=True)) if word == b"short" else {}

        async def ask(members: Sequence[int]) -> Replies:
            return await self._confirm(sale, [batch[at] for at in members], False, now_ms)

        orders = [request.order for request in batch]
        await self._search.go_on(Batch(sale, orders, need_of, ask, now_ms), replies)
        members = [at for at, reply in enumerate(replies) if reply[0] in SHORT]
        if members:
            last = await self._confirm(sale, [batch[at] for at in members], True, now_ms)
            for at, reply in zip(members, last, strict=True):
                replies[at] = reply

    async def _expire_some(self, sale: SaleView, stripe: int, now_ms: int) -> int:
        return await self._expire_stripe(sale, stripe, EXPIRE_AT_ONCE, now_ms)

    async def _expire_stripe(self, sale: SaleView, stripe: int, limit: int, now_ms: int) -> int:
        now = now_ms or await self._server_ms(keys.due(sale.id, stripe))
        due = await self._store.read(
            "ZRANGE", keys.due(sale.id, stripe), 0, now, "BYSCORE", "LIMIT", 0, limit
        )
        if not due:
            return 0
        orders = [(order.decode(), "", "") for order in due]
        replies = await self._end(sale, "expired", orders, now_ms)
        return sum(reply[0] == b"ended" for reply in replies)

    async def _server_ms(self, key: str) -> int:
        seconds, micros = await self._store.read("TIME", at=key)
        return int(seconds) * 1000 + int(micros) // 1000

    async def _end(
        self, sale: SaleView, how: str, orders: Sequence[tuple[str, str, str]], now_ms: int
    ) -> list[list[Any]]:
        address = address_in(sale, orders[0][0])
        if address is None:
            return [[b"not_found"]]
        records = Records(sale, address.stripe)
        for order, buyer, seller in orders:
            records.add(end_record(order, records.bucket_of(order), buyer, seller))
        slot_keys = [*stock_keys(sale, address.stripe), *records.keys]
        reply = await self._store.run(ORDER_END, slot_keys, (now_ms, how, *records.args()))
        if reply == [b"no_slot"]:
            forgotten(reply, sale.id)
        return records.replies(reply)
