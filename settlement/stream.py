"""A stripe of a sale in the books: its row, which is cursor and lock, and what is remembered of it.

Who holds the row's lock posts the stripe; nobody else may, so numbers beyond the cursor are new for
certain.
"""

from dataclasses import dataclass, field

from settlement.database import Connection
from settlement.posting import Commodity
from settlement.units import Shelf

UNKNOWN_VENUE = "unknown"


@dataclass(slots=True)
class Stream:
    """A stripe of a sale, and what a worker remembers of its books between two batches.

    All of it must be forgotten when a transaction fails, the shelf when another worker moved the
    cursor.
    """

    id: int
    sale_id: int
    sale: str
    stripe: int
    currency: str
    timezone: str
    cursor: tuple[int, int] = (0, 0)
    shelf: Shelf = field(default_factory=Shelf)
    venues: dict[int, str] = field(default_factory=dict)
    accounts: dict[tuple[Commodity, str], tuple[int, int]] = field(default_factory=dict)

    def venue_of(self, offer: int) -> str:
        """Whom the money of an offer is owed to."""
        return self.venues.get(offer, UNKNOWN_VENUE)


async def open_stream(
    connection: Connection, sale: str, stripe: int, *, rules: tuple[str, str] | None
) -> Stream | None:
    """The stripe's row, made if it is new and there are `rules` (currency, time zone) for it.

    The first rules of a sale are kept: its business days must not move afterwards. None when there
    is neither a row nor rules.
    """
    if rules is not None:
        await connection.execute(NEW_SALE, sale, *rules)
        await connection.execute(NEW_STREAM, sale, stripe)
    row = await connection.fetchrow(STREAM, sale, stripe)
    return Stream(*row) if row is not None else None


async def open_streams(connection: Connection) -> list[tuple[str, int]]:
    """The sale and the stripe of every stream in the books."""
    return [(row["sale"], row["stripe"]) for row in await connection.fetch(STREAMS)]


async def lock(connection: Connection, stream: Stream) -> bool:
    """Take the stripe for this transaction. False when another worker has it.

    Brings the cursor up to date, and forgets the shelf when another worker has moved it.
    """
    row = await connection.fetchrow(LOCK, stream.id)
    if row is None:
        return False
    cursor = (row["epoch"], row["number"])
    if cursor != stream.cursor:
        stream.cursor, stream.shelf = cursor, Shelf()
    return True


async def move_cursor(connection: Connection, stream: Stream, cursor: tuple[int, int]) -> None:
    """The books have every fact up to here."""
    await connection.execute(MOVE, stream.id, *cursor)


async def stop(connection: Connection, stream: Stream, why: str) -> None:
    """The stripe cannot go on; the next batch that can be posted clears it."""
    await connection.execute(STOP, stream.id, why)


async def load_venues(connection: Connection, stream: Stream, offers: set[int]) -> list[int]:
    """Bring the venues of offers that are not remembered. Returns the offers without one."""
    missing = [offer for offer in offers if offer not in stream.venues]
    if not missing:
        return []
    for row in await connection.fetch(VENUES, stream.sale_id, missing):
        stream.venues[row["offer"]] = row["venue"]
    return [offer for offer in missing if offer not in stream.venues]


async def add_venues(connection: Connection, stream: Stream, venues: dict[int, str]) -> None:
    """Keep for ever whom an offer's money is owed to; another stripe may have been first."""
    await connection.executemany(
        NEW_VENUE, [(stream.sale_id, *item) for item in sorted(venues.items())]
    )
    await load_venues(connection, stream, set(venues))


NEW_SALE = """
    insert into books.sale (sale, currency, timezone) values ($1, $2, $3)
    on conflict (sale) do nothing"""
NEW_STREAM = """
    insert into books.stream (sale, stripe) select id, $2 from books.sale where sale = $1
    on conflict (sale, stripe) do nothing"""
STREAM = """
    select stream.id, sale.id, sale.sale, stripe, currency, timezone
    from books.stream join books.sale on sale.id = stream.sale
    where sale.sale = $1 and stripe = $2"""
STREAMS = """
    select sale.sale, stripe from books.stream join books.sale on sale.id = stream.sale"""
LOCK = """
    select epoch, number from books.stream where id = $1 for no key update skip locked"""
MOVE = """
    update books.stream set epoch = $2, number = $3, posted_at = now(), stopped = null
    where id = $1"""
STOP = "update books.stream set stopped = $2 where id = $1 and stopped is distinct from $2"
VENUES = """
    select offer, venue from books.venue_of_offer where sale = $1 and offer = any($2::integer[])"""
NEW_VENUE = """
    insert into books.venue_of_offer (sale, offer, venue) values ($1, $2, $3)
    on conflict (sale, offer) do nothing"""
