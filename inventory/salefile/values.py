"""What a sale file says, as values: the types of the TOML and CSV files and of the JSON body.

Here belong the shapes, each field's bounds and the words that explain them to the person who wrote
the file (`description`). What one field may say belongs here; what fields must say together
belongs to `rules`. Times are milliseconds UTC (`…_ms`), written in the files as ISO 8601 with an
offset (`starts_at`); money is minor units.
"""

from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

EARLIEST_MS = 946_684_800_000
"""2000-01-01: a time before it is a slip of the pen."""
LATEST_MS = 4_102_444_800_000
"""2100-01-01."""
SERIALS_MAX = 2**27 - 1
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
Address = Annotated[
    str,
    Meta(
        pattern=r"^[\x21-\x7e]{1,200}$(?!\n)",
        description="1 to 200 visible ASCII characters without spaces",
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
Quantity = Annotated[
    int,
    Meta(ge=1, le=UNITS_PER_OFFER_MAX, description="a number of units, 1 to 10,000,000"),
]


class Record(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A record of a sale file: immutable, and without room for what it does not know."""


class SaleRules(Record, frozen=True, kw_only=True):
    """`[sale]`: the rules that hold for all units of the sale. Durations in seconds."""

    id: Slug
    title: Title
    currency: Currency
    timezone: TimeZone
    limit_per_buyer: Annotated[
        int, Meta(ge=1, le=100, description="units that one buyer may have, 1 to 100")
    ]
    hold_s: Annotated[
        int, Meta(ge=5, le=86_400, description="seconds that a hold lasts, 5 to 86400")
    ]
    closes_at_ms: MomentMs
    carry_over: bool = True
    stripes: Annotated[
        int, Meta(ge=1, le=64, description="a number of stripes, 1 to 64, fixed once applied")
    ] = 1


class RoomLine(Record, frozen=True, kw_only=True):
    """`[room]`: how fast the waiting room lets people in. The rate may change while it is open."""

    rate_per_s: (
        Annotated[int, Meta(gt=0, le=100_000, description="people a second, above 0 to 100000")]
        | Annotated[float, Meta(gt=0, le=100_000)]
    )
    burst: Annotated[int, Meta(ge=1, le=100_000, description="people at once, 1 to 100000")]
    pass_s: Annotated[
        int, Meta(ge=10, le=7_200, description="seconds that a pass lasts, 10 to 7200")
    ] = 300
    lobby_s: Annotated[
        int,
        Meta(ge=0, le=86_400, description="seconds that the lobby opens before a drop, 0 to 86400"),
    ] = 900
    active_max: Annotated[
        int,
        Meta(ge=0, le=10_000_000, description="people inside at once, 0 (no bound) to 10000000"),
    ] = 0


class Drop(Record, frozen=True, kw_only=True):
    """`[[drop]]`: one opening of the sale; they stand in the order of their times."""

    id: Slug
    opens_at_ms: MomentMs


class KeySet(Record, frozen=True, kw_only=True):
    """A JSON Web Key set with public keys alone (RFC 7517); each key has a `kid` of its own."""

    keys: list[dict[str, Any]]


class Login(Record, frozen=True, kw_only=True):
    """`[[login]]`: an issuer of the assertions that say who a shopper is."""

    name: Slug
    issuer: Address
    audience: Address
    jwks: KeySet


class Payment(Record, frozen=True, kw_only=True):
    """`[[payment]]`: an adapter whose signed proofs confirm a hold. `test` is for test mode."""

    name: Slug
    issuer: Address
    jwks: KeySet
    kind: Literal["jwt", "test"] = "jwt"


class Venue(Record, frozen=True, kw_only=True):
    """A line of venues.csv: where units are used."""

    venue: Slug
    title: Title
    city: Title
    timezone: TimeZone


class Partner(Record, frozen=True, kw_only=True):
    """A line of partners.csv."""

    partner: Slug
    title: Title


class SeatRun(Record, frozen=True, kw_only=True):
    """A line of seats.csv: seats `first` to `last` of a row, side by side with no aisle between."""

    layout: LayoutId
    row: RowName
    first: SeatNumber
    last: SeatNumber


class Offer(Record, frozen=True, kw_only=True):
    """A line of offers.csv: one thing on the shelf.

    `units` is what the offer can hold; for a seated one the seats of its layout. With supply
    `venue` they come later, bought from the venue; with `file` they come with this file.
    """

    offer: OfferId
    title: Title
    venue: Slug
    drop: Slug
    kind: Literal["pooled", "seated"]
    price_minor: PriceMinor
    starts_at_ms: MomentMs
    ends_at_ms: MomentMs
    redeem_from_ms: MomentMs
    redeem_until_ms: MomentMs
    layout: LayoutRef = ""
    units: Units = 0
    together: Literal["split", "refuse"] = "split"
    supply: Literal["file", "venue"] = "file"
    codes: Literal["minted", "outside"] = "minted"


class OutsideCode(Record, frozen=True, kw_only=True):
    """A line of codes.csv: a code that the venue minted, and its seat (empty when pooled)."""

    offer: OfferId
    code: OutsideText
    seat: SeatLabel = ""


class AllotmentLine(Record, frozen=True, kw_only=True):
    """A line of allotments.csv: units of one offer set aside for a partner."""

    allotment: AllotmentId
    partner: Slug
    offer: OfferId
    quantity: Quantity


class SaleFile(Record, frozen=True, kw_only=True):
    """A whole sale, valid by itself. Also the JSON body that creates or updates a sale."""

    sale: SaleRules
    room: RoomLine
    drops: list[Drop]
    logins: list[Login]
    payments: list[Payment]
    venues: list[Venue]
    offers: list[Offer]
    seats: list[SeatRun] = []
    codes: list[OutsideCode] = []
    partners: list[Partner] = []
    allotments: list[AllotmentLine] = []
