"""Calls of one loop turn become one batch; every caller gets its own outcome or the fault."""

import asyncio
import time
from collections.abc import Sequence

import pytest

from gateway import gathering
from gateway.gathering import GATHER_MAX, Gatherer
from gateway.problems import Refused
from lua.faults import MayHaveHappened


class Verb:
    """A verb that notes its batches, doubles each record, and fails on command."""

    def __init__(self) -> None:
        self.batches: list[list[int]] = []
        self.gate = asyncio.Event()
        self.gate.set()
        self.fails = False

    async def __call__(self, subject: str, batch: Sequence[int]) -> list[int]:
        """Run one batch."""
        self.batches.append(list(batch))
        await self.gate.wait()
        if self.fails:
            raise MayHaveHappened("no answer")
        return [2 * record for record in batch]


async def under_way(gatherer: Gatherer[str, int, int], verb: Verb) -> "asyncio.Task[int]":
    """A call of 1 that the verb has, and answers once its gate is open."""
    verb.gate.clear()
    first = asyncio.create_task(gatherer.ask("s", "s", 1))
    while not verb.batches:
        await asyncio.sleep(0)
    return first


async def test_calls_of_one_turn_share_a_batch() -> None:
    """Ten calls in one turn are one batch, and each gets its own outcome."""
    verb = Verb()
    gatherer = Gatherer(verb)
    told = await asyncio.gather(*(gatherer.ask("s", "s", number) for number in range(10)))
    assert told == [2 * number for number in range(10)]
    assert verb.batches == [list(range(10))]


async def test_calls_that_come_while_a_batch_is_under_way_are_the_next_batch() -> None:
    """Nobody waits for a timer: the next batch leaves as soon as the one before is answered."""
    verb = Verb()
    gatherer = Gatherer(verb)
    first = await under_way(gatherer, verb)
    later = [asyncio.create_task(gatherer.ask("s", "s", number)) for number in (2, 3)]
    await asyncio.sleep(0)
    verb.gate.set()
    assert [await first, *(await asyncio.gather(*later))] == [2, 4, 6]
    assert verb.batches == [[1], [2, 3]]


async def test_a_batch_is_bounded() -> None:
    """More calls than one batch takes are several batches, in their order."""
    verb = Verb()
    gatherer = Gatherer(verb)
    await asyncio.gather(*(gatherer.ask("s", "s", n) for n in range(GATHER_MAX + 1)))
    assert [len(batch) for batch in verb.batches] == [GATHER_MAX, 1]


async def test_slots_do_not_wait_for_each_other() -> None:
    """Records of two sales are never in one batch."""
    verb = Verb()
    gatherer = Gatherer(verb)
    await asyncio.gather(gatherer.ask("a", "a", 1), gatherer.ask("b", "b", 2))
    assert sorted(verb.batches) == [[1], [2]]


async def test_a_fault_reaches_every_caller_and_the_next_batch_goes_on() -> None:
    """All calls of a failed batch get the fault; the gatherer works on."""
    verb = Verb()
    gatherer = Gatherer(verb)
    verb.fails = True
    told = await asyncio.gather(
        *(gatherer.ask("s", "s", n) for n in range(3)), return_exceptions=True
    )
    assert all(isinstance(one, MayHaveHappened) for one in told)
    verb.fails = False
    assert await gatherer.ask("s", "s", 4) == 8


async def test_a_caller_that_goes_away_leaves_the_others_their_outcomes() -> None:
    """A cancelled call does not spoil its batch."""
    verb = Verb()
    gatherer = Gatherer(verb)
    verb.gate.clear()
    gone = asyncio.create_task(gatherer.ask("s", "s", 1))
    stays = asyncio.create_task(gatherer.ask("s", "s", 2))
    while not verb.batches:
        await asyncio.sleep(0)
    gone.cancel()
    verb.gate.set()
    assert await stays == 4
    with pytest.raises(asyncio.CancelledError):
        await gone


async def test_whoever_waits_behind_a_call_that_takes_too_long_is_refused(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Those who wait and those who come are refused, unsent; the call's own records are not."""
    monkeypatch.setattr(gathering, "WAIT_MAX_S", 0.01)
    verb = Verb()
    gatherer = Gatherer(verb)
    first = await under_way(gatherer, verb)
    with pytest.raises(Refused) as waited:
        await gatherer.ask("s", "s", 2)
    with pytest.raises(Refused) as came:
        await gatherer.ask("s", "s", 3)
    for refused in (waited.value, came.value):
        assert refused.problem.status == 503
        assert refused.problem.retry_after_s == 1
        assert "othing happened" in refused.problem.detail
    verb.gate.set()
    assert await first == 2
    assert verb.batches == [[1]]
    assert await gatherer.ask("s", "s", 4) == 8, "a line without a call takes anybody"


async def test_who_goes_first_waits_where_newcomers_are_refused(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Payments and redemptions are still taken in when new holds are not."""
    monkeypatch.setattr(gathering, "WAIT_MAX_S", 0.01)
    verb = Verb()
    gatherer = Gatherer(verb, goes_first=True)
    verb.gate.clear()
    first = asyncio.create_task(gatherer.ask("s", "s", 1))
    await asyncio.sleep(0.05)
    second = asyncio.create_task(gatherer.ask("s", "s", 2))
    await asyncio.sleep(0)
    verb.gate.set()
    assert (await first, await second) == (2, 4)


async def test_the_wait_is_measured_in_calls_ahead(monkeypatch: pytest.MonkeyPatch) -> None:
    """As slow as the calls were, so few may wait; they are answered in the order they came."""
    monkeypatch.setattr(gathering, "WAIT_MAX_S", 3_600.0)
    verb = Verb()
    gatherer = Gatherer(verb)
    verb.gate.clear()
    begun_s = time.monotonic()
    slow = asyncio.create_task(gatherer.ask("s", "s", 0))
    await asyncio.sleep(1.0)
    # A quarter of the newest call counts, so two such calls and a half may be waited for.
    monkeypatch.setattr(gathering, "WAIT_MAX_S", 2.5 * (time.monotonic() - begun_s) / 4)
    verb.gate.set()
    await slow
    monkeypatch.setattr(gathering, "WAIT_MAX_S", 3_600.0)
    verb.gate.clear()
    asked = [asyncio.create_task(gatherer.ask("s", "s", n)) for n in range(2 * GATHER_MAX)]
    late = asyncio.create_task(gatherer.ask("s", "s", -1))  # in the turn of the others
    await asyncio.wait([late])
    assert isinstance(late.exception(), Refused), "two calls' worth is waiting"
    verb.gate.set()
    assert list(await asyncio.gather(*asked)) == [2 * n for n in range(2 * GATHER_MAX)]
    assert [record for batch in verb.batches for record in batch] == [0, *range(2 * GATHER_MAX)]


async def test_who_is_gone_before_the_call_is_not_sent() -> None:
    """A caller that hung up while it waited takes nothing."""
    verb = Verb()
    gatherer = Gatherer(verb)
    first = await under_way(gatherer, verb)
    gone, stays = (asyncio.create_task(gatherer.ask("s", "s", n)) for n in (2, 3))
    await asyncio.sleep(0)
    gone.cancel()
    await asyncio.wait([gone])
    verb.gate.set()
    assert (await first, await stays) == (2, 6)
    assert verb.batches == [[1], [3]]
