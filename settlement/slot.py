"""The store's side of a stripe, as the worker sees it: the slot record, the facts, the venues.

Reads only, but for one thing: saying what is in the books (`lua/settlement_ack.lua`). Facts are
read as durably as successes are told: on the store's disk, since with an append-only file that is
fsynced always a reply leaves after the write that it tells of, and on the replicas where those are
waited for. Else the books would remember what the store may yet forget.
"""

from dataclasses import dataclass

from lua.catalogue import signature
from lua.store import Store
from settlement import keys
from settlement.reading import Entry

FIELDS = ("epoch", "fact", "settled", "currency", "timezone", "stripes", "server")

ACK = signature(
    "settlement_ack",
    keys=("sale", "facts"),
    argv=("epoch", "number"),
    replies=("no_slot", "ahead", "acknowledged"),
)


@dataclass(frozen=True, slots=True)
class Slot:
    """What the slot record says: its last fact, and the last that it knows to be in the books."""

    epoch: int
    fact: int
    settled: int
    currency: str
    timezone: str
    stripes: int
    is_fenced: bool
    """Its record names another server, or none: what is in it may be about to be built anew."""


async def sales_of(store: Store) -> list[str]:
    """The ids of all sales in the store, sorted."""
    return sorted(name.decode() for name in await store.read("SMEMBERS", keys.SALES))


class BadSlot(Exception):
    """A slot record cannot be read; the message says why."""


async def read_slot(store: Store, sale: str, stripe: int) -> Slot | None:
    """The slot record; None when the store does not know the sale. Raises BadSlot."""
    key = keys.record(sale, stripe)
    values = await store.read("HMGET", key, *FIELDS)
    if values[0] is None:
        return None
    *numbers, server = (value or b"0" for value in values)
    epoch, fact, settled, currency, timezone, stripes = numbers
    is_fenced = server.decode() != await store.server_of(key)
    rules = (currency.decode(), timezone.decode())
    try:
        return Slot(int(epoch), int(fact), int(settled), *rules, int(stripes), is_fenced)
    except ValueError as error:
        raise BadSlot(f"the slot record cannot be read: {error}") from error


async def entries_after(
    store: Store, sale: str, stripe: int, after: tuple[int, int], limit: int
) -> list[Entry]:
    """Stream entries after a fact: those of the next `limit` facts, or else the next entry.

    An entry's id is the number of its last fact, so a range of ids bounds the facts.
    """
    epoch, number = after if after != (0, 0) else (1, 0)
    key = keys.facts(sale, stripe)
    start = f"({epoch}-{number}"
    found = await store.read("XRANGE", key, start, f"{epoch}-{number + limit}", durable=True)
    if not found:
        found = await store.read("XRANGE", key, start, "+", "COUNT", 1, durable=True)
    entries: list[Entry] = []
    for name, fields in found:
        entry_epoch, _, last = name.partition(b"-")
        entries.append((int(entry_epoch), int(last), fields))
    return entries


async def venues_of(store: Store, sale: str, stripe: int, offers: list[int]) -> dict[int, str]:
    """The venues of offers, as their records name them; an offer without a record is left out."""
    if not offers:
        return {}
    packed = await store.read("HMGET", keys.offers(sale, stripe), *offers)
    return {
        offer: record[1 : 1 + record[0]].decode()  # a record begins with it, after its length
        for offer, record in zip(offers, packed, strict=True)
        if record is not None
    }


async def acknowledge(store: Store, sale: str, stripe: int, cursor: tuple[int, int]) -> bool:
    """Tell the store that the books have every fact up to the cursor; it trims them. Repeatable.

    False when the store knows less than the books do: it went back in time, and nothing is trimmed.
    """
    names = [keys.record(sale, stripe), keys.facts(sale, stripe)]
    reply = await store.run(ACK, names, cursor)
    return bool(reply[0] == b"acknowledged")
