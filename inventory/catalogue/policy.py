"""Which field of a sale may change, and until when.

Once a sale has opened only additions, texts and windows may change; what a buyer was promised, and
what names something for ever, may not. A test holds that no field is forgotten here.
"""

from datetime import UTC, datetime
from enum import Enum
from typing import Any

import msgspec

from inventory.salefile import (
    AllotmentLine,
    Drop,
    LaneLine,
    Login,
    Offer,
    Partner,
    Payment,
    Record,
    RoomLine,
    SaleRules,
    Venue,
)


class Until(Enum):
    """How long a field may change; the value completes "… may not change"."""

    ALWAYS = ""
    OPENING = "once the sale has opened"
    TAKEN = "once the sale has opened or units of the offer were taken"
    APPLIED = "once it is applied"
    COUNTED = "by rules of its own"
    """It has rules of its own in `planning`."""


_TEXTS_AND_KEYS = {
    **dict.fromkeys(("issuer", "jwks", "page"), Until.ALWAYS),
    "name": Until.APPLIED,
}
_AGAINST_ABUSE = ("claim_needs_login", "work")
_BRAKES = (
    "latency_max_s", "failing_max_share", "settlement_max_s", "store_max_s", "by_stock",
    "deciding_s",
)  # fmt: skip
POLICY: dict[type[Record], dict[str, Until]] = {
    SaleRules: {
        "id": Until.APPLIED,
        "title": Until.ALWAYS,
        "currency": Until.APPLIED,
        "timezone": Until.OPENING,
        "limit_per_buyer": Until.COUNTED,
        "hold_s": Until.OPENING,
        "closes_at_ms": Until.ALWAYS,
        "carry_over": Until.OPENING,
        "stripes": Until.APPLIED,
    },
    RoomLine: dict.fromkeys(RoomLine.__struct_fields__, Until.OPENING)
    | dict.fromkeys((*_AGAINST_ABUSE, *_BRAKES), Until.ALWAYS),
    Drop: {"id": Until.APPLIED, "opens_at_ms": Until.COUNTED},
    LaneLine: dict.fromkeys(("weight", "claim", "is_"), Until.ALWAYS) | {"name": Until.COUNTED},
    Login: {**_TEXTS_AND_KEYS, "audience": Until.ALWAYS},
    Payment: {**_TEXTS_AND_KEYS, "kind": Until.OPENING},
    Venue: dict.fromkeys(("title", "city", "timezone"), Until.ALWAYS) | {"venue": Until.APPLIED},
    Partner: {"partner": Until.APPLIED, "title": Until.ALWAYS},
    Offer: {
        "offer": Until.APPLIED,
        "title": Until.ALWAYS,
        "venue": Until.TAKEN,
        "drop": Until.TAKEN,
        "kind": Until.APPLIED,
        "price_minor": Until.TAKEN,
        "starts_at_ms": Until.ALWAYS,
        "ends_at_ms": Until.ALWAYS,
        "redeem_from_ms": Until.ALWAYS,
        "redeem_until_ms": Until.ALWAYS,
        "layout": Until.APPLIED,
        "units": Until.COUNTED,
        "together": Until.OPENING,
        "supply": Until.APPLIED,
        "codes": Until.APPLIED,
    },
    AllotmentLine: dict.fromkeys(AllotmentLine.__struct_fields__, Until.APPLIED),
}


def differences(old: Record, new: Record) -> list[tuple[str, Until, str]]:
    """Each field that differs, how long it may change, and the difference in words."""
    policy = POLICY[type(new)]
    return [
        (name, policy[name], _told(name, getattr(old, name), getattr(new, name)))
        for name in new.__struct_fields__
        if getattr(old, name) != getattr(new, name)
    ]


def _told(name: str, old: Any, new: Any) -> str:
    if isinstance(old, msgspec.Struct):
        return f"other {name}"
    if name.endswith("_ms"):
        old, new = (
            datetime.fromtimestamp(at / 1000, UTC).isoformat(timespec="seconds")
            for at in (old, new)
        )
    return f"{name}: {old} → {new}"
