"""What a sale means, as it lies in the store, so that gateways need no database to show and sell.

Here belong the shapes and the keys' fields; `publishing` writes them, `browsing` reads them. The
hot scripts never read any of it. The field `sale` is written last and names the revision.
"""

import msgspec

from inventory.salefile import (
    Drop,
    LaneLine,
    Login,
    Offer,
    Partner,
    Payment,
    RoomLine,
    SaleRules,
    Venue,
)

CODES_PER_CHUNK = 256
"""Sealed codes that share one field."""
FIELDS_AT_ONCE = 256
"""Fields in one command."""


class PublishedSale(msgspec.Struct, frozen=True):
    """The sale itself and what to read next: offers 1 to `offers`, and the names of the rest."""

    revision: int
    number: int
    rules: SaleRules
    room: RoomLine
    drops: list[Drop]
    logins: list[Login]
    payments: list[Payment]
    offers: int
    venues: list[str]
    layouts: list[str]
    partners: list[str]
    lanes: list[LaneLine] = []


class PublishedOffer(msgspec.Struct, frozen=True):
    """An offer, its number, the first of its serials and how many are reserved for it."""

    number: int
    base: int
    size: int
    record: Offer


Runs = list[tuple[str, int, int]]
"""A layout: row, first seat and last seat of each run, in order of preference."""

_encode = msgspec.msgpack.Encoder().encode
sale_decoder = msgspec.msgpack.Decoder(PublishedSale)
offer_decoder = msgspec.msgpack.Decoder(PublishedOffer)
venue_decoder = msgspec.msgpack.Decoder(Venue)
partner_decoder = msgspec.msgpack.Decoder(Partner)
runs_decoder = msgspec.msgpack.Decoder(Runs)
chunk_decoder = msgspec.msgpack.Decoder(dict[int, bytes])

SALE_FIELD = "sale"


def packed(value: object) -> bytes:
    """A value of this module as a field's content."""
    return _encode(value)


def offer_field(number: int) -> str:
    """The field of an offer."""
    return f"offer:{number}"


def layout_field(layout: str) -> str:
    """The field of a layout."""
    return f"layout:{layout}"


def venue_field(venue: str) -> str:
    """The field of a venue."""
    return f"venue:{venue}"


def partner_field(partner: str) -> str:
    """The field of a partner."""
    return f"partner:{partner}"
