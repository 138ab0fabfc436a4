"""Stripes of a sale as one: a change or a sweep that meets a dead shard, or dies, half done."""

from dataclasses import replace
from typing import Any

import pytest

import lua.store
from inventory import keys, outcomes as out
from lua import NothingHappened, Store
from tests.inventory.conftest import HOLD_MS, RECORD
from tests.inventory.striped import LIMIT, asking, counts_of, made


async def test_a_shard_that_is_gone_keeps_no_hold_of_another_stripe(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The sweep gives back what is due where it can, and then says what it could not do."""
    shop = await made(store, 3, [0, 1], [10, 1], [20, 1])
    for stripe in range(3):
        assert isinstance(await shop.ask(asking(shop, stripe, 1, one_step=False)), out.Held)
    shop.now += HOLD_MS
    gone, read = keys.due(shop.sale.id, 0), lua.store.Store.read

    async def some(self: Store, *command: str | int, **options: Any) -> object:
        if command[1] == gone:
            raise NothingHappened("this shard is gone")
        return await read(self, *command, **options)

    with monkeypatch.context() as cut:
        cut.setattr(lua.store.Store, "read", some)
        with pytest.raises(NothingHappened):
            await shop.orders.expire_due(shop.sale, now_ms=shop.now)
    assert [one.held for one in await counts_of(shop)] == [1, 0, 0]
    assert await shop.orders.expire_due(shop.sale, now_ms=shop.now) == 1


@pytest.mark.parametrize("what", ["close", "put"])
@pytest.mark.parametrize("done", range(3))
async def test_a_change_that_was_cut_off_between_stripes_is_finished_by_a_repeat(
    store: Store, monkeypatch: pytest.MonkeyPatch, done: int, what: str
) -> None:
    """Until every stripe has a state or a revision the sale shows the old one; a repeat ends it."""
    shop = await made(store, 3, [0, 1])
    run, calls = lua.store.Store.run, 0

    async def some(self: Store, script: object, names: object, args: object) -> list[object]:
        nonlocal calls
        calls += 1
        if calls > done:
            raise NothingHappened("the gateway died")
        return await run(self, script, names, args)  # type: ignore[arg-type]

    async def change() -> None:
        if what == "close":
            await shop.change("close")
        else:
            record = replace(RECORD, stripes=3, limit=LIMIT + 1)
            await shop.sales.put(record, revision=2, actor="test", now_ms=shop.now)

    with monkeypatch.context() as cut:
        cut.setattr(lua.store.Store, "run", some)
        with pytest.raises(NothingHappened):
            await change()
    view = await shop.sales.view(shop.sale.id)
    assert view is not None
    assert (view.state, view.revision) == ("open", 1)
    await change()
    field, value = ("state", b"closed") if what == "close" else ("limit", b"%d" % (LIMIT + 1))
    told = [await store.read("HGET", keys.sale(shop.sale.id, one), field) for one in range(3)]
    assert told == [value] * 3
