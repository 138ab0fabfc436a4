"""Constants of scripts: put in where they are used, and nowhere else."""

import pytest

from lua import catalogue
from lua.constants import BadConstant, put_in


def test_a_value_stands_where_its_name_stood() -> None:
    """In code of any function, also where several names share a declaration over two lines."""
    script = "local A, LONG,\n  B2 = 1, '\\145 x',\n  -3   -- why\nreturn t[A] .. LONG, B2"
    assert put_in(script) == "\n\n   -- why\nreturn t[1] .. '\\145 x', -3"


@pytest.mark.parametrize(
    "line",
    [
        "-- A is a letter",
        "return 'A', \"A\"",
        "return t.A, AB, B_A, aA, A1",
        "local a = { low = 1 }",
    ],
)
def test_texts_comments_and_fields_stay(line: str) -> None:
    """What only looks like the name of a constant is not one."""
    assert put_in(f"local A = 1\n{line}") == f"\n{line}"


@pytest.mark.parametrize("line", ["local A = KEYS[1]", "local A = 2 * 3", "  local A = 1", "A = 1"])
def test_what_is_no_constant_stays(line: str) -> None:
    """Calculated, local to a function, or no declaration at all."""
    script = f"{line}\nreturn A"
    assert put_in(script) == script


@pytest.mark.parametrize("second", ["local A = 2", "local B, A = 1"])
def test_a_constant_has_one_value(second: str) -> None:
    """Two values for one name, or a name without a value, stop the import."""
    with pytest.raises(BadConstant):
        put_in(f"local A = 1\n{second}")


@pytest.mark.parametrize("name", catalogue.names())
def test_line_numbers_stay_as_they_are(name: str) -> None:
    """What the server says of a line of a script is found in its text."""
    text = (catalogue.FOLDER / f"{name}.lua").read_text()
    body = catalogue.parse(name, text.replace("--@include", "-- include")).body
    assert body.count("\n") == text.count("\n")
