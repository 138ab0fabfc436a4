"""No script writes to a slot on a server that its record does not name."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace

import pytest

import lua.store
from inventory.allotments import Allotment, SoldUnit
from inventory.fencing import Fences
from inventory.orders import ConfirmRequest
from inventory.outcomes import Order
from inventory.sales import DropView
from inventory.stock import Lot
from lua import Fenced, catalogue
from settlement.slot import acknowledge
from tests.inventory.conftest import LATER, POOLED, RECORD, SEATED, T0, Shop, offer
from tests.inventory.test_units import code_of, redeem

OTHER = "0" * 40
SLOT = "{spring:0}:sale"


@dataclass(frozen=True)
class Drop:
    """A sale in which every verb has something to do."""

    shop: Shop
    held: Order
    sold: Order
    allotment: Allotment


async def begun(shop: Shop) -> Drop:
    """A hold, a sale and an allotment."""
    held, sold = await shop.held("ann", (POOLED, 1)), await shop.sold("bob", (POOLED, 1))
    await allot(shop, 1)
    (allotment,) = await shop.allotments.listed(shop.sale)
    return Drop(shop, held, sold, allotment)


async def allot(shop: Shop, number: int) -> None:
    """Two seats for the partner."""
    await shop.allotments.allot(
        shop.sale, number=number, allotment=f"a{number}", partner="p", offer=SEATED, quantity=2,
        now_ms=shop.now,
    )  # fmt: skip


def confirmed(drop: Drop) -> Awaitable[object]:
    """The hold's payment."""
    request = ConfirmRequest(drop.held.id, "test:p1", drop.held.amount_minor)
    return drop.shop.orders.confirm(drop.shop.sale, [request], drop.shop.now)


def recalled(drop: Drop) -> Awaitable[object]:
    """A unit of the allotment, taken back."""
    return drop.shop.allotments.take_back(
        drop.shop.sale, 1, partner="p", key="r", serials=[drop.allotment.last], by="p",
        now_ms=drop.shop.now,
    )  # fmt: skip


def reported(drop: Drop) -> Awaitable[object]:
    """A unit of the allotment, sold."""
    lines = [SoldUnit(drop.allotment.last, 100, "x")]
    return drop.shop.allotments.report(
        drop.shop.sale, 1, partner="p", key="s", lines=lines, now_ms=drop.shop.now
    )


async def returned(drop: Drop) -> None:
    """What is left, off the shelf."""
    await drop.shop.stock.take_off(drop.shop.sale, [POOLED], now_ms=drop.shop.now)


def put(drop: Drop) -> Awaitable[object]:
    """Another revision of the sale."""
    record = replace(RECORD, title="New", drops=(*RECORD.drops, DropView("third", T0 * 2)))
    return drop.shop.sales.put(record, revision=2, actor="test", now_ms=drop.shop.now)


VERBS: dict[str, Callable[[Drop], Awaitable[object]]] = {
    "order_hold": lambda one: one.shop.held("eve", (POOLED, 1)),
    "order_confirm": confirmed,
    "order_end": lambda one: one.shop.orders.release(
        one.shop.sale, one.held.id, now_ms=one.shop.now
    ),
    "order_refund": lambda one: one.shop.orders.refund(
        one.shop.sale, one.sold.id, seller="", key="k", now_ms=one.shop.now
    ),
    "unit_redeem": lambda one: redeem(one.shop, code_of(one.shop, one.sold.units[0])),
    "allotment_make": lambda one: allot(one.shop, 2),
    "allotment_export": lambda one: one.shop.allotments.export(
        one.shop.sale, 1, partner="p", now_ms=one.shop.now
    ),
    "allotment_report": reported,
    "allotment_recall": recalled,
    "stock_add": lambda one: one.shop.stock.add(
        one.shop.sale, [Lot("new", LATER, [3005, 5])], now_ms=one.shop.now
    ),
    "stock_return": returned,
    "offer_put": lambda one: one.shop.stock.put_offers(
        one.shop.sale, [replace(offer(POOLED, "pooled"), ends_at_ms=T0 + 70_000_000)]
    ),
    "sale_put": put,
    "sale_change": lambda one: one.shop.change("drain"),
    "settlement_ack": lambda one: acknowledge(one.shop.store, "spring", 0, (1, 1)),
    "slot_fence": lambda one: Fences(one.shop.store).stop("spring", 0, (1, 10_000)),
}


