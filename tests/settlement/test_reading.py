"""Stream entries to numbered facts: what is proved, what is isolated, what stops."""

import msgspec
import pytest
from hypothesis import given, settings, strategies as st

from inventory import facts
from settlement.bounds import what_is_wrong
from settlement.reading import Entry, Gap, Numbered, Reading, read
from tests.settlement.teller import AT_MS, held, line, sold, stocked


def entry(first: int, *made: facts.Fact, epoch: int = 1, last: int | None = None) -> Entry:
    """One stream entry whose facts are numbered from `first` on."""
    numbered = [msgspec.structs.replace(fact, number=first + at) for at, fact in enumerate(made)]
    end = first + len(made) - 1 if last is None else last
    return epoch, end, [b"f", msgspec.msgpack.encode(numbered)]


def reading(entries: list[Entry], epoch: int = 0, number: int = 0) -> Reading:
    """A reading that must not be a gap."""
    found = read(entries, epoch, number)
    assert isinstance(found, Reading), found
    return found


def numbers(read_facts: list[Numbered]) -> list[int]:
    """Their numbers."""
    return [read_fact.number for read_fact in read_facts]


A, B, C = stocked(0, 9), held("a", line(1)), sold("b", line(2))


def test_facts_are_read_in_order_over_entries() -> None:
    """Facts follow each other without a gap, whatever entries they came in."""
    found = reading([entry(1, A, B), entry(3, C)])
    assert (numbers(found.facts), found.epoch, found.last) == ([1, 2, 3], 1, 3)
    assert found.facts[2].fact == msgspec.structs.replace(C, number=3)


@pytest.mark.parametrize(
    ("entries", "epoch", "number", "said"),
    [
        ([entry(2, A)], 0, 0, "1-1 is missing: the next is 2"),
        ([entry(1, A), entry(3, B)], 0, 0, "1-2 is missing: the next is 3"),
        ([entry(8, A)], 1, 6, "1-7 is missing: the next is 8"),
        ([entry(1, A, B, C, last=2)], 0, 0, "more than its number"),
        ([entry(1, A, epoch=2)], 0, 0, "does not say that it follows fact 0-0"),
        ([entry(1, A, epoch=2)], 1, 6, "does not say that it follows fact 1-6"),
    ],
)
def test_a_gap_is_told_and_nothing_is_skipped(
    entries: list[Entry], epoch: int, number: int, said: str
) -> None:
    """A number that is missing stops the reading with a sentence that names it."""
    found = read(entries, epoch, number)
    assert isinstance(found, Gap)
    assert said in found.why


def test_a_new_epoch_goes_on_only_where_the_books_are() -> None:
    """The first fact of a later epoch names the last one kept; that must be our cursor."""
    says = facts.Begun(0, AT_MS, 1, 6)
    found = reading([entry(1, says, A, epoch=2)], 1, 6)
    assert (found.epoch, numbers(found.facts)) == (2, [1, 2])
    assert isinstance(read([entry(1, says, A, epoch=2)], 1, 5), Gap)
    assert isinstance(read([entry(1, says, A, epoch=2)], 1, 7), Gap)
    assert isinstance(read([(2, 1, [b"f", b"\xc1"])], 1, 6), Gap)


def test_one_reading_is_of_one_epoch() -> None:
    """What follows in another epoch waits for the next reading."""
    says = facts.Begun(0, AT_MS, 1, 1)
    found = reading([entry(1, A), entry(1, says, epoch=2)])
    assert (found.epoch, found.last) == (1, 1)


def test_what_repeats_is_set_apart() -> None:
    """Numbers up to the cursor are not new, even inside an entry that goes beyond it."""
    found = reading([entry(1, A), entry(2, B, C)], 1, 2)
    assert (numbers(found.repeats), numbers(found.facts)) == ([1, 2], [3])
    overlapping = reading([entry(1, A, B), entry(2, C, C)])
    assert (numbers(overlapping.facts), numbers(overlapping.repeats)) == ([1, 2, 3], [2])


