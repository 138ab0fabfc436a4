"""Books in a database of their own, and a feed from the test's store into them."""

from collections.abc import AsyncIterator

import pytest

from lua.store import Store
from settlement import Books, Feed
from tests.settlement.teller import Teller


@pytest.fixture
async def books(database_url: str) -> AsyncIterator[Books]:
    """Empty books."""
    opened = await Books.connect(database_url)
    yield opened
    await opened.close()


@pytest.fixture
async def feed(store: Store, books: Books) -> Feed:
    """The store's facts into the books."""
    return Feed(store, books)


@pytest.fixture
async def teller(store: Store) -> Teller:
    """A sale named cinema with one stripe, whose facts the test tells."""
    return await Teller(store).announce()
