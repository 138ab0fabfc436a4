"""Headers of scripts: the one form, and every way to leave it."""

from typing import Any

import pytest

from lua import BadHeader, catalogue

GOOD = """#!lua
-- thing_do: does a thing.
--
-- Why: because.
--
-- KEYS
--   1 sale     hash    the slot record
--   2 buckets+ hash    the rest
-- ARGV
--   1 now_ms   integer 0..9
-- REPLY one flat list
--   refused why
--   done
-- COST O(1)
return { 'done' }
"""


def test_a_good_header_is_read() -> None:
    """Keys, arguments and reply words come out in order."""
    script = catalogue.parse("thing_do", GOOD)
    assert script.keys == ("sale", "buckets+")
    assert script.argv == ("now_ms",)
    assert script.replies == ("refused", "done")
    assert not script.read_only


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("#!lua\n", "-- a comment first\n#!lua\n"),
        ("#!lua\n", "#!lua name=x\n"),
        ("-- thing_do: does", "-- other: does"),
        ("--   1 sale     hash    the slot record", "--   1 sale the slot record"),
        ("--   2 buckets+", "--   3 buckets+"),
        ("integer 0..9", "number 0..9"),
        ("-- COST O(1)\n", ""),
        ("--   refused why\n--   done\n", ""),
        ("--   refused why", "--   Refused why"),
    ],
)
def test_a_bad_header_is_refused(old: str, new: str) -> None:
    """Every way to leave the form is an error that names the script."""
    assert old in GOOD
    with pytest.raises(BadHeader, match="thing_do"):
        catalogue.parse("thing_do", GOOD.replace(old, new))


def test_python_and_the_header_must_say_the_same() -> None:
    """A signature that differs in one word stops the import."""
    script = catalogue.load("sale_change")
    words: dict[str, Any] = {"keys": script.keys, "argv": script.argv, "replies": script.replies}
    assert catalogue.signature("sale_change", **words) is script
    for name, value in words.items():
        with pytest.raises(BadHeader):
            catalogue.signature("sale_change", **{**words, name: value[:-1]})
