"""Bodies become what inventory's verbs ask for: names become numbers, a key becomes an order's id.

Here belongs translating, with the refusal that names the field when a name means nothing. Whether
there is stock, and whose it is, is decided by the verbs.
"""

from binascii import b2a_base64
from collections.abc import Sequence
from hashlib import blake2b

import msgspec

from gateway.auth import AtTill, Partner
from gateway.bodies import LineBody, PartnerOrderBody
from gateway.problems import Code, FieldError, Refused
from gateway.shelves import Shelf
from inventory.facts import SHOP
from inventory.ids import Identities
from inventory.orders import HoldRequest, LineRequest

FINGERPRINT_BYTES = 9
"""Enough for one key's contents: only its own caller could make two that look alike."""
_encode = msgspec.json.Encoder().encode
_digest = blake2b(digest_size=FINGERPRINT_BYTES)


def lines_of(
    shelf: Shelf, lines: Sequence[LineBody], where: str = "lines"
) -> tuple[LineRequest, ...]:
    """The lines with offer numbers and serials. Raises Refused for a name the sale has not."""
    found = []
    for at, line in enumerate(lines):
        offer = shelf.catalogue.number_of(line.offer)
        if offer is None:
            raise _unknown(Code.UNKNOWN_OFFER, f"{where}/{at}/offer", "no such offer", line.offer)
        if line.seats is None:
            found.append(LineRequest(offer, line.quantity or 0))
            continue
        serials = []
        for seat_at, seat in enumerate(line.seats):
            serial = shelf.catalogue.serial_of_seat(offer, seat)
            if serial is None:
                field = f"{where}/{at}/seats/{seat_at}"
                raise _unknown(Code.UNKNOWN_SEAT, field, "no such seat", line.offer)
            serials.append(serial)
        found.append(LineRequest(offer, len(serials), tuple(serials)))
    return tuple(found)


def shoppers_hold(
    shelf: Shelf, identities: Identities, till: AtTill, key: str, lines: Sequence[LineBody]
) -> HoldRequest:
    """What a shopper with a pass asks for; the pass says who buys."""
    return HoldRequest(
        order=identities.order_id(shelf.view.shape, caller=SHOP, buyer=till.buyer, key=key),
        buyer=till.buyer,
        seller=SHOP,
        lines=lines_of(shelf, lines),
        fingerprint=_fingerprint(lines),
        pass_id=till.pass_.id,
        pass_expires_ms=till.pass_.expires_at_ms,
        pass_drop=till.pass_.drop,
    )


def partners_order(
    shelf: Shelf, identities: Identities, partner: Partner, key: str, body: PartnerOrderBody
) -> HoldRequest:
    """What a partner asks for one of its buyers, who have names too."""
    buyer = identities.buyer_key(f"{partner.id}:{body.buyer}")
    order = identities.order_id(shelf.view.shape, caller=partner.id, buyer=buyer, key=key)
    return HoldRequest(
        order=order,
        buyer=buyer,
        seller=partner.id,
        lines=lines_of(shelf, body.lines),
        fingerprint=_fingerprint((body.lines, body.mode, body.reference)),
        reference=body.reference,
        one_step=body.mode == "sell",
        payment=f"partner:{body.reference or order}" if body.mode == "sell" else "",
    )


def has_codes_at_hand(shelf: Shelf, request: HoldRequest) -> bool:
    """Whether the codes of what is asked for are all ours: a venue's own have to be read."""
    outside = shelf.outside_offers
    return not outside or outside.isdisjoint(line.offer for line in request.lines)


def _fingerprint(content: object) -> str:
    digest = _digest.copy()
    digest.update(_encode(content))
    return b2a_base64(digest.digest(), newline=False).decode()


def _unknown(code: Code, field: str, what: str, offer: str) -> Refused:
    errors = [FieldError("body", field, f"The sale has {what}")]
    return Refused(code, f"{field}: the sale has {what}", errors=errors, offer=offer)
