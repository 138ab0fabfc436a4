"""A good sale file: what is read from it, and the same sale as a JSON body."""

import json
from pathlib import Path
from typing import Any

import msgspec
import pytest

from inventory.salefile import Problem, SaleFile, from_json, layouts_of, load, to_json
from tests.inventory.sale_files import FILES, FIRST_DROP_MS, HEADER, KEY, KEY_X, sale_of, write

HOUR_MS = 3_600_000


def test_a_sale_is_read_whole(tmp_path: Path) -> None:
    """Every part of the files stands in the value, times in milliseconds and texts as written."""
    sale = sale_of(tmp_path)
    assert (sale.sale.id, sale.sale.limit_per_buyer, sale.sale.carry_over) == ("spring", 2, True)
    assert (sale.room.rate_per_s, sale.room.burst, sale.room.pass_s) == (2.5, 10, 300)
    assert [drop.opens_at_ms for drop in sale.drops] == [FIRST_DROP_MS, FIRST_DROP_MS + 4 * HOUR_MS]
    assert [venue.title for venue in sale.venues] == ["North", "South, by the sea"]
    assert sale.logins[0].jwks.as_dicts() == [json.loads(KEY)]
    assert (sale.payments[0].kind, sale.payments[0].issuer) == ("test", "https://pay.example")
    pool, coded, film, *_ = sale.offers
    assert (pool.units, pool.together, pool.supply, pool.codes) == (100, "split", "file", "minted")
    assert (coded.units, coded.codes, film.together) == (0, "outside", "refuse")
    assert film.starts_at_ms == FIRST_DROP_MS + 64 * HOUR_MS
    assert [line.code for line in sale.codes][:3] == ["1111-AAAA", "2222-bbbb", "3333 cccc"]
    assert sale.allotments[0].quantity == 20


def test_a_layout_keeps_the_order_of_its_rows(tmp_path: Path) -> None:
    """Rows stand in order of preference, and rows and aisles are parted."""
    [hall] = layouts_of(sale_of(tmp_path).seats).values()
    assert hall.marked() == "1111|11|111"
    assert hall.marked(["B5", "A3"]) == "....|1.|..1"
    assert hall.labels == ("B1", "B2", "B3", "B4", "", "B5", "B6", "", "A1", "A2", "A3")
    assert hall.positions["A1"] == 8
    assert hall.seats == 9


def test_a_shift_moves_every_time_and_nothing_else(tmp_path: Path) -> None:
    """A rehearsal's sale is the same sale at another time."""
    sale, moved = sale_of(tmp_path), load(tmp_path / "sale.toml", shift_ms=HOUR_MS)
    plain, later = msgspec.to_builtins(sale), msgspec.to_builtins(moved)

    def unshifted(value: Any, name: str = "") -> Any:
        if isinstance(value, dict):
            return {key: unshifted(item, key) for key, item in value.items()}
        if isinstance(value, list):
            return [unshifted(item) for item in value]
        return value - HOUR_MS if name.endswith("_ms") else value

    assert unshifted(later) == plain
    assert later != plain


def test_a_spreadsheets_mark_and_line_ends_are_taken(tmp_path: Path) -> None:
    """A byte order mark, Windows line ends, blank lines, spaces, another order are fine."""
    expected = sale_of(tmp_path)
    for file, content in FILES.items():
        (tmp_path / file).write_bytes(b"\xef\xbb\xbf" + content.replace("\n", "\r\n").encode())
    venues = 'city,venue,timezone,title\n\n Sanya , south,Asia/Shanghai,"South, by the sea"\n'
    north = "北京,north,Asia/Shanghai,North\n"
    (tmp_path / "venues.csv").write_text(venues + north)
    read = load(tmp_path / "sale.toml")
    assert isinstance(read, SaleFile)
    assert read.offers == expected.offers
    assert read.venues == expected.venues[::-1]


