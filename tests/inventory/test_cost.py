"""What a purchase costs the store, on a real server: memory in bytes, CPU as a ratio."""

import dataclasses
from itertools import count

from inventory import keys, outcomes as out
from inventory.ids import Identities
from inventory.orders import ConfirmRequest, HoldRequest, LineRequest, Orders
from inventory.sales import DropView, SaleRecord, Sales, SaleView
from inventory.stock import Lot, Stock
from lua import Store
from tests.inventory.conftest import HOLD_MS, T0, offer

POOLED, UNITS = 1, 1_000_000
BYTES_PER_ORDER_MAX = 400
ORDERS, BATCH, FEW = 4_096, 256, 256
IDS = Identities(order=b"o" * 32, buyer=b"b" * 32)
numbers = count()


async def _sale(store: Store) -> SaleView:
    sales = Sales(store)
    record = SaleRecord(
        id="cost",
        number=7,
        title="Cost",
        currency="CNY",
        timezone="UTC",
        limit=4,
        hold_ms=HOLD_MS,
        stripes=1,
        buckets=4,
        carry=True,
        drops=(DropView("first", T0),),
    )
    await sales.put(record, revision=1, actor="test", now_ms=T0 - 1000)
    sale = await sales.view("cost")
    assert sale is not None
    pooled = dataclasses.replace(offer(POOLED, "pooled"), size=UNITS)
    assert await Stock(store).put_offers(sale, [pooled]) == []
    await sales.change(sale, "open", actor="test", now_ms=T0 - 400)
    opened = await sales.view("cost")
    assert opened is not None
    return opened


async def _stock(store: Store, sale: SaleView, units: int, first: int) -> None:
    lot = Lot(f"lot-{first}", POOLED, [first, units])
    assert await Stock(store).add(sale, [lot], now_ms=T0) == []


def _asked(sale: SaleView, *, one_step: bool) -> HoldRequest:
    number = next(numbers)
    buyer = IDS.buyer_key(f"shop:buyer-{number}")
    return HoldRequest(
        order=IDS.order_id(sale.shape, caller="shop", buyer=buyer, key=f"key-{number}"),
        buyer=buyer,
        seller="market" if one_step else "shop",
        lines=(LineRequest(POOLED, 2),),
        fingerprint="0123456789ab",
        reference=f"R{number}" if one_step else "",
        payment=f"partner:R{number}" if one_step else "",
        one_step=one_step,
        pass_id="" if one_step else buyer[::-1],
        pass_expires_ms=T0 + 60_000,
        pass_drop=1,
    )


async def _buy(store: Store, sale: SaleView, orders: int, batch: int, *, one_step: bool) -> None:
    verbs = Orders(store)
    for _ in range(orders // batch):
        asked = [_asked(sale, one_step=one_step) for _ in range(batch)]
        told = await verbs.hold(sale, asked, T0 + 1)
        assert all(isinstance(one, out.Held) for one in told)
        if not one_step:
            paid = [ConfirmRequest(one.order, f"test:{one.order[-12:]}", 760) for one in asked]
            told_of = await verbs.confirm(sale, paid, T0 + 2)
            assert all(isinstance(one, out.Confirmed) for one in told_of)
    await store.write("XTRIM", keys.facts("cost"), "MAXLEN", 0)  # as if all were settled


async def _info(store: Store, section: str) -> dict[str, str]:
    text = (await store.read("INFO", section, at=keys.sale("cost"))).decode()
    lines = (line.partition(":") for line in text.splitlines())
    return {name: value for name, _, value in lines}


async def _bytes(store: Store) -> int:
    return int((await _info(store, "memory"))["used_memory_dataset"])


async def _cpu_us(store: Store) -> float:
    told = await _info(store, "cpu")
    return (float(told["used_cpu_user"]) + float(told["used_cpu_sys"])) * 1e6


async def test_an_unsold_unit_costs_no_memory_and_an_order_little(store: Store) -> None:
    """A pooled unit on the shelf costs 0 bytes; an order of two units, paid, trimmed: under 400."""
    sale = await _sale(store)
    await _stock(store, sale, 100_000, 0)
    for one_step in (True, False):  # scripts and keys are there
        await _buy(store, sale, FEW, BATCH, one_step=one_step)
    before = await _bytes(store)
    await _stock(store, sale, UNITS - 100_000, 100_000)
    assert await _bytes(store) - before < UNITS / 100, "a lot is remembered, its units are not"
    for one_step in (True, False):
        before = await _bytes(store)
        await _buy(store, sale, ORDERS, BATCH, one_step=one_step)
        assert (await _bytes(store) - before) / ORDERS <= BYTES_PER_ORDER_MAX


async def test_a_batch_shares_its_cost(store: Store) -> None:
    """An order in a batch of 64 costs the store at most a quarter of one that comes alone."""
    sale = await _sale(store)
    await _stock(store, sale, UNITS, 0)
    ratios = []
    for _ in range(5):  # on a machine that does much else, once is chance
        spent = []
        for batch in (1, 64):
            before = await _cpu_us(store)
            await _buy(store, sale, FEW, batch, one_step=True)
            spent.append(await _cpu_us(store) - before)
        ratios.append(spent[0] / spent[1])
        if ratios[-1] >= 4:
            return
    raise AssertionError(f"one by one costs only {ratios} times as much")
