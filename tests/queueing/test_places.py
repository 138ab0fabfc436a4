"""queueing.places."""

from dataclasses import replace

import pytest

from queueing.places import AGE_MAX_MS, BadPlace, Place, PlaceTokens
from tests.queueing.conftest import PLACE_KEYS, SALE, buyer

NOW_MS = 1_764_000_000_000
PLACE = Place(SALE, drop=9, epoch=700, lane=3, number=390_000, buyer=buyer(7), issued_ms=NOW_MS)
ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
tokens = PlaceTokens(PLACE_KEYS)


def read(token: str, sale: str = SALE) -> Place | BadPlace:
    """The token as this gateway reads it now."""
    return tokens.read(token, sale, NOW_MS)


def test_a_place_is_read_back_as_it_was_minted() -> None:
    """A token carries all of its place in 87 characters."""
    token = tokens.mint(PLACE)
    assert len(token) == 87
    assert read(token) == PLACE


@pytest.mark.parametrize("length", [1, 5, 23, 25, 64])
def test_buyer_keys_of_other_lengths_fit(length: int) -> None:
    """A buyer key may have 1 to 64 characters."""
    place = replace(PLACE, buyer="b" * length)
    assert read(tokens.mint(place)) == place


def test_every_other_symbol_at_every_position_is_refused() -> None:
    """No single symbol of a token can be another one: that covers every flipped bit."""
    for place in (PLACE, replace(PLACE, buyer="b" * 25)):
        token = tokens.mint(place)
        for at, symbol in enumerate(token):
            for other in ALPHABET.replace(symbol, ""):
                outcome = read(token[:at] + other + token[at + 1 :])
                assert isinstance(outcome, BadPlace), (at, other)
                assert outcome.reason in ("malformed", "unknown_key", "forged")


def test_a_shortened_or_lengthened_token_is_refused() -> None:
    """A token is refused when anything is cut off or added."""
    token = tokens.mint(PLACE)
    for end in range(len(token)):
        assert isinstance(read(token[:end]), BadPlace)
        assert isinstance(read(token[end + 1 :]), BadPlace)
    for more in ("A", "AAAA", "=", "==", " ", "\n", ".", token):
        assert isinstance(read(token + more), BadPlace)
        assert isinstance(read(more + token), BadPlace)


@pytest.mark.parametrize("junk", ["", "A", "é" * 84, "\x00" * 84, "A" * 84, "A" * 100_000, "{}"])
def test_junk_is_malformed_or_unknown(junk: str) -> None:
    """Whatever is not a token is refused without an exception."""
    outcome = read(junk)
    assert isinstance(outcome, BadPlace)
    assert outcome.reason == "malformed"


def test_another_sales_place_is_told_apart_from_a_forged_one() -> None:
    """A genuine place shown to another sale is refused by its own reason."""
    assert read(tokens.mint(PLACE), "theatre") == BadPlace("other_sale")
    forged = PlaceTokens([(2, b"guessed")]).mint(PLACE)
    assert read(forged, "theatre") == BadPlace("forged")


def test_old_keys_are_read_until_they_are_retired() -> None:
    """After a rotation the old key's places still count; once it is retired they do not."""
    old = PlaceTokens(PLACE_KEYS[1:])
    token = old.mint(PLACE)
    assert read(token) == PLACE
    assert PlaceTokens(PLACE_KEYS[:1]).read(token, SALE, NOW_MS) == BadPlace("unknown_key")
    assert tokens.mint(PLACE) != token


def test_a_place_outlives_its_drop_but_not_the_stores_memory() -> None:
    """At the end of its life a place is still read; a millisecond later it is stale."""
    token = tokens.mint(PLACE)
    assert tokens.read(token, SALE, NOW_MS + AGE_MAX_MS) == PLACE
    assert tokens.read(token, SALE, NOW_MS + AGE_MAX_MS + 1) == BadPlace("stale")
