"""One call as its handler gets it: everything the checks before it have found, typed and ready.

Here belongs handing out what `middleware` has read; reading and refusing belong to `requests` and
`auth`. A handler never sees a byte or a raw text.
"""

from typing import TYPE_CHECKING, Any, TypeVar

import msgspec
from aiohttp import web

from gateway.auth import AtTill, Caller, Partner, Shopper
from gateway.requests import Head

if TYPE_CHECKING:
    from gateway.services import Services
    from gateway.shelves import Shelf

T = TypeVar("T")


class Call(msgspec.Struct):
    """A checked request. The accessors assert what the endpoint has promised."""

    services: "Services"
    head: Head
    path: dict[str, Any]
    key: str = ""
    found_shelf: "Shelf | None" = None
    found_caller: Caller | None = None
    found_body: Any = None
    found_query: Any = None

    @property
    def request(self) -> web.BaseRequest:
        """The request of a call that goes the ordinary way, as all do whose answer is aiohttp's."""
        assert isinstance(self.head, web.BaseRequest), "this call went straight"
        return self.head

    @property
    def shelf(self) -> "Shelf":
        """The sale that the path names."""
        assert self.found_shelf is not None, "this endpoint names no sale"
        return self.found_shelf

    def caller(self, kind: type[T]) -> T:
        """Who asks, of a kind that the endpoint's `who` allows alone."""
        assert isinstance(self.found_caller, kind), "the endpoint lets in other callers"
        return self.found_caller

    def owner(self) -> Shopper | AtTill | Partner:
        """The caller of a route that asks about orders."""
        assert isinstance(self.found_caller, Shopper | AtTill | Partner), "not for orders"
        return self.found_caller

    def owner_names(self) -> tuple[str, str]:
        """The buyer's key or "", and the seller or "": whose order it must be."""
        match self.owner():
            case Shopper(buyer=buyer) | AtTill(buyer=buyer):
                return buyer, ""
            case Partner(id=partner):
                return "", partner

    def body(self, kind: type[T]) -> T:
        """The body, of the endpoint's `body` type."""
        assert isinstance(self.found_body, kind), "the endpoint has another body"
        return self.found_body

    def query(self, kind: type[T]) -> T:
        """The query, of the endpoint's `query` type."""
        assert isinstance(self.found_query, kind), "the endpoint has another query"
        return self.found_query

    def header(self, name: str) -> str:
        """A header that the endpoint's description names; "" when it was not sent."""
        return self.request.headers.get(name, "")

    def accepts(self, media_type: str) -> bool:
        """Whether the client asked for `media_type` by name in its `Accept`."""
        return media_type in self.head.headers.get("Accept", "")
