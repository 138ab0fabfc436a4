"""The partner's book and its lies. What it does to a real gateway is told in tests/stories."""

from __future__ import annotations

import csv
import io
from contextlib import closing
from datetime import date
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from simulators.partner_book import COLUMNS, AllottedUnit, Book, StatementLine, to_csv
from simulators.partner_lies import CLASSES, TooFewLines, as_json, falsify

UTC = ZoneInfo("UTC")
SHANGHAI = ZoneInfo("Asia/Shanghai")
NOON_MS = 1_394_020_800_000  # 2014-03-05T12:00:00Z, 20:00 in Shanghai


def intent(key: str) -> dict[str, object]:
    """A line that says what will be bought."""
    return {"what": "intent", "key": key, "buyer": key, "offer": "o", "quantity": 2}


def bought(key: str, order: str, at_ms: int = NOON_MS) -> dict[str, object]:
    """A line that says it was bought."""
    return {
        "what": "order",
        "key": key,
        "order": order,
        "reference": f"R-{key}",
        "quantity": 2,
        "amount_minor": 760,
        "currency": "CNY",
        "at_ms": at_ms,
        "units": [["o", 1], ["o", 2]],
        "codes": ["a", "b"],
    }


def lines(count: int) -> list[StatementLine]:
    """A true statement of single orders."""
    return [
        StatementLine(f"order-{at}", f"R{at}", "sold", 2, 760, "CNY", NOON_MS + at)
        for at in range(count)
    ]


def test_the_book_survives_a_kill_in_the_middle_of_a_line(tmp_path: Path) -> None:
    """A torn last line is cut off; intents without an outcome are known to be open."""
    path = tmp_path / "book.jsonl"
    with closing(Book(path)) as book:
        book.write(intent("k1"), intent("k2"), intent("k3"))
        book.write(bought("k1", "o1"), {"what": "refused", "key": "k2", "code": "sold_out"})
    with path.open("a") as file:
        file.write('{"what":"order","key":"k3","ord')
    with closing(Book(path)) as book:
        assert [one["key"] for one in book.open_intents()] == ["k3"]
        book.write(bought("k3", "o3"))
    with closing(Book(path)) as book:
        assert sorted(book.orders) == ["o1", "o3"]
        assert book.open_intents() == []


def test_a_success_told_twice_is_one_line(tmp_path: Path) -> None:
    """The repeat of an answer adds nothing to the statement."""
    with closing(Book(tmp_path / "book.jsonl")) as book:
        book.write(intent("k1"), bought("k1", "o1"), bought("k1", "o1"))
        assert len(book.statement(date(2014, 3, 5), UTC)) == 1


def test_the_statement_is_of_one_day_in_its_time_zone(tmp_path: Path) -> None:
    """20:00 UTC is the next day in Shanghai, for orders, refunds and reported units alike."""
    evening_ms = NOON_MS + 8 * 3_600_000
    with closing(Book(tmp_path / "book.jsonl")) as book:
        book.write(intent("k1"), bought("k1", "o1"), intent("k2"), bought("k2", "o2", evening_ms))
        unit = {"allotment": "mine", "unit": 7, "offer": "o", "code": "c"}
        known = {"reference": "A7", "amount_minor": 380, "currency": "CNY", "batch": "b"}
        step = {"what": "units", "allotment": "mine", "units": [7]}
        book.write({"what": "taken", "unit": unit})
        book.write({**step, "state": "selling", "set": known})
        book.write({**step, "state": "reported", "at_ms": evening_ms})
        refund = {"what": "refund", "order": "o1", "quantity": 2, "amount_minor": 760}
        book.write({**refund, "at_ms": evening_ms})
        sold = [line.order for line in book.statement(date(2014, 3, 5), UTC)]
        assert sold == ["o1", "o2", "mine/7", "o1"]
        assert [line.order for line in book.statement(date(2014, 3, 5), SHANGHAI)] == ["o1"]
        later = book.statement(date(2014, 3, 6), SHANGHAI)
    assert [(line.order, line.status) for line in later] == [
        ("o2", "sold"),
        ("mine/7", "sold"),
        ("o1", "refunded"),
    ]


def test_a_unit_goes_its_way(tmp_path: Path) -> None:
    """Taken, selling with its key, reported; the same after reading the book back."""
    path = tmp_path / "book.jsonl"
    unit = {"allotment": "mine", "unit": 7, "offer": "o", "code": "c"}
    with closing(Book(path)) as book:
        book.write({"what": "taken", "unit": unit}, {"what": "taken", "unit": unit})
        step = {"what": "units", "allotment": "mine", "units": [7], "state": "selling"}
        book.write({**step, "set": {"batch": "b1", "reference": "A7", "amount_minor": 380}})
    with closing(Book(path)) as book:
        known = {"batch": "b1", "reference": "A7", "amount_minor": 380}
        assert book.units("selling") == [AllottedUnit(**unit, state="selling", **known)]  # type: ignore[arg-type]


def test_each_class_of_lie_is_planted_as_often_as_told() -> None:
    """Every class is told at orders of its own, and the rest of the statement stays true."""
    true = lines(200)
    wanted = {kind: count for count, kind in enumerate(CLASSES, start=1)}
    told, lies = falsify(true, wanted, seed=1)
    assert as_json(lies)["classes"] == wanted
    assert len({lie.order for lie in lies}) == len(lies) == 21
    untouched = {line.order for line in true} - {lie.order for lie in lies}
    assert [line for line in told if line.order in untouched] == [
        line for line in true if line.order in untouched
    ]
    by_kind = {kind: [lie.order for lie in lies if lie.kind == kind] for kind in CLASSES}
    orders = [line.order for line in told]
    assert all(orders.count(order) == 0 for order in by_kind["missing_there"])
    assert all(orders.count(order) == 2 for order in by_kind["duplicate_line"])
    real = {line.order for line in true}
    assert all(order in orders and order not in real for order in by_kind["missing_here"])
    changed = {line.order: line for line in told}
    assert all(changed[order].amount_minor == 761 for order in by_kind["amount"])
    assert all(changed[order].quantity == 3 for order in by_kind["quantity"])
    assert all(changed[order].status == "refunded" for order in by_kind["status"])


def test_the_same_seed_lies_the_same_way() -> None:
    """The statement and the list of what was planted belong together however often it is asked."""
    wanted = {"amount": 2, "missing_here": 1}
    assert falsify(lines(50), wanted, seed=3) == falsify(lines(50), wanted, seed=3)
    assert falsify(lines(50), wanted, seed=3) != falsify(lines(50), wanted, seed=4)


def test_no_lie_is_told_about_an_order_with_two_lines() -> None:
    """A refunded order keeps both its lines, or one lie would look like two."""
    refunded = [
        StatementLine("o", "R", status, 2, 760, "CNY", 0) for status in ("sold", "refunded")
    ]
    with pytest.raises(TooFewLines):
        falsify(refunded, {"amount": 1}, seed=0)


def test_the_statement_has_the_columns_of_the_contract() -> None:
    """A header, then numbered lines; the time is ISO 8601 with its offset."""
    rows = list(csv.reader(io.StringIO(to_csv(lines(1), SHANGHAI))))
    assert tuple(rows[0]) == COLUMNS
    assert rows[1] == [
        *("1", "order-0", "R0", "sold", "2", "760", "CNY"),
        "2014-03-05T20:00:00.000+08:00",
    ]
