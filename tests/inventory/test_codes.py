"""Pickup codes: what typing does to them, and what guessing does."""

from random import Random

from hypothesis import given, strategies as st

from inventory.codes import (
    ALPHABET,
    LENGTH,
    CodeKey,
    Codes,
    Foreign,
    Forged,
    Minted,
    Typo,
    _written,
    masked,
)

OLD, NEW = CodeKey(1, b"1" * 32), CodeKey(2, b"2" * 32)
CODES = Codes([NEW, OLD], b"s" * 32)

sales = st.integers(1, 2047)
serials = st.integers(0, 2**25 - 1)
generations = st.integers(0, 31)


@given(sales, serials, generations)
def test_a_code_says_what_it_was_minted_for(sale: int, serial: int, generation: int) -> None:
    """Minting and checking are inverse, in lower case, with blanks and look-alikes too."""
    code = CODES.mint(sale, serial, generation)
    assert len(code.replace("-", "")) == LENGTH
    expected = Minted(sale, serial, generation)
    assert CODES.check(code) == expected
    assert CODES.check(f" {code.lower().replace('-', ' ')} ") == expected
    assert CODES.check(code.replace("0", "O").replace("1", "l")) == expected


@given(sales, serials, generations)
def test_every_single_wrong_symbol_is_a_typo(sale: int, serial: int, generation: int) -> None:
    """Any one symbol replaced by any other is caught without asking the store."""
    text = CODES.mint(sale, serial, generation).replace("-", "")
    for at in range(LENGTH):
        for symbol in ALPHABET:
            if symbol != text[at]:
                assert CODES.check(text[:at] + symbol + text[at + 1 :]) == Typo()


@given(sales, serials, generations)
def test_every_swap_is_a_typo(sale: int, serial: int, generation: int) -> None:
    """Any two different symbols swapped, wherever they stand, are caught."""
    text = CODES.mint(sale, serial, generation).replace("-", "")
    for left in range(LENGTH):
        for right in range(left + 1, LENGTH):
            if text[left] != text[right]:
                swapped = list(text)
                swapped[left], swapped[right] = swapped[right], swapped[left]
                assert CODES.check("".join(swapped)) == Typo()


def test_guessing_does_not_pay() -> None:
    """Of 20,000 guesses with a right check symbol none is genuine (one in 2^32 would be)."""
    random = Random(20140308)
    for _ in range(20_000):
        assert CODES.check(_written(random.getrandbits(5 * (LENGTH - 1)))) == Forged()


def test_keys_overlap_and_end() -> None:
    """A code of the key before still works while that key is held, and is forged after."""
    before = Codes([OLD], b"s" * 32).mint(7, 41, 0)
    assert CODES.check(before) == Minted(7, 41, 0)
    assert Codes([NEW], b"s" * 32).check(before) == Forged()


def test_other_texts_are_foreign_and_stay_readable() -> None:
    """What is not of our form may be a venue's own code and comes back normalised."""
    assert CODES.check("ab-12 34") == Foreign("AB1234")
    assert CODES.check("") == Foreign("")
    assert CODES.check("取票码123") == Foreign("取票码123")


def test_the_qr_carries_the_code_and_a_signature() -> None:
    """A kiosk reads the code out of the QR's text; the text is signed and of QR's dense symbols."""
    code = CODES.mint(7, 41, 3)
    text = CODES.qr_text(code)
    assert CODES.check(text) == Minted(7, 41, 3)
    assert set(text) <= set("ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.")
    assert masked(code) == f"••••-{code[-2:]}"
