"""What a gateway sees of a sale is shown, cheaply, and what is wrong is shown as wrong."""

import asyncio

import msgspec
import pytest

from gateway.watching import COUNT_AGAIN_S
from inventory.records import pack_offer, unpack_offer
from tests.gateway.world import SALE, World
from tests.house.sources import HOUSE

OFFERS, SLOT = f"{{{SALE}:0}}:offers", f"{{{SALE}:0}}:sale"


@pytest.fixture
async def quiet(world: World) -> World:
    """The gateway without its loops: the test alone turns them."""
    await world.services.housekeeping.stop()
    await world.services.watch.look()
    await world.services.fencing.look()
    return world


def value(world: World, name: str, **labels: str) -> float | None:
    """A gauge as it stands; None when there is no such series."""
    return world.services.metrics.registry.get_sample_value(f"dropgate_{name}", labels)


async def fact(world: World) -> int:
    """The last fact of the slot, as the store has it."""
    return int(await world.services.store.read("HGET", SLOT, "fact"))


async def test_where_units_are_is_shown(quiet: World) -> None:
    """Each state of a sale's units, and released is the sum of all others."""
    order = await quiet.buy("ann")
    await quiet.redeem(order["units"][0]["code"])
    await quiet.hold("bob", {"offer": "pool", "quantity": 3})
    await quiet.services.counts.read(quiet.services.shelves.standing(SALE))
    await quiet.services.watch.look()
    states = ("available", "held", "allotted", "sold", "redeemed", "voided", "returned")
    shown = {state: value(quiet, "units", sale=SALE, state=state) for state in states}
    assert (shown["held"], shown["sold"], shown["redeemed"], shown["allotted"]) == (3, 1, 1, 10)
    released = value(quiet, "units", sale=SALE, state="released")
    assert released == sum(number or 0 for number in shown.values())


async def test_states_are_one_of_a_closed_set(quiet: World) -> None:
    """Of a sale's and a room's states one is 1 and the others are 0."""
    await quiet.call("POST", f"/v1/operator/sales/{SALE}/pause", {}, auth=quiet.keys["operator"])
    await quiet.services.shelves.refresh()
    await quiet.services.frames.refresh(SALE)
    await quiet.services.watch.look()
    for name, others in (("sale_state", ("open", "closed")), ("room_state", ("open", "lobby"))):
        assert value(quiet, name, sale=SALE, state="paused") == 1
        assert {value(quiet, name, sale=SALE, state=other) for other in others} == {0}


async def test_the_line_is_shown(quiet: World) -> None:
    """Who waits, who was called, who is inside, and how fast turns may come."""
    for name in ("ann", "bob", "eve"):
        await quiet.place(name)
    await quiet.services.frames.refresh(SALE)
    await quiet.services.watch.look()
    assert value(quiet, "room_waiting", sale=SALE) == 3
    assert value(quiet, "room_serving", sale=SALE) == 0
    assert value(quiet, "room_rate_per_second", sale=SALE) == 1000
    await quiet.services.rooms.pump(SALE, 100)
    await quiet.services.frames.refresh(SALE)
    await quiet.services.watch.look()
    assert value(quiet, "room_waiting", sale=SALE) == 0
    assert value(quiet, "room_serving", sale=SALE) == 3


async def test_the_lag_of_the_books_is_shown_in_facts_and_seconds(quiet: World) -> None:
    """Facts and the age of the oldest one while the books are behind; both 0 when they are not."""
    await quiet.sell("ann")
    await quiet.services.watch.look()
    assert value(quiet, "settlement_lag_facts", sale=SALE) == await fact(quiet)
    age = value(quiet, "settlement_lag_seconds", sale=SALE)
    assert age is not None
    assert 0 < age < 120
    await quiet.settle()
    await quiet.services.watch.look()
    assert value(quiet, "settlement_lag_facts", sale=SALE) == 0
    assert value(quiet, "settlement_lag_seconds", sale=SALE) == 0


async def test_a_fact_that_cannot_be_read_hides_nothing(quiet: World) -> None:
    """A poisoned stream entry has no age; all else is shown."""
    await quiet.settle()
    last = await fact(quiet)
    await quiet.services.store.write("XADD", f"{{{SALE}:0}}:facts", f"1-{last + 1}", "f", b"\xc1")
    await quiet.services.store.write("HSET", SLOT, "fact", last + 1)
    await quiet.services.watch.look()
    assert value(quiet, "settlement_lag_facts", sale=SALE) == 1
    assert value(quiet, "settlement_lag_seconds", sale=SALE) == 0


@pytest.mark.parametrize(
    ("changes", "broken"),
    [
        ({"sold": 1}, {"units_add_up"}),
        ({"available": -1, "sold": 201}, {"no_negative_counter", "units_add_up"}),
        ({"voided": -1, "returned": 1}, {"no_negative_counter"}),
        ({}, set()),
    ],
)
async def test_a_broken_invariant_is_seen(
    quiet: World, changes: dict[str, int], broken: set[str]
) -> None:
    """Counters that do not add up, or are below zero, are told though no fact says they moved."""
    packed = unpack_offer(await quiet.services.store.read("HGET", OFFERS, 1))
    changed = pack_offer(msgspec.structs.replace(packed, **changes))
    await quiet.services.store.write("HSET", OFFERS, 1, changed)
    kept = quiet.services.counts.kept(SALE)
    assert kept is not None
    object.__setattr__(kept, "read_at", kept.read_at - COUNT_AGAIN_S)  # as if so long ago
    await quiet.services.watch.look()
    checks = ("units_add_up", "no_negative_counter")
    found = {one for one in checks if value(quiet, "invariant_broken", sale=SALE, check=one)}
    assert found == broken
    await quiet.services.store.write("HSET", OFFERS, 1, pack_offer(packed))
    await quiet.services.counts.read(quiet.services.shelves.standing(SALE))
    await quiet.services.watch.look()
    assert not any(value(quiet, "invariant_broken", sale=SALE, check=one) for one in checks)


async def test_a_scrape_and_an_idle_sale_cost_the_store_next_to_nothing(quiet: World) -> None:
    """A page of metrics asks the store nothing; a look at a settled idle sale asks one reading."""
    await quiet.settle()
    await quiet.services.shelves.refresh_sale(SALE)
    await quiet.services.counts.read(quiet.services.shelves.standing(SALE))
    before = await quiet.store_commands()
    quiet.services.own_metrics()
    assert await quiet.store_commands() == before + 1, "only the counting itself"
    await quiet.services.watch.look()
    assert await quiet.store_commands() == before + 3, "the head of its one slot"


async def test_a_sale_costs_as_many_series_as_the_page_says(quiet: World) -> None:
    """docs/metrics.md tells how many series one sale is in each gateway."""
    page = quiet.services.own_metrics().decode()
    series = [line for line in page.splitlines() if f'sale="{SALE}"' in line]
    text = (HOUSE / "docs" / "metrics.md").read_text(encoding="utf-8")
    assert f"A sale costs {len(series)} series in each gateway." in text


async def test_many_who_look_share_one_reading(quiet: World) -> None:
    """While one reads a sale's counters, the pump and the watch wait for that one."""
    await quiet.sell("ann")
    await quiet.services.shelves.refresh_sale(SALE)
    shelf = quiet.services.shelves.standing(SALE)
    object.__setattr__(quiet.services.counts.kept(SALE), "read_at", 0.0)
    tallies = await asyncio.gather(*(quiet.services.counts.recent(shelf) for _ in range(20)))
    assert len({id(tally) for tally in tallies}) == 1
