"""Everything that can be wrong with a sale file: each is told with its file and line."""

import os
from pathlib import Path

import pytest

from inventory.salefile import Problem, load
from tests.inventory.sale_files import FILES, edits_of, write

TOML, OFFERS, CODES = "sale.toml", "offers.csv", "codes.csv"
POOL = FILES[OFFERS].splitlines()[1]


def problems_of(path: Path) -> list[Problem]:
    """The problems of a sale file that is wrong."""
    loaded = load(path)
    assert isinstance(loaded, list), "the sale file was taken"
    return loaded


def line_of(file: str, text: str) -> int:
    """The line of the small sale that holds a text."""
    return FILES[file][: FILES[file].index(text)].count("\n") + 1


HERE = Path(__file__).parent
FIELDS = edits_of(HERE / "wrong_fields.txt")
WHOLES = edits_of(HERE / "wrong_wholes.txt")
STRANGE = [
    [TOML, 'title = "Spring"', f'title = "{"x" * 121}"', "a text of 1 to 120 characters"],
    ["venues.csv", "北京", "北\u2028京", "city is"],
    [OFFERS, POOL, POOL + ",more", "has 16 cells where the header has 15 columns"],
    [OFFERS, POOL, POOL.rsplit(",", 1)[0], "has 14 cells where the header has 15 columns"],
    [OFFERS, "pool,Pool", "pool,Po\rol", "is not CSV"],
    [OFFERS, "pool,Pool", f"pool,{'x' * 4_100}", "is longer than 4,096 characters"],
]


@pytest.mark.parametrize(("file", "old", "new", "told"), FIELDS + STRANGE)
def test_a_wrong_field_is_told_on_its_line(
    tmp_path: Path, file: str, old: str, new: str, told: str
) -> None:
    """A field that may not say what it says is told with its file, its line and its rule."""
    path = write(tmp_path, (file, old, new))
    found = [problem for problem in problems_of(path) if told in problem.message]
    assert found, [str(problem) for problem in problems_of(path)]
    assert found[0].file == file
    missing = new == "" and file == TOML
    table = {"id": "[sale]", "issuer": "[[login]]"}
    expected = table[old.split(" ", maxsplit=1)[0]] if missing else old
    assert found[0].line == line_of(file, expected)


@pytest.mark.parametrize("edit", WHOLES, ids=" ".join)
def test_parts_that_do_not_fit_are_told(tmp_path: Path, edit: list[str]) -> None:
    """What does not fit together is told with the file and line of the record to blame."""
    file, anchor, old, new, told = edit
    line = line_of(file, anchor)
    before = "".join(FILES[file].splitlines(keepends=True)[: line - 1])
    rest = FILES[file].removeprefix(before)
    assert old in rest, "the edit does not follow its anchor"
    path = write(tmp_path, (file, FILES[file], before + rest.replace(old, new, 1)))
    found = [problem for problem in problems_of(path) if told in problem.message]
    assert found, [str(problem) for problem in problems_of(path)]
    assert (found[0].file, found[0].line) == (file, line)


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"\xff\xfev\x00e\x00", "is UTF-16; save it as UTF-8"),
        (b"venue,title,city,timezone\nnorth,N\xffrth,\n", "0xff, which is not UTF-8"),
        (b"venue,title,city,timezone\nnorth,N\0rth,\n", "a NUL byte"),
        (b"", "lacks the column venue"),
        (b"venue,title,city\n", "lacks the column timezone"),
        (b"venue,title,city,timezone,venue\n", "names the column venue twice"),
        (b"venue,title,town,city,timezone\n", "has no use for the column 'town'"),
        (b"venue,titel,city,timezone\n", 'the column \'titel\'; did you mean "title"'),
        (b"venue;title;city;timezone\n", "not parted by commas"),
        (b"venue\ttitle\tcity\ttimezone\n", "not parted by commas"),
        (b"venue,title,city,timezone\n" + b"\n" * (64 << 20), "is larger than 67,108,864 bytes"),
    ],
)  # fmt: skip
def test_a_file_that_is_no_table_is_told(tmp_path: Path, content: bytes, told: str) -> None:
    """A CSV file of another encoding, form or size is told, and nothing that refers to it."""
    path = write(tmp_path)
    (tmp_path / "venues.csv").write_bytes(content)
    found = problems_of(path)
    assert told in found[0].message
    assert {problem.file for problem in found} == {"venues.csv"}


