"""A partner's file against our books: every class of break planted and found, and nothing else."""

import asyncio
import json
import random
import time
from datetime import date

import pytest

from settlement import Books, Feed, NotAStatement, Run, reconcile
from settlement.partner_file import LINE_MAX
from settlement.reconcile import BREAKS_MAX
from settlement.statement import COLUMNS
from tests.settlement.teller import Teller, line, refunded, sold, stocked

DAY = date(2014, 3, 8)
HEADER = ",".join(COLUMNS)


@pytest.fixture
async def ours(teller: Teller, feed: Feed, books: Books) -> list[str]:
    """Our statement's lines, without the header: twelve sales, one refunded twice in parts."""
    await teller.tell(stocked(0, 100), *[sold(f"o{at:02d}", line(at)) for at in range(10)])
    await teller.tell(sold("p", line(20, 21, 22)), refunded("p", [line(20)]))
    await teller.tell(refunded("p", [line(21)]), sold("q", line(30), seller="other"))
    await feed.run_all()
    return (await books.statement("market", DAY)).csv().splitlines()[1:]


async def run(books: Books, lines: list[str], *, newline: str = "\n", start: str = "") -> Run:
    """A reconciliation that must be made."""
    text = start + newline.join([HEADER, *lines]) + newline
    made = await reconcile(books, "market", DAY, text)
    assert isinstance(made, Run), made
    return made


def found(made: Run) -> list[tuple[str, str, int | None]]:
    """Class, order and line of every break."""
    return [(each.class_, each.order, each.line) for each in made.breaks]


async def test_our_own_statement_has_no_breaks(ours: list[str], books: Books) -> None:
    """What we say, said back to us, matches line by line."""
    made = await run(books, ours)
    assert (made.lines_ours, made.lines_theirs, made.lines_matched) == (13, 13, 13)
    assert made.breaks == ()


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        (",380,", ",381,", ("amount", "o03", 5)),
        (",380,", ",0,", ("amount", "o03", 5)),
        (",sold,", ",refunded,", ("status", "o03", 5)),
        (",sold,1,", ",sold,2,", ("quantity", "o03", 5)),
        (",1,380,", ",2,760,", ("quantity", "o03", 5)),
        (",CNY,", ",EUR,", ("currency", "o03", 5)),
    ],
)
async def test_a_line_that_differs_is_one_break(
    ours: list[str], books: Books, before: str, after: str, expected: tuple[str, str, int]
) -> None:
    """A false value is found with its class, its order and its line, and nothing else is."""
    lines = ours.copy()
    lines[3] = lines[3].replace(before, after)
    made = await run(books, lines)
    assert found(made) == [expected]
    (only,) = made.breaks
    assert only.ours is not None
    assert only.theirs is not None
    assert (only.ours["line"], only.theirs["line"]) == (4, 5)
    assert only.owner
    assert only.default_action


async def test_lines_that_one_side_lacks(ours: list[str], books: Books) -> None:
    """missing_there is ours alone, missing_here theirs alone, another partner's order too."""
    lines = [*ours[:5], *ours[6:], f"{ours[0][:2]}zz,r,sold,1,380,CNY,x", "8,q,r,sold,1,380,CNY,x"]
    assert found(await run(books, lines)) == [
        ("missing_here", "q", 15),
        ("missing_here", "zz", 14),
        ("missing_there", "o05", None),
    ]


async def test_a_line_told_twice(ours: list[str], books: Books) -> None:
    """A second line for one sale is a duplicate, the same or not; the first is still matched."""
    twice = [*ours, ours[4], ours[4], ours[6].replace(",380,", ",999,")]
    made = await run(books, twice)
    assert found(made) == [
        ("duplicate_line", "o04", 15),
        ("duplicate_line", "o04", 16),
        ("duplicate_line", "o06", 17),
    ]
    assert made.lines_matched == 13


