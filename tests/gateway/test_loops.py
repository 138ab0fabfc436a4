"""Loops turn, survive whatever happens in a turn, say so once, and stop when told."""

import asyncio
import logging

import pytest
from prometheus_client import CollectorRegistry

from gateway.housekeeping import FRAMES_S, SHELVES_S
from gateway.loops import Loop, for_each
from gateway.metrics import Metrics
from lua.faults import NothingHappened
from tests.gateway.world import PATIENCE_S, SALE, World


class Step:
    """A step that fails as often as it is told to."""

    def __init__(self, *failures: Exception | None) -> None:
        self.failures = list(failures)
        self.turns = 0
        self.turned = asyncio.Condition()

    async def __call__(self) -> int:
        """One turn."""
        self.turns += 1
        async with self.turned:
            self.turned.notify_all()
        failure = self.failures.pop(0) if self.failures else None
        if failure is not None:
            raise failure
        return self.turns

    async def reach(self, turns: int) -> None:
        """Return after so many turns."""
        async with self.turned:
            await self.turned.wait_for(lambda: self.turns >= turns)


def value(registry: CollectorRegistry, name: str, **labels: str) -> float:
    """A sample's value."""
    return registry.get_sample_value(name, labels) or 0.0


async def test_a_loop_outlives_faults_and_bugs(caplog: pytest.LogCaptureFixture) -> None:
    """Outages and bugs are counted, told once at their beginning and end, and turned through."""
    metrics = Metrics()
    step = Step(None, NothingHappened("gone"), NothingHappened("gone"), RuntimeError("bug"), None)
    loop, stop = Loop("probe", 0.001, step, metrics), asyncio.Event()
    with caplog.at_level(logging.INFO):
        running = asyncio.create_task(loop.run(stop))
        await step.reach(7)
        stop.set()
        await running
    registry = metrics.registry
    counted = "dropgate_loop_failures_total"
    assert value(registry, counted, loop="probe", kind="fault") == 2
    assert value(registry, counted, loop="probe", kind="bug") == 1
    assert value(registry, "dropgate_loop_runs_total", loop="probe") == step.turns
    assert [record.levelname for record in caplog.records] == ["WARNING", "INFO"]


async def test_a_loop_stops_at_once(caplog: pytest.LogCaptureFixture) -> None:
    """A loop that waits an hour for its next turn ends when it is told to."""
    step = Step()
    stop = asyncio.Event()
    running = asyncio.create_task(Loop("slow", 3_600, step, Metrics()).run(stop))
    await step.reach(1)
    stop.set()
    async with asyncio.timeout(PATIENCE_S):
        await running


async def test_run_once_raises_what_went_wrong() -> None:
    """Whoever turns a loop by hand hears what happened."""
    loop = Loop("probe", 1, Step(NothingHappened("gone"), None), Metrics())
    with pytest.raises(NothingHappened):
        await loop.run_once()
    assert await loop.run_once() == 2


async def test_one_that_fails_does_not_keep_the_others_back() -> None:
    """Every thing has its turn; the first failure is told at the end."""
    done: list[int] = []

    async def step(number: int) -> int:
        if number == 2:
            raise NothingHappened("two")
        done.append(number)
        return number

    with pytest.raises(NothingHappened, match="two"):
        await for_each([1, 2, 3], step)
    assert done == [1, 3]


async def test_due_holds_are_given_back_by_the_loop(world: World) -> None:
    """A hold whose time is over comes back without anybody asking, and is counted."""
    held = (await world.hold("ann")).data
    late = held["expires_at_ms"] + 1
    assert await world.services.orders.expire_due(world.sale, now_ms=late) == 1
    read = await world.call("GET", f"/v1/orders/{held['id']}", auth=world.login("ann"))
    assert read.data["state"] == "expired"


async def test_a_purchase_frees_its_slot_in_the_room(world: World) -> None:
    """When a pass has bought its order, the room is told that the slot is free."""
    pass_ = await world.pass_("ann")
    leases = f"{{{SALE}:room}}:leases"
    assert await world.services.store.read("ZCARD", leases) == 1
    body = {"lines": [{"offer": "pool", "quantity": 1}]}
    await world.call("POST", f"/v1/sales/{SALE}/orders", body, auth=pass_)
    async with asyncio.timeout(PATIENCE_S):
        while await world.services.store.read("ZCARD", leases):
            await asyncio.sleep(0.01)


async def test_a_sale_changed_elsewhere_is_seen_here(world: World) -> None:
    """Another process pauses the sale: this one's window and frame say so within a second."""
    assert SHELVES_S + FRAMES_S < 1
    await world.services.sale_desk.change(world.sale, "pause", actor="another process")
    async with asyncio.timeout(PATIENCE_S):
        while (await world.call("GET", f"/v1/sales/{SALE}")).data["state"] != "paused":
            await asyncio.sleep(0.01)
        while (await world.call("GET", f"/v1/sales/{SALE}/frame")).data["state"] != "paused":
            await asyncio.sleep(0.01)


async def test_wrong_names_cost_the_store_little(world: World) -> None:
    """A flood of sales that do not exist is not a flood of store commands."""
    await world.services.housekeeping.stop()
    before = await world.store_commands()
    told = await asyncio.gather(
        *(world.call("GET", f"/v1/sales/nothing-{number}") for number in range(200))
    )
    assert {one.code for one in told} == {"unknown_sale"}
    assert await world.store_commands() - before < 40


async def test_counters_are_read_again_only_when_something_happened(world: World) -> None:
    """Nothing moves without a fact: an idle sale's counters cost the store nothing."""
    await world.services.housekeeping.stop()
    shelf = world.services.shelves.standing(SALE)
    first = await world.services.counts.read(shelf)
    await world.services.shelves.refresh_sale(SALE)
    before = await world.store_commands()
    assert await world.services.counts.recent(shelf) is first
    assert await world.store_commands() == before + 1, "only the counting itself"
    await world.sell("ann")
    await world.services.shelves.refresh_sale(SALE)
    async with asyncio.timeout(PATIENCE_S):
        while (await world.services.counts.recent(shelf)).total.sold != first.total.sold + 2:
            await asyncio.sleep(0.01)
