"""The books, to be read: statements, feeds, counts at a fact number, orders, what is wrong.

Every method reads from one moment of the books. Writing them is the feed's; matching them with a
partner's is `reconcile`. Raises NothingHappened when the database is gone.
"""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from datetime import date
from typing import Any, Self

import msgspec

from settlement.database import Connection, Pool, answering, open_pool
from settlement.proof import WHOLE_TABLES, Difference, differences
from settlement.restoring import Kept, kept_facts
from settlement.statement import LINES_MAX, Statement, read_statement
from settlement.units import STATES

COUNTED = (*STATES, "moving", "released")

ANSWER_TIMEOUT_S = 30.0
CLOSE_TIMEOUT_S = 5.0
EVENTS_MAX = 1000
SEQ_MAX = 2**63 - 1
ROWS_MAX = 1000


@dataclass(frozen=True, slots=True)
class Behind:
    """The books do not have all facts that were asked for: a stripe's cursor is before them."""

    stripe: int
    cursor: tuple[int, int]


@dataclass(frozen=True, slots=True)
class OrderState:
    """An order as the books have it; `epoch` and `number` name the fact that touched it last."""

    state: str
    epoch: int
    number: int
    seller: str
    quantity: int
    amount_minor: int
    refunded_minor: int
    payment: str


@dataclass(frozen=True, slots=True)
class FeedEvent:
    """One event of a partner's feed. `seq` has no gaps; `data` is the content as JSON text."""

    seq: int
    type: str
    at_ms: int
    data: str


@dataclass(frozen=True, slots=True)
class Alarm:
    """Something that a fact says and the books know to be impossible."""

    stripe: int
    epoch: int
    number: int
    kind: str
    subject: str
    detail: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Alarming:
    """A sale's facts in quarantine, and whether any fact contradicts the books."""

    quarantined: int
    violated: bool


@dataclass(frozen=True, slots=True)
class Quarantined:
    """Facts first..last that are not in the books, and why. The content is kept."""

    stripe: int
    epoch: int
    first: int
    last: int
    reason: str
    detail: str


