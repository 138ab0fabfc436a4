"""Tags: a sale's stripes lie on different shards, and anyone can name them."""

import pytest

from lua.tags import SLOTS, slot_of, tag

NAMES = ["cinema", "spring-2027", "a", "x" * 60]


def test_a_tag_follows_from_the_sale_and_the_stripe() -> None:
    """Stripe 0 is found by the sale's id alone; no two stripes share a tag."""
    assert tag("cinema", 0) == "cinema:0"
    assert [tag("cinema", stripe) for stripe in range(4)] == [
        "cinema:0",
        "cinema:1.53",
        "cinema:2.11",
        "cinema:3.2",
    ]
    assert len({tag("cinema", stripe) for stripe in range(16)}) == 16


def test_a_slot_is_the_clusters() -> None:
    """The slot of a tag is the one that CLUSTER KEYSLOT tells."""
    assert slot_of("123456789") == 0x31C3
    assert slot_of("foo") == 12_182


@pytest.mark.parametrize("shards", [2, 3, 4, 6])
@pytest.mark.parametrize("name", NAMES)
def test_stripes_are_spread_evenly_over_shards(name: str, shards: int) -> None:
    """Of any number of stripes no shard has more than its share, rounded up."""
    loads = [0] * shards
    for stripe in range(16):
        loads[slot_of(tag(name, stripe)) * shards // SLOTS] += 1
        assert max(loads) == -(-(stripe + 1) // shards), (stripe, loads)
