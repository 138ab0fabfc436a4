"""queueing.passes."""

import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from dataclasses import replace
from hashlib import sha256
from typing import Any

import jwt
import pytest
from hypothesis import given, strategies as st

from queueing.passes import BadPass, Pass, PassTokens, public_keys
from tests.queueing.conftest import PASS_KEYS, SALE, buyer

ISSUED_MS = 1_764_000_000_123
EXPIRES_MS = 1_764_000_120_000
ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
PUBLIC_FIELDS = {"kty", "crv", "x", "kid", "use", "alg"}
tokens = PassTokens(PASS_KEYS)


def mint(by: PassTokens = tokens, **changes: Any) -> tuple[str, Pass]:
    """The pass of place 17 in lane 1 of epoch 3 of drop 2."""
    place: dict[str, Any] = {
        "sale": SALE,
        "drop": 2,
        "epoch": 3,
        "lane": 1,
        "number": 17,
        "buyer": buyer(7),
        "issued_at_ms": ISSUED_MS,
        "expires_at_ms": EXPIRES_MS,
    }
    return by.mint(**(place | changes))


def segment(value: object) -> str:
    """A JWT segment of a JSON value."""
    text = json.dumps(value, separators=(",", ":")).encode()
    return urlsafe_b64encode(text).rstrip(b"=").decode()


def claims_of(token: str) -> dict[str, object]:
    """What the token claims, unverified."""
    text = token.split(".")[1]
    loaded = json.loads(urlsafe_b64decode(text + "=" * (-len(text) % 4)))
    assert isinstance(loaded, dict)
    return loaded


def test_a_pass_is_read_back_as_it_was_minted() -> None:
    """A pass carries sale, drop, place, buyer and its times in whole seconds."""
    token, minted = mint()
    assert tokens.read(token, SALE, EXPIRES_MS - 1) == minted
    assert (minted.sale, minted.drop, minted.number, minted.buyer) == (SALE, 2, 17, buyer(7))
    assert minted.issued_at_ms == 1_764_000_000_000
    assert minted.expires_at_ms == EXPIRES_MS
    assert len(minted.id) == 24


def test_the_same_arguments_give_the_same_token() -> None:
    """Signing and MAC are deterministic: a repeated claim hands out the same pass."""
    assert mint() == mint(PassTokens(PASS_KEYS))


def test_any_edge_can_verify_a_pass_by_the_published_keys() -> None:
    """A pass is a plain EdDSA JWT: PyJWT verifies it with the key set alone."""
    token, minted = mint()
    published = jwt.PyJWKSet.from_dict(public_keys(PASS_KEYS.signing))
    header = jwt.get_unverified_header(token)
    assert header == {"alg": "EdDSA", "kid": "6", "typ": "JWT"}
    claims = jwt.decode(
        token,
        published[header["kid"]].key,
        algorithms=["EdDSA"],
        audience=SALE,
        issuer="dropgate",
        options={
            "verify_exp": False,
            "require": ["iss", "aud", "sub", "iat", "nbf", "exp", "jti", "mac"],
        },
    )
    assert claims["jti"] == minted.id
    assert claims["sub"] == buyer(7)
    assert all(key.keys() == PUBLIC_FIELDS for key in public_keys(PASS_KEYS.signing)["keys"])


def test_every_other_symbol_in_header_and_claims_is_refused() -> None:
    """No symbol of header or claims can be another one: that covers every flipped bit."""
    token, _ = mint()
    for at in range(token.rindex(".")):
        for other in ALPHABET.replace(token[at], ""):
            outcome = tokens.read(token[:at] + other + token[at + 1 :])
            assert isinstance(outcome, BadPass), (at, other)


def test_a_cut_or_grown_token_is_refused() -> None:
    """A token is refused when anything is cut off or added, the signature included."""
    token, _ = mint()
    for end in range(len(token)):
        assert isinstance(tokens.read(token[:end]), BadPass)
        assert isinstance(tokens.read(token[end + 1 :]), BadPass)
    for more in ("A", "AAAA", "=", " ", "\n", ".", ".AAAA"):
        assert isinstance(tokens.read(token + more), BadPass)


def test_what_is_not_written_as_a_signature_is_refused() -> None:
    """It has 86 symbols, and the last one's lowest bits are zeros: there is one way to write it."""
    token, minted = mint()
    for end in ALPHABET:
        good = end in "AQgw"
        assert tokens.read(token[:-1] + end) == (minted if good else BadPass("malformed"))
    for other in "!+/=~ \x00":
        assert tokens.read(token[:-40] + other + token[-39:]) == BadPass("malformed")


@pytest.mark.parametrize("issuer", ["?", "??", "???", ">", ">>", ">>>", "a~?>", "aa>?~"])
def test_any_symbol_of_base64url_is_read(issuer: str) -> None:
    """Claims whose text needs the two symbols that are not plain base64's, wherever they stand."""
    for pad in range(3):
        own = PassTokens(replace(PASS_KEYS, issuer="d" * pad + issuer))
        token, minted = mint(own)
        assert own.read(token, SALE) == minted


@pytest.mark.parametrize("junk", ["", ".", "..", "...", "é.é.é", "\x00", "a" * 2000, "e30.e30.e30"])
def test_junk_is_refused(junk: str) -> None:
    """Whatever is not a pass is refused without an exception."""
    assert isinstance(tokens.read(junk), BadPass)


