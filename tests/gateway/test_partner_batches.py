"""A partner's large batches: in pieces, in order, whatever happens to one of them."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import pytest

import lua.store
from gateway import asking, batches
from gateway.batches import PIECE
from gateway.bodies import BATCH_MAX
from gateway.routes.partner import BATCH_BODY_MAX
from inventory.order_scripts import ORDER_HOLD
from lua.faults import MayHaveHappened, NothingHappened
from lua.store import Store
from tests.gateway.world import SALE, Answer, World, furnish, sale_body

BULK = "bulk"
PATIENCE_S = 60.0
THREE = 2 * PIECE + 3
"""Orders of three pieces."""

Run = Callable[..., Awaitable[list[Any]]]


@pytest.fixture
async def bulk(world: World) -> World:
    """The world with a second sale, of many units."""
    body = sale_body(BULK)
    many = {**body["offers"][0], "units": 5_000}
    await furnish(
        world.services, sale=BULK, body=body | {"offers": [many], "seats": [], "codes": []}
    )
    return world


def order(number: int, *, sale: str = BULK, offer: str = "pool", **more: Any) -> dict[str, Any]:
    """An order of one unit for a buyer of its own."""
    lines = [{"offer": offer, "quantity": 1}]
    return {"key": f"k{number}", "sale": sale, "buyer": f"b{number}", "lines": lines, **more}


async def ask(world: World, orders: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """The results of a batch."""
    told = await raw(world, orders)
    assert told.status == 200, told.data
    assert len(told.data["results"]) == len(orders)
    return list(told.data["results"])


async def raw(world: World, orders: Sequence[dict[str, Any]]) -> Answer:
    """What a batch is answered with."""
    path, auth = "/v1/partner/orders/batch", world.keys["partner"]
    return await world.call("POST", path, {"orders": orders}, auth=auth, key="")


def on_hold(monkeypatch: pytest.MonkeyPatch, then: Callable[[int, Run], Awaitable[Any]]) -> None:
    """Put `then` in the way of each script call that holds; it gets the call's number, from 1."""
    real, calls = Store.run, 0

    async def run(self: Store, script: Any, keys: Any, args: Any) -> Any:
        nonlocal calls
        if script is not ORDER_HOLD:
            return await real(self, script, keys, args)
        calls += 1
        return await then(calls, lambda: real(self, script, keys, args))

    monkeypatch.setattr(Store, "run", run)


async def test_results_stand_in_the_order_of_the_batch(bulk: World) -> None:
    """Orders of several sales and pieces, mixed with wrong ones: each result is its own order's."""
    orders = [order(number, reference=f"R{number}") for number in range(THREE)]
    orders[5] = order(5, sale=SALE, reference="R5")
    orders[PIECE] = order(PIECE, sale="nowhere")
    orders[-2] = order(THREE - 2, offer="nothing")
    results = await ask(bulk, orders)
    wrong = {PIECE: 404, THREE - 2: 422}
    for at, one in enumerate(results):
        assert one["status"] == wrong.get(at, 201), (at, one)
        if at not in wrong:
            assert one["order"]["reference"] == f"R{at}"
            assert one["order"]["sale"] == orders[at]["sale"]
    assert len({one["order"]["id"] for one in results if "order" in one}) == THREE - len(wrong)


async def test_a_batch_is_repeatable_as_a_whole_and_line_by_line(bulk: World) -> None:
    """A repeat, and the same key twice in one batch: the same orders, marked, none sold again."""
    orders = [order(number) for number in range(PIECE + 2)]
    orders[-1] = orders[0]
    first = await ask(bulk, orders)
    assert [one["status"] for one in first] == [201] * (PIECE + 1) + [200]
    assert first[-1]["replayed"]
    assert first[-1]["order"] == first[0]["order"]
    again = await ask(bulk, orders)
    assert [one["order"] for one in again] == [one["order"] for one in first]
    assert all(one["replayed"] and one["status"] == 200 for one in again)
    single = {name: value for name, value in orders[7].items() if name != "key"}
    auth = bulk.keys["partner"]
    alone = await bulk.call("POST", "/v1/partner/orders", single, auth=auth, key=orders[7]["key"])
    assert (alone.status, alone.data) == (200, first[7]["order"])


async def test_the_last_units_go_to_the_first_orders(bulk: World) -> None:
    """Orders are decided in their order, also over pieces: the first two get the two units."""
    results = await ask(bulk, [order(n, sale=SALE, offer="tiny") for n in range(THREE)])
    assert [one["status"] for one in results] == [201, 201] + [409] * (THREE - 2)
    assert {one["problem"]["code"] for one in results[2:]} == {"sold_out"}


