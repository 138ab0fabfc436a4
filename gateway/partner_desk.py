"""What a partner hears about itself: who it is, its keys, a new one in the place of an old one.

Keys are the catalogue's. A rotated key is derived from the request's own `Idempotency-Key` by a
secret of the installation, so a repeat after a lost answer shows the same key, which is kept
nowhere.
"""

import hmac
import logging
import time
from dataclasses import dataclass

from gateway.auth import Partner
from gateway.credentials import Credentials
from gateway.link import Link
from gateway.partner_answers import KeyAnswer, NewKeyAnswer, PartnerAnswer, PartnerSaleAnswer
from gateway.problems import Code, Refused
from gateway.shelves import Shelf, Shelves
from inventory.catalogue import Catalogue, Credential, NotIssued, Rotated, TooManyKeys

log = logging.getLogger("dropgate.partner")

KEYS_MAX = 10


class PartnerDesk:
    """Partners and their keys, of one process. `secret` makes the texts of rotated keys."""

    def __init__(
        self, catalogue: Link[Catalogue], credentials: Credentials, shelves: Shelves, secret: bytes
    ) -> None:
        self._catalogue, self._credentials = catalogue, credentials
        self._shelves, self._secret = shelves, secret

    def me(self, partner: Partner) -> PartnerAnswer:
        """The partner, the key that asks, and the sales that it may sell in."""
        key = self._credentials.known(partner.credential)
        if key is None:
            raise Refused(Code.BAD_CREDENTIAL, "This key is not known any more.")
        mine = [shelf for shelf in self._shelves if partner.id in shelf.catalogue.partners]
        mine.sort(key=lambda shelf: shelf.view.number)
        titles = [shelf.catalogue.partners[partner.id].title for shelf in mine]
        return PartnerAnswer(
            partner=partner.id,
            title=titles[-1] if titles else partner.id,
            key=_masked(key, partner),
            sales=[_sale(shelf) for shelf in mine],
            server_time_ms=int(time.time() * 1000),
        )

    async def keys(self, partner: Partner) -> list[KeyAnswer]:
        """Its keys in force, as the catalogue has them at this moment; the one that asks first."""
        known = await (await self._catalogue.get()).credentials()
        mine = (key for key in known if key.role == "partner" and key.scope == partner.id)
        return sorted((_masked(key, partner) for key in mine), key=lambda key: not key.current)

    async def rotate(self, partner: Partner, key: str, *, overlap_s: int) -> "RotatedKey":
        """A new key in the place of the one that asks, which stays good for `overlap_s`.

        Raises Refused while as many keys are in force as there may be.
        """
        content = f"rotate\0{partner.credential}\0{key}".encode()
        seed = hmac.digest(self._secret, content, "sha256")
        catalogue = await self._catalogue.get()
        outcome = await catalogue.rotate_own_credential(
            partner.credential, overlap_s, seed=seed, keys_max=KEYS_MAX
        )
        match outcome:
            case Rotated():
                await self._credentials.refresh()  # the other processes read it within seconds
                if not outcome.replayed:
                    log.info(
                        "%s has key %s in the place of %s",
                        partner.id, outcome.id, partner.credential,
                    )  # fmt: skip
                shown = NewKeyAnswer(
                    id=outcome.id,
                    key=outcome.text,
                    old_expires_at_ms=outcome.old_expires_at_ms,
                    expires_at_ms=outcome.expires_at_ms,
                )
                return RotatedKey(shown, outcome.replayed)
            case TooManyKeys(limit=limit):
                detail = f"{limit} keys are in force; wait until an old one has ended."
                raise Refused(Code.TOO_MANY_KEYS, detail, limit=limit)
            case NotIssued(reason=reason):
                raise Refused(Code.BAD_CREDENTIAL, f"This key cannot be rotated: {reason}.")


@dataclass(frozen=True, slots=True)
class RotatedKey:
    """The new key; `replayed` when an earlier call made it."""

    key: NewKeyAnswer
    replayed: bool


def _masked(key: Credential, partner: Partner) -> KeyAnswer:
    return KeyAnswer(
        id=key.id,
        masked=f"dgk_partner_{key.id}_…",
        title=key.title,
        current=key.id == partner.credential,
        expires_at_ms=key.expires_at_ms,
    )


def _sale(shelf: Shelf) -> PartnerSaleAnswer:
    rules = shelf.catalogue.rules
    return PartnerSaleAnswer(
        id=shelf.view.id,
        title=rules.title,
        state=shelf.view.state,
        currency=shelf.view.currency,
        timezone=rules.timezone,
    )
