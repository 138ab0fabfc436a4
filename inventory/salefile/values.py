"""What a sale file says, as values: the types of the TOML and CSV files and of the JSON body.

Here belong the shapes; what one field may say is in `fields`, what fields must say together in
`rules`. Times are milliseconds UTC (`…_ms`), written in the files as ISO 8601 with an offset
(`starts_at`); money is minor units.
"""

from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from inventory.salefile.fields import (
    Address,
    AllotmentId,
    BeaconUrl,
    ChainHash,
    ClaimText,
    Currency,
    KeyId,
    KeyText,
    LayoutId,
    LayoutRef,
    MomentMs,
    OfferId,
    OutsideText,
    PageAddress,
    PriceMinor,
    Quantity,
    RowName,
    SeatLabel,
    SeatNumber,
    Slug,
    TimeZone,
    Title,
    Units,
)


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
        int, Meta(ge=1, le=16, description="a number of stripes, 1 to 16, fixed once applied")
    ] = 1


class RoomLine(Record, frozen=True, kw_only=True):
    """`[room]`: how fast the waiting room lets people in. The rate may change while it is open.

    So may the brakes, which slow the line down below that rate; 0 turns one off: purchases that
    take longer than usual, and never longer than `latency_max_s`; the share of them that fails;
    how late the books are; how slow the store is. `by_stock`: no more inside than it can serve, not
    counting who has bought nothing for `deciding_s`.
    """

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
    latency_max_s: Annotated[
        float, Meta(ge=0, le=60, description="seconds of a purchase, 0 (off) to 60")
    ] = 0.5
    failing_max_share: Annotated[
        float, Meta(ge=0, le=1, description="a share of purchases that fail, 0 (off) to 1")
    ] = 0.5
    settlement_max_s: Annotated[
        int, Meta(ge=0, le=86_400, description="seconds of the books' lag, 0 (off) to 86400")
    ] = 10
    store_max_s: Annotated[
        float, Meta(ge=0, le=60, description="seconds of a store call, 0 (off) to 60")
    ] = 0.1
    by_stock: bool = True
    deciding_s: Annotated[
        int, Meta(ge=1, le=7_200, description="seconds that people take to choose, 1 to 7200")
    ] = 60
    claim_needs_login: bool = False
    """Whether a turn is claimed with place and login, or by whoever holds the place."""
    work: Literal["auto", "off"] = "auto"
    """Whether a join from a network that many join from costs some computing."""
    grace_s: Annotated[
        int, Meta(ge=1, le=3_600, description="seconds to use a called turn in, 1 to 3600")
    ] = 45
    beacon: BeaconUrl = ""
    """Where the draw's beacon is asked; "" draws without one. The rest is drand's quicknet."""
    beacon_chain: ChainHash = "52db9ba70e0cc0f6eaf7803dd07447a1f5477735fd3f661792ba94600c84e971"
    beacon_genesis_s: Annotated[
        int, Meta(ge=0, le=2**40, description="when its first round was, in seconds since 1970")
    ] = 1_692_803_367
    beacon_period_s: Annotated[
        int, Meta(ge=1, le=3_600, description="seconds between its rounds, 1 to 3600")
    ] = 3
    beacon_delay_s: Annotated[
        int, Meta(ge=1, le=60, description="seconds from the opening to its round, 1 to 60")
    ] = 3
    beacon_wait_s: Annotated[
        int, Meta(ge=1, le=600, description="seconds that its round is waited for, 1 to 600")
    ] = 30


class LaneLine(Record, frozen=True, kw_only=True):
    """`[[lane]]`: who has the value `is` in the login claim `claim` stands in this lane.

    A lane without a claim is everyone's and stands first; without one, everyone's is put first.
    Turns are called in the ratio of the weights, while people wait in the lanes.
    """

    name: Slug
    weight: Annotated[int, Meta(ge=1, le=100, description="a weight, 1 to 100")] = 1
    claim: ClaimText = ""
    is_: ClaimText = msgspec.field(name="is", default="")


LANES_MAX = 8
EVERYONE = LaneLine(name="everyone")


def all_lanes(lanes: list[LaneLine]) -> list[LaneLine]:
    """The lanes of a room by their numbers: everyone's is lane 0."""
    return list(lanes) if lanes and not lanes[0].claim else [EVERYONE, *lanes]


class Drop(Record, frozen=True, kw_only=True):
    """`[[drop]]`: one opening of the sale; they stand in the order of their times."""

    id: Slug
    opens_at_ms: MomentMs


class Jwk(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A public JSON Web Key (RFC 7517); members that verifying does not need are dropped."""

    kty: Literal["OKP", "EC", "RSA"]
    kid: KeyId
    alg: KeyText = ""
    crv: KeyText = ""
    x: KeyText = ""
    y: KeyText = ""
    n: KeyText = ""
    e: KeyText = ""


class KeySet(Record, frozen=True, kw_only=True):
    """A JSON Web Key set with public keys alone; each key has a `kid` of its own."""

    keys: list[Jwk]

    def as_dicts(self) -> list[dict[str, Any]]:
        """The keys as JSON objects, for a library that verifies signatures."""
        return [dict(msgspec.to_builtins(key)) for key in self.keys]


class Login(Record, frozen=True, kw_only=True):
    """`[[login]]`: an issuer of the assertions that say who a shopper is.

    `page` is where a browser is sent to get one; it comes back with the assertion.
    """

    name: Slug
    issuer: Address
    audience: Address
    jwks: KeySet
    page: PageAddress = ""


class Payment(Record, frozen=True, kw_only=True):
    """`[[payment]]`: an adapter whose signed proofs confirm a hold. `test` is for test mode.

    `page` is where a browser is sent to pay; it comes back with the proof.
    """

    name: Slug
    issuer: Address
    jwks: KeySet
    kind: Literal["jwt", "test"] = "jwt"
    page: PageAddress = ""


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
    lanes: list[LaneLine] = []
    seats: list[SeatRun] = []
    codes: list[OutsideCode] = []
    partners: list[Partner] = []
    allotments: list[AllotmentLine] = []
