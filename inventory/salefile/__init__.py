"""The sale file: TOML and CSV validated as a whole, or the same sale as one JSON body.

`load` and `from_json` give a `SaleFile` or every problem at once; nothing is written anywhere.
"""

from inventory.salefile.body import from_json, to_json
from inventory.salefile.layouts import FREE, GAP, NOT_OURS, Layout, layouts_of
from inventory.salefile.parse import load
from inventory.salefile.problems import Problem
from inventory.salefile.shelf import reserve
from inventory.salefile.values import (
    AllotmentLine,
    Drop,
    Jwk,
    KeySet,
    LaneLine,
    Login,
    Offer,
    OutsideCode,
    Partner,
    Payment,
    Record,
    RoomLine,
    SaleFile,
    SaleRules,
    SeatRun,
    Venue,
    all_lanes,
)

__all__ = [
    "FREE",
    "GAP",
    "NOT_OURS",
    "AllotmentLine",
    "Drop",
    "Jwk",
    "KeySet",
    "LaneLine",
    "Layout",
    "Login",
    "Offer",
    "OutsideCode",
    "Partner",
    "Payment",
    "Problem",
    "Record",
    "RoomLine",
    "SaleFile",
    "SaleRules",
    "SeatRun",
    "Venue",
    "all_lanes",
    "from_json",
    "layouts_of",
    "load",
    "reserve",
    "to_json",
]
