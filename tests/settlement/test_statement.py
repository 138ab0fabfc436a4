"""A partner's day: which lines are on it, in whose time, and what the file looks like."""

import asyncio
from collections import Counter
from datetime import date

import pytest

from inventory import facts
from settlement import Books, Feed, TooManyLines, statement as statement_of
from settlement.business_day import business_date, local_text
from tests.settlement.teller import (
    AT_MS,
    DAY_MS,
    Teller,
    expired,
    held,
    line,
    refunded,
    sold,
    stocked,
)

DAY = date(2014, 3, 8)
MIDNIGHT_MS = 1_394_208_000_000  # 2014-03-08 00:00 in Shanghai, 16:00 of the 7th in UTC

GOLDEN = """\
line,order,reference,status,quantity,amount_minor,currency,at
1,a,ref-a,sold,2,760,CNY,2014-03-08T10:00:00.000+08:00
2,al/21,"m,21",sold,1,500,CNY,2014-03-08T10:00:00.000+08:00
3,al/22,"say ""hi"" now",sold,1,0,CNY,2014-03-08T10:00:00.000+08:00
4,a,ref-a,refunded,1,380,CNY,2014-03-08T10:00:00.250+08:00
5,b,ref-b,sold,1,380,CNY,2014-03-08T23:59:59.999+08:00
"""


async def the_day(teller: Teller, feed: Feed) -> None:
    """Sales, refunds and reports of a partner, around midnight and of others."""
    reports = [facts.ReportLine(21, 500, "m,21"), facts.ReportLine(22, 0, 'say "hi" now')]
    late = facts.Unfulfilled(0, AT_MS, "late", "b1", "market", "", 380, "partner:late")
    await teller.tell(
        stocked(0, 100),
        sold("a", line(1, 2)),
        sold("o", line(3), seller="other"),
        facts.Allotted(0, AT_MS, "al", "market", 1, [20, 10]),
        facts.Reported(0, AT_MS, "al", "market", 1, reports),
        refunded("a", [line(1)], at_ms=AT_MS + 250),
        sold("y", line(4), at_ms=MIDNIGHT_MS - 1),
        sold("b", line(5), at_ms=MIDNIGHT_MS + DAY_MS - 1),
        sold("t", line(6), at_ms=MIDNIGHT_MS + DAY_MS),
        refunded("t", [line(6)], at_ms=MIDNIGHT_MS + DAY_MS + 1),
        held("late", line(7), seller="market"),
        expired("late", line(7), seller="market"),
        late,
        refunded("late", [], amount=380),
    )
    await feed.run_all()


async def test_the_lines_of_a_day(teller: Teller, feed: Feed, books: Books) -> None:
    """Sales on the day they were made, refunds on the day they were given, nobody else's."""
    await the_day(teller, feed)
    statement = await books.statement("market", DAY)
    assert statement.csv() == GOLDEN
    assert await books.violations("cinema") == []


async def test_a_long_statement_is_made_in_slices(
    teller: Teller, feed: Feed, books: Books, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No turn of the loop makes more lines than a slice has, and the slices join without a seam."""
    await the_day(teller, feed)
    turn, made = 0, Counter[int]()

    async def turns() -> None:
        nonlocal turn
        while True:
            turn += 1
            await asyncio.sleep(0)

    def counted(timezone: str, at_ms: int) -> str:
        made[turn] += 1
        return local_text(timezone, at_ms)

    monkeypatch.setattr(statement_of, "LINES_AT_ONCE", 2)
    monkeypatch.setattr(statement_of, "local_text", counted)
    turning = asyncio.create_task(turns())
    assert (await books.statement("market", DAY)).csv() == GOLDEN
    turning.cancel()
    assert sorted(made.values()) == [1, 2, 2]


async def test_a_statement_has_its_limit(teller: Teller, feed: Feed, books: Books) -> None:
    """As many lines as are allowed are told; one more is refused."""
    await the_day(teller, feed)
    assert len((await books.statement("market", DAY, lines_max=5)).lines) == 5
    with pytest.raises(TooManyLines, match="more than 4 lines"):
        await books.statement("market", DAY, lines_max=4)


async def test_the_totals_and_the_data(teller: Teller, feed: Feed, books: Books) -> None:
    """The sums are those of the lines; the data names the last fact that is in them."""
    await the_day(teller, feed)
    statement = await books.statement("market", DAY)
    assert statement.totals() == {
        "CNY": {
            "sold_lines": 4,
            "sold_quantity": 5,
            "sold_minor": 1640,
            "refunded_lines": 1,
            "refunded_quantity": 1,
            "refunded_minor": 380,
            "net_minor": 1260,
        }
    }
    data = statement.data()
    assert (data["partner"], data["date"], data["as_of"]) == (
        "market",
        "2014-03-08",
        {"cinema/0": "1-14"},
    )
    assert len(data["lines"]) == 5
    assert data["lines"][0]["order"] == "a"


async def test_the_days_beside_it(teller: Teller, feed: Feed, books: Books) -> None:
    """The last millisecond of a day belongs to it, the next to the next."""
    await the_day(teller, feed)
    before = await books.statement("market", date(2014, 3, 7))
    after = await books.statement("market", date(2014, 3, 9))
    assert [each.order for each in before.lines] == ["y"]
    assert [(each.order, each.status) for each in after.lines] == [("t", "sold"), ("t", "refunded")]
    assert (await books.statement("market", date(2014, 3, 10))).lines == ()


async def test_a_statement_of_one_sale(teller: Teller, feed: Feed, books: Books) -> None:
    """A partner's lines of all sales, or of one."""
    theatre = await Teller(teller.store, "theatre").announce()
    for each in (teller, theatre):
        await each.tell(stocked(0, 10), sold(f"{each.sale}-a", line(1)))
    await feed.run_all()
    assert len((await books.statement("market", DAY)).lines) == 2
    (only,) = (await books.statement("market", DAY, "theatre")).lines
    assert only.order == "theatre-a"


def test_a_day_is_local_where_clocks_change() -> None:
    """Summer time moves midnight by an hour, and the text of a moment shows its offset."""
    berlin = "Europe/Berlin"
    spring = 1_774_738_800_000  # 2026-03-29 00:00 CET; at 02:00 clocks jump to 03:00
    assert business_date(berlin, spring - 1) == date(2026, 3, 28)
    assert business_date(berlin, spring + 23 * 3_600_000 - 1) == date(2026, 3, 29)
    assert business_date(berlin, spring + 23 * 3_600_000) == date(2026, 3, 30)
    assert local_text(berlin, spring) == "2026-03-29T00:00:00.000+01:00"
    assert local_text(berlin, spring + 7_200_001) == "2026-03-29T03:00:00.001+02:00"
    assert business_date("Asia/Kathmandu", 1_774_721_700_000 - 1) == date(2026, 3, 28)
    assert business_date("Asia/Kathmandu", 1_774_721_700_000) == date(2026, 3, 29)
