"""Proofs of payment: what an adapter signed about an order becomes a payment for the till.

Here belongs reading a proof's claims. That the amount fits and the order stands is decided by the
confirm script; the adapters of a sale are in its catalogue. An adapter of kind `test`, with which
anybody can pay, is heard only in test mode.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from gateway.assertions import Assertion, BadAssertion, Issuer, check
from gateway.problems import Code, Refused, wrong_field

REFERENCE_MAX = 128
TEST_KIND = "test"


@dataclass(frozen=True, slots=True)
class Payment:
    """A proved payment: `<adapter>:<reference>` and how much was paid."""

    name: str
    amount_minor: int


def heard(adapters: tuple[Issuer, ...], *, test_mode: bool) -> tuple[Issuer, ...]:
    """The adapters whose proofs count in this process."""
    return tuple(one for one in adapters if test_mode or one.kind != TEST_KIND)


def proved(
    proof: str, *, order: str, currency: str, adapters: tuple[Issuer, ...], test_mode: bool
) -> Payment:
    """The payment that `proof` proves for `order`. Raises Refused, naming what is wrong."""
    known = heard(adapters, test_mode=test_mode)
    match check(proof, known, ("order", "amount_minor", "currency", "reference")):
        case BadAssertion(reason=reason):
            raise _wrong(reason)
        case Assertion(issuer=issuer, claims=claims):
            return _payment(issuer, claims, order, currency)


def _payment(issuer: Issuer, claims: Mapping[str, Any], order: str, currency: str) -> Payment:
    if claims["order"] != order:
        raise _wrong("It is for another order.")
    if claims["currency"] != currency:
        raise _wrong("It is in another currency.")
    amount, reference = claims["amount_minor"], claims["reference"]
    if type(amount) is not int or not 0 <= amount < 2**53:
        raise _wrong("Its amount_minor is not a whole number of minor units.")
    if not isinstance(reference, str) or not 0 < len(reference) <= REFERENCE_MAX:
        raise _wrong("Its reference is not a text of 1..128 characters.")
    if not reference.isprintable():
        raise _wrong("Its reference is not printable.")
    return Payment(f"{issuer.name}:{reference}", amount)


def _wrong(reason: str) -> Refused:
    return wrong_field("body", "payment", reason, Code.BAD_PAYMENT)