async def test_two_equal_lines_of_ours_need_two_of_theirs(ours: list[str], books: Books) -> None:
    """Two refunds of one order with the same amount are two lines; each is matched once."""
    refunds = [each for each in ours if ",refunded," in each]
    assert len(refunds) == 2
    lines = [each for each in ours if each != refunds[1]]
    assert found(await run(books, lines)) == [("missing_there", "p", None)]
    assert found(await run(books, [*ours, refunds[0]])) == [("duplicate_line", "p", 15)]


async def test_all_classes_at_once(ours: list[str], books: Books) -> None:
    """One break of each class, planted together, is found: no more, no fewer."""
    lines = ours.copy()
    lines[0] = lines[0].replace(",380,", ",38,")
    lines[1] = lines[1].replace(",sold,", ",refunded,")
    lines[2] = lines[2].replace(",sold,1,", ",sold,3,")
    lines[3] = lines[3].replace(",CNY,", ",USD,")
    lines[4] = lines[4].replace(",380,", ",3e2,")
    lines += [lines[5], "99,zz,r,refunded,1,380,CNY,x"]
    del lines[6]
    made = await run(books, lines)
    assert sorted(each.class_ for each in made.breaks) == [
        "amount",
        "currency",
        "duplicate_line",
        "malformed_line",
        "missing_here",
        "missing_there",
        "missing_there",
        "quantity",
        "status",
    ]
    (unread,) = [each for each in made.breaks if each.class_ == "malformed_line"]
    assert (unread.line, unread.detail) == (
        6,
        "amount_minor is not a whole number of at most 15 digits",
    )
    assert {each.order for each in made.breaks if each.class_ == "missing_there"} == {"o04", "o06"}


async def test_the_same_inputs_are_the_same_run(ours: list[str], books: Books) -> None:
    """A run is a function of its inputs: its file gives the very run, its lines the digest."""
    lines = [each.replace("o03", "zz") for each in ours] + [ours[4]]
    first, again = await run(books, lines), await run(books, lines)
    assert first == again
    shuffled = lines.copy()
    random.Random(7).shuffle(shuffled)
    other = await run(books, shuffled)
    assert (other.digest, other.run_id == first.run_id) == (first.digest, False)
    assert sorted(found_without_lines(other)) == sorted(found_without_lines(first))
    changed = await run(books, [*lines[:-1], ours[5]])
    assert changed.digest != first.digest
    assert await books.pool.fetchval("select count(*) from books.recon_run") == 3


def found_without_lines(made: Run) -> list[tuple[str, str]]:
    """Class and order of every break."""
    return [(each.class_, each.order) for each in made.breaks]


async def test_a_run_is_kept_with_its_breaks(ours: list[str], books: Books) -> None:
    """PostgreSQL has the run, both sides of each break, and up to which facts our side was."""
    made = await run(books, ours[1:])
    row = await books.pool.fetchrow("select * from books.recon_run")
    assert row is not None
    assert (row["run"], row["digest"], row["partner"]) == (made.run_id, made.digest, "market")
    assert (row["business_date"], json.loads(row["as_of"])) == (DAY, {"cinema/0": "1-15"})
    kept = await books.pool.fetchrow("select * from books.recon_break")
    assert kept is not None
    assert (kept["class"], kept["order_id"], kept["owner"]) == ("missing_there", "o00", "partner")
    assert json.loads(kept["ours"])["amount_minor"] == 380


async def test_marks_line_ends_and_columns_may_be_the_partners_own(
    ours: list[str], books: Books
) -> None:
    """A byte order mark, CRLF, another order of columns, quotes and a last empty line are read."""
    assert (await run(books, ours, newline="\r\n", start="\ufeff")).breaks == ()
    quoted = [",".join(f'"{field}"' for field in each.split(",")) for each in ours]
    assert (await run(books, [*quoted, "", ""])).breaks == ()
    turned = [",".join(reversed(each.split(","))) for each in ours]
    text = "\n".join([",".join(reversed(COLUMNS)), *turned])
    made = await reconcile(books, "market", DAY, text)
    assert isinstance(made, Run)
    assert made.breaks == ()


