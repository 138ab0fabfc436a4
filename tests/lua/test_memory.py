"""What a process remembers of slots: bounded, and never less than it may need."""

import asyncio

import pytest

import lua.memory
from lua.memory import Memory, slot_of

SLOT = "spring:0"


def test_answers_that_overtake_each_other_are_no_loss() -> None:
    """A lower mark than the highest is only wrong when the higher was seen before it was asked."""
    memory = Memory()
    early = memory.before(SLOT)
    memory.told(SLOT, early, (1, 7), b"b")
    memory.told(SLOT, early, (1, 6), b"a")
    known = memory.slots[SLOT]
    assert (known.seen, known.is_behind) == ((1, 7), False)
    memory.woken.clear()
    memory.told(SLOT, memory.before(SLOT), (1, 6), b"c")
    assert known.is_behind
    assert memory.woken.is_set()


def test_an_answer_of_before_the_fence_tells_nobody_anything() -> None:
    """What was known is handed in by then: a success that is not in it may be lost."""
    memory = Memory()
    before = memory.before(SLOT)
    memory.fence(SLOT)
    memory.reopen(SLOT, (1, 1))
    assert not memory.told(SLOT, before, (1, 2), b"a")
    assert not memory.slots[SLOT].facts
    assert memory.told(SLOT, memory.before(SLOT), (1, 2), b"a")


def test_a_new_epoch_is_further_than_any_number_of_the_old() -> None:
    """A slot that was built anew counts from low numbers, and is not behind."""
    memory = Memory()
    memory.told(SLOT, memory.before(SLOT), (1, 900), b"a")
    memory.told(SLOT, memory.before(SLOT), (2, 3), b"b")
    assert (memory.seen(SLOT), memory.slots[SLOT].is_behind) == ((2, 3), False)


def test_it_is_bounded_in_bytes() -> None:
    """The oldest goes first, and what went is counted; how far a slot was is never forgotten."""
    memory = Memory(bytes_max=100)
    memory.lost(SLOT, "order_hold", ["k"], [b"x" * 9])
    for number in range(1, 21):
        memory.told(SLOT, memory.before(SLOT), (1, number), b"x" * 10)
    assert memory.bytes <= 100
    assert memory.dropped == 11
    assert [mark for mark, _ in memory.slots[SLOT].facts] == [(1, n) for n in range(12, 21)]
    assert memory.seen(SLOT) == (1, 20)
    memory.settled(SLOT, (1, 20))
    memory.lost(SLOT, "order_hold", ["k"], [b"x" * 200])
    assert memory.bytes == 0, "a single call that is larger than the bound is not kept"


def test_a_call_without_an_answer_is_kept_until_it_must_be_in_the_books(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """An answer to another call, later than it can still run, bounds what it may have done."""
    memory = Memory()
    memory.lost(SLOT, "order_hold", ["key"], [1, b"batch"])
    memory.told(SLOT, memory.before(SLOT), (1, 5), b"")
    memory.settled(SLOT, (1, 5))
    (call,) = memory.slots[SLOT].unanswered
    assert (call.script, call.keys, call.args, call.until) == (
        "order_hold", ("key",), (1, b"batch"), None,
    )  # fmt: skip
    monkeypatch.setattr(lua.memory, "STILL_RUNS_S", -1.0)
    memory.told(SLOT, memory.before(SLOT), (1, 8), b"")
    memory.settled(SLOT, (1, 7))
    assert memory.slots[SLOT].unanswered
    memory.settled(SLOT, (1, 8))
    assert not memory.slots[SLOT].unanswered
    assert memory.bytes == 0


async def test_who_waits_for_a_fenced_slot_is_woken_by_its_reopening() -> None:
    """And hears False when it does not come in time."""
    memory = Memory()
    waiting = asyncio.create_task(memory.wait_reopened(SLOT, 60.0))
    while not memory.fenced():
        await asyncio.sleep(0)
    assert memory.woken.is_set()
    memory.reopen(SLOT, (1, 3))
    assert await waiting
    assert memory.fenced() == []
    assert not await memory.wait_reopened(SLOT, 0.0)


def test_another_server_wakes_whoever_looks_after_fences() -> None:
    """The first is no news but for the first look; the same one again is none at all."""
    memory = Memory()
    memory.met("a")
    memory.woken.clear()
    memory.met("a")
    assert not memory.woken.is_set()
    memory.met("b")
    assert memory.woken.is_set()


def test_the_slot_of_a_key_is_its_tag() -> None:
    """What lies between the first braces."""
    assert slot_of("{spring:1.4}:b:7") == "spring:1.4"
