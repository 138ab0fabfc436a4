"""The one script of settlement: what is in the books is noted and let go, and nothing else is."""

from typing import Any

from lua.store import Store
from settlement.slot import ACK
from tests.settlement.teller import Teller, held, line, stocked


async def acknowledge(teller: Teller, epoch: int, number: int) -> list[Any]:
    """Say that the books have everything up to this fact."""
    return await teller.store.run(ACK, [teller.record, teller.stream], [epoch, number])


async def told(teller: Teller) -> Teller:
    """Entries that end at facts 1, 3 and 4."""
    await teller.tell(stocked(0, 10))
    await teller.tell(held("a", line(1)), held("b", line(2)))
    await teller.tell(held("c", line(3)))
    return teller


async def everything(store: Store) -> dict[bytes, bytes]:
    """All keys with their content."""
    keys = await store.read("KEYS", "*")
    return {key: await store.read("DUMP", key) for key in sorted(keys)}


async def test_an_unknown_sale_is_told(store: Store) -> None:
    """no_slot: a store that does not know the sale is not given one."""
    assert await acknowledge(Teller(store), 1, 1) == [b"no_slot"]
    assert await everything(store) == {}


async def test_books_that_know_more_than_the_store_are_told(teller: Teller, store: Store) -> None:
    """ahead: neither a number nor an epoch that the store never told is acknowledged."""
    await told(teller)
    before = await everything(store)
    assert await acknowledge(teller, 1, 5) == [b"ahead", 1, 4]
    assert await acknowledge(teller, 2, 1) == [b"ahead", 1, 4]
    assert await everything(store) == before


async def test_facts_in_the_books_are_let_go_and_no_others(teller: Teller, store: Store) -> None:
    """acknowledged: entries up to the number go, an entry that reaches beyond it stays whole."""
    await told(teller)
    assert await acknowledge(teller, 1, 2) == [b"acknowledged", 2, 1]
    assert [entry[0] for entry in await teller.left()] == [b"1-3", b"1-4"]
    before = await everything(store)
    assert await acknowledge(teller, 1, 2) == [b"acknowledged", 2, 0]
    assert await everything(store) == before
    assert await acknowledge(teller, 1, 4) == [b"acknowledged", 4, 2]
    assert await teller.left() == []


async def test_a_late_worker_takes_nothing_back(teller: Teller, store: Store) -> None:
    """acknowledged: a lower number, told late, changes nothing."""
    await told(teller)
    await acknowledge(teller, 1, 4)
    before = await everything(store)
    assert await acknowledge(teller, 1, 1) == [b"acknowledged", 4, 0]
    assert await everything(store) == before


async def test_an_epoch_that_is_over_is_only_trimmed(teller: Teller, store: Store) -> None:
    """acknowledged: `settled` counts in the record's epoch; facts of an earlier one just go."""
    await told(teller)
    await store.write("HSET", teller.record, "epoch", 2, "fact", 0, "settled", 0)
    teller.epoch, teller.number = 2, 0
    await teller.tell(stocked(50, 10))
    assert await acknowledge(teller, 1, 4) == [b"acknowledged", 0, 3]
    assert [entry[0] for entry in await teller.left()] == [b"2-1"]
    assert await teller.settled() == 0


async def test_the_next_fact_follows_after_all_were_let_go(teller: Teller) -> None:
    """A stream that was trimmed empty still refuses a number that it has had."""
    await told(teller)
    await acknowledge(teller, 1, 4)
    await teller.tell(held("d", line(4)))
    assert [entry[0] for entry in await teller.left()] == [b"1-5"]
