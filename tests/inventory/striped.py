"""A sale of several stripes on a real store, and what lies on each stripe's shelf."""

from collections import Counter
from dataclasses import replace

import msgspec

from inventory import keys
from inventory.facts import Fact, decode_entry
from inventory.ids import stripe_of
from inventory.lending import Lending, Look
from inventory.orders import HoldRequest
from inventory.records import OfferCounts, unpack_offer
from inventory.restore import Replay
from inventory.restore.writing import lending_fields
from inventory.sales import Sales
from inventory.stock import Lot
from lua import Store
from tests.inventory.conftest import FREE, POOLED, RECORD, T0, Shop, offer
from tests.inventory.replay import replayed

LIMIT = 1_000
_unpack = msgspec.msgpack.decode


async def made(store: Store, stripes: int, *lots: list[int]) -> Shop:
    """A sale with two pooled offers, open; `lots` are the ranges of the first one, by stripe."""
    sales, record = Sales(store), replace(RECORD, stripes=stripes, limit=LIMIT)
    await sales.put(record, revision=1, actor="test", now_ms=T0 - 1000)
    announced = await sales.view("spring")
    assert announced is not None
    shop = Shop(store, announced)
    for stripe in range(stripes):
        offers = [offer(POOLED, "pooled"), replace(offer(FREE, "pooled"), number=2)]
        assert await shop.stock.put_offers(shop.sale, offers, stripe) == []
        if stripe < len(lots) and lots[stripe]:
            lot = Lot(f"lot-{stripe}", POOLED, lots[stripe])
            assert await shop.stock.add(shop.sale, [lot], stripe, T0) == []
    await shop.change("open")
    view = await shop.sales.view("spring")
    assert view is not None
    shop.sale = view
    return shop


def asking(shop: Shop, stripe: int, units: int, *, one_step: bool = True) -> HoldRequest:
    """A request of some buyer of a stripe."""
    while True:
        buyer = f"buyer-{next(shop.numbers)}"
        request = shop.request(buyer, (POOLED, units), one_step=one_step)
        if stripe_of(request.order) == stripe:
            return request


async def shelf_of(shop: Shop, stripe: int, number: int = POOLED) -> list[int]:
    """The serials that are on the shelf of one stripe, in order, as the scripts would find them."""
    packed = await shop.store.read("HGET", keys.offers(shop.sale.id, stripe), number)
    found = unpack_offer(packed)
    ends = [found.next, found.end, *found.more]
    serials = [
        serial
        for first, past in zip(ends[::2], ends[1::2], strict=True)
        for serial in range(first, past)
    ]
    back = await shop.store.read(
        "ZRANGE", keys.back(shop.sale.id, stripe), number, number, "BYSCORE"
    )
    serials += map(int, back)
    assert len(back) == found.backs
    assert len(serials) == found.available, "the counter and the shelf say the same"
    return sorted(serials)


async def free_units(shop: Shop, number: int = POOLED) -> list[int]:
    """The serials on all shelves; one that lies on two is there twice."""
    shelves = [await shelf_of(shop, stripe, number) for stripe in range(shop.sale.stripes)]
    return sorted(serial for shelf in shelves for serial in shelf)


async def counts_of(shop: Shop, number: int = POOLED) -> list[OfferCounts]:
    """An offer's counters, a stripe after the other; each adds up by itself."""
    found = [
        (await shop.stock.counts_of(shop.sale, number, 1, stripe))[0]
        for stripe in range(shop.sale.stripes)
    ]
    for one in found:
        assert one.difference == 0, one
        assert not one.is_negative, one
    return found


async def finish_all(shop: Shop) -> None:
    """What any gateway's loop does with transfers that a crash left."""
    lending = Lending(shop.store)
    for look in await lending.look(shop.sale, [POOLED], shop.now):
        assert isinstance(look, Look)
        for transfer in look.open:
            assert await lending.finish(shop.sale, transfer, shop.now)


async def _rebuilt_agrees(shop: Shop, stripe: int, story: list[Fact]) -> None:
    """Rebuilt from its facts the stripe has the same shelf, and remembers the same transfers."""
    replay = Replay([offer(POOLED, "pooled"), replace(offer(FREE, "pooled"), number=2)])
    for fact in story:
        replay.fold(fact)
    rebuilt, store, sale = replay.slot.offers[POOLED], shop.store, shop.sale.id
    packed = await store.read("HGET", keys.offers(sale, stripe), POOLED)
    assert msgspec.structs.astuple(rebuilt.packed()) == msgspec.structs.astuple(
        unpack_offer(packed)
    )
    flat = await store.read("HGETALL", keys.lending(sale, stripe))
    kept = dict(zip(flat[::2], flat[1::2], strict=True))
    for field, content in lending_fields(replay.slot):
        name = str(field)
        told = kept.pop(name.encode(), None)
        if name.startswith(("out:", "in:")):
            # A transfer that has arrived stands open again, and is found to have arrived.
            assert told is None or _unpack(told) == _unpack(bytes(content)), name  # type: ignore[arg-type]
        else:
            assert told == str(content).encode(), name
    assert not kept, "all that a stripe remembers of loans comes from facts"


async def facts_agree(shop: Shop) -> None:
    """Each stripe's facts have no gap, and replayed they give its counters."""
    for stripe, counts in enumerate(await counts_of(shop)):
        entries = await shop.store.read("XRANGE", keys.facts(shop.sale.id, stripe), "-", "+")
        story = [fact for _, body in entries for fact in decode_entry(body[1])]
        assert [fact.number for fact in story] == list(range(1, len(story) + 1))
        await _rebuilt_agrees(shop, stripe, story)
        states = replayed(story).get(POOLED, Counter())
        for state in ("available", "held", "sold", "moving"):
            assert states[state] == getattr(counts, state), (stripe, state)