@pytest.fixture(autouse=True)
def _no_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    """A call that meets a fence is told so at once."""
    monkeypatch.setattr(lua.store, "REOPENING_S", 0.0)


@pytest.mark.parametrize("named", [OTHER, ""], ids=["another", "nobody"])
@pytest.mark.parametrize("script", VERBS)
async def test_a_fenced_call_writes_nothing(shop: Shop, script: str, named: str) -> None:
    """Whom the record names, if not this server, no verb writes; once reopened it does."""
    drop = await begun(shop)
    if script == "stock_return":
        await shop.change("close")
    here = await shop.store.server_of(SLOT)
    await shop.store.write("HSET", SLOT, "server", named)
    before = await shop.everything()
    with pytest.raises(Fenced):
        await VERBS[script](drop)
    assert await shop.everything() == before
    assert shop.store.memory.fenced() == ["spring:0"]
    await shop.store.write("HSET", SLOT, "server", here)
    before = await shop.everything()
    await VERBS[script](drop)
    assert await shop.everything() != before, "the verb has something to write"


GUARDED = [name for name in catalogue.names() if catalogue.load(name).guarded]


async def test_an_order_that_may_be_forgotten_is_not_denied(shop: Shop) -> None:
    """A fenced slot does not say that there is no such order; it says that it cannot tell now."""
    order = await shop.sold("ann", (POOLED, 1))
    await shop.store.write("HSET", SLOT, "server", OTHER)
    with pytest.raises(Fenced):
        await shop.orders.read(shop.sale, order.id)


@pytest.mark.parametrize("script", [name for name in GUARDED if not name.startswith("slot_")])
async def test_the_fence_comes_before_all_else(shop: Shop, script: str) -> None:
    """A guarded script looks at no other argument before it knows that it may write."""
    await shop.store.write("HSET", SLOT, "server", OTHER)
    before = await shop.everything()
    loaded = catalogue.load(script)
    names = [f"{{spring:0}}:{name.rstrip('+')}" for name in loaded.keys]
    with pytest.raises(Fenced):
        await shop.store.run(loaded, names, ["junk"] * len(loaded.argv))
    assert await shop.everything() == before


@pytest.mark.parametrize("script", catalogue.names())
def test_whoever_writes_to_a_slot_is_guarded(script: str) -> None:
    """A script that takes a slot record and is no reader takes the server's name too.

    Those of a rebuilding are held together by its token instead: the slot has no server then.
    """
    loaded = catalogue.load(script)
    if "sale" in loaded.keys and not loaded.read_only and "token" not in loaded.argv:
        assert loaded.guarded


async def test_facts_are_remembered_until_they_are_settled(shop: Shop) -> None:
    """The very bytes of each call's stream entry, and how far the slot is; settled, they go."""
    await shop.held("ann", (POOLED, 1))
    await shop.sold("bob", (POOLED, 1))
    entries = await shop.store.read("XRANGE", "{spring:0}:facts", "-", "+")
    memory = shop.store.memory
    known = memory.slots["spring:0"]
    assert [(f"{epoch}-{fact}".encode(), content) for (epoch, fact), content in known.facts] == [
        (name, fields[1]) for name, fields in entries
    ]
    assert memory.bytes == sum(len(fields[1]) for _, fields in entries)
    last = int(entries[-1][0].split(b"-")[1])
    assert memory.seen("spring:0") == (1, last)
    memory.settled("spring:0", (1, last - 1))
    assert [mark for mark, _ in known.facts] == [(1, last)]
    memory.settled("spring:0", (1, last))
    assert memory.bytes == 0
