"""Tokens of outside signers: only the right key, audience, time and algorithm are believed."""

import base64
import hmac
import json
import time
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from gateway import assertions, payments
from gateway.assertions import Assertion, BadAssertion, Memory, issuer_of
from gateway.problems import Refused
from tests.gateway.signing import Signer

SHOP = Signer("https://shop.example")
ISSUERS = (issuer_of("shop", SHOP.issuer, SHOP.audience, [SHOP.jwk]),)

DAY_S = 86_400
"""Parameters are made at collection; a long run may come to them much later."""


def check(token: str) -> Assertion | BadAssertion:
    """The token, checked as a login."""
    return assertions.check(token, ISSUERS, ("sub",))


def test_a_good_assertion_is_believed() -> None:
    """A token of a known issuer, for us, in its time, says who its subject is."""
    found = check(SHOP.sign(sub="ann"))
    assert isinstance(found, Assertion)
    assert (found.issuer.name, found.claims["sub"]) == ("shop", "ann")


@pytest.mark.parametrize(
    ("change", "expired"),
    [
        ({"exp": int(time.time()) - 60}, True),
        ({"exp": None}, False),
        ({"exp": "soon"}, False),
        ({"exp": 1e400}, False),
        ({"exp": 10**400}, False),
        ({"sub": "\ud800"}, False),
        ({"iat": int(time.time()) + DAY_S}, False),
        ({"nbf": int(time.time()) + DAY_S}, False),
        ({"aud": "another"}, False),
        ({"aud": None}, False),
        ({"iss": "https://evil.example"}, False),
        ({"iss": None}, False),
        ({"sub": None}, False),
    ],
)
def test_a_wrong_claim_is_refused(change: dict[str, Any], expired: bool) -> None:
    """Expired, early, for another audience, by another issuer, or without a claim: refused."""
    found = check(SHOP.sign(**{"sub": "ann", **change}))
    assert isinstance(found, BadAssertion)
    assert found.expired is expired


def test_a_forged_signature_is_refused() -> None:
    """Another key, though it calls itself by a known id, signs nothing."""
    other = Signer(SHOP.issuer, kid=SHOP.kid)
    assert isinstance(check(other.sign(sub="ann")), BadAssertion)


def test_every_changed_symbol_is_refused() -> None:
    """No single symbol of a token can be changed so that it says something else."""
    token = SHOP.sign(sub="ann")
    for at in range(len(token)):
        changed = token[:at] + ("A" if token[at] != "A" else "B") + token[at + 1 :]
        found = check(changed)
        # The last symbol of a base64 text may carry unused bits: then nothing was changed.
        assert isinstance(found, BadAssertion) or found.claims["sub"] == "ann"


def test_an_algorithm_of_the_tokens_own_choice_is_refused() -> None:
    """`none`, and HMAC with the public key as its secret, are the two old tricks."""
    claims = {"iss": SHOP.issuer, "aud": "dropgate", "sub": "ann", "iat": 0, "exp": 2**40}
    assert isinstance(check(jwt.encode(claims, "", "none", headers={"kid": "k1"})), BadAssertion)
    public = SHOP.key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    content = b".".join(
        base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=")
        for part in ({"alg": "HS256", "kid": "k1"}, claims)
    )
    mac = base64.urlsafe_b64encode(hmac.digest(public, content, "sha256")).rstrip(b"=")
    assert isinstance(check((content + b"." + mac).decode()), BadAssertion)


def test_the_algorithm_is_the_keys_own() -> None:
    """An RSA key verifies RS256 alone, and an issuer may have keys of several kinds."""
    private = rsa.generate_private_key(65537, 2048)
    public = json.loads(jwt.algorithms.RSAAlgorithm.to_jwk(private.public_key()))
    issuers = (issuer_of("shop", SHOP.issuer, "dropgate", [{**public, "kid": "r"}, SHOP.jwk]),)
    now = int(time.time())
    claims = {"iss": SHOP.issuer, "aud": "dropgate", "sub": "ann", "iat": now, "exp": now + 60}
    good = jwt.encode(claims, private, "RS256", headers={"kid": "r"})
    assert isinstance(assertions.check(good, issuers, ("sub",)), Assertion)
    other = jwt.encode(claims, private, "RS512", headers={"kid": "r"})
    assert isinstance(assertions.check(other, issuers, ("sub",)), BadAssertion)
    crossed = jwt.encode(claims, private, "RS256", headers={"kid": "k1"})
    assert isinstance(assertions.check(crossed, issuers, ("sub",)), BadAssertion)


