"""Routes for people: how the order of an opening is made, with or without scripts."""

from aiohttp import web

from gateway import fair_page
from gateway.call import Call
from gateway.endpoint import Endpoint, Scope
from gateway.fair_page import Asked
from gateway.problems import Code, Refused, problem
from gateway.responses import written
from gateway.site import POLICY
from lua.faults import Fault

DROP_MAX = 64
EPOCH_MAX = 65_535


async def fairness(call: Call) -> web.Response:
    """What is committed to, fixed and revealed of a draw, in words."""
    services, view, query = call.services, call.shelf.view, call.request.query
    frame = services.frames.of(view.id).frame
    lang = services.languages.known(query.get("lang", ""))
    drop = _number(query.get("drop", ""), DROP_MAX) or max(1, frame.drop)
    epoch = _number(query.get("epoch", ""), EPOCH_MAX)
    status, asked = 200, Asked(view, drop, None, lang=lang)
    try:
        draw = await services.fairness.document(frame, drop, epoch)
        asked = Asked(view, drop, draw, lang=lang)
    except Refused as refused:
        status, asked = refused.problem.status, Asked(view, drop, None, refused.problem.code, lang)
    except Fault:
        nothing = problem(Code.NOTHING_HAPPENED)  # nothing was to happen, whatever was asked
        status, asked = nothing.status, Asked(view, drop, None, nothing.code, lang)
    said = services.languages.choose(lang, call.header("Accept-Language"))
    html = fair_page.page(asked, said, assets=f"/assets/{services.site.digest}")
    policy = POLICY.format(styles="")
    return written(html, said.tag, policy, refresh_s=None, status=status)


def _number(text: str, most: int) -> int | None:
    """A number from 1 on; None for what is none, since people may type it."""
    is_one = text.isascii() and text.isdigit() and len(text) <= len(str(most))
    return int(text) if is_one and 1 <= int(text) <= most else None


ROUTES = (
    Endpoint(
        method="GET",
        path="/sales/{sale}/fairness",
        handler=fairness,
        summary="How the order of an opening is made, for people",
        scope=Scope.SALE,
        is_for_newcomers=True,
    ),
)
