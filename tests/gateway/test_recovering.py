"""A store that forgot is built anew from the books and from what gateways remember."""

import asyncio
from contextlib import suppress
from typing import Any

import pytest

import lua.store
from gateway.audit import audit
from gateway.rebuilding import Busy, Evidence, rebuild_slot, silent
from inventory.batch_records import HoldBatch
from inventory.orders import HoldRequest, LineRequest
from inventory.restore import LostToAnother, Rebuilding, Replay
from inventory.withheld import Withheld
from lua import Fenced, NothingHappened, Script, Store
from settlement import Books
from settlement.recovery import Recovery
from tests.gateway.test_fencing import PLACE, field, turn
from tests.gateway.test_watching import value
from tests.gateway.world import PARTNER, PATIENCE_S, SALE, World


@pytest.fixture
async def quiet(world: World, monkeypatch: pytest.MonkeyPatch) -> World:
    """The gateway without its loops: the test alone turns them. No call waits for a reopening."""
    await world.services.housekeeping.stop()
    monkeypatch.setattr(lua.store, "REOPENING_S", 0.0)
    await world.services.fencing.read_marks()
    await turn(world.services.fencing)
    return world


async def wipe(world: World) -> None:
    """The store forgets everything, at once."""
    await world.services.store.write("FLUSHALL")


async def recovered(world: World) -> None:
    """Turn the loop until the slot sells again."""

    async def turned() -> None:
        while await turn(world.services.fencing):
            await asyncio.sleep(0.02)

    await asyncio.wait_for(turned(), PATIENCE_S)
    await world.services.shelves.refresh()
    await world.services.credentials.refresh()
    await asyncio.wait_for(_room_open(world), PATIENCE_S)


async def _room_open(world: World) -> None:
    while True:
        await world.services.room_keeping.turn()
        with suppress(Fenced):
            await world.services.frames.refresh(SALE)
            return
        await asyncio.sleep(0.02)


async def withheld(world: World) -> dict[int, int]:
    """The units of each offer that are kept back."""
    found = await Withheld(world.services.store).listed(world.sale)
    return {one.offer: one.units for one in found}


async def audited(world: World) -> None:
    """Every invariant holds, with the books up to date."""
    await world.settle()
    found = await audit(world.services.store, world.services.books, world.sale)
    assert found.ok, found.data()


async def test_a_wiped_store_has_every_success_again(quiet: World) -> None:
    """Settled or remembered: each order, code, redemption and pass is as its client was told."""
    ann = await quiet.sell("ann", lines=[{"offer": "lock", "quantity": 1}])
    paid = await quiet.buy("bob", {"offer": "hall", "quantity": 2})
    await quiet.settle()
    cid = await quiet.call(
        "POST", "/v1/partner/orders",
        {"sale": SALE, "buyer": "cid", "lines": [{"offer": "pool", "quantity": 2}]},
        auth=quiet.keys["partner"], key="the-same",
    )  # fmt: skip
    used = await quiet.redeem(ann.data["units"][0]["code"], key="door")
    held = await quiet.hold("dan")
    assert (cid.status, used.status, held.status) == (201, 200, 201)
    await wipe(quiet)
    await recovered(quiet)
    again = await quiet.call(
        "POST", "/v1/partner/orders",
        {"sale": SALE, "buyer": "cid", "lines": [{"offer": "pool", "quantity": 2}]},
        auth=quiet.keys["partner"], key="the-same",
    )  # fmt: skip
    assert again.data["units"] == cid.data["units"]
    assert (await quiet.redeem(ann.data["units"][0]["code"], key="door")).status == 200
    assert (await quiet.redeem(ann.data["units"][0]["code"], key="other")).status == 409
    assert (await quiet.redeem(paid["units"][0]["code"])).status == 200
    confirmed = await quiet.call(
        "POST", f"/v1/orders/{held.data['id']}/confirm",
        {"payment": quiet.proof(held.data)}, auth=quiet.login("dan"),
    )  # fmt: skip
    assert confirmed.status == 200
    assert await withheld(quiet) == {}
    assert await field(quiet, "epoch") == "2"
    await audited(quiet)


async def test_it_goes_on_selling_and_may_be_lost_again(quiet: World) -> None:
    """What was built anew is remembered like everything else, settled or not."""
    first = await quiet.sell("ann")
    await wipe(quiet)
    await recovered(quiet)
    second = await quiet.sell("bob")
    await wipe(quiet)
    await recovered(quiet)
    third = await quiet.sell("cid")
    units = [one["unit"] for told in (first, second, third) for one in told.data["units"]]
    assert len(set(units)) == 6
    assert await field(quiet, "epoch") == "3"
    await audited(quiet)


async def test_what_an_unanswered_call_may_have_taken_is_withheld(quiet: World) -> None:
    """Its units are kept back, the same number and no more; a repeat is decided anew."""
    await quiet.sell("ann")
    lose_a_call(quiet, "bob", 3)
    await wipe(quiet)
    await recovered(quiet)
    assert await withheld(quiet) == {1: 3}
    assert (await quiet.sell("bob")).status == 201
    await audited(quiet)