@pytest.mark.parametrize(
    "header",
    [
        {"alg": "none", "kid": "6", "typ": "JWT"},
        {"alg": "HS256", "kid": "6", "typ": "JWT"},
        {"alg": "EdDSA", "kid": "7", "typ": "JWT"},
        {"alg": "EdDSA", "kid": "6", "typ": "JWT", "jku": "https://attacker.example/keys"},
        {"alg": "EdDSA", "typ": "JWT"},
        {"typ": "JWT", "alg": "EdDSA", "kid": "6"},
    ],
)
def test_another_header_is_refused(header: dict[str, str]) -> None:
    """Another algorithm, key or field in the header is refused, whatever the claims say."""
    token, _ = mint()
    _, claims, signature = token.split(".")
    forged = ".".join((segment(header), claims, signature))
    assert tokens.read(forged) == BadPass("unknown_key")


def test_a_public_key_used_as_a_shared_secret_is_refused() -> None:
    """The classic confusion, HS256 under the published key, does not pass."""
    token, _ = mint()
    public = jwt.PyJWKSet.from_dict(public_keys(PASS_KEYS.signing))["6"].key.public_bytes_raw()
    forged = jwt.encode(claims_of(token), public, algorithm="HS256", headers={"kid": "6"})
    assert isinstance(tokens.read(forged), BadPass)


@pytest.mark.parametrize(
    ("claim", "changed"), [("place", 18), ("epoch", 4), ("exp", 2_000_000_000), ("jti", "a" * 24)]
)
def test_claims_signed_by_the_right_key_need_the_right_mac_too(claim: str, changed: object) -> None:
    """A token from our signing key whose MAC is not that over its claims is forged."""
    claims = claims_of(mint()[0])
    claims[claim] = changed
    signer = PassTokens(PASS_KEYS)._signers[6]
    forged = jwt.encode(claims, signer, algorithm="EdDSA", headers={"kid": "6"})
    assert tokens.read(forged) == BadPass("forged")


def test_an_expired_pass_is_refused_only_when_asked() -> None:
    """At its end a pass is expired; who looks for a repeat can still read it."""
    token, minted = mint()
    assert tokens.read(token, SALE, EXPIRES_MS - 1) == minted
    assert tokens.read(token, SALE, EXPIRES_MS) == BadPass("expired")
    assert tokens.read(token, SALE) == minted


def test_another_sales_pass_is_refused() -> None:
    """A pass is good for its own sale; without a sale to compare with it is read as it is."""
    token, minted = mint()
    assert tokens.read(token, "theatre") == BadPass("other_sale")
    assert tokens.read(token) == minted


def test_another_installations_pass_is_refused() -> None:
    """The issuer is compared, should two installations ever share keys."""
    token, _ = mint(PassTokens(replace(PASS_KEYS, issuer="elsewhere")))
    assert tokens.read(token) == BadPass("other_issuer")


EARLIER = replace(PASS_KEYS, mac=PASS_KEYS.mac[1:], signing=PASS_KEYS.signing[1:])


def test_rotation_overlaps() -> None:
    """Passes of the keys before are read until those are retired; new ones use the new keys."""
    token, minted = mint(PassTokens(EARLIER))
    assert tokens.read(token) == minted
    assert PassTokens(replace(PASS_KEYS, mac=PASS_KEYS.mac[:1])).read(token) == BadPass("forged")
    retired = replace(PASS_KEYS, signing=PASS_KEYS.signing[:1])
    assert PassTokens(retired).read(token) == BadPass("unknown_key")
    assert [key["kid"] for key in public_keys(PASS_KEYS.signing)["keys"]] == ["6", "5"]


def test_a_place_has_one_pass_id_whatever_keys_and_times_are() -> None:
    """After a rotation, and after a room that forgot let it in again, it is good for one order."""
    token, minted = mint()
    rotated = PassTokens(
        replace(
            PASS_KEYS,
            mac=((7, b"seven" * 7), *PASS_KEYS.mac),
            signing=((8, sha256(b"eight").digest()), *PASS_KEYS.signing),
        )
    )
    again, later = mint(rotated, issued_at_ms=EXPIRES_MS, expires_at_ms=EXPIRES_MS + 60_000)
    assert again != token
    assert later.id == minted.id
    assert mint(PassTokens(EARLIER))[1].id == minted.id


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({"sale": "hall", "drop": 11}, {"sale": "hall1", "drop": 1}),
        ({"drop": 1, "epoch": 12}, {"drop": 11, "epoch": 2}),
        ({"epoch": 1, "lane": 12}, {"epoch": 11, "lane": 2}),
        ({"lane": 1, "number": 17}, {"lane": 11, "number": 7}),
        ({"number": 1, "buyer": "1a"}, {"number": 11, "buyer": "a"}),
    ],
)
def test_numbers_that_run_together_are_two_places(
    one: dict[str, Any], other: dict[str, Any]
) -> None:
    """Where two parts of a place meet, a symbol that moves over makes another pass."""
    assert mint(tokens, **one)[1].id != mint(tokens, **other)[1].id


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["cinema", "cinem", "cinema-2"]),
            st.integers(1, 12),
            st.integers(1, 12),
            st.integers(0, 7),
            st.integers(1, 120),
            st.sampled_from([buyer(1), buyer(2)]),
        ),
        unique=True,
        max_size=60,
    )
)
def test_two_places_never_share_a_pass_id(
    places: list[tuple[str, int, int, int, int, str]],
) -> None:
    """Not when sale, drop, epoch, lane, number and buyer run together in other ways."""
    names = ("sale", "drop", "epoch", "lane", "number", "buyer")
    ids = {mint(tokens, **dict(zip(names, place, strict=True)))[1].id for place in places}
    assert len(ids) == len(places)