def test_optional_columns_and_files_may_be_left_out(tmp_path: Path) -> None:
    """A sale of pooled offers needs venues and offers alone."""
    path = write(tmp_path)
    text = path.read_text()
    path.write_text(
        text[: text.index("[files]")] + '[files]\nvenues="venues.csv"\noffers="o.csv"\n'
    )
    line = FILES["offers.csv"].splitlines()[1].split(",")
    kept = [name for name in HEADER.split(",")[:12] if name != "layout"]
    cells = dict(zip(HEADER.split(","), line, strict=True))
    (tmp_path / "o.csv").write_text(f"{','.join(kept)}\n{','.join(cells[name] for name in kept)}\n")
    read = load(path)
    assert isinstance(read, SaleFile)
    assert [offer.offer for offer in read.offers] == ["pool"]


def test_the_json_body_is_the_same_sale(tmp_path: Path) -> None:
    """A sale goes out as JSON and comes back as the same value."""
    sale = sale_of(tmp_path)
    assert from_json(to_json(sale)) == sale


def test_an_integer_may_be_written_as_a_float_in_json(tmp_path: Path) -> None:
    """JSON has one kind of number, and 2.0 is two."""
    body = json.loads(to_json(sale_of(tmp_path)))
    body["sale"]["limit_per_buyer"] = 2.0
    assert from_json(json.dumps(body).encode()) == sale_of(tmp_path)


@pytest.mark.parametrize(
    ("path", "value", "file", "told"),
    [
        (("sale", "id"), "Spring!", "/sale", "id is 'Spring!': expected an id"),
        (("sale", "hold_s"), 59.5, "/sale", "hold_s is 59.5"),
        (("sale", "hold_s"), "60", "/sale", "hold_s is '60'"),
        (("sale", "more"), 1, "/sale", "'more' is not a field here"),
        (("sale",), 7, "/sale", "must be an object"),
        (("room",), None, "/room", "must be an object"),
        (("drops",), {}, "/drops", "must be a list of at most 64"),
        (("drops", 1), "x", "/drops/1", "must be an object"),
        (("drops", 1, "id"), "first", "/drops/1", "the drop 'first' stands already at /drops/0"),
        (("offers", 2, "venue"), "nowhere", "/offers/2", "there is no venue 'nowhere'"),
        (("offers", 0, "starts_at_ms"), "2014-03-08", "/offers/0", "milliseconds since 1970"),
        (("offers", 0, "units"), 10**30, "/offers/0", "a number of units"),
        (("codes", 1, "code"), "1111 aaaa", "/codes/1", "stands already at /codes/0"),
        (("logins", 0, "jwks"), {"keys": []}, "/logins/0", "expected a JSON Web Key set"),
        (("logins", 0, "jwks", "keys", 0, "d"), KEY_X, "/logins/0", "holds a private key"),
        (("logins", 0, "jwks"), 3, "/logins/0", "expected a JSON Web Key set"),
        (("extra",), 1, "/", "'extra' is not a part of a sale"),
        (("allotments", 0, "quantity"), 99, "/allotments/0", None),
    ],
)
def test_what_is_wrong_with_a_json_body_is_told_by_pointer(
    tmp_path: Path, path: tuple[str | int, ...], value: Any, file: str, told: str | None
) -> None:
    """The same rules hold for the JSON body, and a problem names the record by JSON pointer."""
    body = json.loads(to_json(sale_of(tmp_path)))
    inner = body
    for step in path[:-1]:
        inner = inner[step]
    inner[path[-1]] = value
    found = from_json(json.dumps(body).encode())
    if told is None:
        assert isinstance(found, SaleFile)
        return
    assert isinstance(found, list)
    assert any(one.file == file and told in one.message for one in found), [*map(str, found)]


@pytest.mark.parametrize(
    "body",
    [b"", b"{", b"7", b"[]", b"\xff", b"[" * 100_000, b'{"sale": "\\ud800"}', b"{}", b"null"],
)
def test_a_body_that_is_no_sale_is_told(body: bytes) -> None:
    """Broken, nested without end, or of another form: a problem and never an exception."""
    found = from_json(body)
    assert isinstance(found, list)
    assert all(isinstance(problem, Problem) for problem in found)


def test_the_parts_that_are_missing_from_a_body_are_told() -> None:
    """An empty object lacks what a sale cannot be without."""
    found = from_json(b"{}")
    assert isinstance(found, list)
    assert {one.file for one in found} >= {"/sale", "/room", "/drops", "/venues", "/offers"}