@pytest.mark.parametrize(
    ("content", "line", "told"),
    [
        ("[sale\n", 1, "is not TOML"),
        ("[sale]\nid = 1\nid = 2\n", 3, "is not TOML"),
        ("a = " + "[" * 20_000, 1, "is not TOML that can be read"),
        ("a = " + "9" * 5_000, 1, "is not TOML that can be read"),
        ("", 1, "has no [sale]"),
        ("sale = 7\n", 1, '"sale" must be written as a table: [sale]'),
        ("[drop]\nid = 'x'\n", 1, '"drop" must be written as a table: [[drop]]'),
        ("[[login]]\n" * 17, 1, "has 17 [[login]]; at most 16 are allowed"),
        ("\n[[sale]]\n", 2, '"sale" must be written as a table: [sale]'),
        ("[sales]\n", 1, '"sales" is not a part of a sale file; did you mean "sale"'),
        ("x" * (1 << 21), 1, "is larger than 1,048,576 bytes"),
        ("[sale]\n", 1, "closes_at is missing"),
    ],
)
def test_a_document_that_is_no_sale_is_told(
    tmp_path: Path, content: str, line: int, told: str
) -> None:
    """TOML that is broken, absurd or of another form is told with its line."""
    path = write(tmp_path)
    path.write_text(content)
    found = [problem for problem in problems_of(path) if told in problem.message]
    assert found
    assert (found[0].file, found[0].line) == ("sale.toml", line)


def test_a_file_that_cannot_be_opened_is_told(tmp_path: Path) -> None:
    """What is missing, a folder, a pipe or a link out of the folder is told, not waited for."""
    path = write(tmp_path / "sale")
    assert [str(one) for one in problems_of(tmp_path / "none.toml")] == [
        "none.toml:1: does not exist"
    ]
    (tmp_path / "sale" / "venues.csv").unlink()
    assert problems_of(path) == [Problem("venues.csv", 1, "does not exist")]
    (tmp_path / "sale" / "venues.csv").mkdir()
    assert problems_of(path) == [Problem("venues.csv", 1, "is not a regular file")]
    (tmp_path / "sale" / "venues.csv").rmdir()
    os.mkfifo(tmp_path / "sale" / "venues.csv")
    assert problems_of(path) == [Problem("venues.csv", 1, "is not a regular file")]
    (tmp_path / "sale" / "venues.csv").unlink()
    (tmp_path / "venues.csv").write_text(FILES["venues.csv"])
    (tmp_path / "sale" / "venues.csv").symlink_to(tmp_path / "venues.csv")
    [problem] = problems_of(path)
    assert "leaves the folder" in problem.message
    assert problem.file == "sale.toml"


def test_seats_codes_and_allotments_need_one_stripe(tmp_path: Path) -> None:
    """A sale of several stripes has neither seats nor outside codes nor allotments."""
    path = write(tmp_path, (TOML, "hold_s = 60", "hold_s = 60\nstripes = 2"))
    told = [(one.file, one.line) for one in problems_of(path) if "stripes = 1" in one.message]
    assert told == [(OFFERS, line) for line in (3, 4, 5, 6, 7)] + [
        ("allotments.csv", line) for line in (2, 3, 4)
    ]


