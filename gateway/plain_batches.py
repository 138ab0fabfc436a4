"""A partner's batch read quickly: most are plain, and a plain one needs few checks.

`bodies` says what a batch may hold; each text of it is matched by a pattern of its own, which costs
more than all the rest of reading. Here a batch of plain orders (quantities, no seats, printable
names) is read with one check for all texts of a kind. Whatever is not plain is not refused here: it
is read again as `bodies` says it, and that reading alone knows what is wrong.
"""

import re
from typing import Annotated

import msgspec
from msgspec import Meta

from gateway.bodies import (
    BATCH_MAX,
    LINES_MAX,
    OFFER_PATTERN,
    QUANTITY_MAX,
    SLUG_PATTERN,
    BatchBody,
    BatchOrderBody,
    LineBody,
)

_Name = Annotated[str, Meta(min_length=1, max_length=128)]


class _Line(LineBody, frozen=True):
    offer: str
    quantity: Annotated[int, Meta(ge=1, le=QUANTITY_MAX)]
    seats: None = None

    def __post_init__(self) -> None:
        """There are no seats, so exactly one of the two is given."""


class _Order(BatchOrderBody, frozen=True, kw_only=True):
    sale: str
    buyer: _Name
    lines: Annotated[list[_Line], Meta(min_length=1, max_length=LINES_MAX)]  # type: ignore[assignment]  # nobody adds a line to a body
    reference: _Name = ""
    key: _Name


class _Batch(BatchBody, frozen=True):
    orders: Annotated[list[_Order], Meta(min_length=1, max_length=BATCH_MAX)]  # type: ignore[assignment]  # nor an order


_decoder = msgspec.json.Decoder(_Batch)
_is_slug = re.compile(SLUG_PATTERN).search
_is_offer = re.compile(OFFER_PATTERN).search


def read_plain(body: bytes) -> BatchBody | None:
    """The batch, or None when it has to be read with all checks."""
    try:
        batch = _decoder.decode(body)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return None
    orders = batch.orders
    keys = "".join([order.key for order in orders])
    is_plain = (
        keys.isascii()
        and keys.isprintable()
        and " " not in keys
        and "".join([order.buyer for order in orders]).isprintable()
        and "".join([order.reference for order in orders]).isprintable()
        and all(_is_slug(sale) for sale in {order.sale for order in orders})
        and all(_is_offer(name) for name in {one.offer for order in orders for one in order.lines})
    )
    return batch if is_plain else None