class Books:
    """The books of one database. Create with `connect`; share one per process and event loop."""

    def __init__(self, pool: Pool) -> None:
        self.pool = pool

    @classmethod
    async def connect(cls, url: str, *, answer_timeout_s: float = ANSWER_TIMEOUT_S) -> Self:
        """Open the books at `url`. Connects on first use, so the server may come later."""
        return cls(await open_pool(url, answer_timeout_s=answer_timeout_s))

    async def close(self) -> None:
        """Close all connections; what still runs after a while is cut off."""
        try:
            await asyncio.wait_for(self.pool.close(), CLOSE_TIMEOUT_S)
        except TimeoutError:
            self.pool.terminate()

    async def statement(
        self, partner: str, day: date, sale: str | None = None, *, lines_max: int = LINES_MAX
    ) -> Statement:
        """What a partner sold and refunded on a business day, of one sale or of all.

        Raises TooManyLines.
        """
        async with self._moment() as connection:
            return await read_statement(connection, partner, day, sale, lines_max)

    async def events(self, partner: str, after: int = 0, limit: int = 100) -> list[FeedEvent]:
        """A partner's events after number `after`, in order and without a gap."""
        async with self._moment() as connection:
            after, limit = min(max(after, 0), SEQ_MAX), min(max(limit, 0), EVENTS_MAX)
            rows = await connection.fetch(EVENTS, partner, after, limit)
        return [FeedEvent(*row) for row in rows]

    async def last_events(self, partner: str, limit: int) -> list[FeedEvent]:
        """A partner's newest events, in order."""
        async with self._moment() as connection:
            rows = await connection.fetch(LAST_EVENTS, partner, min(max(limit, 0), EVENTS_MAX))
        return [FeedEvent(*row) for row in reversed(rows)]

    async def trial_balance(self) -> dict[str, int]:
        """The sum of all lines of each commodity; every one must be zero."""
        async with self._moment() as connection:
            rows = await connection.fetch(TRIAL_BALANCE)
        return {row["code"]: int(row["rest"]) for row in rows}

    async def balances(self, prefix: str = "") -> dict[tuple[str, str], int]:
        """(commodity, account) → balance of all accounts named so at first. Debit is positive."""
        async with self._moment() as connection:
            rows = await connection.fetch(BALANCES, prefix)
        return {(row["code"], row["name"]): int(row["amount"]) for row in rows}

    async def unit_counts(
        self, sale: str, as_of: Mapping[tuple[int, int], int] | None = None
    ) -> dict[int, dict[str, int]] | Behind:
        """Offer number → state → units, with `released` for all that ever came.

        `as_of` maps (stripe, epoch) to a fact number: the counts are those after that fact,
        whatever was posted since. A stripe that is not named counts as it is now. Withheld units
        count as held, as in the store; `moving` are those between two stripes.
        """
        asked = as_of or {}
        async with self._moment() as connection:
            counts = await connection.fetch(UNITS_NOW, sale)
            later: list[Any] = []
            for (stripe, epoch), number in asked.items():
                cursor = await self._cursor(connection, sale, stripe) or (0, 0)
                if cursor < (epoch, number):
                    return Behind(stripe, cursor)
                later += await connection.fetch(UNITS_SINCE, sale, stripe, epoch, number)
        units: dict[int, dict[str, int]] = {}
        for rows, sign in ((counts, 1), (later, -1)):
            for row in rows:
                name, amount = row["name"], sign * int(row["amount"])
                if name == "venue":
                    name, amount = "released", -amount
                elif name == "withheld":
                    name = "held"
                states = units.setdefault(row["offer"], dict.fromkeys(COUNTED, 0))
                states[name] += amount
        return units

    async def order_states(self, sale: str, ids: Sequence[str]) -> dict[str, OrderState]:
        """The orders of a sale that the books have; an id that is missing is not in them."""
        async with self._moment() as connection:
            rows = await connection.fetch(ORDER_STATES, sale, list(ids))
        return {row["id"]: OrderState(*row[1:]) for row in rows}

    async def cursor(self, sale: str, stripe: int = 0) -> tuple[int, int] | None:
        """Epoch and number of the last fact in the books; None for an unknown stripe."""
        async with self._moment() as connection:
            return await self._cursor(connection, sale, stripe)

    async def cursors(self) -> dict[tuple[str, int], tuple[int, int]]:
        """(sale, stripe) → epoch and number of its last fact in the books, of every stripe."""
        async with self._moment() as connection:
            rows = await connection.fetch(CURSORS)
        return {(row["sale"], row["stripe"]): (row["epoch"], row["number"]) for row in rows}

    async def stopped(self) -> dict[tuple[str, int], str]:
        """(sale, stripe) → why it stands still, of every stripe that does."""
        async with self._moment() as connection:
            rows = await connection.fetch(STOPPED)
        return {(row["sale"], row["stripe"]): row["stopped"] for row in rows}

    async def violations(
        self, sale: str, kinds: Sequence[str] | None = None, limit: int = ROWS_MAX
    ) -> list[Alarm]:
        """What contradicted the books, oldest first, of all kinds or of these."""
        async with self._moment() as connection:
            rows = await connection.fetch(VIOLATIONS, sale, kinds and list(kinds), limit)
        return [
            Alarm(
                row["stripe"],
                row["epoch"],
                row["number"],
                row["kind"],
                row["subject"],
                msgspec.json.decode(row["detail"]),
            )
            for row in rows
        ]

    async def owners_twice(self, sale: str) -> list[Alarm]:
        """Every unit that was given to a second owner while it had one."""
        return await self.violations(sale, ("second_owner",))

    async def over_limit(self, sale: str, limit: int) -> dict[str, int]:
        """Buyer key → units, of every buyer who owns more units than the limit.

        A redeemed unit stays its buyer's, though its money went back.
        """
        async with self._moment() as connection:
            await connection.execute(WHOLE_TABLES)
            rows = await connection.fetch(OVER_LIMIT, sale, limit)
        return {row["buyer"]: int(row["units"]) for row in rows}

    def kept_facts(
        self, sale: str, stripe: int, rules: tuple[str, str]
    ) -> AbstractAsyncContextManager[Kept | None]:
        """All facts of a stripe, which stands still meanwhile; `rules`: currency and time zone.

        None while somebody else rebuilds it.
        """
        return kept_facts(self.pool, sale, stripe, rules)

    async def quarantined(self, sale: str, limit: int = ROWS_MAX) -> list[Quarantined]:
        """What could not be posted, or came again with other content; oldest first."""
        async with self._moment() as connection:
            rows = await connection.fetch(QUARANTINED, sale, limit)
        return [Quarantined(*row) for row in rows]

    async def alarming(self) -> dict[str, Alarming]:
        """For every sale in the books, how much of it is in quarantine or contradicts them."""
        async with self._moment() as connection:
            rows = await connection.fetch(ALARMING)
        return {row["sale"]: Alarming(int(row["quarantined"]), row["violated"]) for row in rows}

    async def proof(self, sale: str) -> list[Difference]:
        """What differs in the books when they are recounted from their documents."""
        async with self._moment() as connection:
            return await differences(connection, sale)

    @asynccontextmanager
    async def _moment(self) -> AsyncIterator[Connection]:
        """One moment of the books: all reads inside see the same commits."""
        with answering():
            async with (
                self.pool.acquire() as connection,
                connection.transaction(isolation="repeatable_read", readonly=True),
            ):
                yield connection

    @staticmethod
    async def _cursor(connection: Connection, sale: str, stripe: int) -> tuple[int, int] | None:
        row = await connection.fetchrow(CURSOR, sale, stripe)
        return (row["epoch"], row["number"]) if row is not None else None