BAD_LINES = [
    ("1,o00,r,sold,1,3.8e2,CNY,x", "amount_minor is not a whole number"),
    ("1,o00,r,sold,1,380.00,CNY,x", "amount_minor is not a whole number"),
    ("1,o00,r,sold,1,-380,CNY,x", "amount_minor is not a whole number"),
    ("1,o00,r,sold,1,+380,CNY,x", "amount_minor is not a whole number"),
    ("1,o00,r,sold,1, 380,CNY,x", "amount_minor is not a whole number"),
    ("1,o00,r,sold,1,0380,CNY,x", "amount_minor is not a whole number"),
    ("1,o00,r,sold,1,٣٨٠,CNY,x", "amount_minor is not a whole number"),
    ("1,o00,r,sold,1,9999999999999999,CNY,x", "amount_minor is not a whole number"),
    ("1,o00,r,sold,1,,CNY,x", "amount_minor is not a whole number"),
    ("1,o00,r,sold,1e0,380,CNY,x", "quantity is not a whole number"),
    ("1,o00,r,sold,9999999999,380,CNY,x", "quantity is not a whole number"),
    ("1,o00,r,paid,1,380,CNY,x", "status is neither"),
    ("1,,r,sold,1,380,CNY,x", "order is not"),
    ("1,o 00,r,sold,1,380,CNY,x", "order is not"),
    (f"1,{'o' * 129},r,sold,1,380,CNY,x", "order is not"),
    ("1,o00,r,sold,1,380,cny,x", "currency is not"),
    ("1,o00,r,sold,1,380,CNY", "7 columns, the header 8"),
    ("1,o00,r,sold,1,380,CNY,x,y", "9 columns, the header 8"),
    ("", "1 columns, the header 8"),
    ('1,o00,"r,sold,1,380,CNY,x', "quotes of the line do not match"),
    ('1,o00,"r"x,sold,1,380,CNY,x', "quotes of the line do not match"),
    ("1,o00,r\0,sold,1,380,CNY,x", "control character"),
    ("1,o00,r\ufffd,sold,1,380,CNY,x", "control character"),
    ("1,o00,\ud800,sold,1,380,CNY,x", "control character"),
    (f"1,o00,{'r' * 2048},sold,1,380,CNY,x", "longer than 2048"),
]


async def test_lines_that_cannot_be_read_are_listed_with_their_numbers(
    ours: list[str], books: Books
) -> None:
    """Each bad line is told by its number and why; the lines around it are matched all the same."""
    lines: list[str] = []
    for at, (bad, _) in enumerate(BAD_LINES):
        lines += [bad, *ours[at : at + 1]]
    made = await run(books, lines)
    assert [each.class_ for each in made.breaks] == ["malformed_line"] * len(BAD_LINES)
    for each, (bad, why) in zip(made.breaks, BAD_LINES, strict=True):
        assert each.line == lines.index(bad) + 2
        assert why in each.detail
    texts = {(each.theirs or {})["text"] for each in made.breaks}
    assert {"1,o00,r\\u0000,sold,1,380,CNY,x", "1,o00,\\ud800,sold,1,380,CNY,x"} <= texts
    assert made.lines_matched == 13


