"""Names that are computed: the key of a buyer and the id of an order.

An order's id is a MAC over who asked, for whom, and the key the client made, so the order's own
record is the memory of the first success and the id alone finds it: its first six symbols spell
out the sale's number, the stripe and the bucket, the next ten are the buyer's tag, under which the
bucket has the buyer's first order, and eight are the MAC. A buyer's name never reaches the store,
only its keyed hash, which begins with the tag.
"""

from collections.abc import Callable
from functools import lru_cache
from hashlib import blake2b
from zlib import crc32

import msgspec

ORDER_ID_LENGTH = 24
HEAD_LENGTH = 6
TAG_LENGTH = 10
"""50 bits: that two buyers of a bucket share a tag is rare, and only costs a look more."""
_MAC_LENGTH = ORDER_ID_LENGTH - HEAD_LENGTH - TAG_LENGTH
_STRIPE_BITS, _BUCKET_BITS = 4, 15
_STRIPE_MASK = (1 << _STRIPE_BITS) - 1
_CROCKFORD = "0123456789abcdefghjkmnpqrstvwxyz"
_BASE32 = str.maketrans(_CROCKFORD, "0123456789abcdefghijklmnopqrstuv")
_VALUES = {symbol: value for value, symbol in enumerate(_CROCKFORD)}
# A byte of a MAC becomes the symbol of its lower five bits: one C call for a whole digest, where
# base32 takes ten times as long.
_SYMBOL_OF_BYTE = (_CROCKFORD * 8).encode()
_PAIRS = [first + second for first in _CROCKFORD for second in _CROCKFORD]
_PAIR_VALUES = {pair: value for value, pair in enumerate(_PAIRS)}


CALLERS_REMEMBERED_MAX = 1_024


class OrderAddress(msgspec.Struct, frozen=True, gc=False):
    """Where an order lies."""

    sale_number: int
    stripe: int
    bucket: int


class Shape(msgspec.Struct, frozen=True, gc=False):
    """How a sale's buyers are spread; it never changes once the sale is applied."""

    number: int
    stripes: int
    buckets: int


def tag_of(buyer: str) -> str:
    """The name of a buyer's field in his bucket."""
    return buyer[:TAG_LENGTH]


def tag_in(order: str) -> str:
    """The same, from the id of one of his orders."""
    return order[HEAD_LENGTH : HEAD_LENGTH + TAG_LENGTH]


def stripe_of(order: str) -> int:
    """The stripe of what is known to be an order's id: it stands in the third symbol alone."""
    return _VALUES[order[2]] & _STRIPE_MASK


def bucket_of(order: str) -> int:
    """The bucket of what is known to be an order's id: the three symbols after the stripe's."""
    return _VALUES[order[3]] << 10 | _PAIR_VALUES[order[4:HEAD_LENGTH]]


class Identities:
    """Makes buyer keys and order ids. `order` and `buyer` are secrets of 32 bytes."""

    def __init__(self, *, order: bytes, buyer: bytes) -> None:
        # Copied for each name: the key is worked in once.
        self._order_by = _begun_with(blake2b(key=order, digest_size=_MAC_LENGTH))
        self._buyer = blake2b(key=buyer, digest_size=ORDER_ID_LENGTH)

    def buyer_key(self, identity: str) -> str:
        """The key of a buyer `<realm>:<subject>`: 24 symbols that tell nothing of the name."""
        mac = self._buyer.copy()
        mac.update(identity.encode())
        return mac.digest().translate(_SYMBOL_OF_BYTE).decode()

    def order_id(self, shape: Shape, *, caller: str, buyer: str, key: str) -> str:
        """The id that this caller's key for this buyer has, now and at every repeat."""
        mac = self._order_by(shape.number, caller).copy()
        mac.update(f"{buyer}\0{key}".encode())
        spread, stripe = divmod(crc32(buyer.encode()), shape.stripes)
        head = (shape.number << _STRIPE_BITS | stripe) << _BUCKET_BITS | spread % shape.buckets
        return (
            f"{_PAIRS[head >> 20]}{_PAIRS[head >> 10 & 1023]}{_PAIRS[head & 1023]}"
            f"{buyer[:TAG_LENGTH]}{mac.digest().translate(_SYMBOL_OF_BYTE).decode()}"
        )


def _begun_with(order: blake2b) -> Callable[[int, str], blake2b]:
    """Begins the MAC of an order: all of one caller in one sale begin alike."""

    @lru_cache(maxsize=CALLERS_REMEMBERED_MAX)
    def begun(sale_number: int, caller: str) -> blake2b:
        mac = order.copy()
        mac.update(f"{sale_number}\0{caller}\0".encode())
        return mac

    return begun


def parse_order_id(text: str) -> OrderAddress | None:
    """Where the order of this id lies, or None when the text is no order id."""
    if len(text) != ORDER_ID_LENGTH or text.strip(_CROCKFORD):
        return None
    head = int(text[:HEAD_LENGTH].translate(_BASE32), 32)
    return OrderAddress(
        head >> _STRIPE_BITS + _BUCKET_BITS,
        head >> _BUCKET_BITS & _STRIPE_MASK,
        head & (1 << _BUCKET_BITS) - 1,
    )
