"""A catalogue with nothing in it, and the verbs of an empty store."""

from collections.abc import AsyncIterator

import pytest

from inventory.catalogue import Catalogue, Shelf
from lua import Store
from tests.inventory.sale_files import CODES


@pytest.fixture
async def catalogue(database_url: str) -> AsyncIterator[Catalogue]:
    """A catalogue with nothing in it."""
    opened = await Catalogue.connect(database_url, CODES)
    yield opened
    await opened.close()


@pytest.fixture
def shelf(store: Store) -> Shelf:
    """The verbs of the empty store."""
    return Shelf.of(store)
