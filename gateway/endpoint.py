"""What a route is: one value that the router, the checks and the OpenAPI document are made from.

So none of the three can forget a route. What a route does belongs to its handler in `routes`.
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import TYPE_CHECKING, Any

from aiohttp import web

from gateway.complete import Complete
from gateway.gathering import Waiter
from gateway.problems import Code
from gateway.requests import BODY_MAX, BODY_TIMEOUT_S

if TYPE_CHECKING:
    from gateway.call import Call

Handler = Callable[["Call"], Awaitable[web.StreamResponse]]


class Who(Enum):
    """A kind of credential: its scheme in `Authorization`, and what it is."""

    LOGIN = ("Bearer", "a shopper's login assertion, signed by one of the sale's issuers (JWT)")
    PLACE = ("Place", "a place in the line, as `POST …/places` gave it")
    PLACE_AT_DOOR = ("Place", "a place; with its account's login where the sale's file says so")
    PASS = ("Pass", "a pass in its time, as `POST …/passes` gave it (JWT)")
    PASS_AT_TILL = ("Pass", "a pass; one that has expired still finds the order it bought")
    PARTNER = ("Bearer", "a partner's key")
    KIOSK = ("Bearer", "a kiosk's key")
    OPERATOR = ("Bearer", "an operator's key")
    AUDITOR = ("Bearer", "an auditor's key: reads what an operator reads")

    __hash__ = object.__hash__  # Enum's own is a call of Python, and each request asks for it

    def __init__(self, scheme: str, what: str) -> None:
        self.scheme = scheme
        self.what = what


class Keyed(Enum):
    """Whether a write takes an `Idempotency-Key`."""

    NO = "no"
    OPTIONAL = "optional"  # the write is repeatable by its nature; a key sent is checked
    REQUIRED = "required"


class Scope(Enum):
    """How the path names the sale that the call is about."""

    NONE = "none"
    SALE = "sale"  # {sale}: 404 when there is none
    NEW_SALE = "new sale"  # {sale}: it may not exist yet
    ORDER = "order"  # {order}: its id says the sale


@dataclass(frozen=True, slots=True)
class Media:
    """An answer that is not only JSON: its other media types, what it is, and its JSON type."""

    types: tuple[str, ...]
    what: str
    json: Any = None
    headers: Mapping[str, str] = field(default_factory=dict)  # name → what it says


def given(name: str, what: str) -> dict[str, Any]:
    """A header that a call may send, as OpenAPI describes it."""
    schema = {"type": "string"}
    return {"name": name, "in": "header", "required": False, "description": what, "schema": schema}


@dataclass(frozen=True, slots=True)
class Gathered:
    """A handler in two halves, between which its call waits in a batch, without a task.

    `ask` submits the record of a checked call, or says that something it needs is not at hand: the
    call is then handled by the endpoint's `handler`. `tell` makes the outcome, which took so many
    seconds, an answer; `fell` hears of a fault instead.
    """

    ask: Callable[["Call", Waiter[Any]], bool]
    tell: Callable[["Call", Any, float], Complete]
    fell: Callable[["Call"], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """One route.

    `answers` maps each status of success to its type; `refusals` are the codes that the handler's
    own verb may answer with; those of the checks before it follow from the rest.
    """

    method: str
    path: str
    handler: Handler
    gathered: Gathered | None = None
    summary: str
    who: tuple[Who, ...] = ()
    scope: Scope = Scope.NONE
    body: Any = None
    body_shown: Any = None  # what the document shows where `body` is bytes
    body_media: str = "application/json"
    body_max: int = BODY_MAX
    body_timeout_s: float = BODY_TIMEOUT_S
    query: Any = None
    key: Keyed = Keyed.NO
    answers: Mapping[int, Any] = field(default_factory=dict)
    refusals: tuple[Code, ...] = ()
    headers: tuple[dict[str, Any], ...] = ()  # further parameters, as OpenAPI says them
    is_deep: bool = True  # it asks a server behind this process
    is_for_newcomers: bool = False  # a new place, pass or hold: refused first when there is a rush

    @property
    def name(self) -> str:
        """The route's name in metrics and as the OpenAPI operation id: `shopper_hold`.

        An audience may have several modules; their names begin with its own.
        """
        audience = self.handler.__module__.rsplit(".", 1)[-1].split("_", 1)[0]
        return f"{audience}_{self.handler.__name__}"
