"""How many orders a second one worker posts: `python -m tests.settlement.bench_posting [orders]`.

Starts a Valkey and a PostgreSQL of its own with the settings of production (fsync always, commits
synchronous), fills the stream with a partner's one-step sales of two units, 64 to a stream entry,
then with as many shoppers' holds and confirms, and times the feed on each. Not a test.
"""

import asyncio
import shutil
import sys
import tempfile
import time
from pathlib import Path

import lua.embedded
import settlement.embedded
from inventory import facts
from lua.process import start, stop, wait_ready
from lua.store import Store
from settlement import Books, Feed, migrate
from tests.settlement.teller import Teller, confirmed, held, line, sold, stocked

ENTRY_FACTS = 64
OFFERS = 40


async def measure(orders: int, batch: int) -> None:
    """Fill and post, twice, and print the rates."""
    home = Path(tempfile.mkdtemp(prefix="dgb-", dir="/tmp"))  # a short socket path
    programs = [lua.embedded.prepare(home / "v"), settlement.embedded.prepare(home / "p")]
    processes = []
    try:
        with (home / "log").open("ab") as log:
            processes = [start(program, log) for program in programs]
        for program, process in zip(programs, processes, strict=True):
            await wait_ready(program, process)
        url = settlement.embedded.url(home / "p")
        await migrate(url)
        store, books = await Store.connect(lua.embedded.url(home / "v")), await Books.connect(url)
        teller = await Teller(store, "bench").announce(offers=OFFERS)
        await teller.tell(*[stocked(n * 100_000, 100_000, n + 1) for n in range(OFFERS)])
        feed = Feed(store, books)
        await _timed("one-step sales", feed, teller, _sales(orders), batch=batch, orders=orders)
        await _timed("hold + confirm", feed, teller, _purchases(orders), batch=batch, orders=orders)
        assert not any((await books.trial_balance()).values())
        began = time.perf_counter()
        assert await books.proof("bench") == []
        print(f"proof of the whole books: {time.perf_counter() - began:.1f} s")  # noqa: T201
        await books.close()
        await store.close()
    finally:
        for program, process in zip(programs, processes, strict=False):
            await stop(program, process)
        shutil.rmtree(home)


async def _timed(
    name: str, feed: Feed, teller: Teller, made: list[facts.Fact], *, batch: int, orders: int
) -> None:
    for at in range(0, len(made), ENTRY_FACTS):
        await teller.tell(*made[at : at + ENTRY_FACTS])
    began, cpu, batches = time.perf_counter(), time.process_time(), 0
    while (await feed.run_once("bench", limit=batch)).state == "posted":
        batches += 1
    took, used = time.perf_counter() - began, time.process_time() - cpu
    print(  # noqa: T201
        f"{name}: {orders / took:,.0f} orders/s, {len(made) / took:,.0f} facts/s in batches of "
        f"{batch}; {batches} batches, {took:.1f} s of which {used:.1f} s in Python"
    )


def _sales(orders: int) -> list[facts.Fact]:
    return [
        sold(f"s{n:023d}", line(*_pair(n), offer=n % OFFERS + 1), buyer=f"b{n:023d}")
        for n in range(orders)
    ]


def _purchases(orders: int) -> list[facts.Fact]:
    holds: list[facts.Fact] = []
    for n in range(orders):
        lines = line(*_pair(n, 50_000), offer=n % OFFERS + 1)
        holds.append(held(f"h{n:023d}", lines, buyer=f"b{n:023d}"))
        if n >= ENTRY_FACTS:
            before = line(*_pair(n - ENTRY_FACTS, 50_000), offer=(n - ENTRY_FACTS) % OFFERS + 1)
            number = n - ENTRY_FACTS
            holds.append(confirmed(f"h{number:023d}", before, buyer=f"b{number:023d}"))
    return holds


def _pair(n: int, offset: int = 0) -> tuple[int, int]:
    first = n % OFFERS * 100_000 + offset + n // OFFERS * 2
    return first, first + 1


if __name__ == "__main__":
    amounts = [int(word) for word in sys.argv[1:]]
    asyncio.run(measure(*(amounts + [30_000, 2000][len(amounts) :])))