def test_no_partner_is_called_like_the_shop(tmp_path: Path) -> None:
    """A partner named `shop` would own every shopper's order, so there is none."""
    path = write(tmp_path)
    partners = path.parent / "partners.csv"
    partners.write_text(f"{partners.read_text()}shop,The shop\n")
    told = [str(problem) for problem in problems_of(path) if problem.file == "partners.csv"]
    assert len(told) == 1
    assert "seller of what shoppers buy themselves" in told[0]


def test_a_row_in_two_pieces_is_told(tmp_path: Path) -> None:
    """The lines of a row stand together, because their order is the order of preference."""
    path = write(tmp_path, ("seats.csv", "hall,B,5,6\nhall,A,1,3", "hall,A,1,3\nhall,B,5,6"))
    assert [str(problem) for problem in problems_of(path)] == [
        "seats.csv:4: the row B of 'hall' stands already further up; "
        "put the lines of one row together"
    ]


def test_a_hall_without_end_is_told(tmp_path: Path) -> None:
    """A layout is bounded, because one script call reads all of it."""
    rows = "".join(f"vast,{a}{b},1,999\n" for a in "AB" for b in "ABC")
    path = write(tmp_path, ("seats.csv", "hall,A,1,3\n", f"hall,A,1,3\n{rows}"))
    [problem] = problems_of(path)
    assert "5,999 seats and aisles; at most 4,000" in problem.message
    assert problem.line == 10


def test_serials_are_bounded(tmp_path: Path) -> None:
    """All offers together need no more serials than a code can spell."""
    many = "".join(
        POOL.replace("pool,", f"p{n},", 1).replace(",100,", ",10000000,") + "\n" for n in range(7)
    )
    path = write(tmp_path, (OFFERS, POOL + "\n", POOL + "\n" + many))
    assert [one.message for one in problems_of(path)] == [
        "needs more than 33,554,431 serials for its units"
    ]


def test_a_table_has_a_bounded_number_of_lines(tmp_path: Path) -> None:
    """A file with more records than its table may have is told at the line where they end."""
    many = "".join(f"p{number},P\n" for number in range(1_000))
    path = write(tmp_path, ("partners.csv", "club,Club\n", "club,Club\n" + many))
    [problem] = problems_of(path)
    assert (problem.line, problem.message) == (1_002, "has more than 1,000 lines")


def test_all_problems_are_told_at_once_and_a_slip_only_once(tmp_path: Path) -> None:
    """Several slips in several files are told together, in order, without their echoes."""
    path = write(
        tmp_path,
        (TOML, 'currency = "CNY"', 'currency = "yuan"'),
        ("venues.csv", "north,North", "north,"),
        (OFFERS, ",,100,380,", ",,many,free,"),
        ("seats.csv", "hall,A,1,3", "hall,A,1,x"),
        ("partners.csv", "club,Club", "club,"),
    )
    assert [(one.file, one.line, one.message.split(" ")[0]) for one in problems_of(path)] == [
        (TOML, 4, "currency"),
        ("venues.csv", 2, "title"),
        ("seats.csv", 4, "last"),
        (OFFERS, 2, "price_minor"),
        (OFFERS, 2, "units"),
        ("partners.csv", 3, "title"),
    ]


def test_a_thousand_problems_are_counted_and_not_all_listed(tmp_path: Path) -> None:
    """The list of problems is bounded and says how many it leaves out."""
    wrong = "".join(f"none,,CODE{number}\n" for number in range(2_000))
    found = problems_of(write(tmp_path, (CODES, "filmx,A1", wrong + "filmx,A1")))
    assert len(found) == 501
    assert found[-1].message == "and 1500 problems more"


def test_a_problem_names_no_code(tmp_path: Path) -> None:
    """An outside code is a secret: it stands in no message, but for one that is no code at all."""
    path = write(tmp_path, (CODES, "AA-0002", "1111 aaaa"), (CODES, "filmx,A1", "filmx,A9"))
    assert all("aaaa" not in one.message.lower() for one in problems_of(path))