async def test_with_a_gateway_gone_all_that_was_on_sale_is_withheld(quiet: World) -> None:
    """It may have told of sales that nobody else remembers: only an operator knows better."""
    services = quiet.services
    assert (await quiet.sell("ann")).status == 201
    await beat_long_ago(services.books, "other", PLACE, (1, 900))
    await wipe(quiet)
    await recovered(quiet)
    refused = await quiet.sell("bob")
    assert (refused.status, refused.code) == (409, "all_held")
    kept = await withheld(quiet)
    assert 4 not in kept, "what opens in the evening cannot have been sold"
    assert sum(kept.values()) == 200 - 10 - 2 + 12 + 4 + 2 + 5 + 5
    await audited(quiet)
    path, operator = f"/v1/operator/sales/{SALE}/withheld", quiet.keys["operator"]
    shown = (await quiet.call("GET", path, auth=operator)).data
    await services.counts.read(services.shelves.standing(SALE))
    await services.watch.look()
    assert value(quiet, "units_withheld", sale=SALE) == sum(kept.values())
    assert (shown["units"], len(shown["offers"])) == (sum(kept.values()), len(kept))
    for one in shown["offers"]:
        for units in (one["units"], 0):
            freed = await quiet.call("POST", f"{path}/free", {"offer": one["offer"]}, auth=operator)
            assert (freed.status, freed.data["units"]) == (200, units)
    assert await withheld(quiet) == {}
    unknown = await quiet.call("POST", f"{path}/free", {"offer": "none"}, auth=operator)
    assert (unknown.status, unknown.code) == (422, "unknown_offer")
    assert (await quiet.sell("bob")).status == 201
    await audited(quiet)


@pytest.mark.parametrize("calls", [0, 1, 2, 3])
async def test_an_interrupted_rebuilding_is_begun_again(
    quiet: World, monkeypatch: pytest.MonkeyPatch, calls: int
) -> None:
    """Wherever it ended, the slot stays shut until another one is through, and nothing is lost."""
    told = await quiet.sell("ann")
    run, left = Store.run, iter(range(calls))

    async def cut_off(store: Store, script: Script, *given: Any) -> list[Any]:
        if script.name in ("slot_restore", "slot_open") and next(left, None) is None:
            raise NothingHappened("cut off here")
        return await run(store, script, *given)

    await wipe(quiet)
    monkeypatch.setattr(Store, "run", cut_off)
    for _ in range(2):
        assert await turn(quiet.services.fencing) == 1
        await asyncio.gather(*quiet.services.fencing._rebuilding.values())
    assert (await quiet.sell("bob")).status == 503
    monkeypatch.setattr(Store, "run", run)
    await recovered(quiet)
    again = await quiet.call("GET", f"/v1/orders/{told.data['id']}", auth=quiet.keys["partner"])
    assert again.data["units"] == told.data["units"]
    assert (await quiet.sell("bob")).status == 201
    await audited(quiet)


async def test_of_two_rebuildings_one_works_and_a_late_one_writes_nothing(quiet: World) -> None:
    """The stripe's row keeps a second one out; one that was frozen finds the slot taken away."""
    services = quiet.services
    catalogue = await services.catalogue.get()
    rules = await catalogue.restorable(SALE)
    assert rules is not None
    await quiet.settle()
    frozen = Rebuilding(services.store, rules.slot.record, 0, "frozen")
    await frozen.seize(1)
    async with services.books.kept_facts(SALE, 0, ("CNY", "Asia/Shanghai")) as kept:
        assert kept is not None
        second = await rebuild_slot(
            services.store, services.books, catalogue, SALE, evidence=Evidence()
        )
        assert second == Busy()
    await recovered(quiet)
    with pytest.raises(LostToAnother):
        await frozen.write(Replay(()).slot, [], 1, silent)
    with pytest.raises(LostToAnother):
        await frozen.open(9, 1, "open")
    assert (await quiet.sell("bob")).status == 201
    await audited(quiet)


async def beat_long_ago(
    books: Books, gateway: str, place: tuple[str, int], mark: tuple[int, int]
) -> None:
    """A gateway that saw a slot at a mark, and lives no more."""
    await Recovery(books.pool, gateway).beat({place: mark})
    async with books.pool.acquire() as connection:
        await connection.execute(
            "update recovery.gateway set beat = beat - interval '1 hour' where id = $1", gateway
        )


def lose_a_call(world: World, buyer: str, quantity: int) -> None:
    """A call that was sent, and whose answer and doing were lost with the store."""
    services = world.services
    name = services.identities.buyer_key(f"test:{buyer}")
    order = services.identities.order_id(world.sale.shape, caller=PARTNER, buyer=name, key="lost")
    pool = LineRequest(1, quantity)
    request = HoldRequest(
        order, name, PARTNER, (pool,), "print", one_step=True, payment="partner:x"
    )
    batch = HoldBatch(SALE, 0)
    batch.add(request)
    args = (0, *batch.args())
    services.store.memory.lost(f"{SALE}:0", "order_hold", (), args)
