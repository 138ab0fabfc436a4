"""Sealed codes: bound to their place, found by digest, under keys that rotate."""

import pytest

from inventory.catalogue import CannotOpen, OutsideCodes
from inventory.codes import CodeKey

OLD, NEW = CodeKey(1, b"1" * 32), CodeKey(2, b"2" * 32)
BEFORE = OutsideCodes(seal=[OLD], digest_key=b"d" * 32)
AFTER = OutsideCodes(seal=[NEW, OLD], digest_key=b"d" * 32)


def test_a_code_opens_where_it_was_sealed_and_nowhere_else() -> None:
    """Neither another sale, nor another unit, nor a changed byte opens."""
    sealed = BEFORE.seal("spring", 7, "Code-1")
    assert BEFORE.open("spring", 7, sealed) == "Code-1"
    changed = sealed[:-1] + bytes((sealed[-1] ^ 1,))
    for place in (("summer", 7, sealed), ("spring", 8, sealed), ("spring", 7, changed)):
        with pytest.raises(CannotOpen):
            BEFORE.open(*place)


def test_the_same_code_is_sealed_differently_every_time() -> None:
    """Equal codes cannot be told by their sealed forms."""
    assert BEFORE.seal("spring", 7, "Code-1") != BEFORE.seal("spring", 7, "Code-1")


def test_keys_rotate_with_an_overlap() -> None:
    """What the old key sealed opens while it is in the ring, and says so when it is not."""
    sealed = BEFORE.seal("spring", 7, "Code-1")
    assert AFTER.open("spring", 7, sealed) == "Code-1"
    with pytest.raises(CannotOpen, match=r"key 2 that sealed .* is gone"):
        BEFORE.open("spring", 7, AFTER.seal("spring", 7, "Code-1"))


def test_a_digest_names_a_code_however_it_is_typed() -> None:
    """Case, spaces and hyphens do not matter; sale and key do; rotation of the seal does not."""
    digest = BEFORE.digest("spring", "ab-12 cd")
    assert digest == BEFORE.digest("spring", "AB12CD") == AFTER.digest("spring", "ab12-cd")
    assert len(digest) == 12
    assert digest != BEFORE.digest("summer", "AB12CD")
    assert digest != OutsideCodes(seal=[OLD], digest_key=b"e" * 32).digest("spring", "AB12CD")
