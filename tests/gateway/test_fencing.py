"""A slot whose store may have forgotten sells nothing until the gateways know that it did not."""

import asyncpg
import pytest

import lua.store
from gateway.fencing import Fencing
from inventory.fencing import Fences
from lua.faults import Fault
from settlement.recovery import HandedIn, Recovery
from tests.gateway.test_watching import value
from tests.gateway.world import SALE, World

SLOT = f"{{{SALE}:0}}:sale"
PLACE = (SALE, 0)


@pytest.fixture
async def quiet(world: World, monkeypatch: pytest.MonkeyPatch) -> World:
    """The gateway without its loops: the test alone turns them. No call waits for a reopening.

    A slot that misses facts stays shut: `test_recovering` builds it anew.
    """
    await world.services.housekeeping.stop()
    monkeypatch.setattr(lua.store, "REOPENING_S", 0.0)
    monkeypatch.setattr(world.services.fencing, "_rebuild", lambda _place, _fence: None)
    await world.services.watch.look()
    await turn(world.services.fencing)
    return world


async def turn(fencing: Fencing) -> int:
    """A turn of the loop that is due."""
    fencing._beaten_at = float("-inf")
    return await fencing.turn()


async def restarted(world: World) -> None:
    """The store is another server than before, as after a start; its data are the same."""
    await world.services.store.write("HSET", SLOT, "server", "0" * 40)


async def field(world: World, name: str) -> str:
    """A field of the slot record."""
    return str((await world.services.store.read("HGET", SLOT, name)).decode())


async def lose(world: World, facts: int = 1) -> int:
    """The store forgets its last facts; the number of the last that it had."""
    last = int(await field(world, "fact"))
    await world.services.store.write("DEL", f"{{{SALE}:0}}:facts")
    await world.services.store.write("HSET", SLOT, "fact", last - facts)
    return last


def is_fenced(world: World) -> bool:
    """What the gauge says, and /readyz with it."""
    shown = value(world, "slot_fenced", sale=SALE, stripe="0") == 1
    assert shown == any(SALE in one for one in world.services.warnings())
    return shown


async def test_a_restarted_store_sells_again_when_nothing_is_missing(quiet: World) -> None:
    """Until the gateways have met nothing is sold and nothing has happened; then it goes on."""
    assert (await quiet.sell("ann")).status == 201
    await restarted(quiet)
    before = await field(quiet, "fact")
    told = await quiet.sell("bob")
    assert (told.status, told.data["code"]) == (503, "nothing_happened")
    assert int(told.headers["Retry-After"]) >= 1
    assert await field(quiet, "fact") == before
    assert await turn(quiet.services.fencing) == 0
    assert not is_fenced(quiet)
    assert (await quiet.sell("bob")).status == 201


