"""Entries in PostgreSQL: accounts opened when first used, lines, balances.

A batch changes each balance once, in the order of accounts. Balances are kept for each stripe, so
that workers on different stripes never wait for each other's rows.
"""

from collections import defaultdict
from typing import Any

from settlement.database import Connection, columns_of, copy_rows
from settlement.posting import Commodity, Entry
from settlement.stream import Stream


async def write_entries(
    connection: Connection, stream: Stream, epoch: int, entries: list[tuple[int, Entry]]
) -> None:
    """The lines of every entry, and the balances that they change."""
    wanted = {key for _, entry in entries for key in entry if key not in stream.accounts}
    await _open_accounts(connection, stream, sorted(wanted, key=str))
    balances: dict[int, int] = defaultdict(int)
    lines: list[tuple[Any, ...]] = []
    for number, entry in entries:
        for key, amount in entry.items():
            if amount:
                account, commodity = stream.accounts[key]
                balances[account] += amount
                lines.append((stream.id, epoch, number, account, commodity, amount))
    await copy_rows(connection, "line", LINE, lines)
    changes = sorted(item for item in balances.items() if item[1])
    await connection.execute(BALANCE, stream.id, *columns_of(changes, 2))


async def _open_accounts(
    connection: Connection, stream: Stream, wanted: list[tuple[Commodity, str]]
) -> None:
    if not wanted:
        return
    codes = {
        commodity: commodity if isinstance(commodity, str) else f"{stream.sale}/{commodity}"
        for commodity, _ in wanted
    }
    kinds = [
        (code, stream.sale_id if isinstance(commodity, int) else None,
         commodity if isinstance(commodity, int) else None)
        for commodity, code in codes.items()
    ]  # fmt: skip
    await connection.execute(COMMODITY, *columns_of(kinds, 3))
    names = [(codes[commodity], name) for commodity, name in wanted]
    await connection.execute(ACCOUNT, *columns_of(names, 2))
    rows = await connection.fetch(ACCOUNTS, *columns_of(names, 2))
    found = {(code, name): (account, commodity) for code, name, account, commodity in rows}
    for commodity, name in wanted:
        stream.accounts[commodity, name] = found[codes[commodity], name]


LINE = ("stream", "epoch", "number", "account", "commodity", "amount")
COMMODITY = """
    insert into books.commodity (code, sale, offer)
    select * from unnest($1::text[], $2::integer[], $3::integer[]) on conflict (code) do nothing"""
ACCOUNT = """
    insert into books.account (name, commodity)
    select wanted.name, commodity.id
    from unnest($1::text[], $2::text[]) as wanted (code, name)
    join books.commodity using (code) on conflict (commodity, name) do nothing"""
ACCOUNTS = """
    select wanted.code, wanted.name, account.id, account.commodity
    from unnest($1::text[], $2::text[]) as wanted (code, name)
    join books.commodity using (code)
    join books.account on account.commodity = commodity.id and account.name = wanted.name"""
BALANCE = """
    insert into books.balance as known (stream, account, amount)
    select $1, * from unnest($2::integer[], $3::bigint[])
    on conflict (stream, account) do update set amount = known.amount + excluded.amount"""
