"""`docs/room.md` names every field of a sale's room, as it is."""

import re

import msgspec
import pytest

from inventory.salefile.values import LaneLine, RoomLine
from tests.house.sources import HOUSE

PAGE = (HOUSE / "docs" / "room.md").read_text(encoding="utf-8")
ROWS = {
    name: default.strip().strip('"')
    for names, default in re.findall(r"^\| ((?:`\w+`(?:, )?)+) \| ([^|]+) \|", PAGE, re.MULTILINE)
    for name in re.findall(r"\w+", names)
}
OF_THE_CHAIN = {"beacon_chain", "beacon_genesis_s", "beacon_period_s"}


@pytest.mark.parametrize("kind", [RoomLine, LaneLine])
def test_every_field_is_told_with_what_it_is_if_not_said(kind: type[msgspec.Struct]) -> None:
    """A field that is new, gone or other than the page says is found here."""
    for field in msgspec.structs.fields(kind):
        told = ROWS[field.encode_name]
        if field.required:
            assert told == "–", field.name
        elif field.name not in OF_THE_CHAIN:
            assert told == str(field.default).lower().strip('"'), field.name


def test_no_field_is_told_that_is_not_there() -> None:
    """The two tables have the fields and nothing else."""
    there = {
        one.encode_name for kind in (RoomLine, LaneLine) for one in msgspec.structs.fields(kind)
    }
    assert set(ROWS) == there
