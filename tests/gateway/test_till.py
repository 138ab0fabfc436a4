"""The till: what one slot could not do is not told of another."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import pytest

from gateway.meters import Meters
from gateway.metrics import Metrics
from gateway.till import Till
from inventory import keys, outcomes as out
from inventory.ids import stripe_of
from inventory.order_scripts import ORDER_HOLD
from inventory.orders import Orders
from inventory.sales import DropView, Sales
from inventory.stock import Lot, Stock
from lua import MayHaveHappened, NothingHappened, Store
from queueing import FINISH_MAX, Pass, PassKeys, Rooms
from tests.inventory.conftest import POOLED, RECORD, Shop, offer

STRIPES = 3


@pytest.fixture
async def striped(store: Store) -> Shop:
    """An open sale over three slots, with ten pooled units in each."""
    sales, stock = Sales(store), Stock(store)
    record = replace(RECORD, stripes=STRIPES, drops=(DropView("open", 1),))
    await sales.put(record, revision=1, actor="test")
    sale = await sales.view("spring")
    assert sale is not None
    for stripe in range(STRIPES):
        assert await stock.put_offers(sale, [offer(POOLED, "pooled")], stripe) == []
        assert await stock.add(sale, [Lot("a", POOLED, [10 * stripe, 10])], stripe) == []
    await sales.change(sale, "open", actor="test")
    opened = await sales.view("spring")
    assert opened is not None
    return Shop(store, opened)


@pytest.fixture
async def till(striped: Shop) -> AsyncIterator[Till]:
    """A till of its own on that sale's store."""
    secret = [(1, b"p" * 32)]
    rooms = Rooms(striped.store, secret, PassKeys(b"names", secret, secret), b"draw" * 8)
    made = Till(Orders(striped.store), rooms, Meters(), Metrics("test"))
    yield made
    await made.idle()


async def test_a_fault_of_one_stripe_is_not_told_of_another(
    striped: Shop, till: Till, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Orders that come together and lie in three slots: only those of the broken one hear of it."""
    real = Store.run

    async def run(self: Store, script: Any, names: Any, args: Any) -> Any:
        if script is ORDER_HOLD and names[0] == broken:
            raise NothingHappened("this shard is away")
        return await real(self, script, names, args)

    monkeypatch.setattr(Store, "run", run)
    requests = [striped.request(f"buyer{n}", (POOLED, 1), one_step=True) for n in range(12)]
    stripes = [stripe_of(request.order) for request in requests]
    assert set(stripes) == set(range(STRIPES))
    broken = keys.sale(striped.sale.id, 1)

    alone = await asyncio.gather(
        *(till.hold(striped.sale, one) for one in requests), return_exceptions=True
    )
    until_s = asyncio.get_running_loop().time() + 60
    at_once = await till.hold_all(striped.sale, requests, until_s=until_s)
    for stripe, one, again in zip(stripes, alone, at_once, strict=True):
        if stripe == 1:
            assert isinstance(one, NothingHappened)
            assert isinstance(again, NothingHappened)
        else:
            assert isinstance(one, out.Held)
            assert again == out.Held(one.order, replayed=True)


async def test_what_has_no_answer_in_time_may_have_happened(striped: Shop, till: Till) -> None:
    """A time that is over is told as such for every order, and the repeat says what happened."""
    requests = [striped.request(f"buyer{n}", (POOLED, 1), one_step=True) for n in range(6)]
    now_s = asyncio.get_running_loop().time()
    told = await till.hold_all(striped.sale, requests, until_s=now_s)
    assert all(isinstance(one, MayHaveHappened | out.Held) for one in told)
    assert any(isinstance(one, MayHaveHappened) for one in told)
    again = await till.hold_all(striped.sale, requests, until_s=now_s + 60)
    assert all(isinstance(one, out.Held) for one in again)


async def test_the_room_is_told_of_many_slots_at_once(
    striped: Shop, till: Till, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All slots that holds have freed go in few commands; a fault loses none of them."""
    count = FINISH_MAX + 44
    leases = "{spring:room}:leases"
    members = [item for n in range(count + 1) for item in (1, f"1.1.0:{n}")]
    await striped.store.write("ZADD", leases, *members)
    request = striped.request("ann", (POOLED, 1), one_step=True)
    sent: list[int] = []
    real = Store.write

    async def write(self: Store, *command: Any) -> Any:
        sent.append(len(command) - 2)
        if len(sent) == 1:
            raise MayHaveHappened("the answer is lost")
        return await real(self, *command)

    monkeypatch.setattr(Store, "write", write)
    for number in range(count):
        pass_ = Pass(f"p{number}", "spring", 1, 1, 0, number, "ann", 1, 2)
        assert isinstance(await till.hold(striped.sale, request, pass_), out.Held)
    with pytest.raises(MayHaveHappened):
        await till.tell_room()
    assert await till.tell_room() == count
    assert await till.tell_room() == 0
    assert sent == [FINISH_MAX, FINISH_MAX, count - FINISH_MAX]
    assert await striped.store.read("ZCARD", leases) == 1