EVENTS = """
    select seq, type, at_ms, data from books.event
    where partner = $1 and seq > $2 order by seq limit $3"""
LAST_EVENTS = """
    select seq, type, at_ms, data from books.event
    where partner = $1 order by seq desc limit $2"""
TRIAL_BALANCE = """
    select code, sum(amount) as rest from books.line
    join books.commodity on commodity.id = line.commodity group by code order by code"""
BALANCES = """
    select code, name, sum(amount) as amount from books.balance
    join books.account on account.id = balance.account
    join books.commodity on commodity.id = account.commodity
    where starts_with(name, $1) group by code, name order by code, name"""
UNITS_NOW = """
    select offer, name, sum(amount) as amount from books.sale
    join books.commodity on commodity.sale = sale.id
    join books.account on account.commodity = commodity.id
    join books.balance on balance.account = account.id
    where sale.sale = $1 group by offer, name"""
UNITS_SINCE = """
    select offer, name, sum(line.amount) as amount from books.sale
    join books.stream on stream.sale = sale.id and stream.stripe = $2
    join books.line on line.stream = stream.id and (line.epoch, line.number) > ($3, $4)
    join books.account on account.id = line.account
    join books.commodity on commodity.id = line.commodity and commodity.sale = sale.id
    where sale.sale = $1 group by offer, name"""
ORDER_STATES = """
    select orders.id, state, orders.epoch, orders.number, seller, quantity, amount_minor,
        refunded_minor, payment
    from books.orders
    join books.stream on stream.id = orders.stream join books.sale on sale.id = stream.sale
    where sale.sale = $1 and orders.id = any($2::text[])"""
CURSOR = """
    select epoch, number from books.stream join books.sale on sale.id = stream.sale
    where sale.sale = $1 and stripe = $2"""
CURSORS = """
    select sale.sale, stripe, epoch, number
    from books.stream join books.sale on sale.id = stream.sale"""
STOPPED = """
    select sale.sale, stripe, stopped from books.stream join books.sale on sale.id = stream.sale
    where stopped is not null order by sale.sale, stripe"""
VIOLATIONS = """
    select stripe, violation.epoch, violation.number, kind, subject, detail
    from books.violation
    join books.stream on stream.id = violation.stream join books.sale on sale.id = stream.sale
    where sale.sale = $1 and ($2::text[] is null or kind = any($2))
    order by violation.id limit $3"""
OVER_LIMIT = """
    select buyer, count(*) as units from books.sale
    join books.unit on unit.sale = sale.id and unit.state in ('held', 'sold', 'redeemed')
    join books.orders on orders.id = unit.owner
    where sale.sale = $1 group by buyer having count(*) > $2 order by buyer"""
ALARMING = """
    select sale.sale,
        coalesce((select sum(last - first + 1) from books.quarantine
            join books.stream on stream.id = quarantine.stream
            where stream.sale = sale.id), 0) as quarantined,
        exists (select from books.violation
            join books.stream on stream.id = violation.stream
            where stream.sale = sale.id) as violated
    from books.sale"""
QUARANTINED = """
    select stripe, quarantine.epoch, first, last, reason, quarantine.detail
    from books.quarantine
    join books.stream on stream.id = quarantine.stream join books.sale on sale.id = stream.sale
    where sale.sale = $1 order by quarantine.id limit $2"""
