"""The books recounted from their own documents: every sum twice, by two ways that share no code.

Each check is one query that returns what differs. A violation that was recorded when a fact was
posted may show here once more, from the other side.
"""

from dataclasses import dataclass

from settlement.database import Connection

SHOWN_MAX = 20
# Planned by the statistics of tables that were empty a minute ago, joins of whole tables would look
# rows up one by one, and once did so for minutes.
WHOLE_TABLES = "set local enable_nestloop = off"


@dataclass(frozen=True, slots=True)
class Difference:
    """Two counts of the same thing that do not agree."""

    check: str
    subject: str
    expected: int
    found: int


async def differences(connection: Connection, sale: str) -> list[Difference]:
    """All that differs in the books of a sale, at most SHOWN_MAX of each check."""
    place = await connection.fetchrow(PLACE, sale)
    if place is None:
        return []
    await connection.execute(WHOLE_TABLES)
    found: list[Difference] = []
    for check, (query, *names) in CHECKS.items():
        rows = await connection.fetch(query, *(place[name] for name in names), SHOWN_MAX)
        found += [Difference(check, row[0], int(row[1] or 0), int(row[2] or 0)) for row in rows]
    return found


PLACE = """
    select sale.id, array_agg(stream.id) as streams
    from books.sale join books.stream on stream.sale = sale.id
    where sale.sale = $1 group by sale.id"""
# Facts and quarantined numbers together are every number from 1 to the end of each epoch.
NUMBERS = """
    with numbered as (
        select stream, epoch, count(*) as facts, max(number) as last
        from books.fact where stream = any($1) group by stream, epoch),
    unread as (
        select stream, epoch, sum(last - first + 1) as facts, max(last) as last
        from books.quarantine where stream = any($1) and reason in ('entry', 'fact')
        group by stream, epoch),
    together as (
        select stream, epoch, greatest(numbered.last, unread.last) as last,
            coalesce(numbered.facts, 0) + coalesce(unread.facts, 0) as facts
        from numbered full join unread using (stream, epoch))
    select 'stripe ' || stripe || ' epoch ' || together.epoch, last, facts
    from together join books.stream on stream.id = together.stream
    where last <> facts or (together.epoch = stream.epoch and last <> stream.number) limit $2"""
LINES = """
    select 'fact ' || line.epoch || '-' || line.number, 0, count(*) from books.line
    left join books.fact using (stream, epoch, number)
    where line.stream = any($1) and fact.stream is null
    group by line.epoch, line.number limit $2"""
BALANCES = """
    with summed as (
        select stream, account, sum(amount) as amount from books.line
        where stream = any($1) group by stream, account),
    kept as (
        select stream, account, amount from books.balance where stream = any($1) and amount <> 0)
    select 'account ' || account, summed.amount, kept.amount
    from summed full join kept using (stream, account)
    where coalesce(summed.amount, 0) <> coalesce(kept.amount, 0) limit $2"""
COMMODITIES = """
    select 'account ' || account.id, account.commodity, line.commodity
    from books.line join books.account on account.id = line.account
    where stream = any($1) and account.commodity <> line.commodity limit $2"""
UNITS = """
    with booked as (
        select offer, name as state, sum(amount) as units from books.balance
        join books.account on account.id = balance.account
        join books.commodity on commodity.id = account.commodity
        where stream = any($1) and commodity.sale = $2
            and name in ('held', 'allotted', 'sold', 'redeemed')
        group by offer, name having sum(amount) <> 0),
    counted as (
        select offer, state, count(*) as units from books.unit
        where sale = $2 and state in ('held', 'allotted', 'sold', 'redeemed')
        group by offer, state)
    select 'offer ' || offer || ' ' || state, booked.units, counted.units
    from booked full join counted using (offer, state)
    where coalesce(booked.units, 0) <> coalesce(counted.units, 0) limit $3"""
ORDERS = """
    with owned as (
        select owner as id, count(*) as units from books.unit
        where sale = $2 and state in ('held', 'sold', 'redeemed') group by owner)
    select 'order ' || id, quantity, owned.units
    from books.orders left join owned using (id)
    where stream = any($1) and state in ('held', 'confirmed')
        and quantity <> coalesce(owned.units, 0) limit $3"""
MONEY = """
    with documents as (
        select coalesce(sum(amount_minor - refunded_minor), 0) as amount from books.orders
        where stream = any($1)
            and (sold_at_ms is not null or state in ('paid_unfulfilled', 'refunded'))
        union all
        select coalesce(sum(amount_minor), 0) from books.report where stream = any($1)),
    booked as (
        select coalesce(sum(amount), 0) as amount from books.balance
        join books.account on account.id = balance.account
        where stream = any($1) and starts_with(name, 'receivable:'))
    select 'all channels and partners', (select sum(amount) from documents), amount
    from booked where amount <> (select sum(amount) from documents) limit $2"""
FEEDS = """
    with events as (
        select partner, count(*) as numbers, max(seq) as last from books.event group by partner)
    select 'partner ' || partner, seq, numbers from books.feed full join events using (partner)
    where seq is distinct from numbers or seq is distinct from last limit $1"""
CHECKS = {
    "numbers": (NUMBERS, "streams"),
    "lines without a fact": (LINES, "streams"),
    "balance of an account": (BALANCES, "streams"),
    "commodity of a line": (COMMODITIES, "streams"),
    "units of an offer": (UNITS, "streams", "id"),
    "units of an order": (ORDERS, "streams", "id"),
    "money receivable": (MONEY, "streams"),
    "feed of a partner": (FEEDS,),
}
