"""The place in a cookie: set by the join, taken where a call names no other credential.

Another one, of the page without scripts alone, keeps what that page said last; it is no credential.
Here belong their names, their attributes, and the check that a write which only a cookie vouches
for was asked for by a page of our own: browsers send cookies with whatever any site makes them ask.
The `__Host-` prefix keeps it to this host, over TLS; browsers take it on http://localhost too.
"""

from urllib.parse import urlsplit

from aiohttp import web

from gateway.problems import Code, Refused
from queueing import PLACE_AGE_MAX_MS

_NAME = "__Host-dropgate-{sale}"
_BOUND = "Path=/; Secure; HttpOnly; SameSite=Lax"
_SAID = "__Secure-dropgate-said-{sale}"
_SAID_AGE_S = 86_400
_SAID_BOUND = "Path=/sales/{sale}/line; Secure; HttpOnly; SameSite=Lax"
_READING = frozenset({"GET", "HEAD"})
_OURS = "Only a page of this host may do this with its cookie; others send Authorization."


def keeping(sale: str, token: str) -> str:
    """The `Set-Cookie` that gives a browser its place for as long as the token may be of use."""
    return f"{_NAME.format(sale=sale)}={token}; Max-Age={PLACE_AGE_MAX_MS // 1000}; {_BOUND}"


def forgetting(sale: str) -> str:
    """The `Set-Cookie` that takes it away."""
    return f"{_NAME.format(sale=sale)}=; Max-Age=0; {_BOUND}"


def saying(sale: str, text: str) -> str:
    """The `Set-Cookie` that keeps what the page without scripts has said, for that page alone."""
    bound = _SAID_BOUND.format(sale=sale)
    return f"{_SAID.format(sale=sale)}={text}; Max-Age={_SAID_AGE_S}; {bound}"


def said(request: web.BaseRequest, sale: str) -> str:
    """What that page has said to this browser, as the browser tells it; "" for nothing."""
    return request.cookies.get(_SAID.format(sale=sale), "")


def place_of(request: web.BaseRequest, sale: str) -> str | None:
    """The token in the call's cookie, or None. Refuses a write that another site has made."""
    token = kept(request, sale)
    if token and request.method not in _READING and not _is_of_our_page(request):
        raise Refused(Code.CROSS_SITE, _OURS)
    return token


def kept(request: web.BaseRequest, sale: str) -> str | None:
    """The token in the call's cookie, or None, whoever has made the call."""
    return request.cookies.get(_NAME.format(sale=sale)) or None


def _is_of_our_page(request: web.BaseRequest) -> bool:
    """Every browser of today says which site asks; those before it name the page's origin."""
    site = request.headers.get("Sec-Fetch-Site")
    if site is not None:
        return site == "same-origin"
    origin = request.headers.get("Origin")
    try:
        return origin is not None and urlsplit(origin).netloc == request.headers.get("Host")
    except ValueError:  # no URL at all
        return False