async def test_a_lost_answer_of_one_piece_leaves_the_others_told(
    bulk: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One piece's answer is lost, another was refused whole: each says so, and the repeat tells."""

    async def then(call: int, run: Run) -> Any:
        if call == 1:
            await run()
            raise MayHaveHappened("the answer is lost")
        if call == 2:
            raise NothingHappened("refused")
        return await run()

    on_hold(monkeypatch, then)
    orders = [order(number) for number in range(THREE)]
    results = await ask(bulk, orders)
    lost, refused = results[:PIECE], results[PIECE : 2 * PIECE]
    assert {one["problem"]["code"] for one in lost} == {"may_have_happened"}
    assert {one["problem"]["code"] for one in refused} == {"nothing_happened"}
    assert {one["status"] for one in lost + refused} == {503}
    assert [one["status"] for one in results[2 * PIECE :]] == [201] * 3
    again = await ask(bulk, orders)
    assert [one["status"] for one in again] == [200] * PIECE + [201] * PIECE + [200] * 3


async def test_python_makes_the_next_piece_while_the_store_has_one(
    bulk: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The second piece is ready before the first is answered; two are never with the store."""
    made, real = 0, asking.partners_order
    second = asyncio.Event()
    with_store, most = 0, 0

    def partners_order(*args: Any) -> Any:
        nonlocal made
        made += 1
        if made == 2 * PIECE:
            second.set()
        return real(*args)

    async def then(call: int, run: Run) -> Any:
        nonlocal with_store, most
        with_store += 1
        most = max(most, with_store)
        if call == 1:
            await asyncio.wait_for(second.wait(), PATIENCE_S)
        try:
            return await run()
        finally:
            with_store -= 1

    monkeypatch.setattr(asking, "partners_order", partners_order)
    on_hold(monkeypatch, then)
    results = await ask(bulk, [order(number) for number in range(THREE)])
    assert {one["status"] for one in results} == {201}
    assert most == 1


async def test_sales_do_not_wait_for_each_other(
    bulk: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Pieces of two sales are with the store at the same time."""
    both = asyncio.Barrier(2)

    async def then(_: int, run: Run) -> Any:
        async with asyncio.timeout(PATIENCE_S):
            await both.wait()
        return await run()

    on_hold(monkeypatch, then)
    results = await ask(bulk, [order(1), order(2, sale=SALE)])
    assert [one["status"] for one in results] == [201, 201]


async def test_other_calls_go_on_while_a_batch_is_worked_on(
    bulk: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between two turns of the loop at most one piece is made and one shown; others get answers."""
    made, shown = [0], [0]
    real_order, real_items = asking.partners_order, batches.Batches._items
    answers: list[int] = []

    async def count_turns() -> None:
        while True:
            await asyncio.sleep(0)
            made.append(0)
            shown.append(0)

    def partners_order(*args: Any) -> Any:
        made[-1] += 1
        return real_order(*args)

    async def items(self: Any, shelf: Any, told: Any) -> Any:
        shown[-1] += len(told)
        return await real_items(self, shelf, told)

    async def then(call: int, run: Run) -> Any:
        if call == 2:
            paths = (f"/v1/sales/{SALE}", f"/v1/sales/{SALE}/frame")
            answers.extend([(await bulk.call("GET", path)).status for path in paths])
        return await run()

    monkeypatch.setattr(asking, "partners_order", partners_order)
    monkeypatch.setattr(batches.Batches, "_items", items)
    on_hold(monkeypatch, then)
    turns = asyncio.create_task(count_turns())
    results = await ask(bulk, [order(number) for number in range(4 * PIECE)])
    turns.cancel()
    assert {one["status"] for one in results} == {201}
    assert answers == [200, 200]
    assert (sum(made), max(made)) == (4 * PIECE, PIECE)
    assert (sum(shown), max(shown)) == (4 * PIECE, PIECE)


async def test_a_batch_is_answered_in_the_time_of_one_call(
    bulk: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A store that gives no answer: what was sent may have happened, what was not has not."""

    async def then(_: int, run: Run) -> Any:
        await run()
        await asyncio.Event().wait()

    on_hold(monkeypatch, then)
    monkeypatch.setattr(lua.store, "CALL_TIMEOUT_S", 1.0)
    results = await ask(bulk, [order(number) for number in range(THREE)])
    codes = [one["problem"]["code"] for one in results]
    assert codes == ["may_have_happened"] * PIECE + ["nothing_happened"] * (THREE - PIECE)


async def test_a_sold_order_whose_code_cannot_be_read_may_have_happened(
    bulk: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A venue's code that cannot be read is no reason to say that nothing was sold."""
    real = Store.read

    async def read(self: Store, *command: Any, **how: Any) -> Any:
        if command[0] == "HGET" and str(command[1]).endswith(":outside"):
            raise NothingHappened("refused")
        return await real(self, *command, **how)

    monkeypatch.setattr(Store, "read", read)
    orders = [order(1, sale=SALE, offer="lock"), order(2)]
    results = await ask(bulk, orders)
    assert results[0]["problem"]["code"] == "may_have_happened"
    assert results[1]["status"] == 201
    single = {"sale": SALE, "buyer": "c", "lines": [{"offer": "lock", "quantity": 1}]}
    auth = bulk.keys["partner"]
    alone = await bulk.call("POST", "/v1/partner/orders", single, auth=auth)
    assert (alone.status, alone.code) == (503, "may_have_happened")
    monkeypatch.setattr(Store, "read", real)
    again = await ask(bulk, orders)
    assert [one["status"] for one in again] == [200, 200]
    assert again[0]["order"]["units"][0]["code"].startswith("ODEON")


async def test_a_batch_has_its_limits(bulk: World) -> None:
    """1,000 orders are taken; none, 1,001 and a body above 2 MiB are refused as such."""
    assert {one["status"] for one in await ask(bulk, [order(n) for n in range(BATCH_MAX)])} == {201}
    for wrong in ([], [order(n) for n in range(BATCH_MAX + 1)]):
        told = await raw(bulk, wrong)
        assert (told.status, told.data["errors"][0]["field"]) == (422, "orders")
    path, auth = "/v1/partner/orders/batch", bulk.keys["partner"]
    fat = b" " * (BATCH_BODY_MAX + 1)
    told = await bulk.call("POST", path, data=fat, auth=auth, key="")
    assert (told.status, told.code) == (413, "too_large")