@pytest.mark.parametrize("text", ["", "a", "a.b", "a.b.c", "..", "a.b.c.d", "é.é.é", "[" * 5000])
def test_what_is_no_token_is_refused(text: str) -> None:
    """Any text at all is refused, never a bug."""
    assert isinstance(check(text), BadAssertion)


def test_a_good_assertion_is_remembered_until_it_expires() -> None:
    """The signature is checked once; the token's own end still ends it."""
    memory = Memory(size=2)
    token = SHOP.sign(sub="ann")
    now = time.time()
    first = memory.check(token, ISSUERS, ("sub",), realm="s:1", now_s=now)
    assert memory.check(token, (), ("sub",), realm="s:1", now_s=now) is first
    late = memory.check(token, (), ("sub",), realm="s:1", now_s=now + 4000)
    assert isinstance(late, BadAssertion)


def test_a_new_revision_forgets_the_issuers_of_the_one_before() -> None:
    """An issuer that was taken out of the sale is not believed from memory."""
    memory = Memory()
    token = SHOP.sign(sub="ann")
    now = time.time()
    memory.check(token, ISSUERS, ("sub",), realm="s:1", now_s=now)
    assert isinstance(memory.check(token, (), ("sub",), realm="s:2", now_s=now), BadAssertion)


def test_the_memory_is_bounded() -> None:
    """The least lately used assertion is forgotten first."""
    memory = Memory(size=2)
    now = time.time()
    tokens = [SHOP.sign(sub=name) for name in ("a", "b", "c")]
    for token in tokens:
        memory.check(token, ISSUERS, ("sub",), realm="s", now_s=now)
    gone = memory.check(tokens[0], (), ("sub",), realm="s", now_s=now)
    kept = memory.check(tokens[2], (), ("sub",), realm="s", now_s=now)
    assert (type(gone), type(kept)) == (BadAssertion, Assertion)


PAYMENT: dict[str, Any] = {
    "order": "o1",
    "amount_minor": 760,
    "currency": "CNY",
    "reference": "pay-1",
}
TILL = (issuer_of("till", SHOP.issuer, "dropgate", [SHOP.jwk]),)
TEST_TILL = (issuer_of("play", SHOP.issuer, "dropgate", [SHOP.jwk], kind="test"),)


def proved(token: str, adapters: Any = TILL, *, test_mode: bool = False) -> payments.Payment:
    """The proof, read for order o1 in yuan."""
    return payments.proved(
        token, order="o1", currency="CNY", adapters=adapters, test_mode=test_mode
    )


def test_a_proof_names_its_adapter_and_amount() -> None:
    """A good proof becomes `<adapter>:<reference>` and the amount."""
    assert proved(SHOP.sign(**PAYMENT)) == payments.Payment("till:pay-1", 760)


@pytest.mark.parametrize(
    "change",
    [
        {"order": "o2"},
        {"currency": "USD"},
        {"amount_minor": -1},
        {"amount_minor": 1.5},
        {"amount_minor": "760"},
        {"amount_minor": True},
        {"amount_minor": 2**53},
        {"reference": ""},
        {"reference": "r" * 129},
        {"reference": "a\x00b"},
        {"reference": None},
        {"exp": int(time.time()) - 60},
    ],
)
def test_a_wrong_proof_is_refused_by_the_name_of_its_field(change: dict[str, Any]) -> None:
    """A proof for another order, amount, currency or time pays nothing."""
    with pytest.raises(Refused) as refused:
        proved(SHOP.sign(**{**PAYMENT, **change}))
    assert refused.value.problem.code == "bad_payment"
    assert refused.value.problem.errors[0].field == "payment"


def test_the_test_adapter_is_heard_in_test_mode_alone() -> None:
    """Anybody can pay with the test adapter, so outside of test mode it pays nothing."""
    token = SHOP.sign(**PAYMENT)
    assert proved(token, TEST_TILL, test_mode=True).name == "play:pay-1"
    with pytest.raises(Refused):
        proved(token, TEST_TILL)