async def test_a_call_waits_for_the_reopening(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With the loops running, who meets the fence is served after a moment, not refused."""
    monkeypatch.setattr(lua.store, "REOPENING_S", 20.0)
    await restarted(world)
    assert (await world.sell("ann")).status == 201


async def test_every_living_gateway_is_waited_for(quiet: World) -> None:
    """One that lives and has not said what it saw keeps the slot shut, until it is gone."""
    other = Recovery(quiet.services.books.pool, "other")
    await other.beat({})
    await restarted(quiet)
    assert await turn(quiet.services.fencing) == 1
    assert is_fenced(quiet)
    (told,) = quiet.services.fencing.warnings()
    assert "1 gateways have not said" in told
    await _beat_long_ago(quiet, "other")
    assert await turn(quiet.services.fencing) == 0


async def test_what_another_gateway_saw_counts(quiet: World) -> None:
    """A fact that only another gateway has seen, and the store has not, keeps the slot shut."""
    other = Recovery(quiet.services.books.pool, "other")
    last = int(await field(quiet, "fact"))
    await restarted(quiet)
    await turn(quiet.services.fencing)
    fence = quiet.services.fencing._handed.get(PLACE, "")
    await other.hand_in(HandedIn(PLACE, fence, (1, last + 1), [((1, last + 1), b"")], []))
    await restarted(quiet)
    assert await turn(quiet.services.fencing) == 1


async def test_a_dead_gateways_last_mark_counts(quiet: World) -> None:
    """Nobody waits for a gateway that is gone, but what it said it had seen must be there."""
    other = Recovery(quiet.services.books.pool, "other")
    last = int(await field(quiet, "fact"))
    await other.beat({PLACE: (1, last + 1)})
    await _beat_long_ago(quiet, "other")
    await restarted(quiet)
    assert await turn(quiet.services.fencing) == 1
    assert f"fact 1-{last + 1} was seen" in quiet.services.fencing.warnings()[0]


async def test_a_dead_gateway_is_forgotten_once_all_it_did_is_settled(
    quiet: World,
) -> None:
    """Its mark stays until the books have passed what the store had after its death."""
    other = Recovery(quiet.services.books.pool, "other")
    await quiet.settle()
    await other.beat({PLACE: (1, 1)})
    await _beat_long_ago(quiet, "other")
    assert (await quiet.sell("ann")).status == 201
    await turn(quiet.services.fencing)
    await quiet.services.fencing.read_marks()
    assert await _gateways(quiet) == 2
    await quiet.settle()
    await quiet.services.fencing.read_marks()
    assert await _gateways(quiet) == 1


async def test_a_store_that_lost_facts_while_it_ran_is_fenced(quiet: World) -> None:
    """A slot behind what was seen is shut on purpose, and opens when it has the facts again."""
    assert (await quiet.sell("ann")).status == 201
    last = await lose(quiet)
    assert await turn(quiet.services.fencing) == 1
    assert is_fenced(quiet)
    assert await field(quiet, "server") == ""
    assert (await quiet.sell("bob")).status == 503
    assert f"fact 1-{last} was seen" in quiet.services.fencing.warnings()[0]
    await quiet.services.store.write("HSET", SLOT, "fact", last)
    assert await turn(quiet.services.fencing) == 0
    assert (await quiet.sell("bob")).status == 201


async def test_an_answer_that_tells_of_fewer_facts_is_noticed(quiet: World) -> None:
    """The call after the loss finds it out, and the next turn of the loop is due at once."""
    assert (await quiet.sell("ann")).status == 201
    await turn(quiet.services.fencing)
    await lose(quiet, 3)
    assert (await quiet.sell("bob")).status == 201
    await quiet.services.fencing.turn()
    assert is_fenced(quiet)


async def test_a_store_behind_the_books_is_fenced_by_a_new_process(quiet: World) -> None:
    """What PostgreSQL has settled is remembered although no process is left that saw it."""
    await quiet.settle()
    await lose(quiet)
    quiet.services.store.memory.slots.clear()
    await quiet.services.fencing.read_marks()
    assert await turn(quiet.services.fencing) == 1
    assert is_fenced(quiet)


async def test_a_sale_that_the_store_lost_is_told(quiet: World) -> None:
    """A published sale without its slot record is fenced; where its units are is shown no more."""
    await quiet.services.fencing.read_marks()
    await quiet.services.store.write("FLUSHALL")
    await quiet.services.shelves.refresh()
    await quiet.services.watch.look()
    assert await turn(quiet.services.fencing) == 1
    assert is_fenced(quiet)
    assert value(quiet, "units", sale=SALE, state="available") is None
    assert value(quiet, "units_sold_total", sale=SALE) == 0


async def test_a_store_that_restarts_while_the_database_is_gone_stays_fenced(
    quiet: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody can prove that nothing is missing; /readyz and the gauge say why nothing is sold."""
    fencing = quiet.services.fencing
    pool = await asyncpg.create_pool("postgresql://nobody@127.0.0.1:1/none", min_size=0)
    monkeypatch.setattr(fencing, "_recovery", Recovery(pool, "alone"))
    await restarted(quiet)
    with pytest.raises(Fault):
        await turn(fencing)
    assert is_fenced(quiet)
    assert "the database is gone" in fencing.warnings()[0]
    assert (await quiet.sell("bob")).status == 503
    monkeypatch.undo()
    await pool.close()
    assert await turn(fencing) == 0


async def test_a_planned_move_is_reopened_by_whoever_met_it(
    quiet: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its old server works still, so nothing can be missing and nobody is asked."""

    async def works(server: str) -> bool:
        return server == "0" * 40

    monkeypatch.setattr(quiet.services.store, "works", works)
    await Recovery(quiet.services.books.pool, "other").beat({})
    await restarted(quiet)
    await turn(quiet.services.fencing)
    assert await turn(quiet.services.fencing) == 0


async def test_a_decision_about_an_older_record_opens_nothing(quiet: World) -> None:
    """The record must be as it was when it was decided; one that is being rebuilt is left alone."""
    fences = Fences(quiet.services.store)
    await restarted(quiet)
    state = await fences.state(*PLACE)
    assert state is not None
    last = await lose(quiet)
    assert not await fences.reopen(*PLACE, state)
    await quiet.services.store.write("HSET", SLOT, "fact", last, "rebuild", "token")
    assert not await fences.reopen(*PLACE, state)
    await quiet.services.store.write("HDEL", SLOT, "rebuild")
    assert await fences.reopen(*PLACE, state)
    assert await fences.reopen(*PLACE, state), "a repeat finds it open"


async def _gateways(world: World) -> int:
    async with world.services.books.pool.acquire() as connection:
        return int(await connection.fetchval("select count(*) from recovery.gateway"))


async def _beat_long_ago(world: World, gateway: str) -> None:
    async with world.services.books.pool.acquire() as connection:
        await connection.execute(
            "update recovery.gateway set beat = beat - interval '1 hour' where id = $1", gateway
        )