def test_an_entry_that_cannot_be_decoded_accounts_for_its_numbers() -> None:
    """Poison is kept with the numbers that it should have told, and the rest goes on."""
    for content in ([b"f", b"\xc1"], [b"f", b"\x01"], [b"g", b"\x90"], [], [b"f", b"\x90", b"x"]):
        found = reading([entry(1, A), (1, 4, content), entry(5, B)])
        assert numbers(found.facts) == [1, 5]
        (bad,) = found.unreadable
        assert (bad.first, bad.last, bad.reason) == (2, 4, "entry")
        assert bad.content == b"".join(content)


def test_a_fact_that_cannot_be_read_is_isolated_from_its_entry() -> None:
    """One bad fact costs its own number; its neighbours are read."""
    good = [msgspec.structs.replace(fact, number=at) for at, fact in ((1, A), (3, C))]
    for bad_fact in (
        ["nonsense", 2, AT_MS],
        ["held", 2],
        "text",
        ["held", 2, AT_MS, 5, 5, 5],
        ["stocked", 7, AT_MS, 1, "lot", [0, 1]],
        ["stocked", 2, AT_MS, 1, "lot", [0, -1]],
        ["stocked", 2, AT_MS, 1, "a\0b", [0, 1]],
    ):
        packed = msgspec.msgpack.encode([good[0], bad_fact, good[1]])
        found = reading([(1, 3, [b"f", packed])])
        assert numbers(found.facts) == [1, 3]
        (bad,) = found.unreadable
        assert (bad.first, bad.last, bad.reason) == (2, 2, "fact")
        assert bad.content == msgspec.msgpack.encode(bad_fact)


@pytest.mark.parametrize(
    "fact",
    [
        stocked(2**25, 1),
        stocked(2**25 - 1, 2),
        facts.Stocked(1, AT_MS, 1, "lot", [1, 1, 1]),
        facts.Stocked(1, AT_MS, 2**31, "lot", [1, 1]),
        facts.Stocked(1, 10**17, 1, "lot", [1, 1]),
        facts.Stocked(1, -1, 1, "lot", [1, 1]),
        facts.Stocked(1, AT_MS, 1, "x" * 513, [1, 1]),
        held("", line(1)),
        held("a", line(1), line()),
        held("a", line(2**25)),
        held("a", line(-1)),
        sold("a", line(1, price=10**12 + 1)),
        sold("a", line(*range(11), price=10**11)),
        facts.Voided(1, AT_MS, 1, [1, 1], "held", "why"),
        facts.Allotted(1, AT_MS, "a", "p", 1, [0, 1_000_001]),
        facts.Recalled(1, AT_MS, "a", "p", 1, [0, 1_000_000], [1_000_000, 1], "p"),
        facts.Reported(1, AT_MS, "a", "p", 1, [facts.ReportLine(1, -1, "r")]),
    ],
)
def test_a_value_beyond_its_bounds_is_told(fact: facts.Fact) -> None:
    """Nothing that the tables cannot hold gets as far as the tables."""
    assert what_is_wrong(fact)


def test_the_bounds_themselves_are_fine() -> None:
    """The last serial, an empty recall and a million units of one allotment can be posted."""
    for fact in (
        stocked(2**25 - 1, 1),
        facts.Recalled(1, AT_MS, "a", "p", 1, [], [], "p"),
        facts.Allotted(1, AT_MS, "a", "p", 1, [0, 1_000_000]),
        sold("a", line(1, price=10**12)),
    ):
        assert what_is_wrong(fact) == ""


@settings(max_examples=200, deadline=None)
@given(st.lists(st.binary(max_size=40), max_size=3), st.integers(1, 9), st.binary(max_size=60))
def test_no_bytes_break_the_reading(fields: list[bytes], last: int, packed: bytes) -> None:
    """Whatever an entry holds, it is read, isolated or a gap; nothing is raised."""
    for content in (fields, [b"f", packed], [b"f", msgspec.msgpack.encode([packed, last])]):
        found = read([(1, last, content)], 0, 0)
        if isinstance(found, Reading):
            told = len(found.facts) + sum(bad.last - bad.first + 1 for bad in found.unreadable)
            assert told == found.last
