"""Purchases read quickly: most bodies are plain, and a plain one needs few checks.

`bodies` says what a body may hold; each text of it is matched by a pattern of its own, which costs
more than all the rest of reading. Here plain orders (quantities, no seats, printable names) are
read with cheaper checks: one for all texts of a kind in a batch, and names of sales and offers,
which come again and again, are remembered. Whatever is not plain is not refused here: it is read
again as `bodies` says it, and that reading alone knows what is wrong.
"""

import re
from collections.abc import Callable, Mapping
from functools import lru_cache
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
    HoldBody,
    LineBody,
    PartnerOrderBody,
)

NAMES_REMEMBERED_MAX = 4_096
_Name = Annotated[str, Meta(min_length=1, max_length=128)]


class _Line(LineBody, frozen=True):
    offer: str
    quantity: Annotated[int, Meta(ge=1, le=QUANTITY_MAX)]
    seats: None = None

    def __post_init__(self) -> None:
        """There are no seats, so exactly one of the two is given."""


_Lines = Annotated[list[_Line], Meta(min_length=1, max_length=LINES_MAX)]


class _Hold(HoldBody, frozen=True):
    lines: _Lines  # type: ignore[assignment]  # nobody adds a line to a body


class _Order(PartnerOrderBody, frozen=True, kw_only=True):
    sale: str
    buyer: _Name
    lines: _Lines  # type: ignore[assignment]  # as above
    reference: _Name = ""


class _BatchOrder(BatchOrderBody, frozen=True, kw_only=True):
    sale: str
    buyer: _Name
    lines: _Lines  # type: ignore[assignment]  # as above
    reference: _Name = ""
    key: _Name


class _Batch(BatchBody, frozen=True):
    orders: Annotated[list[_BatchOrder], Meta(min_length=1, max_length=BATCH_MAX)]  # type: ignore[assignment]  # nor an order


_hold_of = msgspec.json.Decoder(_Hold).decode
_order_of = msgspec.json.Decoder(_Order).decode
_batch_of = msgspec.json.Decoder(_Batch).decode
_slug_in = re.compile(SLUG_PATTERN).search
_offer_in = re.compile(OFFER_PATTERN).search


@lru_cache(maxsize=NAMES_REMEMBERED_MAX)
def _is_slug(name: str) -> bool:
    return _slug_in(name) is not None


@lru_cache(maxsize=NAMES_REMEMBERED_MAX)
def _is_offer(name: str) -> bool:
    return _offer_in(name) is not None


def _read_hold(body: bytes) -> HoldBody | None:
    hold = _hold_of(body)
    for line in hold.lines:
        if not _is_offer(line.offer):
            return None
    return hold


def _read_order(body: bytes) -> PartnerOrderBody | None:
    order = _order_of(body)
    for line in order.lines:
        if not _is_offer(line.offer):
            return None
    is_plain = order.buyer.isprintable() and order.reference.isprintable() and _is_slug(order.sale)
    return order if is_plain else None


def _read_batch(body: bytes) -> BatchBody | None:
    batch = _batch_of(body)
    orders = batch.orders
    keys = "".join([order.key for order in orders])
    is_plain = (
        keys.isascii()
        and keys.isprintable()
        and " " not in keys
        and "".join([order.buyer for order in orders]).isprintable()
        and "".join([order.reference for order in orders]).isprintable()
        and all(map(_is_slug, {order.sale for order in orders}))
        and all(map(_is_offer, {one.offer for order in orders for one in order.lines}))
    )
    return batch if is_plain else None


_READERS: Mapping[type, Callable[[bytes], object]] = {
    HoldBody: _read_hold,
    PartnerOrderBody: _read_order,
    BatchBody: _read_batch,
}


def read_plain(body: bytes, kind: type) -> object | None:
    """The body as a `kind`, or None when it has to be read with all checks."""
    read = _READERS.get(kind)
    if read is None:
        return None
    try:
        return read(body)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return None
