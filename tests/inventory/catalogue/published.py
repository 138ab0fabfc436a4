"""What a published sale looks like from the store, for tests to compare."""

from typing import Any

from inventory import keys
from inventory.catalogue import Shelf
from inventory.facts import decode_entry
from inventory.sales import SaleView
from lua import Store
from tests.inventory.sale_files import FIRST_DROP_MS, SALE

NOW = FIRST_DROP_MS - 1_000
"""A second before the first drop of the small sale."""


async def view(shelf: Shelf, sale: str = SALE) -> SaleView:
    """The slot record of a sale that is there."""
    found = await shelf.sales.view(sale)
    assert found is not None
    return found


async def counted(shelf: Shelf) -> dict[int, tuple[int, int, int]]:
    """Released, available and allotted units by offer number."""
    counts = await shelf.stock.counts(await view(shelf))
    return {one.offer: (one.released, one.available, one.allotted) for one in counts}


async def facts(shelf: Shelf) -> list[Any]:
    """Every fact of the small sale."""
    entries = await shelf.store.read("XRANGE", keys.facts(SALE), "-", "+")
    return [fact for _, fields in entries for fact in decode_entry(fields[1])]


async def everything(store: Store) -> dict[bytes, Any]:
    """All that the store holds."""
    found: dict[bytes, Any] = {}
    for key in sorted(await store.read("KEYS", "*")):
        match await store.read("TYPE", key):
            case b"hash":
                flat = await store.read("HGETALL", key)
                found[key] = dict(zip(flat[::2], flat[1::2], strict=True))
            case b"set":
                found[key] = sorted(await store.read("SMEMBERS", key))
            case b"stream":
                found[key] = [fields for _, fields in await store.read("XRANGE", key, "-", "+")]
            case kind:
                raise AssertionError(f"{key!r} is a {kind!r}")
    return found
