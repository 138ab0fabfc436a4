"""Whatever facts say, and however they contradict each other, every entry balances."""

from collections.abc import Sequence
from typing import Any

from hypothesis import given, settings, strategies as st

from inventory import facts
from settlement.bounds import what_is_wrong
from settlement.lookup import names_of
from settlement.reading import Numbered
from tests.settlement.folding import folded, sum_by_commodity
from tests.settlement.teller import AT_MS

SERIALS = st.integers(0, 12)
LINES = st.lists(
    st.builds(
        facts.Line,
        st.integers(1, 2),
        st.integers(0, 900),
        st.lists(SERIALS, min_size=1, max_size=3),
    ),
    max_size=3,
)
RANGES = st.lists(st.tuples(SERIALS, st.integers(1, 4)), max_size=3).map(
    lambda pairs: [value for pair in pairs for value in pair]
)
OWNERS = st.sampled_from(["a", "b", "al"])
NAMES: dict[str, st.SearchStrategy[Any]] = {
    "number": st.just(1),
    "at_ms": st.just(AT_MS),
    "order": OWNERS,
    "owner": OWNERS,
    "allotment": OWNERS,
    "offer": st.integers(1, 2),
    "serial": SERIALS,
    "drop": st.integers(0, 3),
    "amount_minor": st.integers(0, 2000),
    "expires_at_ms": st.just(AT_MS),
    "lines": LINES,
    "back": LINES,
    "voided": LINES,
    "redeemed": LINES,
    "ranges": RANGES,
    "backs": st.lists(st.builds(facts.BackUnit, SERIALS, st.integers(0, 31)), max_size=3),
    **dict.fromkeys(("lender", "receiver", "epoch", "fact"), st.integers(0, 3)),
    "state": st.sampled_from(["available", "sold"]),
    "payment": st.sampled_from(["test:x", "partner:y", "bare", ""]),
    "seller": st.sampled_from(["shop", "market"]),
    "partner": st.sampled_from(["market", "other"]),
    "sales": st.lists(
        st.builds(facts.ReportLine, SERIALS, st.integers(0, 900), st.just("r")), max_size=3
    ),
}


def any_fact(kind: type[Any]) -> st.SearchStrategy[facts.Fact]:
    """Facts of a kind with any values within bounds, likely to contradict each other."""
    fields = {name: NAMES.get(name, st.sampled_from(["x", "y"])) for name in kind.__struct_fields__}
    if kind is facts.Recalled:
        fields |= {"back": RANGES, "voided": RANGES}
    return st.builds(kind, **fields)


KINDS: tuple[type[Any], ...] = facts.Fact.__args__
ANY = st.one_of([any_fact(kind) for kind in KINDS])


@settings(max_examples=300, deadline=None)
@given(st.lists(ANY, max_size=12))
def test_every_entry_balances_whatever_the_facts_say(made: Sequence[facts.Fact]) -> None:
    """Any sequence of facts, however contradictory, gives entries that sum to zero and no error."""
    assert [what_is_wrong(fact) for fact in made if what_is_wrong(fact)] == []
    batch = folded(*made)
    names_of([Numbered(fact.number, fact, b"", b"") for fact in made])
    for _, entry in batch.entries:
        assert sum_by_commodity(entry) == {}
    numbers = [number for number, _ in batch.entries]
    assert numbers == sorted(set(numbers))


def test_every_kind_of_fact_is_generated() -> None:
    """The strategy above leaves no kind out."""
    assert {kind.__name__ for kind in KINDS} == {
        value.__name__
        for value in vars(facts).values()
        if isinstance(value, type) and issubclass(value, facts._Fact) and value is not facts._Fact
    }