@pytest.mark.parametrize(
    ("text", "line_number", "why"),
    [
        ("", 0, "the file is empty"),
        ("\ufeff\r\n\r\n", 0, "the file is empty"),
        ("order,status\n1,2", 1, "missing: line,reference,quantity"),
        (HEADER.replace("amount_minor", "amount") + "\n", 1, "unknown: amount"),
        (HEADER + ",order\n", 1, "the header must name"),
        (HEADER.upper() + "\n", 1, "the header must name"),
        (HEADER.replace(",", ";") + "\n", 1, "missing: line,order"),
        ("PK\x03\x04\0\0binary", 1, "the header must name"),
        (HEADER + "\n" + "x\n" * 1001, 2, "more than 1000 lines cannot be read"),
    ],
)
async def test_what_is_no_statement_is_refused_as_a_whole(
    books: Books, text: str, line_number: int, why: str
) -> None:
    """A refusal names the line and the reason, and nothing is kept."""
    refused = await reconcile(books, "market", DAY, text)
    assert isinstance(refused, NotAStatement)
    assert refused.line == line_number
    assert why in refused.why
    assert await books.pool.fetchval("select count(*) from books.recon_run") == 0


async def test_a_header_is_cut_before_it_is_split(books: Books) -> None:
    """A first line longer than a line may be is refused for its length, however many names."""
    for start in ("", "\ufeff"):
        for text in ("," * 8_000_000, HEADER + "x" * LINE_MAX + "\n1,2"):
            refused = await reconcile(books, "market", DAY, start + text)
            assert isinstance(refused, NotAStatement)
            assert refused == NotAStatement(1, f"the header is longer than {LINE_MAX} characters")


async def test_a_file_has_as_many_lines_as_its_caller_takes(ours: list[str], books: Books) -> None:
    """One line more than `lines_max` refuses the file; exactly as many are read."""
    text = "\n".join([HEADER, *ours])
    assert isinstance(await reconcile(books, "market", DAY, text, lines_max=13), Run)
    refused = await reconcile(books, "market", DAY, text, lines_max=12)
    assert refused == NotAStatement(14, "the file has more than 12 lines")


def many(lines: int) -> list[str]:
    """Lines of a partner that we know nothing of."""
    return [f"{at},zz{at},r,sold,1,380,CNY,x" for at in range(lines)]


async def test_more_breaks_than_are_listed_are_counted(ours: list[str], books: Books) -> None:
    """The list ends at its most, what cannot be read in it; the counts go on, and both say so."""
    made = await run(books, [*ours, *many(BREAKS_MAX + 5), "?", "?"])
    assert made.counts == {"missing_here": BREAKS_MAX + 5, "malformed_line": 2}
    assert (len(made.breaks), made.cut) == (BREAKS_MAX, True)
    assert [each.class_ for each in made.breaks].count("malformed_line") == 2
    row = await books.pool.fetchrow("select * from books.recon_run")
    assert row is not None
    assert (json.loads(row["break_counts"]), row["breaks_cut"]) == (made.counts, True)
    assert await books.pool.fetchval("select count(*) from books.recon_break") == BREAKS_MAX
    whole = await run(books, [*ours, *many(BREAKS_MAX - 1), "?"])
    assert (len(whole.breaks), whole.cut) == (BREAKS_MAX, False)


async def test_a_long_file_leaves_the_event_loop_to_others(books: Books) -> None:
    """However long the file, the loop never works on it for long in one piece."""
    worst_s, task = 0.0, asyncio.create_task(run(books, many(40_000)))
    begun_s = time.thread_time()  # the loop's own work: a busy machine does not count
    while not task.done():
        await asyncio.sleep(0)
        now_s = time.thread_time()
        worst_s, begun_s = max(worst_s, now_s - begun_s), now_s
    assert (await task).counts == {"missing_here": 40_000}
    assert worst_s < 0.1


async def test_a_header_alone_says_that_nothing_was_sold(ours: list[str], books: Books) -> None:
    """An empty day of theirs is a day on which they miss all that we have."""
    made = await reconcile(books, "market", DAY, HEADER)
    assert isinstance(made, Run)
    assert {each.class_ for each in made.breaks} == {"missing_there"}
    assert len(made.breaks) == 13
    nothing = await reconcile(books, "nobody", DAY, HEADER)
    assert isinstance(nothing, Run)
    assert nothing.breaks == ()
