"""A store that is wiped while no gateway runs is built anew by the command."""

from collections.abc import AsyncIterator

import pytest

from inventory import keys
from settlement import Books, Feed
from tests.gateway.test_cli_sale import POOLED, SALE, Shell, shell
from tests.gateway.test_recovering import beat_long_ago

__all__ = ["shell"]


@pytest.fixture
async def books(database_url: str) -> AsyncIterator[Books]:
    """The books of the shell's database."""
    opened = await Books.connect(database_url)
    yield opened
    await opened.close()


@pytest.fixture
async def settled(shell: Shell, books: Books) -> Shell:
    """A sale that is open, all of it in the books."""
    await shell.applied()
    feed = Feed(shell.store, books)
    while any(report.state == "posted" for report in await feed.run_all()):
        continue
    return shell


async def test_a_healthy_sale_is_left_alone(settled: Shell) -> None:
    """There is nothing to rebuild, and the command says so."""
    before = await settled.store.read("HGETALL", keys.sale(SALE))
    refused = await settled.run("rebuild", SALE)
    assert refused.status == 1
    assert "healthy" in refused.complained
    assert "no published sale 'else'" in (await settled.run("rebuild", "else")).complained
    assert await settled.store.read("HGETALL", keys.sale(SALE)) == before


async def test_a_wiped_store_is_built_anew(settled: Shell) -> None:
    """First it is told what would come of it, then it is done; the sale is open as it was."""
    before = (await settled.ok("sale", "counts", SALE, "--json")).data
    await settled.store.write("FLUSHALL")
    told = await settled.ok("rebuild", "--dry-run")
    assert "nothing was done" in told.said
    assert not await settled.store.read("EXISTS", keys.sale(SALE))
    done = await settled.ok("rebuild", SALE)
    assert f"{SALE} stripe 0 is built anew in epoch 2" in done.said
    after = (await settled.ok("sale", "counts", SALE, "--json")).data
    assert (after["state"], after["total"]) == (before["state"], before["total"])
    assert "nothing of small is withheld" in (await settled.ok("withheld", "list", SALE)).said


async def test_what_may_have_been_sold_is_withheld_until_it_is_freed(
    settled: Shell, books: Books
) -> None:
    """Asked so, or because a gateway is gone, nothing is on sale before an operator says so."""
    await beat_long_ago(books, "gone", (SALE, 0), (1, 900))
    await settled.store.write("FLUSHALL")
    await settled.ok("rebuild", SALE)
    shown = (await settled.ok("withheld", "list", SALE)).said
    assert str(POOLED) in shown
    counts = (await settled.ok("sale", "counts", SALE, "--json")).data["total"]
    offers = [line.split()[0] for line in shown.splitlines()[1:] if line.strip()]
    for offer in offers:
        await settled.run("withheld", "free", SALE, offer)
    freed = (await settled.ok("sale", "counts", SALE, "--json")).data["total"]
    assert (freed["available"], freed["held"]) == (counts["held"] + counts["available"], 0)
    assert "no offer 'none'" in (await settled.run("withheld", "free", SALE, "none")).complained
