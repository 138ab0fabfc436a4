"""The kiosk's desk: a code is redeemed for the kiosk's venue, guessing is slowed down.

Whether a code is good is decided by inventory; which sale and unit it means is looked up here, in
the shelves (minted codes) and in the venue's imported codes.
"""

import asyncio
import logging
import math
import time
from collections.abc import Sequence

from gateway.answers import KioskAnswer
from gateway.auth import AtKiosk
from gateway.credentials import Credentials
from gateway.gathering import Gatherer
from gateway.limits import MISSES_BURST, MISSES_PER_MINUTE, AtOnce, Pace
from gateway.metrics import Metrics
from gateway.problems import Code, Refused
from gateway.shelves import UNREADABLE, Shelves
from inventory.codes import Codes
from inventory.redemption import (
    RedeemedUnit,
    RedeemOutcome,
    RedeemRequest,
    Redemption,
    UnknownCode,
)
from inventory.sales import SaleView
from lua.faults import Fault
from lua.store import Store

log = logging.getLogger("dropgate.kiosks")

_Slot = tuple[SaleView, int]
OVER_AFTER_MS = 24 * 3_600_000
"""So long after its last ticket's time a closed sale is not looked through any more."""


class KioskDesk:
    """Redemptions of one process."""

    def __init__(
        self,
        store: Store,
        codes: Codes,
        shelves: Shelves,
        credentials: Credentials,
        metrics: Metrics,
    ) -> None:
        self._redemption = Redemption(
            store, codes, find_minted=self._minted, find_outside=self._imported
        )
        self._gathered: Gatherer[_Slot, RedeemRequest, RedeemOutcome] = Gatherer(
            self._redeem_slot, goes_first=True
        )
        self._shelves = shelves
        self._credentials = credentials
        self._metrics = metrics
        self._misses = Pace(MISSES_BURST, MISSES_PER_MINUTE)
        self._at_once = AtOnce()

    def me(self, at: AtKiosk) -> KioskAnswer:
        """Where the kiosk stands, as far as this process knows."""
        venue, key = self._shelves.venue(at.venue), self._credentials.known(at.credential)
        return KioskAnswer(
            venue=at.venue,
            venue_title=at.venue if venue is None else venue.title,
            timezone=None if venue is None else venue.timezone,
            kiosk=at.kiosk,
            title=at.kiosk if key is None else key.title,
            server_time_ms=int(time.time() * 1000),
        )

    async def redeem(self, at: AtKiosk, typed: str, key: str) -> RedeemOutcome:
        """Redeem what was typed or scanned.

        Raises Refused (429) for a kiosk that guesses, or does too many at once.
        """
        with self._at_once.one(at.credential) as may:
            if not may:
                raise Refused(Code.TOO_MANY_AT_ONCE)
            now_s = time.monotonic()
            wait_s = math.ceil(self._misses.wait_s(at.credential, now_s))
            if wait_s > 0:
                raise Refused(Code.TOO_MANY_ATTEMPTS, retry_after_s=wait_s)
            outcome = await self._counted(at, typed, key, now_s)
        if isinstance(outcome, UnknownCode):
            self._metrics.code_misses.inc()
            if self._misses.wait_s(at.credential, time.monotonic()) > 0:
                kiosk = (at.kiosk, at.venue, at.credential)
                log.warning("kiosk %s of %s (key %s) has tried too many unknown codes", *kiosk)
        elif isinstance(outcome, RedeemedUnit) and not outcome.replayed:
            self._metrics.redeemed.labels(outcome.sale).inc()
        return outcome

    async def _counted(self, at: AtKiosk, typed: str, key: str, now_s: float) -> RedeemOutcome:
        # Counted before the store is asked: else all that are asked at once would be free.
        self._misses.count(at.credential, now_s)
        try:
            outcome = await self._redemption.redeem(
                typed, venue=at.venue, kiosk=at.kiosk, key=key, redeem_in=self._redeem_in
            )
        except (Fault, Refused):
            self._misses.give_back(at.credential)  # an outage or a rush tells a guesser nothing
            raise
        if not isinstance(outcome, UnknownCode):
            self._misses.give_back(at.credential)
        return outcome

    async def idle(self) -> None:
        """Return when nothing is being redeemed."""
        await self._gathered.idle()

    async def _redeem_in(self, stripe: int, request: RedeemRequest) -> RedeemOutcome:
        sale = request.address.sale
        return await self._gathered.ask(f"{sale.id}:{stripe}", (sale, stripe), request)

    async def _redeem_slot(
        self, slot: _Slot, batch: Sequence[RedeemRequest]
    ) -> list[RedeemOutcome]:
        return await self._redemption.redeem_all(*slot, batch)

    async def _minted(self, sale_number: int, serial: int) -> tuple[SaleView, int] | None:
        shelf = self._shelves.of_number(sale_number)
        if shelf is None and self._shelves.unreadable:
            raise Refused(Code.NOT_READY, UNREADABLE)  # a good ticket is not called unknown
        offer = None if shelf is None else shelf.catalogue.offer_of_serial(serial)
        if shelf is None or offer is None:
            return None
        return shelf.view, offer.number

    async def _imported(self, typed: str, _venue: str) -> tuple[SaleView, int, int] | None:
        # Every venue's codes are looked through: "wrong venue" helps at a door, "unknown" does not.
        over_ms = time.time() * 1000 - OVER_AFTER_MS
        shelves = [
            shelf
            for shelf in self._shelves
            # Tickets are used after their sale has closed, until their own time is over.
            if shelf.outside_until_ms > over_ms or (shelf.has_outside_codes and not shelf.is_closed)
        ]
        serials = await asyncio.gather(*(one.catalogue.serial_of_code(typed) for one in shelves))
        for shelf, serial in zip(shelves, serials, strict=True):
            offer = None if serial is None else shelf.catalogue.offer_of_serial(serial)
            if serial is not None and offer is not None:
                return shelf.view, offer.number, serial
        return None
