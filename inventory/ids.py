"""Names that are computed: the key of a buyer and the id of an order.

An order's id is a MAC over who asked, for whom, and the key the client made, so the order's own
record is the memory of the first success and the id alone finds it: it spells out the sale's
number, the stripe and the bucket. A buyer's name never reaches the store, only its keyed hash.
"""

import base64
import hmac
from dataclasses import dataclass

ORDER_ID_LENGTH = 24
_SALE_BITS, _STRIPE_BITS, _BUCKET_BITS, _MAC_BITS = 11, 4, 15, 90
_B32 = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"
_CROCKFORD = b"0123456789abcdefghjkmnpqrstvwxyz"
_TO_CROCKFORD = bytes.maketrans(_B32, _CROCKFORD)
_FROM_CROCKFORD = bytes.maketrans(_CROCKFORD, _B32)


@dataclass(frozen=True, slots=True)
class OrderAddress:
    """Where an order lies."""

    sale_number: int
    stripe: int
    bucket: int


@dataclass(frozen=True, slots=True)
class Shape:
    """How a sale's buyers are spread; it never changes once the sale is applied."""

    number: int
    stripes: int
    buckets: int


class Identities:
    """Makes buyer keys and order ids. `order` and `buyer` are secrets of 32 bytes."""

    def __init__(self, *, order: bytes, buyer: bytes) -> None:
        self._order = order
        self._buyer = buyer

    def buyer_key(self, identity: str) -> str:
        """The key of a buyer `<realm>:<subject>`: 24 symbols that tell nothing of the name."""
        return _symbols(hmac.digest(self._buyer, identity.encode(), "sha256")[:15])

    def order_id(self, shape: Shape, *, caller: str, buyer: str, key: str) -> str:
        """The id that this caller's key for this buyer has, now and at every repeat."""
        content = "\0".join((str(shape.number), caller, buyer, key)).encode()
        mac = int.from_bytes(hmac.digest(self._order, content, "sha256")[:12]) >> 6
        spread = int.from_bytes(_bytes(buyer)[:4])
        stripe = spread % shape.stripes
        bucket = spread // shape.stripes % shape.buckets
        head = (shape.number << _STRIPE_BITS | stripe) << _BUCKET_BITS | bucket
        return _symbols((head << _MAC_BITS | mac).to_bytes(15))


def parse_order_id(text: str) -> OrderAddress | None:
    """Where the order of this id lies, or None when the text is no order id."""
    if len(text) != ORDER_ID_LENGTH or any(ord(symbol) not in _CROCKFORD for symbol in text):
        return None
    head = int.from_bytes(_bytes(text)) >> _MAC_BITS
    return OrderAddress(
        sale_number=head >> (_STRIPE_BITS + _BUCKET_BITS),
        stripe=head >> _BUCKET_BITS & (1 << _STRIPE_BITS) - 1,
        bucket=head & (1 << _BUCKET_BITS) - 1,
    )


def _symbols(raw: bytes) -> str:
    return base64.b32encode(raw).translate(_TO_CROCKFORD).decode()


def _bytes(symbols: str) -> bytes:
    return base64.b32decode(symbols.encode().translate(_FROM_CROCKFORD))
