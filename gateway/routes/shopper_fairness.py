"""Routes for shoppers and everybody else: how a drop's order was drawn, to be computed again."""

from aiohttp import web

from gateway.bodies import DrawQuery, ListQuery
from gateway.call import Call
from gateway.endpoint import Endpoint, Media, Scope
from gateway.problems import Code
from gateway.responses import answer, streamed
from queueing import Fairness

LEAVES = "application/octet-stream"
LENGTH = "Dropgate-Registered"


async def fairness(call: Call) -> web.Response:
    """Commitment, list, beacon, seed: all that somebody needs who does not believe us."""
    query, services = call.query(DrawQuery), call.services
    frame = services.frames.of(call.shelf.view.id).frame
    shown = await services.fairness.document(frame, query.drop, query.epoch)
    return answer(shown, cache="public, max-age=1")


async def fairness_list(call: Call) -> web.StreamResponse:
    """The leaves of one lane, in the order of the numbers."""
    query, services = call.query(ListQuery), call.services
    frame = services.frames.of(call.shelf.view.id).frame
    with services.fairness.telling():
        draw = await services.fairness.find(frame, query.drop, query.epoch)
        leaves, registered = services.fairness.leaves(draw, query.lane)
        return await streamed(call.request, leaves, LEAVES, {LENGTH: str(registered)})


ROUTES = (
    Endpoint(
        method="GET",
        path="/v1/sales/{sale}/fairness",
        handler=fairness,
        summary="How the order of a drop is drawn, and all that it takes to draw it again",
        scope=Scope.SALE,
        query=DrawQuery,
        answers={200: Fairness},
        refusals=(Code.UNKNOWN_DRAW,),
        is_for_newcomers=True,
    ),
    Endpoint(
        method="GET",
        path="/v1/sales/{sale}/fairness/list",
        handler=fairness_list,
        summary="The list of those who are drawn in one lane, 16 bytes each",
        scope=Scope.SALE,
        query=ListQuery,
        answers={
            200: Media(
                (LEAVES,),
                "The leaf of each number from 1 on; a leaf that was lost is zeros.",
                headers={LENGTH: "How many leaves there are."},
            )
        },
        refusals=(Code.UNKNOWN_DRAW,),
        is_for_newcomers=True,
    ),
)
