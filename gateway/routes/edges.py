"""Routes for other edges: what they verify our passes with."""

from aiohttp import web

from gateway.call import Call
from gateway.endpoint import Endpoint, Media
from gateway.responses import raw

CACHED = "public, max-age=300, stale-while-revalidate=300, stale-if-error=86400"
"""For a day an edge goes on with what it has; it asks at once when a pass names a newer key."""


async def pass_keys(call: Call) -> web.Response:
    """The public keys of passes."""
    return raw(call.services.published_keys.body(), "application/json", cache=CACHED)


ROUTES = (
    Endpoint(
        method="GET",
        path="/.well-known/jwks.json",
        handler=pass_keys,
        summary="The public keys that passes are signed with, the current one first",
        answers={200: Media(("application/json",), "A JSON Web Key Set (RFC 7517).")},
        is_deep=False,
    ),
)
