"""The catalogue: what sales are made of and what their serials mean.

`Catalogue` is the writing side and needs the database; `SaleCatalogue` is what a gateway holds of
one sale and needs the store alone. asyncpg is known here and nowhere else in inventory.
"""

from inventory.catalogue.applying import (
    OtherRevision,
    Published,
    PublishOutcome,
    Refused,
    Unfinished,
)
from inventory.catalogue.browsing import SaleCatalogue
from inventory.catalogue.catalogue import Catalogue
from inventory.catalogue.changes import KeptChange, KeptChanges
from inventory.catalogue.credentials import (
    OVERLAP_MAX_S,
    ROLES,
    Credential,
    Issued,
    Kiosk,
    NotIssued,
    Presented,
    Role,
    Rotated,
    TooManyKeys,
    presented,
)
from inventory.catalogue.loading import OfferView
from inventory.catalogue.planning import Plan, Step
from inventory.catalogue.restoring import Restorable
from inventory.catalogue.sealing import CannotOpen, OutsideCodes
from inventory.catalogue.shelving import Progress, Shelf
from inventory.catalogue.stocking import LotReused, NotTaken, StockOutcome, Taken, UnknownSale
from inventory.catalogue.supplies import Piece, Supply

__all__ = [
    "OVERLAP_MAX_S",
    "ROLES",
    "CannotOpen",
    "Catalogue",
    "Credential",
    "Issued",
    "KeptChange",
    "KeptChanges",
    "Kiosk",
    "LotReused",
    "NotIssued",
    "NotTaken",
    "OfferView",
    "OtherRevision",
    "OutsideCodes",
    "Piece",
    "Plan",
    "Presented",
    "Progress",
    "PublishOutcome",
    "Published",
    "Refused",
    "Restorable",
    "Role",
    "Rotated",
    "SaleCatalogue",
    "Shelf",
    "Step",
    "StockOutcome",
    "Supply",
    "Taken",
    "TooManyKeys",
    "Unfinished",
    "UnknownSale",
    "presented",
]
