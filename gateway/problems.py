"""The one error shape: RFC 9457 problem details, each with a stable `code`.

Here belong the closed set of codes, each code's status and title, and the exception by which the
rim (parsing, authentication) refuses a request. Which outcome of a verb gets which code is said in
`outcomes`. A code never changes its meaning or its status once released.
"""

from enum import Enum
from typing import Any

import msgspec

PROBLEM_JSON = "application/problem+json"
TYPE_PREFIX = "urn:dropgate:problem:"


class Code(Enum):
    """Every problem that an answer can carry: its code, status and title."""

    def __init__(self, code: str, status: int, title: str) -> None:
        self.code = code
        self.status = status
        self.title = title

    # What HTTP itself refuses.
    BAD_HTTP = ("bad_http", 400, "This is not a valid HTTP request")
    NOT_FOUND = ("not_found", 404, "There is nothing at this path")
    METHOD_NOT_ALLOWED = ("method_not_allowed", 405, "This path does not take this method")
    SLOW_BODY = ("slow_body", 408, "The request's body did not come in time")
    TOO_LARGE = ("too_large", 413, "The request's body is too large")
    WRONG_MEDIA_TYPE = ("wrong_media_type", 415, "The body is not of a type that is read here")
    EXPECTATION_FAILED = ("expectation_failed", 417, "This expectation cannot be met")
    INVALID = ("invalid", 422, "The request is malformed")

    # Who asks.
    NO_CREDENTIAL = ("no_credential", 401, "Say who you are")
    BAD_CREDENTIAL = ("bad_credential", 401, "This credential is not valid here")
    EXPIRED_CREDENTIAL = ("expired_credential", 401, "This credential has expired")
    LOGIN_REQUIRED = ("login_required", 401, "Say whose place this is")
    OTHER_ACCOUNT = ("other_account", 403, "This place is another account's")
    CROSS_SITE = ("cross_site", 403, "Another site has asked for this")
    WRONG_ROLE = ("wrong_role", 403, "This credential may not do this")
    OUT_OF_SCOPE = ("out_of_scope", 403, "This is outside the credential's scope")

    # What is asked for.
    UNKNOWN_SALE = ("unknown_sale", 404, "There is no such sale")
    UNKNOWN_DRAW = ("unknown_draw", 404, "There is no such draw of the sale")
    UNKNOWN_ORDER = ("unknown_order", 404, "There is no such order of yours")
    UNKNOWN_ALLOTMENT = ("unknown_allotment", 404, "There is no such allotment of yours")
    UNKNOWN_CODE = ("unknown_code", 404, "There is no such code")
    NO_CODE = ("no_code", 404, "This unit has no code to show")
    UNKNOWN_OFFER = ("unknown_offer", 422, "The sale has no such offer")
    UNKNOWN_SEAT = ("unknown_seat", 422, "The offer has no such seat")
    UNKNOWN_UNIT = ("unknown_unit", 422, "The order or allotment has no such unit")
    KEY_REUSED = ("key_reused", 422, "This idempotency key was used for other content")

    # The room.
    ROOM_CLOSED = ("room_closed", 409, "The waiting room is closed")
    WORK_REQUIRED = ("work_required", 403, "Joining from this network needs proof of work")
    TOO_MANY_JOINS = ("too_many_joins", 429, "Too many joins; wait")
    LOBBY_NOT_OPEN = ("lobby_not_open", 409, "The waiting room is not open yet")
    TURN_GONE = ("turn_gone", 410, "This turn is gone")

    # The till.
    NOT_OPEN = ("not_open", 409, "The sale is not open yet")
    PAUSED = ("paused", 409, "The sale is paused")
    DRAINING = ("draining", 409, "The sale takes no new orders")
    CLOSED = ("closed", 409, "The sale is closed")
    PASS_SPENT = ("pass_spent", 409, "This pass has bought its order already")
    PASS_EXPIRED = ("pass_expired", 409, "This pass has expired")
    PASS_OF_ANOTHER_DROP = ("pass_of_another_drop", 409, "This pass is for another drop")
    OFFER_NOT_OPEN = ("offer_not_open", 409, "This offer opens with a later drop")
    OFFER_CLOSED = ("offer_closed", 409, "This offer's time is over")
    LIMIT_REACHED = ("limit_reached", 409, "The buyer's limit is reached")
    SEAT_TAKEN = ("seat_taken", 409, "A seat is taken")
    TOO_FEW = ("too_few", 409, "Fewer are left than were asked for")
    NOT_TOGETHER = ("not_together", 409, "There are not that many seats side by side")
    ALL_HELD = ("all_held", 409, "Everything left is held; some may come back")
    SOLD_OUT = ("sold_out", 409, "Sold out")
    BAD_PAYMENT = ("bad_payment", 422, "This is no valid proof of payment for this order")
    AMOUNT_MISMATCH = ("amount_mismatch", 409, "The payment is not of the order's amount")
    ALREADY_PAID = ("already_paid", 409, "The order was paid by another payment")
    PAID_UNFULFILLED = ("paid_unfulfilled", 409, "Paid too late, units gone; a refund is owed")
    NOT_HELD = ("not_held", 409, "The order is paid; what is paid is refunded, not released")
    NOT_REFUNDABLE = ("not_refundable", 409, "The order has no money to give back")
    TOO_MANY_REFUNDS = ("too_many_refunds", 409, "The order has had as many refunds as it may")

    # The kiosk.
    ALREADY_REDEEMED = ("already_redeemed", 409, "This code has been redeemed")
    VOID = ("void", 409, "This code is void")
    WRONG_VENUE = ("wrong_venue", 409, "This code is for another venue")
    TOO_EARLY = ("too_early", 409, "It is too early for this code")
    TOO_LATE = ("too_late", 409, "It is too late for this code")
    NOT_SOLD = ("not_sold", 409, "The unit of this code is not sold")
    TOO_MANY_AT_ONCE = ("too_many_at_once", 429, "Redeem one code after the other")
    TOO_MANY_ATTEMPTS = ("too_many_attempts", 429, "Too many unknown codes; wait")

    # The desk of the operator and the partner.
    WRONG_STATE = ("wrong_state", 409, "The sale's state does not allow this")
    STALE_REVISION = ("stale_revision", 412, "The sale has changed since it was read")
    REVISION_REQUIRED = ("revision_required", 428, "Say which revision is changed (If-Match)")
    CHANGE_REFUSED = ("change_refused", 409, "A sale that is open cannot be changed like this")
    INVALID_SALE = ("invalid_sale", 422, "The sale is not valid")
    STILL_RECONCILING = ("still_reconciling", 429, "Another statement of yours is being matched")
    INVALID_STATEMENT = ("invalid_statement", 422, "The statement cannot be read")
    TOO_MANY_KEYS = ("too_many_keys", 409, "As many keys are in force as there may be")
    NO_RECORD = ("no_record", 409, "Too little has been recorded yet")
    STOCK_REFUSED = ("stock_refused", 422, "The lot cannot be taken in")

    # Faults: repeat with the same key.
    NOTHING_HAPPENED = ("nothing_happened", 503, "A server behind us is away; nothing happened")
    MAY_HAVE_HAPPENED = ("may_have_happened", 503, "No answer came; repeat with the same key")
    NOT_READY = ("not_ready", 503, "This process is not ready")
    OVERLOADED = ("overloaded", 503, "This process has too much to do")
    INTERNAL = ("internal", 500, "A bug on our side; repeat with the same key")


