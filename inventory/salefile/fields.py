"""What one field of a sale file may say: its type, its bounds and the words that explain them.

Each `description` is what a person reads who wrote something else; the OpenAPI page shows it too.
"""

from typing import Annotated

from msgspec import Meta, ValidationError, convert

EARLIEST_MS = 946_684_800_000
"""2000-01-01: a time before it is a slip of the pen."""
LATEST_MS = 4_102_444_800_000
"""2100-01-01."""
UNITS_PER_OFFER_MAX = 10_000_000

Slug = Annotated[
    str,
    Meta(
        pattern=r"^[a-z0-9][a-z0-9-]{0,31}$(?!\n)",
        description="an id of 1 to 32 characters of a-z, 0-9 and -, not beginning with -",
    ),
]
OfferId = Annotated[
    str,
    Meta(
        pattern=r"^[a-z0-9][a-z0-9._-]{0,63}$(?!\n)",
        description="an id of 1 to 64 characters of a-z, 0-9, . _ and -, beginning with a-z or 0-9",
    ),
]
AllotmentId = Annotated[
    str,
    Meta(
        pattern=r"^[a-z0-9][a-z0-9.-]{0,63}$(?!\n)",
        description="an id of 1 to 64 characters of a-z, 0-9, . and -, beginning with a-z or 0-9",
    ),
]
LayoutId = OfferId
LayoutRef = Annotated[
    str,
    Meta(
        pattern=r"^(?:[a-z0-9][a-z0-9._-]{0,63})?$(?!\n)",
        description="the id of a layout in seats.csv, or empty",
    ),
]
Title = Annotated[
    str,
    Meta(
        pattern=r"^(?! )[^\x00-\x1f\x7f-\x9f\u2028\u2029\ufeff]{1,120}$(?!\n)",
        description="a text of 1 to 120 characters on one line, without control characters",
    ),
]
BeaconUrl = Annotated[
    str,
    Meta(
        pattern=r"^(https?://[!-{}~]{1,190})?$(?!\n)",
        description='"", or an http(s) address of up to 200 characters without spaces or |',
    ),
]
ChainHash = Annotated[
    str, Meta(pattern=r"^[0-9a-f]{64}$(?!\n)", description="64 hexadecimal digits")
]
ClaimText = Annotated[
    str,
    Meta(
        pattern=r"^[\x21-\x7e]{0,64}$(?!\n)",
        description="up to 64 visible ASCII characters without spaces",
    ),
]
Address = Annotated[
    str,
    Meta(
        pattern=r"^[\x21-\x7e]{1,200}$(?!\n)",
        description="1 to 200 visible ASCII characters without spaces",
    ),
]
PageAddress = Annotated[
    str,
    Meta(
        pattern=r"^(?:(?:https://[A-Za-z0-9.-]{1,253}|http://(?:127\.0\.0\.1|localhost))(?::[0-9]{1,5})?"
        r"(?:/[A-Za-z0-9._~%!$&'()*+,;=:@/?-]{0,400})?)?$(?!\n)",
        description="the address of a page: https://…, or http://127.0.0.1… to try it, without #…",
    ),
]
Currency = Annotated[
    str,
    Meta(
        pattern=r"^[A-Z]{3}$(?!\n)", description="a currency's three capital letters, such as CNY"
    ),
]
TimeZone = Annotated[
    str,
    Meta(
        pattern=r"^[A-Za-z][A-Za-z0-9_+/-]{0,63}$(?!\n)",
        description="a time zone's name, such as Asia/Shanghai",
    ),
]
RowName = Annotated[
    str,
    Meta(
        pattern=r"^[A-Z0-9]{0,3}[A-Z]$(?!\n)",
        description="a row's name: 1 to 4 of A-Z and 0-9 ending in a letter, so that F7 reads back",
    ),
]
SeatNumber = Annotated[int, Meta(ge=1, le=999, description="a seat's number, 1 to 999")]
SeatLabel = Annotated[
    str,
    Meta(
        pattern=r"^(?:[A-Z0-9]{0,3}[A-Z][1-9][0-9]{0,2})?$(?!\n)",
        description="a seat such as F7: its row and its number",
    ),
]
OutsideText = Annotated[
    str,
    Meta(
        pattern=r"^[\x21-\x7e](?:[\x20-\x7e]{2,62}[\x21-\x7e])$(?!\n)",
        description="a code of 4 to 64 ASCII characters, beginning and ending with a visible one",
    ),
]
MomentMs = Annotated[
    int,
    Meta(
        ge=EARLIEST_MS,
        le=LATEST_MS,
        description="a time of the years 2000 to 2099 with its offset, such as "
        "2014-03-05T10:00:00+08:00 (in JSON: milliseconds since 1970, UTC)",
    ),
]
PriceMinor = Annotated[
    int,
    Meta(
        ge=0,
        le=1_000_000_000,
        description="a price in minor units (380 for 3.80), 0 to 1,000,000,000",
    ),
]
Units = Annotated[
    int,
    Meta(
        ge=0,
        le=UNITS_PER_OFFER_MAX,
        description="a number of units, 0 to 10,000,000 (0 or empty: what seats.csv or codes.csv "
        "say)",
    ),
]
Quantity = Annotated[int, Meta(ge=1, le=10_000, description="a number of units, 1 to 10,000")]
KeyId = Annotated[
    str,
    Meta(pattern=r"^[\x21-\x7e]{1,100}$(?!\n)", description="1 to 100 visible ASCII characters"),
]
KeyText = Annotated[
    str,
    Meta(pattern=r"^[A-Za-z0-9_-]{0,1500}$(?!\n)", description="a part of a key in base64url"),
]


def matches(kind: object, value: object) -> bool:
    """Whether a single value fits one of these types."""
    try:
        convert(value, kind)
    except ValidationError:
        return False
    return True
