"""Routes for people without scripts: the line, and the two forms of its page.

The place is the one in the cookie. A form carries a proof that only who has the place can make, so
no other site can ask for anything in its name, whatever the browser tells of who asks.
"""

import hmac
from collections.abc import Awaitable, Callable
from dataclasses import replace
from urllib.parse import parse_qs

from aiohttp import web

from gateway import cookies, plain_line
from gateway.auth import PLACE, Credential, InLine
from gateway.call import Call
from gateway.endpoint import Endpoint, Scope, Who
from gateway.plain_line import Where
from gateway.plain_wait import wait_of
from gateway.problems import Code, Refused
from gateway.responses import see_other, written
from gateway.site import POLICY
from lua.faults import Fault, MayHaveHappened
from queueing import Admitted, Place

FORM = "application/x-www-form-urlencoded"
FORM_MAX = 4_096
Act = Callable[[Call, Where, Place], Awaitable[web.Response]]


async def line(call: Call) -> web.Response:
    """Where this browser's place stands, from memory."""
    return _shown(call, _where(call, Who.PLACE))


async def claim(call: Call) -> web.Response:
    """Go in, by a form: the pass, or how things stand now."""
    return await _asked(call, Who.PLACE_AT_DOOR, _claim)


async def leave(call: Call) -> web.Response:
    """Give the place up, by a form."""
    return await _asked(call, Who.PLACE, _leave)


async def _claim(call: Call, where: Where, place: Place) -> web.Response:
    outcome = await call.services.door.claim(where.sale, place)
    if not isinstance(outcome, Admitted):
        return _back(where)  # the page says why, and looks again
    return _shown(call, replace(where, pass_=(outcome.pass_token, outcome.pass_claims)))


async def _leave(call: Call, where: Where, place: Place) -> web.Response:
    await call.services.leavers.leave(call.shelf, place)
    return _back(where, cookies.forgetting(where.sale))


async def _asked(call: Call, who: Who, act: Act) -> web.Response:
    """What a form asks for, or the page that says why not."""
    where = _where(call, who)
    given = parse_qs(call.body(bytes).decode("ascii", "replace")).get("proof", [""])[0]
    if where.place is None:
        return _shown(call, where) if where.problem else _back(where)
    try:
        if not hmac.compare_digest(given.encode(), plain_line.proof(where.token).encode()):
            raise Refused(Code.CROSS_SITE)
        return await act(call, where, where.place)
    except Refused as refused:
        return _shown(call, replace(where, problem=refused.problem.code))
    except MayHaveHappened:
        return _shown(call, replace(where, problem=Code.MAY_HAVE_HAPPENED.code))
    except Fault:
        return _shown(call, replace(where, problem=Code.NOTHING_HAPPENED.code))


def _where(call: Call, who: Who) -> Where:
    """The sale and the place of this browser; a place that proves nothing is none."""
    services, view = call.services, call.shelf.view
    frame = services.frames.of(view.id).frame
    lang = services.languages.known(call.request.query.get("lang", ""))
    where = Where(view.id, view.title, view.timezone, frame, lang=lang)
    token = cookies.kept(call.request, view.id)
    if token is None:
        return where
    try:
        found = services.auth.identify(Credential(PLACE, token), (who,), call.shelf, view.id)
    except Refused as refused:
        return replace(where, problem=refused.problem.code)
    assert isinstance(found, InLine), "a place was asked for"
    where = replace(where, place=found.place, token=token)
    if plain_line.gone_because(found.place, frame) is not None:
        return where
    return replace(where, wait=wait_of(frame, found.place, cookies.said(call.request, view.id)))


def _shown(call: Call, where: Where) -> web.Response:
    services, asked = call.services, call.request.query
    said = services.languages.choose(where.lang, call.header("Accept-Language"))
    still = "still" in asked or where.pass_ is not None
    html = plain_line.page(where, said, assets=f"/assets/{services.site.digest}", still=still)
    refresh_s = None if still else plain_line.refresh_s(where)
    wait = None if where.problem else where.wait  # another site may have asked
    cookie = "" if wait is None else cookies.saying(where.sale, str(wait.said))
    return written(html, said.tag, POLICY.format(styles=""), refresh_s=refresh_s, cookie=cookie)


def _back(where: Where, cookie: str = "") -> web.Response:
    """To the page as it is now."""
    query = plain_line.here(where.lang) if where.lang else ""
    return see_other(f"/sales/{where.sale}/line{query}", cookie)


PATH = "/sales/{sale}/line"
ROUTES = (
    Endpoint(
        method="GET",
        path=PATH,
        handler=line,
        summary="The line without scripts",
        scope=Scope.SALE,
    ),
    *(
        Endpoint(
            method="POST",
            path=f"{PATH}/{handler.__name__}",
            handler=handler,
            summary=f"The form: {handler.__name__}",
            scope=Scope.SALE,
            body=bytes,
            body_media=FORM,
            body_max=FORM_MAX,
            is_for_newcomers=True,
        )
        for handler in (claim, leave)
    ),
)