RETRY_AFTER_S = 1
"""What `Retry-After` says where nothing better is known: the supervisor mends in seconds."""


class FieldError(msgspec.Struct, frozen=True):
    """One wrong field: `where` it stood, its `field` as a path (`lines/0/quantity`), and why."""

    where: str
    field: str
    detail: str


class Problem(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """RFC 9457 problem details. The members after `code` come with the codes that have them."""

    type: str
    title: str
    status: int
    detail: str
    code: str
    errors: list[FieldError] = []
    offer: str | None = None
    seats: list[str] | None = None
    units: list[int] | None = None
    limit: int | None = None
    has: int | None = None
    left: int | None = None
    opens_at_ms: int | None = None
    lobby_opens_ms: int | None = None
    retry_at_ms: int | None = None
    retry_after_s: int | None = None
    reason: str | None = None
    expected_minor: int | None = None
    state: str | None = None
    revision: int | None = None
    at_ms: int | None = None
    venue: str | None = None
    venue_title: str | None = None
    kiosk: str | None = None
    from_ms: int | None = None
    until_ms: int | None = None
    work: dict[str, Any] | None = None


def problem(code: Code, detail: str = "", **facts: Any) -> Problem:
    """The problem of `code`; `facts` are further members of `Problem`."""
    if code.status in (429, 503):
        facts.setdefault("retry_after_s", RETRY_AFTER_S)
    return Problem(
        type=TYPE_PREFIX + code.code,
        title=code.title,
        status=code.status,
        detail=detail or code.title + ".",
        code=code.code,
        **facts,
    )


class Refused(Exception):
    """The rim refuses the request: what was sent cannot be read, or its sender may not."""

    def __init__(self, code: Code, detail: str = "", **facts: Any) -> None:
        super().__init__(code.code)
        self.problem = problem(code, detail, **facts)


def wrong_field(where: str, field: str, detail: str, code: Code = Code.INVALID) -> Refused:
    """The refusal that names one wrong field."""
    return Refused(code, f"{field}: {detail}", errors=[FieldError(where, field, detail)])
