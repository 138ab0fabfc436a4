"""One batch of one stripe: read what follows the cursor, prove it, fold it, commit, tell the store.

Everything that a batch changes is in one transaction, the cursor too: a crash at any point leaves
either nothing or all of it. A crash after the commit leaves facts in the stream that are in the
books already; they are read once more, found to be the same, and trimmed.
"""

from dataclasses import dataclass
from typing import Literal

from lua.store import Store
from settlement import slot as store_side
from settlement.batch import Batch, Place
from settlement.database import Connection, Pool, answering
from settlement.fold import apply
from settlement.ledger import write_batch, write_facts
from settlement.loans import up_to_unposted_loan
from settlement.lookup import known_of, load_shelf, names_of
from settlement.order_facts import Paid
from settlement.reading import Gap, Reading, read
from settlement.slot import Slot
from settlement.stream import (
    Stream,
    add_venues,
    load_venues,
    lock,
    move_cursor,
    stop,
)

State = Literal["posted", "idle", "busy", "stopped"]


@dataclass(frozen=True, slots=True)
class PostedReport:
    """What one batch did. `orders`: how many of the posted facts sold an order.

    busy: another worker has the stripe. stopped: it cannot go on, and `why` says what is wrong.
    """

    sale: str
    stripe: int
    state: State
    epoch: int = 0
    number: int = 0
    posted: int = 0
    absorbed: int = 0
    quarantined: int = 0
    violations: int = 0
    orders: int = 0
    why: str = ""


async def post_batch(store: Store, pool: Pool, stream: Stream, limit: int) -> PostedReport:
    """Post the next facts of a stripe, about `limit` of them, and acknowledge them.

    Raises lua's faults when store or database is gone; then `stream` must be forgotten.
    """
    with answering(writes=True):
        async with pool.acquire() as connection, connection.transaction():
            if not await lock(connection, stream):
                return PostedReport(stream.sale, stream.stripe, "busy")
            report, slot = await _post(connection, store, stream, limit)
    cursor = (report.epoch, report.number)
    stream.cursor = cursor
    if report.state == "stopped" or slot is None:
        return report
    if report.posted or report.quarantined or (slot.epoch, slot.settled) < cursor:
        await store_side.acknowledge(store, stream.sale, stream.stripe, cursor)
    return report


async def _post(
    connection: Connection, store: Store, stream: Stream, limit: int
) -> tuple[PostedReport, Slot | None]:
    """Read and write one batch inside the transaction that holds the stripe."""
    slot = await store_side.read_slot(store, stream.sale, stream.stripe)
    found = await _read(store, stream, slot, limit)
    if isinstance(found, Gap):
        await stop(connection, stream, found.why)
        stopped = PostedReport(stream.sale, stream.stripe, "stopped", *stream.cursor, why=found.why)
        return stopped, slot
    assert slot is not None, "a reading without a slot record is a gap"
    found = await up_to_unposted_loan(connection, store, stream, slot, found)
    violations = quarantined = 0
    cursor = (found.epoch, found.last)
    if found.facts or found.unreadable or found.repeats:
        quarantined = await write_facts(connection, stream, found)
        violations = await _fold(connection, store, stream, found)
    if cursor != stream.cursor:
        await move_cursor(connection, stream, cursor)
    report = PostedReport(
        stream.sale,
        stream.stripe,
        "posted" if found.facts or found.unreadable else "idle",
        *cursor,
        posted=len(found.facts),
        absorbed=len(found.repeats),
        quarantined=quarantined,
        violations=violations,
        orders=sum(isinstance(one.fact, Paid) for one in found.facts),
    )
    return report, slot


async def _read(store: Store, stream: Stream, slot: Slot | None, limit: int) -> Reading | Gap:
    epoch, number = stream.cursor
    if slot is None:
        return Gap(f"the store does not know the sale; the books are at fact {epoch}-{number}")
    head = (slot.epoch, slot.fact)
    if head < stream.cursor:
        return Gap(
            f"the store went back in time: its last fact is {slot.epoch}-{slot.fact}, "
            f"the books are at {epoch}-{number}"
        )
    if slot.currency != stream.currency:
        return Gap(f"the sale's currency is {slot.currency}, the books have {stream.currency}")
    # What was committed but never acknowledged is read once more, and compared.
    after = min(stream.cursor, (slot.epoch, slot.settled))
    entries = await store_side.entries_after(store, stream.sale, stream.stripe, after, limit)
    found = read(entries, epoch, number)
    if isinstance(found, Gap) or entries or head <= stream.cursor:
        return found
    return Gap(
        f"facts {epoch}-{number + 1} to {slot.epoch}-{slot.fact} are not in the stream: "
        "they were trimmed before they were in the books"
    )


async def _fold(connection: Connection, store: Store, stream: Stream, found: Reading) -> int:
    names = names_of(found.facts)
    known = await known_of(connection, stream.sale_id, names)
    for offer in names.borrowed:  # what another stripe stocked may be newer than what is remembered
        stream.shelf.offers.pop(offer, None)
    await load_shelf(connection, stream.sale_id, stream.shelf, names.offers)
    new_offers = await load_venues(connection, stream, names.priced)
    venues = await store_side.venues_of(store, stream.sale, stream.stripe, new_offers)
    if venues:
        await add_venues(connection, stream, venues)
    place = Place(stream.sale, stream.currency, stream.timezone, found.epoch)
    batch = Batch(place, known, stream.shelf, stream.venue_of)
    for numbered in found.facts:
        apply(batch, numbered)
    for offer in set(new_offers) - set(venues):
        batch.note(found.last, "offer_unknown", str(offer), {"venue": stream.venue_of(offer)})
    await write_batch(connection, stream, batch)
    return len(batch.violations)
