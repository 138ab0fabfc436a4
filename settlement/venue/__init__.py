"""The venue adapter: buys seats ahead at a pace the venue bears, and returns what was redeemed.

`Purchasing.run` buys, `Redemptions.run_once` reports. aiohttp is known by `client` alone.
"""

from settlement.venue.client import VenueClient, VenueContradiction, VenueUnavailable
from settlement.venue.journal import Journal, Lot, Progress
from settlement.venue.pacing import Pace
from settlement.venue.purchasing import OfferReport, Purchasing, Wanted
from settlement.venue.redemptions import Redemptions, TellReport

__all__ = [
    "Journal",
    "Lot",
    "OfferReport",
    "Pace",
    "Progress",
    "Purchasing",
    "Redemptions",
    "TellReport",
    "VenueClient",
    "VenueContradiction",
    "VenueUnavailable",
    "Wanted",
]
