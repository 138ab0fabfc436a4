"""Orders of one call: what most ask for is decided in one stride, all others one by one."""

import dataclasses
import random
from typing import Any

import msgspec

from inventory import keys, outcomes as out
from inventory.ids import HEAD_LENGTH, parse_order_id
from inventory.orders import BATCH_MAX, HoldRequest
from inventory.stock import Lot
from tests.inventory.conftest import POOLED, RECORD, SEATED, Shop, made_shop, offer
from tests.inventory.contents import contents

ROUNDS, SIZES = 4, (1, 40, 2, 7)
NEIGHBOURS = 11
MANY = Lot("many", POOLED, [100, 60, 300, 70])


def _requests(
    shop: Shop, dice: random.Random, size: int, before: list[HoldRequest]
) -> list[HoldRequest]:
    """New orders of new and old buyers, and repeats of those `before`, which they join."""
    made = []
    for _ in range(size):
        if before and dice.random() < 0.1:
            one = dice.choice(before)
            other = dice.choice(["x", one.fingerprint])
            made.append(msgspec.structs.replace(one, fingerprint=other))
            continue
        lines = [(POOLED, dice.choice((1, 1, 1, 2, 3)))]
        if dice.random() < 0.1:
            lines.append((SEATED, 1))
        pass_id = f"pass-{dice.randrange(40)}" if dice.random() < 0.4 else ""
        one_step, late = not pass_id and dice.random() < 0.7, dice.random() < 0.05
        made.append(
            shop.request(
                f"b{dice.randrange(90)}", *lines, one_step=one_step, pass_id=pass_id,
                pass_expires_ms=shop.now if late else 0, pass_drop=dice.choice((1, 1, 1, 1, 2)),
            )
        )  # fmt: skip
    before += made
    return made


async def test_a_batch_decides_as_its_orders_would_one_by_one(shop: Shop) -> None:
    """Mixed batches leave the same answers, orders, units, counts and counters as single calls."""
    single = await made_shop(shop.store, dataclasses.replace(RECORD, id="again"))
    for each in (single, shop):
        assert await each.stock.add(each.sale, [MANY], now_ms=each.now) == []
    dice, words = random.Random(5), set[str]()
    asked: list[HoldRequest] = []
    for size in SIZES * ROUNDS:
        batch = _requests(shop, dice, size, asked)
        told = await shop.orders.hold(shop.sale, batch, shop.now)
        assert told == [await single.ask(request) for request in batch]
        words |= {type(one).__name__ for one in told}
    assert words >= {"Held", "KeyReused", "LimitReached", "PassSpent", "PassOfAnotherDrop"}
    assert words >= {"PassExpired", "AllHeld"}
    assert await _slot(shop) == await _slot(single)


async def test_usual_orders_are_decided_alone_as_among_others(shop: Shop) -> None:
    """Sales of one unit to new buyers leave the same, whether or not one more asks for two."""
    single = await made_shop(shop.store, dataclasses.replace(RECORD, id="again"))
    for each in (single, shop):
        await _put(each, {NEIGHBOURS: 10_000, NEIGHBOURS + 200: 20_000}, 1000)
    first, second = NEIGHBOURS, NEIGHBOURS + 200
    for turn, size in enumerate((1, 200, 255, 40)):
        many = [
            shop.request(f"b{turn}.{n}", (second if n % 5 == 0 else first, 1), one_step=True)
            for n in range(size)
        ]
        other = shop.request(f"c{turn}", (second, 2), one_step=True)
        told = await shop.orders.hold(shop.sale, [*many, other], shop.now)
        assert all(isinstance(one, out.Held) for one in told)
        assert told[:-1] == await single.orders.hold(single.sale, many, single.now)
        assert told[-1] == await single.ask(other)
    assert await _slot(shop) == await _slot(single)


async def test_one_who_comes_again_among_new_buyers(shop: Shop) -> None:
    """His limit and his repeat hold, though all else is usual."""
    await _put(shop, {NEIGHBOURS: 10_000}, 100)
    batch = [shop.request(f"b{n}", (NEIGHBOURS, 1), one_step=True) for n in range(9)]
    again = [shop.request("b3", (NEIGHBOURS, 1), one_step=True) for _ in range(RECORD.limit)]
    told = await shop.orders.hold(shop.sale, [*batch, batch[3], *again], shop.now)
    assert told[9] == out.Held(told[3].order, replayed=True)  # type: ignore[union-attr]  # it is Held
    assert told[-1] == out.LimitReached(RECORD.limit, RECORD.limit)
    assert (await shop.counts(NEIGHBOURS))["sold"] == 9 + RECORD.limit - 1


async def _put(shop: Shop, bases: dict[int, int], size: int) -> None:
    """Pooled offers by their numbers, each with so many units from a serial on."""
    plain = offer(POOLED, "pooled")
    records = [dataclasses.replace(plain, number=n, base=at, size=size) for n, at in bases.items()]
    assert await shop.stock.put_offers(shop.sale, records) == []
    lots = [Lot(f"lot-{n}", n, [at, size]) for n, at in bases.items()]
    assert await shop.stock.add(shop.sale, lots, now_ms=shop.now) == []


async def _slot(shop: Shop) -> dict[str, Any]:
    found = await contents(shop.store, shop.sale.id)
    return {key.split("}")[1]: value for key, value in found.items()}


async def test_offers_whose_serials_share_a_chunk(shop: Shop) -> None:
    """Each unit is its order's, in whatever order the offers of one chunk are written."""
    await _put(shop, {NEIGHBOURS + n: 10_000 + 10 * n for n in range(6)}, 10)
    batch = [shop.request(f"b{n}", (NEIGHBOURS + n % 6, 1), one_step=True) for n in range(40)]
    for one in await shop.orders.hold(shop.sale, batch, shop.now):
        assert isinstance(one, out.Held)
        for serial in (unit.serial for unit in one.order.units):
            chunk, place = divmod(serial, keys.UNITS_PER_CHUNK)
            text: bytes = await shop.store.read("HGET", keys.units(shop.sale.id), chunk)
            entry = text[place * keys.UNIT_ENTRY_BYTES :][: keys.UNIT_ENTRY_BYTES]
            assert entry.decode() == f"s0{one.order.id}"


async def test_a_bucket_of_a_whole_batch(shop: Shop) -> None:
    """As many buyers of one bucket as a call may have are read and written in it."""
    lot = Lot("many", POOLED, [100, BATCH_MAX])
    assert await shop.stock.add(shop.sale, [lot], now_ms=shop.now) == []
    batch = [shop.request(f"b{n}", (POOLED, 1), one_step=True) for n in range(BATCH_MAX)]
    head = batch[0].order[:HEAD_LENGTH]
    batch = [msgspec.structs.replace(one, order=head + one.order[HEAD_LENGTH:]) for one in batch]
    told = await shop.orders.hold(shop.sale, batch, shop.now)
    assert all(isinstance(one, out.Held) for one in told)
    address = parse_order_id(batch[0].order)
    assert address is not None
    bucket = keys.bucket(shop.sale.id, address.stripe, address.bucket)
    assert await shop.store.read("HLEN", bucket) == BATCH_MAX
